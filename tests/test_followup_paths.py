"""From a suspicion on the way to its control, and from the control to the cause: names, sizes, strangers, boxes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from rainbow_probe.checks.https import ABOUT, PING
from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.model import Cause, Flow, Outcome, Phase, Report, Result, Scalar, Step, Transport, Who
from tests.judge_samples import (
    APEX,
    FCM,
    OPEN_SITE,
    TURN,
    Case,
    Fault,
    address_of,
    both,
    case,
    finding,
    guide,
    host,
    ids,
    kind,
    result,
    tcp,
    tls,
    udp,
)

CONTROL = "connectivitycheck.gstatic.com"
FINE = Fault(match=lambda _: True, outcome=Outcome.PASS)
SILENT = Fault(match=lambda _: True, phase=Phase.TLS)


def asked(found: Case) -> list[Flow]:
    """Return the controls that *found* makes necessary; what its NAT is like is no suspicion."""
    flows = follow_up(Sofar(guide=guide(), site=OPEN_SITE, results={one.flow.id: one for one in found.results}))
    return [flow for flow in flows if flow.kind != "nat"]


def judged(found: Case, answers: Callable[[Flow], Fault | None]) -> Report:
    """Judge *found* with its controls, which end as *answers* says; None: not reached."""
    controls = [_ended(flow, fault) for flow in asked(found) if (fault := answers(flow))]
    return replace(found, results=(*found.results, *controls)).judged()


def _ended(flow: Flow, fault: Fault) -> Result:
    """End a control; its steps are those of a check of its transport."""
    ended = result(replace(flow, kind="https" if flow.transport is Transport.TLS else "portal"), fault)
    return replace(ended, flow=flow)


def ending(*endings: str) -> Callable[[Flow], Fault | None]:
    """Let the controls whose id ends so pass, and the others be as silent as what they are controls of."""
    return lambda flow: FINE if flow.id.endswith(endings) else SILENT


NAMED = Fault(match=both(tls, host(APEX)), phase=Phase.TLS, cause=Cause.RESET)


def test_a_cut_in_tls_is_tried_without_the_name() -> None:
    """Once a target, and the neutral host once a port."""
    flows = asked(case(NAMED))
    assert {flow.params.get("sni") for flow in flows} == {"", CONTROL, None}
    assert [flow.target.host for flow in flows].count(CONTROL) == 1
    assert len(flows) == 3


def test_where_all_fails_only_some_is_followed_up() -> None:
    """More would be a burden, and tell no more."""
    assert len(asked(case(Fault(match=tls, phase=Phase.TLS)))) < 25


@pytest.mark.parametrize("passes", ["/no-name", "/other-name"])
def test_a_filter_that_reads_the_name(passes: str) -> None:
    """The same address completes TLS without it."""
    report = judged(case(NAMED), ending(passes))
    assert ids(report) == ["name-filtered"]
    found = report.findings[0]
    assert found.who is Who.FIREWALL
    assert found.title.startswith(f"TLS that names {APEX} is stopped (the connection is cut)")
    assert "provider's own front door" in found.fix, "one provider's names may be its own doing"
    assert {one for one in found.proof if one.endswith(passes)}


def test_a_filter_of_unrelated_names_is_nobodys_front_door() -> None:
    """Two providers do not have one."""
    cut = Fault(match=both(tls, host(APEX, FCM)), phase=Phase.TLS, cause=Cause.RESET)
    assert "front door" not in finding(judged(case(cut), ending("-name")), "name-filtered").fix


def test_what_is_silent_without_the_name_too() -> None:
    """It is told as it was seen."""
    report = judged(case(replace(NAMED, cause=Cause.TIMEOUT)), ending())
    assert "name-filtered" not in ids(report)
    assert "mtu-black-hole" not in ids(report)


SEGMENT: Mapping[str, Scalar] = {"segment": 536}


def small(flow: Flow) -> Fault | None:
    """Let pass what goes in small segments."""
    return replace(FINE, facts=SEGMENT) if flow.id.endswith("/small") else SILENT


def test_large_packets_that_vanish() -> None:
    """What was silent answers in small packets: one finding for all of it."""
    report = judged(case(Fault(match=both(tls, kind("https", "xmpp")), phase=Phase.TLS)), small)
    assert ids(report) == ["mtu-black-hole"]
    assert APEX in report.findings[0].detail
    assert "mobile/https" in report.findings[0].rows


def test_a_segment_size_that_the_system_does_not_take_proves_nothing() -> None:
    """Then the control went as large as everything else."""
    report = judged(case(replace(NAMED, cause=Cause.TIMEOUT)), ending("/small"))
    assert "mtu-black-hole" not in ids(report)


REST = (
    Fault(match=both(kind("https"), host(APEX)), phase=Phase.HTTP),
    Fault(match=both(kind("xmpp"), host(APEX)), phase=Phase.WEBSOCKET),
)


@pytest.mark.parametrize(
    ("before", "segment", "told"),
    [(1, 536, "stream-goes-silent"), (0, 536, "seen-http-timeout-rest"), (1, 0, "seen-http-timeout-rest")],
)
@pytest.mark.parametrize("unheard", [False, True])
def test_bytes_that_end_in_small_segments_as_well(before: int, segment: int, told: str, *, unheard: bool) -> None:
    """What is not answered that was so before on its stream is no matter of size; all of that place is one cause."""
    found = case(*REST)
    lost = Step(phase=Phase.CONNECT, subject="203.0.113.1:443", at=0.0, took=0.0, facts={"sent_again": 5})
    if unheard:
        found = found.with_each(lambda r: replace(r, steps=(*r.steps, lost)) if "xmpp/" + APEX in r.flow.id else r)
    controls = [_ended(flow, replace(REST[0], facts={"segment": segment} if segment else {})) for flow in asked(found)]
    answered = [replace(one, steps=(*[replace(one.steps[-1], failure=None)] * before, *one.steps)) for one in controls]
    judged = ids(replace(found, results=(*found.results, *answered)).judged())
    assert judged[-1] == told if unheard else judged == [told]
    assert "mtu-black-hole" not in judged
    assert told == "stream-goes-silent" or ("connection-goes-silent" in judged) is unheard


def test_the_control_asks_for_all_that_the_check_does() -> None:
    """Less might pass for another reason than its size."""
    paths = [flow.params.get("paths") for flow in asked(case(REST[0])) if flow.id.endswith("/small")]
    assert paths == [f"{PING} {ABOUT}"]


@pytest.mark.parametrize(
    ("outcome", "told"),
    [(Outcome.FAIL, False), (Outcome.PASS, True), (Outcome.SKIPPED, True)],
    ids=["silent as well", "answered", "answered on a guess"],
)
def test_an_xmpp_server_that_hangs_is_no_small_link(outcome: Outcome, *, told: bool) -> None:
    """Its control is XMPP as well: that web pages of the host come in small segments says nothing of it."""
    found = case(REST[1])
    control = next(flow for flow in asked(found) if flow.id.endswith("/small"))
    assert (control.kind, control.params["segment"]) == ("xmpp", 536)
    seen = result(control, replace(REST[1], facts=SEGMENT))
    seen = replace(seen, verdict=replace(seen.verdict, outcome=outcome))
    judged = ids(replace(found, results=(*found.results, seen)).judged())
    assert ("mtu-black-hole" in judged) is told


def test_large_packets_of_a_call() -> None:
    """On a stream the same call in small segments, over UDP the sizes themselves."""
    lost = case(Fault(match=kind("turn"), phase=Phase.TURN_DATA, cause=Cause.LARGE_LOST))
    flows = asked(lost)
    assert {flow.kind for flow in flows} == {"turn", "mtu"}
    assert all(flow.params.get("segment") == 536 for flow in flows if flow.kind == "turn")

    def ended(flow: Flow) -> Fault:
        sizes: dict[str, Scalar] = {"largest_passed": 1000, "smallest_lost": 1100}
        return replace(FINE, facts=sizes if flow.kind == "mtu" else SEGMENT)

    report = judged(lost, ended)
    assert ids(report) == ["mtu-black-hole"]
    assert report.findings[0].detail.endswith("packets of up to 1000 bytes pass")


def test_large_packets_that_are_lost_in_small_segments_as_well() -> None:
    """Then it is no matter of size: the first packets passed, and then none did. Without that proof it is as seen."""
    lost = case(Fault(match=both(tls, kind("turn")), phase=Phase.TURN_DATA, cause=Cause.LARGE_LOST))

    def ended(flow: Flow) -> Fault:
        stuck = replace(FINE, outcome=Outcome.FAIL, phase=Phase.TURN_DATA, cause=Cause.LARGE_LOST, facts=SEGMENT)
        return stuck if flow.id.endswith("/small") else FINE

    assert ids(judged(lost, ended)) == ["path-goes-silent"]
    assert "path-goes-silent" not in ids(judged(lost, lambda flow: replace(ended(flow), facts={})))


def test_sizes_that_calls_do_not_need() -> None:
    """A small line of which it is told does no harm: large packets were lost for another reason."""
    lost = case(Fault(match=udp, phase=Phase.TURN_DATA, cause=Cause.LARGE_LOST))
    report = judged(lost, lambda _: replace(FINE, facts={"largest_passed": 1472, "smallest_lost": 1492}))
    assert "mtu-black-hole" not in ids(report)


@pytest.mark.parametrize(
    ("passed", "lost", "found"),
    [
        (300, 576, "udp-size-filtered"),
        (576, 800, "mtu-black-hole"),
        (1500, 576, "seen-turn-data-large-lost-turn"),
    ],
    ids=["no link is so small", "a tunnel may be", "a hole by chance"],
)
def test_what_no_link_can_be_is_a_filter(passed: int, lost: int, found: str) -> None:
    """Every link carries 576 bytes: who drops them looks at their length."""
    gone = case(Fault(match=both(udp, kind("turn")), phase=Phase.TURN_DATA, cause=Cause.LARGE_LOST))
    sizes: Mapping[str, Scalar] = {"largest_passed": passed, "smallest_lost": lost, "told": False}
    report = judged(gone, lambda _: replace(FINE, facts=sizes))
    assert ids(report) == [found]
    if found == "udp-size-filtered":
        assert report.findings[0].title.endswith("those of 300 bytes pass, of 576 and more none does")
        assert "no tunnel's MTU" in report.findings[0].fix
        assert "to port   3478" in report.findings[0].rules[0].text


def test_a_filter_of_udp_explains_no_stream() -> None:
    """That one falls silent with large packets is another cause, and has its own proof."""
    gone = case(Fault(match=kind("turn"), phase=Phase.TURN_DATA, cause=Cause.LARGE_LOST))
    sizes: Mapping[str, Scalar] = {"largest_passed": 300, "smallest_lost": 576}

    def ended(flow: Flow) -> Fault:
        return replace(FINE, facts=sizes if flow.kind == "mtu" else SEGMENT)

    assert ids(judged(gone, ended)) == ["udp-size-filtered", "mtu-black-hole"]
    streams = [one for one in finding(judged(gone, ended), "mtu-black-hole").proof if "/udp/" in one]
    assert streams == []
    assert "mtu-black-hole" not in ids(judged(gone, lambda flow: ended(flow) if flow.kind == "mtu" else SILENT))


BOX: Mapping[str, Scalar] = {"status": 502, "via": "1.1 gateway.test (squid/5.7)"}
NO_STUN = Fault(match=both(tcp(80), kind("turn")), phase=Phase.STUN)


def test_a_box_that_waits_for_http_is_named() -> None:
    """It is silent on STUN, and signs its answer to HTTP."""
    report = judged(case(NO_STUN), lambda _: replace(FINE, facts=BOX))
    assert ids(report) == ["http-inspection-80"]
    assert "signs as 1.1 gateway.test (squid/5.7)" in report.findings[0].detail


def test_a_portal_that_answers_for_all_of_a_port_is_one_cause() -> None:
    """For web hosts and in the place of TURN; one that answers for web hosts alone is told by itself."""
    caught = Fault(match=kind("portal"), phase=Phase.HTTP, cause=Cause.CAPTIVE_PORTAL, detail="302 to portal.example")
    report = judged(case(NO_STUN, caught), lambda _: replace(FINE, facts=BOX))
    assert ids(report) == ["http-inspection-80"]
    assert f"portal/{CONTROL}:80/tcp/direct" in report.findings[0].proof
    assert report.findings[0].detail.endswith("; 302 to portal.example")
    assert ids(judged(case(caught), lambda _: None)) == ["http-filtered"]
    in_tls = Fault(match=both(tls, kind("turn")), phase=Phase.STUN, cause=Cause.HTTP_INSTEAD_OF_STUN)
    assert set(ids(judged(case(in_tls, caught), lambda _: None))) == {"http-inspection-443", "http-filtered"}


def test_http_that_the_server_itself_answers() -> None:
    """Then only STUN is stopped there."""
    own: Mapping[str, Scalar] = {"status": 200, "server": "Coturn-4.6.1 'Gorst'"}
    report = judged(case(NO_STUN), lambda _: replace(FINE, facts=own))
    assert ids(report) == ["tcp-80-silent"]
    assert "answered by the server itself" in report.findings[0].detail


def test_http_that_is_as_silent_as_stun() -> None:
    """Nothing passes there."""
    report = judged(case(NO_STUN), lambda _: replace(SILENT, phase=Phase.HTTP))
    assert ids(report) == ["tcp-80-silent"]
    assert "HTTP there gets no answer either" in report.findings[0].detail


STRANGE: Mapping[str, Scalar] = {"issuer": "CN=Whoever"}


def stranger(*names: str) -> Case:
    """Let an issuer that is not trusted sign for *names*."""
    return case(Fault(match=both(tls, host(*names)), phase=Phase.TLS, cause=Cause.TLS_UNTRUSTED, facts=STRANGE))


def test_one_issuer_on_two_domains_need_not_be_a_box() -> None:
    """Where the neutral host shows another one."""
    report = judged(stranger(APEX, FCM), lambda _: FINE)
    assert ids(report) == ["tls-untrusted"]


def test_one_issuer_that_signs_for_the_neutral_host_too() -> None:
    """It stands between, even if one domain of ours shows it only."""
    report = judged(stranger(APEX), lambda _: replace(FINE, facts=STRANGE))
    assert ids(report) == ["tls-intercepted"]
    assert any(CONTROL in check for check in report.findings[0].proof)


def test_without_the_neutral_host_two_domains_must_do() -> None:
    """As before."""
    assert ids(judged(stranger(APEX, FCM), lambda _: replace(SILENT, phase=Phase.CONNECT))) == ["tls-intercepted"]


def test_turn_hosts_are_asked_in_their_own_carrier() -> None:
    """HTTP inside TLS where STUN was inside TLS."""
    flows = asked(case(Fault(match=both(tls, kind("turn")), phase=Phase.STUN)))
    assert {flow.params["speak"] for flow in flows} == {"tls+http"}
    assert {flow.target.host for flow in flows} == set(TURN)


ONE = TURN[1]
REFUSES = (
    Fault(match=both(host(ONE), udp), phase=Phase.STUN, cause=Cause.REFUSED),
    Fault(match=both(host(ONE), kind("turn")), cause=Cause.REFUSED),
)


def rejects(by: str) -> Callable[[Flow], Fault | None]:
    """Let the ICMP errors come from *by*."""
    told: Mapping[str, Scalar] = {"rejected_by": by}
    return lambda _: Fault(match=udp, phase=Phase.STUN, cause=Cause.REFUSED, facts=told)


def test_a_server_that_is_down_is_no_firewall() -> None:
    """It says so itself, on each port; the other one is fine."""
    report = judged(case(*REFUSES), rejects(address_of(ONE)))
    assert ids(report) == ["turn-server-down"]
    found = report.findings[0]
    assert found.who is Who.PROVIDER
    assert found.title == f"{ONE} refuses UDP/3478 and TCP/443 and TCP/80 itself: no TURN service runs there"
    assert address_of(ONE) in found.detail


def test_all_servers_down() -> None:
    """Nobody answers on the same ports, and still it is their own word."""
    every = [replace(fault, match=both(udp) if n == 0 else kind("turn")) for n, fault in enumerate(REFUSES)]
    controls = case(*every)
    report = judged(controls, lambda flow: rejects(address_of(flow.target.host))(flow))
    assert "turn-server-down" in ids(report)
    assert "turn-unreachable" not in ids(report)


def test_a_firewall_that_rejects_is_named() -> None:
    """By its address: the server never said so."""
    report = judged(case(replace(REFUSES[0], match=udp)), rejects("10.0.0.1"))
    assert ids(report) == ["udp-blocked"]
    assert report.findings[0].title.endswith("rejected, refused, by 10.0.0.1")


def test_what_is_asked_of_one_check_holds_for_its_door() -> None:
    """UDP to one server from the gateway's source ports too: who rejects is asked once, and is one cause."""
    report = judged(case(REFUSES[0]), rejects("10.0.0.1"))
    assert ids(report) == ["turn-door-blocked"]
    assert len([one for one in report.findings[0].proof if f"{ONE}:3478/udp" in one]) == 2
    assert report.findings[0].detail.endswith("by 10.0.0.1")


def test_a_refusal_by_nobody_known() -> None:
    """Where the system does not tell, the other server is the control."""
    assert ids(judged(case(*REFUSES), lambda _: None)) == ["turn-server-down"]


def leads(name: str, place: str, source: str = "system") -> Callable[[Result], Result]:
    """Let *name* lead to *place*."""
    told: Mapping[str, Scalar] = {"addresses": place, "source": source}

    def led(one: Result) -> Result:
        ours = one.flow.target.host == name
        steps = (replace(s, facts=told) if ours and s.phase is Phase.RESOLVE else s for s in one.steps)
        return replace(one, steps=tuple(steps))

    return led


@pytest.mark.parametrize(
    ("place", "found", "who"),
    [
        ("192.0.2.9", "turn-not-there", Who.ENDPOINT),
        ("203.0.113.9", "turn-not-there", Who.ENDPOINT),
        ("135.125.46.140", "turn-server-down", Who.PROVIDER),
        ("51.83.83.9", "turn-server-down", Who.PROVIDER),
        ("10.0.0.1", "dns-private", Who.DNS),
        ("10.0.0.5", "dns-private", Who.DNS),
    ],
    ids=["nowhere known", "near no host of its", "listed", "beside the other one", "a resolver here", "this machine"],
)
def test_whose_word_a_refusal_is(place: str, found: str, who: Who) -> None:
    """A resolver may have put anybody in the server's place: the provider is named where the place is the service's."""
    report = judged(case(*REFUSES).with_each(leads(ONE, place)), rejects(place))
    assert [(one.id, one.who) for one in report.findings] == [(found, who)]
    assert place in report.findings[0].title + report.findings[0].detail


def test_a_place_that_was_not_looked_up_here_is_meant_so() -> None:
    """With --map, or an address in the place of a name."""
    for source in ("map", "literal", "resolver"):
        report = judged(case(*REFUSES).with_each(leads(ONE, "192.0.2.9", source)), rejects("192.0.2.9"))
        assert ids(report) == ["turn-server-down"]


def test_another_host_in_the_place_of_a_turn_server() -> None:
    """It refuses, and shows whose it is: one cause, whatever network it is in."""
    strange = Fault(match=both(host(ONE), tls), phase=Phase.TLS, cause=Cause.TLS_WRONG_NAME)
    report = judged(case(REFUSES[0], strange, REFUSES[1]), rejects(address_of(ONE)))
    assert ids(report) == ["turn-not-there"]
    assert "the certificate is for another name" in report.findings[0].detail
    answers = both(host(ONE), tcp(80))
    report = judged(case(REFUSES[0], strange, replace(FINE, match=answers), REFUSES[1]), rejects(address_of(ONE)))
    assert "turn-not-there" not in ids(report)  # it is a TURN server


def test_a_silent_server_at_a_place_that_nobody_knows() -> None:
    """Then DNS may be wrong, too."""
    silent = [replace(fault, cause=Cause.TIMEOUT) for fault in REFUSES]
    report = judged(case(*silent).with_each(leads(ONE, "192.0.2.9")), lambda _: None)
    assert [(one.id, one.who) for one in report.findings] == [("turn-server-silent", Who.ENDPOINT)]
    assert report.findings[0].detail.endswith("nothing came back from 192.0.2.9")


def test_one_silent_server_of_two() -> None:
    """One finding: whether it is down or its address is missing in the rules nobody can tell from here."""
    silent = [replace(fault, cause=Cause.TIMEOUT) for fault in REFUSES]
    report = judged(case(*silent), lambda _: None)
    assert ids(report) == ["turn-server-silent"]
    assert ONE in report.findings[0].title
