"""What firewalls and middleboxes do to UDP, to single ports, and to TURN on web ports; each with its control."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from rainbow_probe.model import Cause, Flow, Outcome, Phase, Severity, Transport, Who
from tests.judge_samples import (
    APEX,
    FCM,
    PROXY_SITE,
    TURN,
    Fault,
    both,
    but,
    case,
    finding,
    host,
    ids,
    kind,
    outcomes,
    past_the_proxy,
    proxied,
    report,
    row,
    tcp,
    tls,
    udp,
)

NO_UDP = Fault(match=udp, phase=Phase.STUN, detail="no answer in 7.8 s")
NO_RANGE = Fault(match=kind("udp-range"), phase=Phase.TURN_DATA, detail="0 of 16 sampled ports open")
RANGE_UNKNOWN = Fault(match=kind("udp-range"), outcome=Outcome.INCONCLUSIVE, phase=Phase.STUN)


def turn_tcp(flow: Flow) -> bool:
    """Match TURN over TCP and TLS."""
    return flow.kind == "turn" and flow.transport is not Transport.UDP


# UDP


def test_udp_is_blocked_if_the_same_servers_answer_otherwise() -> None:
    """TURN over TLS and TCP is the control."""
    judged = report(NO_UDP, RANGE_UNKNOWN)
    assert ids(judged) == ["udp-blocked"]
    found = judged.findings[0]
    assert (found.who, found.title) == (Who.FIREWALL, "Outbound UDP/3478 is blocked: no answer at all")
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}
    assert {
        "turn/turn-sbg1.openrainbow.health:3478/udp/direct",
        "turn/turn-sbg1.openrainbow.health:443/tls/direct",
    } <= {*found.proof}
    assert found.severity is Severity.BLOCKING  # the WebRTC gateway has no other way without a proxy
    assert row(judged, "desktop/p2p-internet").verdict == "degraded"


def test_where_only_fallbacks_are_used_it_degrades() -> None:
    """For desktop clients alone no row fails."""
    judged = report(NO_UDP, RANGE_UNKNOWN, clients=["desktop"])
    assert (ids(judged), judged.findings[0].severity) == (["udp-blocked"], Severity.DEGRADING)
    assert judged.verdict == "inconclusive"  # the range could not be tried


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (Cause.REFUSED, "rejected, refused"),
        (Cause.PROHIBITED, "rejected, a packet filter rejects it"),
        (Cause.UNREACHABLE, "rejected, there is no way to it"),
    ],
)
def test_a_rejection_is_told_from_a_drop(cause: Cause, told: str) -> None:
    """And what the rejection said."""
    assert told in finding(report(replace(NO_UDP, cause=cause)), "udp-blocked").title


def test_udp_is_not_blamed_where_no_turn_server_answers() -> None:
    """Silent on every transport, it may be an outage: it is told as it was seen."""
    judged = report(NO_UDP, RANGE_UNKNOWN, Fault(match=turn_tcp))
    assert ids(judged) == ["turn-unreachable"]
    assert "allow outbound UDP" in judged.findings[0].rules[0].text


def test_udp_is_not_blocked_where_one_server_answers_over_it() -> None:
    """The other one is closed to this network, or ill, and a fail-over would meet it."""
    one = replace(NO_UDP, match=both(udp, host(TURN[1])))
    judged = report(one)
    assert ids(judged) == ["turn-door-blocked"]
    assert (judged.findings[0].severity, judged.findings[0].who) == (Severity.DEGRADING, Who.FIREWALL)


def test_one_server_of_two_alive_elsewhere_is_control_enough() -> None:
    """The other server may be down; UDP to both is closed all the same."""
    down = Fault(match=both(turn_tcp, host(TURN[1])))
    judged = report(NO_UDP, RANGE_UNKNOWN, down)
    assert "udp-blocked" in ids(judged)
    assert "turn-unreachable" not in ids(judged)


def test_the_proxy_is_a_control_too() -> None:
    """A server that answers through it is alive."""
    judged = report(NO_UDP, site=PROXY_SITE)
    assert ids(judged) == ["udp-blocked"]


def test_udp_takes_the_high_range_with_it() -> None:
    """One cause, one finding."""
    judged = report(NO_UDP, NO_RANGE)
    assert ids(judged) == ["udp-blocked"]
    assert "UDP/3478 and 49152-65535" in judged.findings[0].title
    assert re.findall(r"to port   (.+)", judged.findings[0].rules[0].text) == ["3478", "49152-65535"]


def test_the_high_range_alone() -> None:
    """UDP to TURN works: it is the control."""
    judged = report(NO_RANGE)
    assert ids(judged) == ["udp-range-blocked"]
    found = judged.findings[0]
    assert (found.severity, found.who) == (Severity.DEGRADING, Who.FIREWALL)
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}
    assert row(judged, "desktop/conference").path == "UDP/3478"


def test_the_high_range_in_part() -> None:
    """Some ports answer: it is neither open nor closed."""
    judged = report(replace(NO_RANGE, cause=Cause.PARTLY_OPEN, detail="9 of 16"))
    assert ids(judged) == ["udp-range-partly"]
    assert "9 of 16" in judged.findings[0].detail


def test_source_ports_that_are_closed() -> None:
    """The WebRTC gateway's range is not in the rule; other source ports pass."""
    judged = report(Fault(match=lambda flow: udp(flow) and flow.source is not None, phase=Phase.STUN))
    assert ids(judged) == ["udp-source-blocked"]
    assert "is blocked only from source ports 20000-29999" in judged.findings[0].title
    assert "source ports 20000-29999" in judged.findings[0].rules[0].text
    other = report(Fault(match=lambda flow: udp(flow) and flow.source is None, phase=Phase.STUN))
    found = next(one for one in other.findings if one.id == "udp-source-blocked")
    assert "is blocked only from the source ports that the system gives" in found.title


# Ports

NOTHING_80 = Fault(match=tcp(80))


def test_a_closed_port_of_hosts_that_answer_elsewhere() -> None:
    """TCP/80, beside the same servers' UDP and TLS."""
    judged = report(NOTHING_80)
    assert ids(judged) == ["tcp-80-blocked"]
    found = judged.findings[0]
    assert (found.who, found.severity) == (Who.FIREWALL, Severity.ADVICE)
    assert found.title.startswith("Outbound TCP/80 is blocked (no answer), though the same hosts answer on UDP/3478")
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}
    assert "to port   80" in found.rules[0].text


@pytest.mark.parametrize(
    ("port", "beside", "gone"),
    [(80, "connectivitycheck.gstatic.com", TURN), (80, "connectivitycheck.gstatic.com", TURN[:1]), (443, APEX, TURN)],
)
def test_a_port_that_is_closed_to_turn_servers_only(port: int, beside: str, gone: Sequence[str]) -> None:
    """Other hosts answer on it: the port is open, and the rule that lets it pass does not name these."""
    judged = report(Fault(match=both(tcp(port), kind("turn"))), turn=gone)
    assert ids(judged) == ["turn-door-blocked"]
    found = judged.findings[0]
    assert found.title.startswith(f"TCP/{port} to {', '.join(gone)} is blocked, though answers come from there on UDP")
    assert f"and from {beside}" in found.title
    assert found.title.endswith(f" on TCP/{port}")
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}
    assert {one for one in TURN if one in found.rules[0].text} == {*gone}


def test_all_tcp_to_turn_servers_is_one_rule() -> None:
    """Doors that are shut alike to the same hosts are no two causes."""
    judged = report(Fault(match=both(kind("turn"), but(udp))))
    assert ids(judged) == ["turn-door-blocked"]
    assert judged.findings[0].title.startswith("TCP/443, TCP/80 to ")
    one_refused = Fault(match=both(tcp(80), kind("turn")), cause=Cause.REFUSED)
    judged = report(one_refused, Fault(match=both(kind("turn"), but(udp))))
    assert [one.id for one in judged.findings] == ["turn-door-blocked", "turn-door-blocked-more"]


def test_a_dead_server_beside_one_with_a_closed_port() -> None:
    """The dead one's silence on that port is not the port's, and takes nothing from what is told of it."""
    dead = both(host(TURN[0]), but(kind("dns")))
    refused = Fault(match=both(tcp(80), kind("turn")), cause=Cause.REFUSED)
    range_unknown = replace(RANGE_UNKNOWN, match=both(host(TURN[0]), kind("udp-range")))
    judged = report(range_unknown, Fault(match=both(dead, udp), phase=Phase.STUN), Fault(match=dead), refused)
    assert ids(judged) == ["turn-server-silent", "turn-door-blocked"]
    assert TURN[0] not in finding(judged, "turn-door-blocked").title


def test_a_server_that_refuses_us_is_alive() -> None:
    """TURN that says 403 over UDP and TLS shows that TCP/80 to it is closed by somebody else."""
    refused = Fault(match=kind("turn"), phase=Phase.TURN_ALLOCATE, cause=Cause.FORBIDDEN)
    judged = report(Fault(match=both(tcp(80), kind("turn"))), refused)
    assert sorted(ids(judged)) == ["turn-door-blocked", "turn-forbidden"]


def test_a_closed_443_blocks() -> None:
    """TURN over UDP and TCP/80 shows the hosts alive; web hosts on the same port go with it."""
    judged = report(Fault(match=both(tcp(443), but(kind("push")))))
    assert ids(judged) == ["tcp-443-blocked"]
    assert "though other hosts answer on that port, and these on UDP/3478" in judged.findings[0].title
    assert judged.findings[0].severity is Severity.BLOCKING
    assert "desktop/https" in judged.findings[0].rows


def test_a_port_open_to_one_host_is_not_blocked() -> None:
    """Then it is that host's trouble."""
    judged = report(Fault(match=both(tcp(443), host(APEX))))
    assert ids(judged) == ["seen-connect-timeout-rest"]
    assert "not proven" in judged.findings[0].fix


def test_a_rule_that_lists_hosts() -> None:
    """All others are closed on that port, whosoever they are: one cause, and their ports elsewhere are another."""
    listed = Fault(match=both(tcp(443), but(host(APEX))), cause=Cause.UNREACHABLE)
    judged = report(listed)
    assert ids(judged) == ["tcp-443-partly"]
    found = judged.findings[0]
    assert (found.who, found.severity) == (Who.FIREWALL, Severity.BLOCKING)
    assert found.title.startswith(f"TCP/443 goes out to some hosts only: {APEX} can be reached, ")
    assert all(one in found.detail for one in (*TURN, "push.apple.com"))
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}
    assert ids(report(listed, Fault(match=both(kind("push"), but(tcp(443)))))) == [
        "tcp-443-partly",
        "push-ports-blocked",
    ]


def test_one_host_that_is_down_beside_a_closed_push_service() -> None:
    """Two causes: nothing says that the rule lists hosts."""
    down = both(tcp(443), host(f"web.{APEX}"))
    judged = report(Fault(match=down), Fault(match=kind("push")))
    assert set(ids(judged)) == {"push-ports-blocked", "seen-connect-timeout-resources"}


def test_refused_by_one_domain_may_be_the_servers() -> None:
    """It is told as it was seen."""
    judged = report(Fault(match=both(tcp(80), kind("turn")), cause=Cause.REFUSED), NOTHING_80)
    assert "refused, by the servers or by a firewall that rejects" in finding(judged, "tcp-80-blocked").title


def test_refused_for_unrelated_servers_is_a_firewall() -> None:
    """They do not all refuse one port."""
    judged = report(
        Fault(match=both(tcp(443), but(kind("push"))), cause=Cause.REFUSED), turn=["turn.example.net", TURN[0]]
    )
    assert "rejected by a firewall" in finding(judged, "tcp-443-blocked").title


def test_a_direct_port_beside_the_proxy() -> None:
    """The same hosts answer through it."""
    judged = report(Fault(match=both(past_the_proxy, tcp(443), but(kind("push")))), site=PROXY_SITE)
    assert ids(judged) == ["tcp-443-blocked"]
    assert "through the proxy" in judged.findings[0].title


# Push


def test_push_ports_that_are_closed() -> None:
    """All hosts, all three ports; other TCP gets out."""
    judged = report(Fault(match=both(kind("push"), but(tcp(443)))))
    assert ids(judged) == ["push-ports-blocked"]
    found = judged.findings[0]
    assert found.title == "TCP/5228, 5229, 5230 to the push services is blocked: notifications do not come"
    assert (found.severity, found.who) == (Severity.BLOCKING, Who.FIREWALL)
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}
    assert set(found.rows) >= {"mobile/fcm", "room/fcm"}
    assert "51.83.83.128/27" not in found.rules[0].text  # Google's hosts are in no range of the service


def test_one_push_port_that_is_closed_degrades() -> None:
    """The others on the same hosts are open."""
    judged = report(Fault(match=tcp(5229), cause=Cause.REFUSED))
    assert ids(judged) == ["push-ports-blocked"]
    assert judged.findings[0].severity is Severity.DEGRADING
    assert "TCP/5229 to the push services is rejected" in judged.findings[0].title


def test_one_push_host_that_is_closed_is_that_hosts() -> None:
    """Its fellows answer on the same ports."""
    judged = report(Fault(match=host(FCM)))
    assert ids(judged) == ["seen-connect-timeout-fcm"]
    assert judged.findings[0].severity is Severity.DEGRADING


def test_push_is_not_blamed_where_no_tcp_gets_out() -> None:
    """Without a control it is told as it was seen."""
    judged = report(Fault(match=both(but(udp), but(kind("dns", "udp-range")))))
    assert "push-ports-blocked" not in ids(judged)


# Boxes on the way of TURN

HTTP = Fault(
    match=both(tcp(80), kind("turn")),
    phase=Phase.STUN,
    cause=Cause.HTTP_INSTEAD_OF_STUN,
    facts={"first_text": "HTTP/1.1 400 Bad Request"},
)


@pytest.mark.parametrize("cause", [Cause.HTTP_INSTEAD_OF_STUN, Cause.NOT_STUN])
def test_http_inspection_shows_the_bytes(cause: Cause) -> None:
    """And the same server speaks TURN elsewhere."""
    judged = report(replace(HTTP, cause=cause))
    assert ids(judged) == ["http-inspection-80"]
    found = judged.findings[0]
    assert "HTTP/1.1 400 Bad Request" in found.detail
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}
    assert "border/http-inspection" in found.rows
    assert TURN[0] in found.rules[0].text


def test_http_from_a_server_that_speaks_turn_nowhere_is_told_as_seen() -> None:
    """It may be a web server that somebody took for a TURN server."""
    judged = report(HTTP, NO_UDP, RANGE_UNKNOWN, Fault(match=both(tls, kind("turn")), phase=Phase.STUN))
    assert not [one for one in ids(judged) if one.startswith("http-inspection")]
    assert "seen-stun-http-instead-of-stun-turn" in ids(judged)


@pytest.mark.parametrize(
    ("cause", "identity"),
    [(Cause.TIMEOUT, "tcp-80-silent"), (Cause.CLOSED, "tcp-80-cut"), (Cause.RESET, "tcp-80-cut")],
)
def test_a_connection_that_is_good_for_nothing(cause: Cause, identity: str) -> None:
    """It opens, and STUN gets no answer or is cut, where the same server answers elsewhere."""
    judged = report(replace(HTTP, cause=cause, facts={}))
    assert ids(judged) == [identity]
    assert "typical of HTTP inspection" in judged.findings[0].fix
    assert "UDP/3478" in judged.findings[0].title


def test_behind_the_proxy_it_is_the_proxys() -> None:
    """Squid with bumping says 200 to CONNECT on port 80 and closes at the first STUN byte."""
    judged = report(
        replace(HTTP, match=both(proxied, tcp(80), kind("turn")), cause=Cause.CLOSED, facts={}), site=PROXY_SITE
    )
    assert ids(judged) == ["tcp-80-cut"]
    assert judged.findings[0].who is Who.PROXY
    assert "through the proxy" in judged.findings[0].title


def test_tls_that_swallows_stun() -> None:
    """The same, inside TLS."""
    judged = report(replace(HTTP, match=both(tls, kind("turn")), cause=Cause.TIMEOUT, facts={}))
    assert ids(judged) == ["tls-443-silent"]


# Mute servers


def test_connections_that_nobody_answers_on_any_port() -> None:
    """One box takes them all."""
    judged = report(
        Fault(match=kind("portal"), outcome=Outcome.INCONCLUSIVE, phase=Phase.HTTP),
        NO_UDP,
        RANGE_UNKNOWN,
        Fault(match=tls, phase=Phase.TLS),
        Fault(match=tcp(80), phase=Phase.STUN),
    )
    assert ids(judged)[0] == "server-mute"
    assert {*ids(judged)} <= {"server-mute", "turn-unreachable"}
    assert "TCP/443, TCP/80, TCP/5228" in finding(judged, "server-mute").title


def test_connections_that_nobody_answers_on_one_port() -> None:
    """The other ports are fine."""
    judged = report(Fault(match=tcp(443), phase=Phase.TLS))
    assert ids(judged) == ["server-mute"]
    assert judged.findings[0].title.startswith("TCP/443 can be connected to, but nothing ever answers")


def test_one_mute_server_is_its_own_trouble() -> None:
    """Told as it was seen."""
    judged = report(Fault(match=both(tls, host(APEX)), phase=Phase.TLS))
    assert ids(judged) == ["seen-tls-timeout-rest"]


def test_a_port_that_answers_one_host_is_not_mute() -> None:
    """The rest is told by group of hosts."""
    judged = case(Fault(match=both(tcp(443), but(host(APEX))), phase=Phase.TLS)).judged()
    assert "server-mute" not in ids(judged)
