"""Names that do not resolve, lead astray, or resolve at some resolvers only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.model import Cause, Outcome, Phase, Result, Severity, Who
from tests.judge_samples import (
    APEX,
    FCM,
    PROXY_SITE,
    Fault,
    address_of,
    asked,
    both,
    case,
    everything,
    finding,
    host,
    ids,
    kind,
    outcomes,
    proxied,
    report,
    row,
    tls,
)

GONE = Fault(match=host(APEX), phase=Phase.RESOLVE, cause=Cause.NXDOMAIN)


def test_a_name_that_does_not_exist_is_one_finding() -> None:
    """Look-up, HTTPS and XMPP fail alike; the other names are the control."""
    judged = report(GONE)
    assert ids(judged) == ["dns-nxdomain"]
    found = judged.findings[0]
    assert (found.severity, found.who) == (Severity.BLOCKING, Who.DNS)
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}
    assert found.title == f"DNS says that {APEX} does not exist"
    assert APEX in found.rules[0].text
    assert {"desktop/https", "desktop/wss", "domains/rest"} <= set(found.rows)


def test_no_name_at_all_is_told() -> None:
    """An internal DNS that knows nothing of the Internet."""
    title = report(replace(GONE, match=everything)).findings[0].title
    assert title.endswith("; it knows no name at all")
    assert " do not exist" in title


def test_names_that_other_checks_resolved_are_known() -> None:
    """Without a look-up check that passes, a push host that resolves is the control."""
    lost = replace(GONE, match=lambda flow: flow.target.host.endswith(APEX))
    found = finding(report(lost), "dns-nxdomain")
    assert "knows no name" not in found.title
    assert any(check.startswith(("push/", "portal/")) for check in found.proof)


def test_each_resolvers_own_answer_is_quoted() -> None:
    """So that an expert can disagree."""
    judged = case(GONE).with_each(lambda one: asked(one, "10.0.0.1:53", rcode="NXDOMAIN")).judged()
    assert "10.0.0.1:53 udp: NXDOMAIN" in finding(judged, "dns-nxdomain").detail


@pytest.mark.parametrize(
    ("cause", "identity"),
    [
        (Cause.NO_ANSWER, "dns-no-answer"),
        (Cause.TIMEOUT, "dns-no-answer"),
        (Cause.UNREACHABLE, "dns-no-answer"),
        (Cause.REFUSED_BY_RESOLVER, "dns-refused"),
    ],
)
def test_other_trouble_of_a_look_up(cause: Cause, identity: str) -> None:
    """Silence and errors are told apart."""
    judged = report(replace(GONE, cause=cause))
    assert ids(judged) == [identity]
    assert APEX in judged.findings[0].title


def test_every_look_up_failing_names_no_name() -> None:
    """The resolver is the trouble then, not the names."""
    judged = report(Fault(match=everything, phase=Phase.RESOLVE, cause=Cause.REFUSED_BY_RESOLVER))
    assert finding(judged, "dns-refused").title == "DNS answers with an error for any name"


def test_behind_a_proxy_a_name_is_told_and_not_failed() -> None:
    """The look-ups are skipped by the checks; gateways and agents still need them."""
    spared = [_spared(one) for one in case(site=PROXY_SITE).results]
    judged = replace(case(site=PROXY_SITE), results=tuple(spared)).judged()
    assert row(judged, "border/dns").verdict == "not-applicable"
    assert row(judged, "domains/rest").verdict == "pass"
    assert row(judged, "webrtc-gateway/dns").verdict == "fail"
    assert "webrtc-gateway/dns" in finding(judged, "dns-nxdomain").rows


def _spared(result: Result) -> Result:
    """Skip a look-up that failed, as the check does behind a proxy."""
    if result.flow.kind != "dns":
        return result
    failed = case(replace(GONE, match=everything), site=PROXY_SITE).results
    steps = next(one.steps for one in failed if one.flow.id == result.flow.id)
    return replace(result, steps=steps, verdict=replace(result.verdict, outcome=Outcome.SKIPPED, reason="not needed"))


def test_a_name_only_the_proxy_cannot_resolve_is_the_proxys() -> None:
    """Not this site's DNS."""
    lost = Fault(match=both(proxied, host(APEX)), phase=Phase.PROXY, cause=Cause.PROXY_RESOLVE_FAILED)
    assert ids(report(lost, site=PROXY_SITE)) == ["proxy-dns"]


# Hijacks

BLOCK_SERVER = "192.0.2.80"


def at_block_server(result: Result) -> Result:
    """Lead the names of *result* to one address."""
    steps = tuple(
        replace(one, facts={**one.facts, "addresses": BLOCK_SERVER}) if one.facts.get("source") == "system" else one
        for one in result.steps
    )
    return replace(result, steps=steps)


LED_ASTRAY = Fault(match=both(tls, host(APEX, FCM)), phase=Phase.TLS, cause=Cause.TLS_WRONG_NAME)


def _led_astray(result: Result) -> Result:
    return at_block_server(result) if result.flow.target.host in {APEX, FCM} else result


def test_unrelated_names_at_one_wrong_server_are_a_hijack() -> None:
    """Its certificate shows that it is none of them."""
    judged = case(LED_ASTRAY).with_each(_led_astray).judged()
    assert ids(judged) == ["dns-hijack"]
    found = judged.findings[0]
    assert BLOCK_SERVER in found.title
    assert (found.who, found.severity) == (Who.DNS, Severity.BLOCKING)


def test_whatever_fails_at_the_wrong_server_belongs_to_it() -> None:
    """Where any certificate would do, its redirect shows that it is not the host asked for."""
    agent = f"agent.{APEX}"
    sent = Fault(match=both(tls, host(agent)), phase=Phase.WEBSOCKET, cause=Cause.CAPTIVE_PORTAL)
    astray = case(sent, replace(LED_ASTRAY, match=both(tls, host(FCM))))
    judged = astray.with_each(lambda o: at_block_server(o) if o.flow.target.host in {agent, FCM} else o).judged()
    assert ids(judged) == ["dns-hijack"]


def test_one_address_that_serves_both_is_none() -> None:
    """A load balancer, or a lab."""
    assert ids(case().with_each(_led_astray).judged()) == []


def test_names_of_one_domain_may_share_an_address() -> None:
    """Their server is wrong all the same, and that is what is told."""
    astray = replace(LED_ASTRAY, match=both(tls, host(APEX, f"web.{APEX}")))
    judged = case(astray).with_each(lambda one: at_block_server(one) if APEX in one.flow.target.host else one).judged()
    assert ids(judged) == ["certificate-wrong-name"]


def test_one_closed_address_is_no_hijack() -> None:
    """Silence does not show who is there."""
    closed = Fault(match=both(tls, host(APEX, FCM)))
    assert "dns-hijack" not in ids(case(closed).with_each(_led_astray).judged())


def test_addresses_from_the_user_are_no_hijack() -> None:
    """--map leads many names to one lab host on purpose."""

    def mapped(result: Result) -> Result:
        moved = _led_astray(result)
        steps = tuple(
            replace(one, facts={**one.facts, "source": "map"}) if "source" in one.facts else one for one in moved.steps
        )
        return replace(moved, steps=steps)

    assert "dns-hijack" not in ids(case(LED_ASTRAY).with_each(mapped).judged())


# Addresses that cannot be right, or that are not in the guide


def noting(**facts: str) -> Fault:
    """Add to the REST host's look-up what the check notes of the answer."""
    return Fault(match=both(kind("dns"), host(APEX)), outcome=Outcome.PASS, facts=facts | {"addresses": "10.9.9.9"})


def test_a_private_address_that_works_is_advice() -> None:
    """Something inside may serve the name on purpose."""
    judged = report(noting(private="10.9.9.9", outside_ranges="10.9.9.9"))
    assert ids(judged) == ["dns-private"]
    assert judged.findings[0].severity is Severity.ADVICE
    assert "10.9.9.9" in judged.findings[0].title


def test_a_private_address_beside_one_that_works_is_no_dead_one_of_the_services() -> None:
    """A fail-over would meet it: that is told as what it is, and no firewall is to open the way there."""
    dead = Fault(match=both(tls, host(APEX)), outcome=Outcome.PASS, dead=("10.9.9.9:443",))
    judged = report(noting(private="10.9.9.9"), dead)
    assert ids(judged) == ["dns-private"]
    assert judged.findings[0].severity is Severity.DEGRADING
    assert ids(report(noting(private="10.9.9.9"), replace(dead, dead=("203.0.113.9:443",))))[0] == "address-dead"


def test_a_private_address_where_nothing_answers_blocks() -> None:
    """The connections that fail there belong to it."""
    judged = report(noting(private="10.9.9.9"), Fault(match=both(tls, host(APEX))))
    assert ids(judged) == ["dns-private"]
    assert judged.findings[0].severity is Severity.BLOCKING


def test_a_wrong_address_is_told() -> None:
    """Where a check itself says that an address cannot be right."""
    wrong = Fault(match=both(kind("dns"), host(APEX)), phase=Phase.RESOLVE, cause=Cause.WRONG_ADDRESS)
    judged = report(replace(wrong, detail="the resolver leads to 0.0.0.0, where nothing can be"))
    assert ids(judged) == ["dns-sinkhole"]
    assert judged.findings[0].who is Who.DNS
    assert "0.0.0.0" in judged.findings[0].detail  # noqa: S104 - an answer, not a socket


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "::"])  # noqa: S104 - answers, not sockets
def test_no_rule_opens_the_way_to_an_address_that_cannot_be(address: str) -> None:
    """Whoever pastes it would open nothing."""
    noted = case(Fault(match=both(tls, host(APEX)))).with_each(
        lambda one: replace(
            one,
            steps=tuple(
                replace(s, facts={**s.facts, "addresses": address}) if s.subject == APEX else s for s in one.steps
            ),
        )
    )
    assert f"now {address}" not in "".join(rule.text for found in noted.judged().findings for rule in found.rules)


def test_addresses_outside_the_ranges_are_advice_with_a_date() -> None:
    """A newer edition may list them: one finding, never an alarm."""
    judged = report(noting(outside_ranges=address_of(APEX)))
    assert ids(judged) == ["addresses-moved"]
    found = judged.findings[0]
    assert (found.severity, found.rows) == (Severity.ADVICE, ())
    assert "edition 21 (2021-11-03)" in found.title
    assert "51.83.83.128/27" in found.detail
