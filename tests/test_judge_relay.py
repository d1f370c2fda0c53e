"""What TURN servers say no to, what is told as seen, and what works but wants attention."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.judge.findings import find
from rainbow_probe.judge.findings.advice import mapped_addresses
from rainbow_probe.judge.findings.relay import REFUSALS
from rainbow_probe.judge.scene import Found
from rainbow_probe.model import Cause, Outcome, Phase, Result, Severity, Site, Who
from tests.judge_samples import (
    APEX,
    FCM,
    OPEN_SITE,
    PROXY_SITE,
    TURN,
    Fault,
    both,
    case,
    finding,
    host,
    ids,
    kind,
    outcomes,
    proxied,
    report,
    row,
    tcp,
)

REFUSED = Fault(match=kind("turn"), phase=Phase.TURN_ALLOCATE, cause=Cause.BAD_CREDENTIALS, detail="401 Unauthorized")

# Refusals


def test_wrong_turn_credentials_are_ours() -> None:
    """The servers answered: the network is fine, and no row fails for it."""
    judged = report(REFUSED)
    assert ids(judged) == ["turn-bad-credentials"]
    found = judged.findings[0]
    assert (found.who, found.severity) == (Who.ENDPOINT, Severity.DEGRADING)
    assert "401 Unauthorized" in found.detail
    assert row(judged, "desktop/p2p-internet").verdict == "inconclusive"
    assert judged.verdict == "inconclusive"


@pytest.mark.parametrize("cause", list(REFUSALS))
def test_what_the_server_refuses_is_the_providers(cause: Cause) -> None:
    """One finding a reason."""
    judged = report(replace(REFUSED, cause=cause))
    assert ids(judged) == [f"turn-{cause}"]
    assert judged.findings[0].who is Who.PROVIDER


def test_an_answer_that_does_not_verify() -> None:
    """Altered on the way, or another password: both are said."""
    judged = report(replace(REFUSED, cause=Cause.BAD_INTEGRITY))
    assert ids(judged) == ["turn-bad-integrity"]
    assert "ALG" in judged.findings[0].fix


def test_the_same_words_of_another_protocol_are_not_turns() -> None:
    """A web server that forbids is no TURN server."""
    judged = report(Fault(match=kind("https"), phase=Phase.HTTP, cause=Cause.FORBIDDEN))
    assert not [one for one in ids(judged) if one.startswith("turn-")]


def test_one_server_that_refuses_is_met_at_a_failover() -> None:
    """The other one takes us: nothing fails, and it degrades."""
    judged = report(replace(REFUSED, match=both(kind("turn"), host(TURN[0])), cause=Cause.FORBIDDEN))
    assert judged.findings[0].severity is Severity.DEGRADING
    assert judged.verdict == "pass"


# As seen


def test_what_nothing_explains_is_told_as_seen() -> None:
    """By phase, cause and group of hosts; no cause is guessed."""
    judged = report(
        Fault(match=both(kind("https"), host(f"cdn.{APEX}")), phase=Phase.HTTP, cause=Cause.NOT_HTTP, detail="0x16"),
        Fault(match=both(kind("https"), host(f"web.{APEX}")), phase=Phase.HTTP, cause=Cause.NOT_HTTP, detail="0x17"),
        Fault(match=both(kind("https"), host(f"files-hds.{APEX}")), phase=Phase.HTTP, cause=Cause.NOT_HTTP),
        Fault(match=kind("xmpp"), phase=Phase.XMPP, cause=Cause.CUT_AFTER_IDLE),
    )
    assert sorted(ids(judged)) == [
        "seen-http-not-http-files",
        "seen-http-not-http-resources",
        "seen-xmpp-cut-after-idle-agent",
        "seen-xmpp-cut-after-idle-rest",
    ]
    found = finding(judged, "seen-http-not-http-resources")
    assert found.title == f"web.{APEX}, cdn.{APEX} (TCP/443): what answers is not HTTP"
    assert "0x16" in found.detail
    assert "not proven" in found.fix


@pytest.mark.parametrize(
    ("phase", "cause", "who"),
    [
        (Phase.CONNECT, Cause.TIMEOUT, Who.FIREWALL),
        (Phase.TLS, Cause.TLS_ALERT, Who.TLS_INSPECTION),
        (Phase.HTTP, Cause.SERVER_ERROR, Who.PROVIDER),
        (Phase.XMPP, Cause.STREAM_ERROR, Who.PROVIDER),
    ],
)
def test_somebody_is_asked_first(phase: Phase, cause: Cause, who: Who) -> None:
    """By how far it came."""
    judged = report(Fault(match=both(kind("xmpp"), host(APEX)), phase=phase, cause=cause))
    assert [found.who for found in judged.findings] == [who]


def test_the_proxys_log_is_asked() -> None:
    """Where the proxy itself cut it off."""
    judged = report(
        Fault(match=both(proxied, kind("xmpp"), host(APEX)), phase=Phase.PROXY, cause=Cause.RESET), site=PROXY_SITE
    )
    assert [(found.who, "log" in found.fix) for found in judged.findings] == [(Who.PROXY, True)]


def test_a_failure_that_says_nothing_is_still_told() -> None:
    """A verdict without its failure is a bug elsewhere; the check does not get lost."""
    broken = case().with_each(_without_failure)
    assert ids(broken.judged()) == ["seen-connect-unknown-rest"]


def _without_failure(result: Result) -> Result:
    if result.flow.kind != "xmpp" or result.flow.target.host != APEX:
        return result
    return replace(result, verdict=replace(result.verdict, outcome=Outcome.FAIL, failure=None), steps=())


def test_the_control_alone_is_no_finding() -> None:
    """No row stands on it."""
    odd = Fault(match=kind("portal"), phase=Phase.HTTP, cause=Cause.UNEXPECTED_REPLY)
    assert ids(report(odd)) == []


def test_findings_of_one_id_are_kept_apart() -> None:
    """Should two finders ever agree on a name."""
    scene = case(REFUSED).scene()
    twin = Found(id="twin", title="Twin", who=Who.PROXY, fix="None.")
    assert [one.id for one in find(scene, [lambda _: [twin, twin, twin]])] == ["twin", "twin-more", "twin-more-more"]


# Dead addresses


def test_a_dead_address_of_a_host_that_works() -> None:
    """A fail-over would meet it: one finding for all of them, and no row is hit."""
    dead = Fault(match=host(APEX, FCM), outcome=Outcome.PASS, dead=("203.0.113.9:443",))
    judged = report(dead)
    assert ids(judged) == ["address-dead"]
    found = judged.findings[0]
    assert (found.severity, found.rows) == (Severity.DEGRADING, ())
    assert outcomes(judged, found) == {Outcome.PASS}
    assert f"{APEX} at 203.0.113.9:443" in found.detail
    assert "Worth repair" in judged.summary


def test_ipv6_that_goes_nowhere_is_said() -> None:
    """All dead addresses are of that family."""
    judged = report(Fault(match=host(APEX), outcome=Outcome.PASS, dead=("[2001:db8::1]:443",)))
    assert judged.findings[0].title.endswith(": IPv6 goes nowhere")
    assert "IPv6" in judged.findings[0].fix


def test_dead_addresses_of_a_host_that_fails_are_its_failure() -> None:
    """They have their own finding."""
    assert "address-dead" not in ids(report(Fault(match=host(APEX))))


# Outside addresses


def seen_as(match: Fault, address: str) -> Fault:
    """Let TURN servers see us come from *address*."""
    return replace(match, outcome=Outcome.PASS, facts={"mapped": address})


WEB = Fault(match=both(tcp(80), kind("turn")))


def test_another_address_over_tcp_is_advice() -> None:
    """A box ends the connection, or there are several exits: both are said."""
    judged = report(seen_as(WEB, "198.51.100.99:1"))
    assert ids(judged) == ["mapped-differs"]
    found = judged.findings[0]
    assert found.severity is Severity.ADVICE
    assert f"{TURN[0]} TCP/80: 198.51.100.99" in found.detail
    assert f"{TURN[0]} UDP/3478: 198.51.100.7" in found.detail


def test_another_port_is_no_other_address() -> None:
    """Each connection has a port of its own."""
    assert ids(report(seen_as(WEB, "198.51.100.7:1"))) == []


def test_the_proxys_address_is_its_own() -> None:
    """Through it we come from elsewhere, and that is as it should be."""
    through = seen_as(Fault(match=both(proxied, kind("turn"))), "192.0.2.3:1")
    assert ids(report(through, site=PROXY_SITE)) == []


def test_the_other_family_is_another_address() -> None:
    """IPv6 beside IPv4 is no difference."""
    assert ids(report(seen_as(WEB, "[2001:db8::5]:1"))) == []


def test_another_server_may_see_another_address() -> None:
    """Only views of one server are compared."""
    second = Fault(match=both(kind("turn"), host(TURN[1])))
    assert ids(report(seen_as(second, "198.51.100.99:1"))) == []


@pytest.mark.parametrize(
    ("site", "address", "found"),
    [
        (OPEN_SITE, "10.9.9.9:1", ["mapped-differs"]),
        (OPEN_SITE, "10.0.0.5:1", []),  # this machine's own: the server is in the same network
        (Site(), "198.51.100.7:1", []),
    ],
)
def test_a_private_address_at_a_public_server_is_a_box(site: Site, address: str, found: list[str]) -> None:
    """Somebody inside speaks in our place."""
    assert ids(report(seen_as(Fault(match=kind("turn")), address), site=site)) == found


def test_outside_addresses_are_listed_once() -> None:
    """For the report's head."""
    judged = report(seen_as(WEB, "198.51.100.99:1"))
    assert judged.mapped_addresses == ("198.51.100.7", "198.51.100.99")
    assert mapped_addresses([]) == ()


def test_outside_addresses_of_failures_count_too() -> None:
    """STUN answered, the allocation was refused."""
    assert report(REFUSED).mapped_addresses == ("198.51.100.7",)
