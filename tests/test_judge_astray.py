"""Names that lead where made-up names lead: who makes addresses up, and which look-ups are no pass for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.followups.names import denials, made_up
from rainbow_probe.model import Cause, Endpoint, Flow, Outcome, Phase, Report, Result, Step, Transport, Verdict, Who
from tests.judge_samples import (
    APEX,
    OPEN_SITE,
    Case,
    Fault,
    both,
    but,
    case,
    finding,
    guide,
    host,
    ids,
    kind,
    report,
    row,
)

PAGE = "198.51.100.80"
NEUTRAL = "gstatic.com"
OURS = both(lambda flow: flow.target.host.endswith(APEX), but(kind("ports")))


def led_astray() -> Case:
    """Let all names of the service lead to the page, where nothing of it is served."""
    page = {"addresses": PAGE, "source": "system"}

    def lead(result: Result) -> Result:
        if not OURS(result.flow):
            return result
        steps = tuple(replace(s, facts={**s.facts, **page}) if s.phase is Phase.RESOLVE else s for s in result.steps)
        return replace(result, steps=steps)

    refused = Fault(match=both(OURS, but(kind("dns"))), phase=Phase.CONNECT, cause=Cause.REFUSED)
    return case(refused, turn=()).with_each(lead)


def looked_up(above: str, **led: str) -> Result:
    """Make the control that looked a made-up name below *above* up."""
    target = Endpoint(host=above, port=53)
    flow = Flow(id=f"made-up/{above}", spec="x", kind="made-up", target=target, transport=Transport.UDP, control_of="x")
    steps = tuple(
        Step(phase=Phase.RESOLVE, subject=f"a made-up name, {how}", at=0.0, took=0.1, facts={how: address})
        for how, address in led.items()
    )
    outcome = Outcome.FAIL if led else Outcome.PASS
    return Result(flow=flow, verdict=Verdict(outcome=outcome, reason="as the test says"), steps=steps)


def judged(*controls: Result) -> Report:
    """Judge that site with the *controls*."""
    found = led_astray()
    return replace(found, results=(*found.results, *controls)).judged()


def test_a_resolver_that_makes_addresses_up_is_named() -> None:
    """In unrelated domains it does: one finding, and no look-up passes on its word."""
    everywhere = {"relative": PAGE, "absolute": PAGE}
    told = judged(looked_up(APEX, **everywhere), looked_up(NEUTRAL, **everywhere))
    assert ids(told) == ["dns-rewrites"]
    found = finding(told, "dns-rewrites")
    assert found.who is Who.DNS
    assert PAGE in found.title
    assert row(told, "border/dns").verdict != "pass"
    assert row(told, "domains/mail").verdict == row(told, "pbx-agent/dns").verdict == "fail"


def test_a_domain_that_this_machine_adds_is_told_apart() -> None:
    """With a dot at its end the name does not exist: the resolver is right, the settings are not."""
    told = judged(looked_up(APEX, relative=PAGE), looked_up(NEUTRAL, relative=PAGE))
    assert ids(told) == ["dns-search-domain"]
    assert finding(told, "dns-search-domain").who is Who.ENDPOINT


@pytest.mark.parametrize("below", [{}, {"relative": PAGE, "absolute": PAGE}])
def test_one_domain_alone_is_no_rewriting(below: dict[str, str]) -> None:
    """Somebody may answer for all of the service's names, and know nothing of others'."""
    told = judged(looked_up(APEX, **below), looked_up(NEUTRAL))
    assert not {"dns-rewrites", "dns-search-domain"} & set(ids(told))
    assert row(told, "domains/mail").verdict == ("fail" if below else "pass")


def test_whoever_answers_a_control_serves_nobody() -> None:
    """A portal's TLS is answered, too; what the rows need is not."""
    everywhere = {"relative": PAGE, "absolute": PAGE}
    found = led_astray()
    web = next(one for one in found.results if one.flow.kind == "https")
    passes = Verdict(outcome=Outcome.PASS, reason="TLS is answered")
    control = replace(web, flow=replace(web.flow, id="answers/x", kind="answers", control_of="x"), verdict=passes)
    told = judged(looked_up(APEX, **everywhere), looked_up(NEUTRAL, **everywhere), control)
    assert ids(told) == ["dns-rewrites"]
    assert row(told, "domains/mail").verdict == "fail"


def asked_for(found: Case) -> list[Flow]:
    """Return the controls that the results of *found* make necessary."""
    results = {one.flow.id: one for one in found.results}
    return follow_up(Sofar(guide=guide(), site=OPEN_SITE, results=results), [made_up, denials])


def test_names_are_made_up_where_hosts_that_fail_share_an_address() -> None:
    """In the service's domain and in an unrelated one; hosts that fail each at its own address are no reason."""
    assert {flow.target.host for flow in asked_for(led_astray())} == {APEX, NEUTRAL}
    assert {flow.kind for flow in asked_for(led_astray())} == {"made-up"}
    assert asked_for(case(Fault(match=both(OURS, but(kind("dns"))), cause=Cause.REFUSED))) == []


def test_a_resolver_that_denies_is_asked_why() -> None:
    """Where it says so itself, the filter is named; where it does not, it is told as it was."""
    denied = case(Fault(match=OURS, phase=Phase.RESOLVE, cause=Cause.NXDOMAIN), turn=())
    flows = asked_for(denied)
    assert flows
    assert all(flow.params.get("extended") and flow.kind == "dns" for flow in flows)
    told = {why: ids(replace(denied, results=(*denied.results, *said(flows, why))).judged()) for why in WHY}
    assert told == WHY


WHY = {"Blocked (by policy)": ["dns-filtered"], "Network Error": ["dns-nxdomain"], "": ["dns-nxdomain"]}


def said(flows: list[Flow], why: str) -> list[Result]:
    """Let the resolver say why."""
    facts = {"resolver": "10.0.0.1:53", "extended": why}
    step = Step(phase=Phase.RESOLVE, subject="10.0.0.1:53 udp A", at=0.0, took=0.1, facts=facts)
    return [Result(flow=flow, verdict=Verdict(outcome=Outcome.FAIL, reason="no"), steps=(step,)) for flow in flows]


def test_without_controls_nothing_is_made_up() -> None:
    """Look-ups that pass stay so."""
    assert row(report(Fault(match=host("nobody"))), "border/dns").verdict == "pass"
