"""Names that a filter leads to its own server: one finding for all that fails there, and none without proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rainbow_probe.model import Cause, Phase, Report, Result, Step, Who
from tests.judge_samples import APEX, Case, Fault, asked, both, but, case, finding, host, ids, kind, tls
from tests.test_judge_astray import NEUTRAL, OURS, PAGE, led_astray, looked_up

BLOCK = "block.filter.test"
WEB = f"web.{APEX}"
ALL_DOORS = both(OURS, but(kind("dns")))


def aliased(*names: str, to: str = BLOCK) -> Callable[[Result], Result]:
    """Let a resolver say that *names* are an alias."""

    def answer(result: Result) -> Result:
        if result.flow.kind != "dns" or result.flow.target.host not in names:
            return result
        told = asked(result, "10.0.0.1:53")
        last = told.steps[-1]
        return replace(told, steps=(*told.steps[:-1], replace(last, facts={**last.facts, "aliases": to})))

    return answer


def shown(cause: Cause, issuer: str = "CN=Filter CA") -> Fault:
    """Let the server where web's name leads show a certificate."""
    facts = {"issuer": issuer}
    return Fault(match=both(tls, host(WEB)), phase=Phase.TLS, cause=cause, facts=facts)


@pytest.mark.parametrize("cause", [Cause.TLS_WRONG_NAME, Cause.TLS_UNTRUSTED, Cause.NOT_TLS])
def test_an_alias_of_a_server_that_is_another_one(cause: Cause) -> None:
    """It is the resolver's doing, with the rule that lets the name pass; not the provider's, nor TLS inspection."""
    told = case(shown(cause)).with_each(aliased(WEB)).judged()
    assert ids(told) == ["dns-alias"]
    found = finding(told, "dns-alias")
    assert found.who is Who.DNS
    assert BLOCK in found.title
    assert [rule.text for rule in found.rules if rule.format == "rpz"] == [f"{WEB} CNAME rpz-passthru."]
    assert f"dns/{WEB}" in " ".join(found.proof)


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        # Nothing shows who is there.
        (case(Fault(match=both(tls, host(WEB)), cause=Cause.REFUSED)).with_each(aliased(WEB)), "seen-connect-refused-"),
        # An alias within the domain is the provider's.
        (case(shown(Cause.TLS_WRONG_NAME)).with_each(aliased(WEB, to=f"lb.{APEX}")), "certificate-wrong-name"),
        # All TLS is decrypted here: the alias has nothing to do with it.
        (
            case(Fault(match=tls, phase=Phase.TLS, cause=Cause.TLS_UNTRUSTED, facts={"issuer": "CN=Box"})).with_each(
                aliased(WEB)
            ),
            "tls-",
        ),
    ],
)
def test_an_alias_that_proves_nothing(found: Case, instead: str) -> None:
    """Then what is seen is told without it."""
    told = ids(found.judged())
    assert "dns-alias" not in told
    assert any(one.startswith(instead) for one in told), told


def filtered(cause: Cause, phase: Phase, *, noted: str | None = None) -> Report:
    """Judge a site whose resolver leads the service's names, made-up ones too, to a page, where *cause* is met."""
    found = led_astray()
    fault = Fault(match=ALL_DOORS, phase=phase, cause=cause, facts={"issuer": "CN=Page"})
    doors = {one.flow.id: one for one in case(fault, turn=()).results}

    def lead(one: Result) -> Result:
        bad = doors[one.flow.id] if ALL_DOORS(one.flow) else one
        steps = [
            replace(s, facts={**s.facts, "addresses": PAGE, "source": "system"}) if _look_up(s) else s
            for s in bad.steps
        ]
        if noted is not None and one.flow.kind == "dns" and OURS(one.flow):
            steps.append(Step(phase=Phase.RESOLVE, subject="advice", at=0.0, took=0.0, facts={"outside_ranges": noted}))
        return replace(bad, steps=tuple(steps)) if OURS(one.flow) else one

    led = {"relative": PAGE, "absolute": PAGE}
    whole = found.with_each(lead)
    return replace(whole, results=(*whole.results, looked_up(APEX, **led), looked_up(NEUTRAL))).judged()


def _look_up(step: Step) -> bool:
    return step.phase is Phase.RESOLVE


@pytest.mark.parametrize(
    ("cause", "phase", "said"),
    [
        (Cause.TLS_WRONG_NAME, Phase.TLS, "another server is there"),
        (Cause.TLS_UNTRUSTED, Phase.TLS, "another server is there"),
        (Cause.REFUSED, Phase.CONNECT, "nothing of the service answers there"),
        (Cause.TIMEOUT, Phase.CONNECT, "nothing of the service answers there"),
    ],
)
def test_a_filter_of_one_domain_is_one_finding(cause: Cause, phase: Phase, said: str) -> None:
    """Look-ups and connections alike; that it is a filter is said only where another server shows itself."""
    told = filtered(cause, phase, noted=PAGE)
    assert ids(told) == ["dns-sinkhole"]
    assert finding(told, "dns-sinkhole").title.endswith(said)
    assert ("open the way to it" in finding(told, "dns-sinkhole").fix) is (phase is Phase.CONNECT)


def test_an_address_that_the_guide_lists_is_no_filters() -> None:
    """The provider's wildcard leads made-up names there as well, and a firewall keeps it from us."""
    told = filtered(Cause.TIMEOUT, Phase.CONNECT, noted="")
    assert "dns-sinkhole" not in ids(told)
    assert all(found.who is Who.FIREWALL for found in told.findings)
