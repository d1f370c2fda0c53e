"""Several causes at one site: each is found, each once, and none hides in another's words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.followups.names import nobody
from rainbow_probe.followups.turn import web
from rainbow_probe.model import Cause, Outcome, Phase, Report, Result, Severity, Step, Transport, Via, Who
from tests.judge_samples import (
    APEX,
    FCM,
    PROXY_SITE,
    TURN,
    Case,
    Fault,
    Match,
    address_of,
    asked,
    both,
    but,
    case,
    finding,
    guide,
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
from tests.judge_samples import result as made

TURNS = kind("turn")
UDP_DROPPED = Fault(match=udp, phase=Phase.STUN)
NO_80 = Fault(match=both(TURNS, tcp(80)))
NO_STUN_IN_TLS = Fault(match=both(TURNS, tls), phase=Phase.STUN)
HANGS_UP = Fault(match=kind("answers"), phase=Phase.HTTP, cause=Cause.CLOSED)
NAMES_ITSELF = Fault(match=kind("answers"), outcome=Outcome.PASS, facts={"status": 200, "server": "Coturn-4.6.1"})
A_WEB_SERVER = Fault(match=kind("answers"), outcome=Outcome.PASS, facts={"status": 200, "server": "nginx"})
A_PROXY = Fault(match=kind("answers"), outcome=Outcome.PASS, facts={"status": 400, "via": "1.1 squid"})


def asked_for_http(found: Case, fault: Fault) -> Case:
    """Add what HTTP got where STUN got nothing."""
    sofar = Sofar(guide=guide(), site=found.site, results={one.flow.id: one for one in found.results})
    return replace(found, results=(*found.results, *(made(flow, fault) for flow in follow_up(sofar, [web]))))


# All ways of TURN at once


@pytest.mark.parametrize("control", [HANGS_UP, NAMES_ITSELF], ids=["hangs up", "names itself"])
def test_three_ways_closed_are_three_causes(control: Fault) -> None:
    """The servers are up, as their hanging up on HTTP shows, in a TLS in which STUN gets silence."""
    judged = asked_for_http(case(UDP_DROPPED, NO_80, NO_STUN_IN_TLS), control).judged()
    assert {*ids(judged)} == {"udp-blocked", "tls-443-silent", "turn-door-blocked"}
    assert "to HTTP, as TURN servers do" in finding(judged, "udp-blocked").detail


@pytest.mark.parametrize(
    ("control", "stun"),
    [(A_WEB_SERVER, Cause.TIMEOUT), (replace(HANGS_UP, cause=Cause.TIMEOUT), Cause.TIMEOUT), (HANGS_UP, Cause.CLOSED)],
    ids=["a web server", "as silent", "cut alike"],
)
def test_without_a_difference_nothing_is_proven(control: Fault, stun: Cause) -> None:
    """A web server, or one that treats both alike, may be no TURN server at all."""
    judged = asked_for_http(case(UDP_DROPPED, NO_80, replace(NO_STUN_IN_TLS, cause=stun)), control).judged()
    assert "turn-unreachable" in ids(judged)
    assert "udp-blocked" not in ids(judged)


# One door of one server


@pytest.mark.parametrize("lost", [udp, both(TURNS, tcp(80)), both(TURNS, tls)], ids=["udp", "80", "tls"])
def test_one_door_of_one_server(lost: Match) -> None:
    """The server is up, and its like is heard by that door: a packet filter, whosoever it is."""
    phase = Phase.STUN if lost is udp else Phase.CONNECT
    judged = report(Fault(match=both(lost, host(TURN[0])), phase=phase))
    assert ids(judged) == ["turn-door-blocked"]
    found = judged.findings[0]
    assert (found.who, found.severity) == (Who.FIREWALL, Severity.DEGRADING)
    assert TURN[0] in found.rules[0].text
    assert TURN[1] not in found.rules[0].text
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}


def test_a_refused_door_of_a_server_that_is_up_may_be_either_ones() -> None:
    """A firewall that rejects speaks in the server's name: of a connection nobody tells who refused it."""
    judged = report(Fault(match=both(TURNS, tcp(80), host(TURN[0])), cause=Cause.REFUSED))
    assert ids(judged) == ["turn-door-blocked"]
    assert "is refused, there or on the way, though answers come from there on" in judged.findings[0].title
    assert "nothing listens there" in judged.findings[0].fix


def test_a_server_that_answers_through_the_proxy_only_is_up() -> None:
    """If that was tried as a control alone: it answers, so what is silent is a door and not the server."""
    site = replace(PROXY_SITE, no_proxy=TURN)
    dead = both(kind("turn"), host(TURN[0]), but(proxied))
    found = case(Fault(match=dead, phase=Phase.STUN), site=site)
    by_proxy = [
        replace(one.flow, id=f"{one.flow.id}/control", via=Via.PROXY, control_of=one.flow.id)
        for one in found.results
        if dead(one.flow) and one.flow.transport is Transport.TLS
    ]
    assert "turn-server-silent" in ids(found.judged())
    judged = replace(found, results=(*found.results, *map(made, by_proxy))).judged()
    assert "turn-server-silent" not in ids(judged)
    told = finding(judged, "turn-door-blocked")
    assert told.title == (
        f"UDP/3478 to {TURN[0]} is blocked, though answers come from there on TLS/443 (through the proxy), and "
        f"from {TURN[1]} on UDP/3478"
    )


# One port only


def test_all_ports_but_one() -> None:
    """A policy is one cause, and its rule names what is needed."""
    judged = report(Fault(match=both(but(udp), but(kind("dns", "udp-range")), but(tcp(443)))))
    assert ids(judged) == ["only-tcp-443"]
    assert FCM in judged.findings[0].rules[0].text


def test_udp_closed_alike_belongs_to_it() -> None:
    """And what is rejected where TCP is dropped does not: that is another rule."""
    closed = Fault(match=both(but(udp), but(kind("dns", "udp-range")), but(tcp(443))))
    ranges = Fault(match=kind("udp-range"), phase=Phase.TURN_DATA)
    judged = report(UDP_DROPPED, ranges, closed)
    assert ids(judged) == ["only-tcp-443"]
    assert judged.findings[0].title.startswith("Only TCP/443 goes out")
    judged = report(replace(UDP_DROPPED, cause=Cause.PROHIBITED), ranges, closed)
    assert ids(judged) == ["only-tcp-443", "udp-blocked"]


def test_ports_closed_in_different_ways_are_different_causes() -> None:
    """Dropped here and rejected there."""
    push = Fault(match=both(kind("push"), but(tcp(443))), cause=Cause.REFUSED)
    judged = report(push, Fault(match=both(tcp(80), kind("turn", "portal"))))
    assert set(ids(judged)) == {"push-ports-blocked", "tcp-80-blocked"}


def test_a_port_that_is_open_to_some_only_is_no_policy_for_ports() -> None:
    """Then what is closed on others may be a list of hosts as well."""
    judged = report(
        Fault(match=both(kind("turn"), tcp(443))),
        Fault(match=both(but(udp), but(kind("dns", "udp-range")), but(tcp(443)))),
    )
    assert not [one for one in ids(judged) if one.startswith("only-tcp")]


def test_one_closed_port_of_two_is_that_ports() -> None:
    """A desktop knows TCP/443 and TCP/80 only."""
    judged = report(Fault(match=both(tcp(80), kind("turn", "portal"))), clients=("desktop",))
    assert ids(judged) == ["tcp-80-blocked"]


# One connection, whatever was asked in it


@pytest.mark.parametrize(
    ("https", "wss", "told"),
    [
        (Cause.TIMEOUT, Cause.TIMEOUT, ["seen-http-timeout-rest"]),
        (Cause.RESET, Cause.CLOSED, ["seen-http-reset-rest"]),
        (Cause.RESET, Cause.TIMEOUT, ["seen-http-reset-rest", "seen-websocket-timeout-rest"]),
        (Cause.SERVER_ERROR, Cause.SERVER_ERROR, ["seen-http-server-error-rest", "seen-websocket-server-error-rest"]),
    ],
)
def test_what_ends_alike_on_one_port_is_one_cause(https: Cause, wss: Cause, told: list[str]) -> None:
    """HTTPS and WebSocket go to one host and port; a server's own words are its answers to either."""
    judged = report(
        Fault(match=both(kind("https"), host(APEX)), phase=Phase.HTTP, cause=https),
        Fault(match=both(kind("xmpp"), host(APEX)), phase=Phase.WEBSOCKET, cause=wss),
    )
    assert ids(judged) == told
    rows = {one for found in judged.findings for one in found.rows}
    assert {"desktop/https", "desktop/wss"} <= rows


# Silence that a box makes


def test_a_box_that_waits_for_http_fails_the_row_of_inspection() -> None:
    """What the finding proves, the row says too."""
    silent = Fault(match=both(TURNS, tcp(80)), phase=Phase.STUN)
    judged = asked_for_http(case(silent), A_PROXY).judged()
    assert ids(judged) == ["http-inspection-80"]
    assert row(judged, "border/http-inspection").verdict == "fail"
    assert "squid" in row(judged, "border/http-inspection").reason + judged.findings[0].detail


def test_a_box_that_answers_in_another_wrapping_is_in_nobodys_place() -> None:
    """A proxy that decrypts answers in a TLS of its own, also on port 80, where STUN was sent without."""
    found = case(Fault(match=both(TURNS, tcp(80)), phase=Phase.STUN))
    sofar = Sofar(guide=guide(), site=found.site, results={one.flow.id: one for one in found.results})
    in_tls = [replace(flow, params={"speak": "tls+http"}) for flow in follow_up(sofar, [web])]
    judged = replace(found, results=(*found.results, *(made(flow, A_PROXY) for flow in in_tls))).judged()
    assert "http-inspection-80" not in ids(judged)


def test_a_web_server_in_the_place_of_turn_is_no_inspection() -> None:
    """Where the host speaks TURN nowhere, HTTP may be all it speaks."""
    silent = Fault(match=both(TURNS, tcp(80)), phase=Phase.STUN)
    judged = asked_for_http(case(silent, UDP_DROPPED, NO_STUN_IN_TLS), A_WEB_SERVER).judged()
    assert row(judged, "border/http-inspection").verdict == "not-tested"


# Dead addresses


def test_dead_addresses_of_both_families_are_two_causes() -> None:
    """IPv6 that leads nowhere, and one IPv4 address that is dead."""
    judged = report(
        Fault(match=both(udp, host(TURN[0])), outcome=Outcome.PASS, dead=("203.0.113.1:3478",)),
        Fault(match=kind("https"), outcome=Outcome.PASS, dead=("[2001:db8::1]:443",)),
    )
    assert ids(judged) == ["address-dead", "address-dead-ipv6"]
    assert "IPv6" not in judged.findings[0].title
    assert "IPv6 addresses" in judged.findings[1].title
    assert not {*judged.findings[0].proof} & {*judged.findings[1].proof}


# Streams that fall silent


@pytest.mark.parametrize(("again", "told"), [(5, ["connection-goes-silent"]), (1, ["seen-http-timeout-rest"])])
def test_what_is_sent_and_never_acknowledged_did_not_arrive(again: int, told: list[str]) -> None:
    """A server that hangs would have acknowledged it: then what was seen is all that is known."""

    def unheard(one: Result) -> Result:
        if one.flow.target.host != APEX or one.verdict.outcome is not Outcome.FAIL:
            return one
        more = Step(phase=Phase.CONNECT, subject="203.0.113.1:443", at=0.0, took=0.0, facts={"sent_again": again})
        return replace(one, steps=(*one.steps, more))

    silent = (
        Fault(match=both(kind("https"), host(APEX)), phase=Phase.HTTP),
        Fault(match=both(kind("xmpp"), host(APEX)), phase=Phase.WEBSOCKET),
    )
    judged = case(*silent).with_each(unheard).judged()
    assert ids(judged) == told
    assert judged.findings[0].who is (Who.FIREWALL if again > 1 else Who.PROVIDER)


def test_a_link_that_falls_silent_in_use_is_not_cut_for_being_idle() -> None:
    """Nobody is blamed for idleness, and the service stays in question too."""
    judged = report(Fault(match=both(kind("xmpp"), host(APEX)), phase=Phase.XMPP, cause=Cause.WENT_SILENT))
    assert ids(judged) == ["stream-goes-silent"]
    assert "may be the service" in judged.findings[0].fix


# Rules no wider than needed


def _rules(judged: Report, identity: str) -> str:
    return "\n".join(rule.text for rule in finding(judged, identity).rules)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(match=both(proxied, host(TURN[0])), phase=Phase.PROXY, cause=Cause.PROXY_DENIED), "proxy-denies-name"),
        (Fault(match=both(proxied, TURNS), phase=Phase.TLS, cause=Cause.TLS_INTERCEPTED), "tls-intercepted"),
    ],
)
def test_what_is_asked_by_address_is_let_pass_by_its_name(fault: Fault, told: str) -> None:
    """The name stands in CONNECT, or in TLS: a rule for the address too would be wider."""
    judged = report(fault, site=PROXY_SITE)
    addressed = [one for one in judged.results if one.flow.params.get("by") == "address"]
    assert addressed
    assert TURN[0] in _rules(judged, told)
    assert address_of(TURN[0]) not in _rules(judged, told)


def test_names_have_a_rule_that_a_resolver_reads() -> None:
    """A response policy zone lets them pass any filter."""
    judged = report(Fault(match=host(APEX), phase=Phase.RESOLVE, cause=Cause.NXDOMAIN))
    [zone] = [rule for rule in finding(judged, "dns-nxdomain").rules if rule.format == "rpz"]
    assert zone.text.splitlines() == [f"{APEX} CNAME rpz-passthru."]


def test_each_range_of_udp_is_opened_to_whom_it_leads() -> None:
    """As the rule says."""
    fix = finding(report(UDP_DROPPED, Fault(match=kind("udp-range"), phase=Phase.TURN_DATA)), "udp-blocked").fix
    assert fix.startswith("Open outbound UDP/3478 to the TURN servers, and UDP/49152-65535 to the conference servers:")


# Who answers for DNS


def test_an_answer_from_where_nobody_is_comes_from_the_way() -> None:
    """The names are denied by it, not by the resolver of the settings."""
    denied = case(Fault(match=host(APEX), phase=Phase.RESOLVE, cause=Cause.NXDOMAIN))
    sofar = Sofar(guide=guide(), site=denied.site, results={one.flow.id: one for one in denied.results})
    [control] = follow_up(sofar, [nobody])
    assert control.params["at"] == "192.0.2.53"
    silent = made(control, Fault(match=lambda _: True, phase=Phase.RESOLVE, cause=Cause.NO_ANSWER))
    heard = asked(silent, "192.0.2.53:53", rcode="NXDOMAIN")
    told = [ids(replace(denied, results=(*denied.results, one)).judged()) for one in (silent, heard)]
    assert ["dns-intercepted" in one for one in told] == [False, True]


def test_a_name_inside_and_outside() -> None:
    """By which resolver answers first."""

    def both_ways(one: Result) -> Result:
        if one.flow.kind != "dns" or one.flow.target.host != APEX:
            return one
        return knows(knows(one, "10.0.0.1:53", "10.1.2.3"), "10.0.0.2:53", "203.0.113.7")

    judged = case().with_each(both_ways).judged()
    assert "dns-split-horizon" in ids(judged)
    assert "10.0.0.1:53 says 10.1.2.3" in finding(judged, "dns-split-horizon").detail


def knows(one: Result, resolver: str, address: str) -> Result:
    """Add to a look-up the address that *resolver* gave."""
    facts = {"resolver": resolver, "proto": "udp", "answer_type": "A", "rcode": "NOERROR", "addresses": address}
    more = Step(phase=Phase.RESOLVE, subject=f"{resolver} udp A", at=0.0, took=0.1, facts=facts)
    return replace(one, steps=(*one.steps, more))
