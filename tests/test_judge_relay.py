"""What TURN servers say no to, what is told as seen, and what works but wants attention."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.judge.findings import find
from rainbow_probe.judge.findings.outside import mapped_addresses
from rainbow_probe.judge.findings.relay import REFUSALS
from rainbow_probe.judge.scene import Found
from rainbow_probe.model import Cause, Failure, Outcome, Phase, Report, Result, Severity, Site, Step, Who
from tests.judge_samples import (
    APEX,
    FCM,
    OPEN_SITE,
    PROXY_SITE,
    TURN,
    Fault,
    Match,
    both,
    but,
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
    tls,
    udp,
)

REFUSED = Fault(match=kind("turn"), phase=Phase.TURN_ALLOCATE, cause=Cause.BAD_CREDENTIALS, detail="401 Unauthorized")

# Sent on to another server


@pytest.mark.parametrize(
    ("match", "phase", "cause", "who"),
    [
        (udp, Phase.STUN, Cause.TIMEOUT, Who.FIREWALL),
        (both(kind("turn"), tcp(80), but(proxied)), Phase.CONNECT, Cause.REFUSED, Who.FIREWALL),
        (both(kind("turn"), tcp(80), proxied), Phase.PROXY, Cause.PROXY_DENIED, Who.PROXY),
    ],
)
def test_a_server_that_sends_its_clients_where_none_is_reached(
    match: Match, phase: Phase, cause: Cause, who: Who
) -> None:
    """The way to the first is open, so neither that one nor its port is blocked: one finding, of the other place."""
    place = "203.0.113.9:3478"
    sent = Step(phase=Phase.TURN_ALLOCATE, subject="first", at=0.0, took=0.1, facts={"code": 300, "alternate": place})

    def sent_on(one: Result) -> Result:
        if not match(one.flow) or not one.steps:
            return one
        return replace(one, steps=(*one.steps[:-1], sent, replace(one.steps[-1], subject=place)))

    judged = case(Fault(match=match, phase=phase, cause=cause), site=PROXY_SITE).with_each(sent_on).judged()
    assert ids(judged) == ["turn-alternate-unreached"]
    found = judged.findings[0]
    assert found.who is who
    assert place in found.title
    assert place in found.fix


# Data that does not pass

NO_DATA = Fault(match=udp, phase=Phase.TURN_DATA, cause=Cause.NO_DATA_BACK)


@pytest.mark.parametrize(
    ("match", "identity", "who", "said"),
    [
        (udp, "turn-data-stopped", Who.FIREWALL, "exempt"),
        (kind("turn", "call"), "turn-no-data-back", Who.PROVIDER, "Ask the provider"),
        (both(kind("turn", "call"), host(TURN[0])), "turn-no-data-back", Who.PROVIDER, "Ask the provider"),
    ],
    ids=["by one door", "not even inside TLS", "one server of two"],
)
def test_whose_doing_it_is_that_no_data_comes_back(match: Match, identity: str, who: Who, said: str) -> None:
    """A server that relays by another door can; inside TLS, or beside another server, the way has no part in it."""
    found = report(replace(NO_DATA, match=match)).findings[0]
    assert (found.id, found.who) == (identity, who)
    assert said in found.fix
    assert "not proven" not in found.fix


def test_where_nothing_tells_whose_doing_it_is() -> None:
    """Data that passes nowhere, and no TLS in which nobody could have known it."""
    closed = Fault(match=both(kind("turn"), tcp(443)), phase=Phase.CONNECT, cause=Cause.TIMEOUT)
    found = finding(report(closed, replace(NO_DATA, match=kind("turn", "call"))), "turn-no-data-back")
    assert "not proven" in found.fix


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
        Fault(match=kind("xmpp"), phase=Phase.XMPP, cause=Cause.NOT_XMPP),
    )
    assert sorted(ids(judged)) == [
        "seen-http-not-http-files",
        "seen-http-not-http-resources",
        "seen-xmpp-not-xmpp-agent",
        "seen-xmpp-not-xmpp-rest",
    ]
    found = finding(judged, "seen-http-not-http-resources")
    assert found.title == f"web.{APEX}, cdn.{APEX} (TCP/443): what answers is not HTTP"
    assert "0x16" in found.detail
    assert "not proven" in found.fix


@pytest.mark.parametrize(
    ("phase", "cause", "who"),
    [
        (Phase.CONNECT, Cause.TIMEOUT, Who.FIREWALL),
        (Phase.TLS, Cause.TLS_ALERT, Who.FIREWALL),
        (Phase.TLS, Cause.RESET, Who.FIREWALL),
        (Phase.HTTP, Cause.SERVER_ERROR, Who.PROVIDER),
        (Phase.XMPP, Cause.STREAM_ERROR, Who.PROVIDER),
    ],
)
def test_somebody_is_asked_first(phase: Phase, cause: Cause, who: Who) -> None:
    """By how far it came."""
    judged = report(Fault(match=both(kind("xmpp"), host(APEX)), phase=phase, cause=cause))
    assert [found.who for found in judged.findings] == [who]


@pytest.mark.parametrize(
    ("cause", "identity", "words"),
    [
        (Cause.RESET, "seen-tls-reset-tcp-443", "TCP/443 is cut at the first byte (reset in the TLS handshake) at all"),
        (Cause.NOT_TLS, "seen-tls-not-tls-tcp-443", "TCP/443 fails: what answers is not TLS at all"),
    ],
)
def test_tls_that_fails_alike_at_all_hosts_is_one_finding(cause: Cause, identity: str, words: str) -> None:
    """Not one for each group of hosts, and nothing that TLS inspection did."""
    judged = report(Fault(match=tcp(443), phase=Phase.TLS, cause=cause))
    assert ids(judged) == [identity]
    assert judged.findings[0].title.startswith(words)
    assert judged.findings[0].who is Who.FIREWALL


def test_tls_that_fails_at_some_hosts_is_told_by_group() -> None:
    """The port itself is fine."""
    judged = report(Fault(match=both(tcp(443), kind("https")), phase=Phase.TLS, cause=Cause.RESET))
    assert not [one for one in ids(judged) if one.endswith("tcp-443")]


def test_tls_cut_through_the_proxy_is_asked_of_the_proxy() -> None:
    """The way past it is another."""
    cut = Fault(
        match=both(proxied, tcp(443), but(kind("proxy", "proxy-capacity"))), phase=Phase.TLS, cause=Cause.TLS_ALERT
    )
    judged = report(cut, site=PROXY_SITE)
    assert ids(judged) == ["seen-tls-tls-alert-tcp-443-proxy"]
    assert judged.findings[0].who is Who.PROXY


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
    assert found.title == "2 addresses of hosts that work do not answer"
    assert "Worth repair" in judged.summary


def test_ipv6_that_goes_nowhere_is_said() -> None:
    """All dead addresses are of that family."""
    judged = report(Fault(match=host(APEX), outcome=Outcome.PASS, dead=("[2001:db8::1]:443",)))
    assert judged.findings[0].title.endswith(": IPv6 goes nowhere")
    assert "IPv6" in judged.findings[0].fix


def test_one_live_ipv6_address_shows_that_ipv6_goes_somewhere() -> None:
    """Then only the dead ones are named."""

    def alive(one: Result) -> Result:
        works = replace(one.verdict, alive=("[2001:db8::2]:443",))
        return replace(one, verdict=works) if one.flow.target.host == FCM else one

    dead = Fault(match=host(APEX), outcome=Outcome.PASS, dead=("[2001:db8::1]:443",))
    found = case(dead).with_each(alive).judged().findings[0]
    assert found.title == "1 IPv6 address of hosts that work does not answer"
    assert "none at all" not in found.fix


BAD = "203.0.113.9:443"


def failing_there(phase: Phase, cause: Cause, subject: str = f"{APEX}:443", address: str = BAD) -> Report:
    """Let one address of a host fail in *phase*, while the host works by another."""
    lost = Failure(phase=phase, cause=cause, detail="as the test says")
    step = Step(phase=phase, subject=subject, at=0.0, took=0.1, failure=lost, facts={"address": address})
    works = case(Fault(match=both(kind("https"), host(APEX)), outcome=Outcome.PASS, dead=(BAD,)))
    return works.with_each(lambda o: replace(o, steps=(*o.steps, step)) if o.verdict.dead else o).judged()


@pytest.mark.parametrize(
    ("phase", "cause", "subject", "address", "words"),
    [
        (Phase.TLS, Cause.TLS_EXPIRED, f"{APEX}:443", BAD, "the certificate has expired"),
        (Phase.TLS, Cause.TIMEOUT, f"{APEX}:443", BAD, "it connects, but TLS gets no answer"),
        (Phase.HTTP, Cause.SERVER_ERROR, "/api", BAD, "the server reports an error of its own"),
    ],
)
def test_an_address_that_answers_wrongly_is_not_dead(
    phase: Phase, cause: Cause, subject: str, address: str, words: str
) -> None:
    """It is the provider's, and what is wrong is said."""
    judged = failing_there(phase, cause, subject, address)
    assert ids(judged) == ["address-wrong"]
    found = judged.findings[0]
    assert (found.who, found.severity) == (Who.PROVIDER, Severity.DEGRADING)
    assert found.title == f"1 address of hosts that work is not in order: {words}"
    assert BAD in found.detail


def test_an_address_that_takes_no_connection_is_dead() -> None:
    """The firewall may be the reason."""
    assert ids(failing_there(Phase.CONNECT, Cause.REFUSED, BAD)) == ["address-dead"]


def test_dead_addresses_behind_a_proxy_are_the_proxys() -> None:
    """Not those of the hosts that are reached through it: one finding for all of them."""
    dead = Fault(match=proxied, outcome=Outcome.PASS, dead=("10.0.0.4:3128",))
    judged = report(dead, site=PROXY_SITE)
    named_by_address = [one.flow.id for one in judged.results if one.flow.params.get("by") == "address"]
    found = finding(judged, "proxy-address-dead")
    assert (found.who, found.severity) == (Who.PROXY, Severity.DEGRADING)
    assert found.title == "1 address of the proxy 10.0.0.3:3128 does not work"
    assert not set(named_by_address) & set(found.proof)


# TURN by address


def test_a_turn_server_given_by_address_is_asked_for_by_name() -> None:
    """Its certificate cannot be judged, and nobody is blamed for it."""
    unclear = Fault(
        match=both(tls, kind("turn")), phase=Phase.TLS, cause=Cause.TLS_WRONG_NAME, outcome=Outcome.INCONCLUSIVE
    )
    judged = report(unclear, turn=["203.0.113.50"])
    assert ids(judged) == ["turn-by-address"]
    assert judged.findings[0].who is Who.ENDPOINT
    assert "name" in judged.findings[0].fix


def test_dead_addresses_of_a_host_that_fails_are_its_failure() -> None:
    """They have their own finding."""
    assert "address-dead" not in ids(report(Fault(match=host(APEX))))


# Outside addresses


def seen_as(match: Fault, address: str) -> Fault:
    """Let TURN servers see us come from *address*."""
    return replace(match, outcome=Outcome.PASS, facts={"mapped": address})


WEB = Fault(match=both(tcp(80), kind("turn")))


SECURE = Fault(match=both(tcp(443), kind("turn")))


def test_another_address_on_one_port_is_advice() -> None:
    """A box ends the connection, or the port has an exit of its own: what is proven is which port, and by which."""
    judged = report(seen_as(WEB, "198.51.100.99:1"))
    assert ids(judged) == ["tcp-80-other-exit"]
    found = judged.findings[0]
    assert found.severity is Severity.ADVICE
    assert "198.51.100.99, not 198.51.100.7" in found.title
    assert f"{TURN[0]} TCP/80: 198.51.100.99" in found.detail
    assert f"{TURN[0]} UDP/3478: 198.51.100.7" in found.detail
    assert {f"turn/{name}:80/tcp/direct" for name in TURN} < set(found.proof)


def test_the_odd_port_is_the_one_that_udp_does_not_share() -> None:
    """Of two that differ, either might be it."""
    assert ids(report(seen_as(SECURE, "198.51.100.99:1"))) == ["tcp-443-other-exit"]


def test_udp_by_another_way_than_all_tcp_is_several_exits() -> None:
    """No port is the odd one."""
    judged = report(seen_as(Fault(match=both(udp, kind("turn"))), "198.51.100.99:1"))
    assert ids(judged) == ["mapped-differs"]
    assert "UDP leaves by another one than TCP" in judged.findings[0].title


def test_without_udp_neither_port_is_the_odd_one() -> None:
    """That they differ is all that is known."""
    judged = report(seen_as(WEB, "198.51.100.99:1"), Fault(match=both(udp, kind("turn")), phase=Phase.STUN))
    assert "mapped-differs" in ids(judged)
    assert not any(name.endswith("-other-exit") for name in ids(judged))


def test_a_port_that_differs_at_one_server_only_is_no_rule_for_the_port() -> None:
    """A NAT with a pool of addresses gives any of them to any connection."""
    once = Fault(match=both(tcp(80), kind("turn"), host(TURN[0])))
    judged = report(seen_as(once, "198.51.100.99:1"))
    assert ids(judged) == ["mapped-differs"]
    assert judged.findings[0].title == "The TURN servers see this machine come from different addresses"


def test_a_port_with_two_addresses_of_its_own_is_a_pool() -> None:
    """Each server sees another one."""
    faults = [
        seen_as(Fault(match=both(tcp(80), kind("turn"), host(name))), f"198.51.100.9{number}:1")
        for number, name in enumerate(TURN)
    ]
    assert ids(report(*faults)) == ["mapped-differs"]


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
