"""What closed ports inside the site mean for rows, findings and rules; and that they tell nothing of the way out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.catalogue import Place
from rainbow_probe.measures import Direction, PortState
from rainbow_probe.model import Cause, Outcome, Phase, Report, Result, RowVerdict, Scalar, Severity, Who
from rainbow_probe.net.surveys import survey
from rainbow_probe.plan import NO_HOST, make_plan
from rainbow_probe.rules.least import least
from rainbow_probe.rules.whole import whole
from tests.judge_samples import Case, Fault, both, but, case, everything, finding, guide, host, ids, kind, row, tls

PEER = "10.0.7.9"
HOSTS = dict.fromkeys((Place.CLIENT, Place.GATEWAY), (PEER,))
LAN = ("desktop/p2p-lan", "mobile/p2p-lan", "room/p2p-lan", "webrtc-gateway/p2p-lan", "desktop/softphone-lan")


def swept(closed: range, *faults: Fault) -> Report:
    """Judge a site where these ports of the gateway's range are closed."""
    partly = Fault(
        match=both(kind("sweep"), lambda flow: flow.params["first"] == 20000 and not flow.source),
        phase=Phase.STUN,
        cause=Cause.PARTLY_OPEN if len(closed) < 10000 else Cause.TIMEOUT,
        detail="some are closed",
    )
    found = case(partly, *faults, hosts=HOSTS)

    def surveyed(result: Result) -> Result:
        if result.flow.kind != "sweep" or result.verdict.outcome is Outcome.PASS:
            return result
        states = {p: PortState.CLOSED if p in closed else PortState.OPEN for p in range(20000, 30000)}
        measured = survey(range(20000, 30000), states, Direction.OUT, by="responder")
        return replace(result, verdict=replace(result.verdict, measured=measured))

    return Case(**{**_fields(found), "results": tuple(map(surveyed, found.results))}).judged()  # type: ignore[arg-type] # the fields of one Case


def _fields(found: Case) -> dict[str, object]:
    return {name: getattr(found, name) for name in ("results", "assignments", "rows", "site", "have_credentials")}


def test_without_a_peer_the_rows_say_what_is_needed() -> None:
    """Where the responder is to be started, and how it is given."""
    judged = case().judged()
    for name in LAN:
        found = row(judged, name)
        assert found.verdict is RowVerdict.NOT_TESTED
        assert found.reason in NO_HOST.values()
        assert "rainbow-probe responder" in found.reason
        assert "--peer" in found.reason


def test_with_a_peer_that_answers_they_pass() -> None:
    """All of them, by one peer that stands for every place."""
    judged = case(hosts=HOSTS).judged()
    assert {row(judged, name).verdict for name in LAN} == {RowVerdict.PASS}
    assert ids(judged) == ids(case().judged())


@pytest.mark.parametrize(
    ("closed", "identity", "title"),
    [
        (range(25000, 26000), "lan-ports-partly", f"Parts of UDP/20000-29999 to {PEER} are closed"),
        (range(20000, 30000), "lan-ports-closed", f"UDP/20000-29999 to {PEER} is closed"),
    ],
)
def test_closed_ports_are_one_finding_with_its_rule(closed: range, identity: str, title: str) -> None:
    """It names what is closed, hits the rows that need it, and opens all of the guide's range."""
    judged = swept(closed)
    found = finding(judged, identity)
    assert found.title.startswith(title)
    assert f"{closed.start}-{closed.stop - 1}" in found.title
    assert (found.who, found.severity) == (Who.FIREWALL, Severity.BLOCKING)
    assert found.rows == ("desktop/softphone-lan", "mobile/softphone-lan", "connectors/softphone-lan")
    assert row(judged, "desktop/softphone-lan").verdict is RowVerdict.FAIL
    assert row(judged, "desktop/p2p-lan").verdict is RowVerdict.PASS
    assert "20000-29999" in found.rules[0].text
    assert PEER in found.rules[0].text
    opening = least(judged, guide()).openings
    assert [(str(one.ports[0]), one.addresses) for one in opening] == [("20000-29999", (PEER,))]


@pytest.mark.parametrize(
    ("by", "who"), [("this machine", Who.ENDPOINT), ("10.0.0.1, this machine", Who.FIREWALL), ("", Who.FIREWALL)]
)
def test_what_this_machine_itself_does_not_let_out_is_its_own(by: str, who: Who) -> None:
    """The sweep says who rejects; where it is nobody else, no other firewall is to blame."""
    match = both(kind("sweep"), lambda flow: flow.params["first"] == 20000 and not flow.source)
    fault = Fault(match=match, phase=Phase.STUN, cause=Cause.PARTLY_OPEN, detail="some", facts={"rejected_by": by})
    found = finding(case(fault, hosts=HOSTS).judged(), "lan-ports-partly")
    assert found.who is who
    assert (f"rejected by {by}: " in found.title) is bool(by)


def test_a_peer_on_the_lan_is_no_way_out() -> None:
    """Nothing else answers: this machine is offline all the same, and the LAN's rows stand."""
    lost = Fault(match=but(kind("sweep", "ports")), phase=Phase.RESOLVE, cause=Cause.NO_ANSWER)
    judged = case(lost, hosts=HOSTS).judged()
    assert "offline" in ids(judged)
    assert row(judged, "desktop/p2p-lan").verdict is RowVerdict.PASS


def test_a_peer_that_may_not_run_is_no_finding() -> None:
    """What cannot be told accuses nobody."""
    unclear = Fault(
        match=kind("sweep"), phase=Phase.STUN, cause=Cause.CANNOT_TELL, outcome=Outcome.INCONCLUSIVE, detail="no port"
    )
    judged = case(unclear, hosts=HOSTS).judged()
    assert {row(judged, name).verdict for name in LAN} == {RowVerdict.INCONCLUSIVE}
    assert not [name for name in ids(judged) if name.startswith("lan-")]


def test_all_that_a_border_must_open_has_nothing_of_the_lan() -> None:
    """It is told as such, and never as a rule for strangers."""
    found = whole(guide())
    assert any(line.startswith("desktop/p2p-lan:") for line in found.unmended)
    assert all(str(ports) != "20000-29999" for one in found.openings for ports in one.ports)


def test_hosts_and_everything_are_told_apart() -> None:
    """A fault of all else does not meet the peer."""
    lost = Fault(match=both(everything, but(host(PEER))), phase=Phase.CONNECT, cause=Cause.REFUSED)
    assert row(case(lost, hosts=HOSTS).judged(), "desktop/softphone-lan").verdict is RowVerdict.PASS


STANDS_IN = {Place.OUTSIDE: (PEER,)}
UNTOLD = Fault(match=kind("udp-range"), phase=Phase.TURN_DATA, cause=Cause.CANNOT_TELL, outcome=Outcome.INCONCLUSIVE)
SHUT = Fault(match=kind("udp-range"), phase=Phase.TURN_DATA, cause=Cause.TIMEOUT)
UNKNOWN = Fault(match=kind("sweep"), phase=Phase.STUN, cause=Cause.CANNOT_TELL, outcome=Outcome.INCONCLUSIVE)


@pytest.mark.parametrize(
    ("faults", "verdict"),
    [
        ((), RowVerdict.PASS),
        ((UNTOLD,), RowVerdict.PASS),  # by the stand-in alone
        ((UNTOLD, UNKNOWN), RowVerdict.DEGRADED),  # what works is UDP/3478, and of the range nothing is known
        ((UNKNOWN,), RowVerdict.PASS),
        ((SHUT,), RowVerdict.DEGRADED),  # the service's own relays say so, whatever is open to others
        ((SHUT, UNKNOWN), RowVerdict.DEGRADED),
    ],
)
def test_a_stand_in_beyond_the_border_counts_where_relays_tell_nothing(
    faults: tuple[Fault, ...], verdict: RowVerdict
) -> None:
    """For the conferences' range, and without any TURN server too; with its name."""
    judged = case(*faults, hosts=STANDS_IN).judged()
    conference = row(judged, "desktop/conference")
    assert conference.verdict is verdict, conference.reason
    assert f"sweep/{PEER}:49152/udp/direct/to-65535/outside" in {one.flow.id for one in judged.results}
    alone = make_plan(guide(), guide().rows, (), lambda _: None, hosts=STANDS_IN)
    assert alone.assignments["udp-range"].flows == (f"sweep/{PEER}:49152/udp/direct/to-65535/outside",)


EVERYWHERE = dict.fromkeys(Place, (PEER,))
SERVERS = ("webrtc-gateway/sip-out", "webrtc-gateway/ntp", "webrtc-gateway/ssh")
BY_THE_PEER = ("webrtc-gateway/sip-in", *(f"webrtc-gateway/rtp-{way}" for way in ("to-pbx", "from-pbx", "from-phones")))


def test_no_row_of_the_lan_is_untested_for_lack_of_code() -> None:
    """Each says whose address it lacks, and passes with it."""
    without, with_all = case().judged(), case(hosts=EVERYWHERE).judged()
    for name in (*LAN, *SERVERS, *BY_THE_PEER):
        assert row(without, name).verdict is RowVerdict.NOT_TESTED
        assert row(without, name).reason in NO_HOST.values()
        assert row(with_all, name).verdict is RowVerdict.PASS, name
    assert ids(with_all) == ids(without)


@pytest.mark.parametrize(
    ("name", "phase", "cause", "identity", "title"),
    [
        ("sip", Phase.SIP, Cause.TIMEOUT, "lan-sip-fails", f"The PBX {PEER} (UDP/5060): SIP gets no answer"),
        ("ntp", Phase.NTP, Cause.TIMEOUT, "lan-ntp-fails", f"The time server {PEER} (UDP/123): NTP gets no answer"),
        ("sips", Phase.CONNECT, Cause.TIMEOUT, "lan-sips-fails", f"The PBX {PEER} (TCP/5061): no answer"),
        ("ssh", Phase.CONNECT, Cause.REFUSED, "lan-ssh-fails", f"The WebRTC gateway {PEER} (TCP/22): refused"),
    ],
)
def test_a_server_that_does_not_answer_is_told_as_it_was_seen(
    name: str, phase: Phase, cause: Cause, identity: str, title: str
) -> None:
    """What stops it is not proven; that its host answers elsewhere is said."""
    judged = case(Fault(match=kind(name), phase=phase, cause=cause), hosts=EVERYWHERE).judged()
    found = finding(judged, identity)
    assert found.title.startswith(title)
    assert f"{PEER} itself answers elsewhere" in found.fix
    assert len(found.rows) == (name != "sips")  # of which this edition has no row
    alone = case(
        Fault(match=both(lambda flow: bool(flow.params) or True, host(PEER)), phase=phase, cause=cause),
        hosts={Place.SIP: (PEER,)},
    )
    assert "not proven" in finding(alone.judged(), "lan-sip-fails").fix


@pytest.mark.parametrize(
    ("name", "phase", "cause", "words"),
    [
        ("ntp", Phase.NTP, Cause.SERVER_ERROR, "nothing is in the way: look at the time server itself"),
        ("ntp", Phase.NTP, Cause.NOT_NTP, "the port is open: look whether this is the address of the time server"),
        ("sip", Phase.SIP, Cause.NOT_SIP, "the port is open: look whether this is the address of the PBX"),
        ("ssh", Phase.SSH, Cause.NOT_SSH, "the port is open: look whether this is the address of the WebRTC gateway"),
    ],
)
def test_what_answers_is_behind_no_closed_port(name: str, phase: Phase, cause: Cause, words: str) -> None:
    """A server that has no time, or is another one, is no matter for a firewall: there is no rule to open it."""
    found = finding(
        case(Fault(match=kind(name), phase=phase, cause=cause), hosts=EVERYWHERE).judged(), f"lan-{name}-fails"
    )
    assert found.who is Who.ENDPOINT
    assert words in found.fix
    assert "open UDP" not in found.fix
    assert found.rules == ()


def test_a_pbx_that_takes_the_connection_and_ends_it_is_not_behind_a_firewall() -> None:
    """Its own log says why; no rule would help."""
    lost = Fault(match=kind("sips"), phase=Phase.SIP, cause=Cause.TLS_ALERT)
    found = finding(case(lost, hosts=EVERYWHERE).judged(), "lan-sips-fails")
    assert (found.who, found.rules) == (Who.ENDPOINT, ())
    assert "its own log" in found.fix


def test_of_some_rejected_and_some_dropped_both_is_said() -> None:
    """A rejection of ten ports says nothing of the two thousand others."""
    match = both(kind("sweep"), lambda flow: flow.params["first"] == 20000 and not flow.source)
    told: dict[str, Scalar] = {"rejected_by": "10.0.0.1", "refused": 10}
    fault = Fault(match=match, phase=Phase.STUN, cause=Cause.PARTLY_OPEN, facts=told)
    found = finding(case(fault, hosts=HOSTS).judged(), "lan-ports-partly")
    assert "some rejected by 10.0.0.1, the others without an answer: " in found.title


@pytest.mark.parametrize(
    ("told", "detail"),
    [
        ({"rewritten": "198.51.100.9:4"}, "rewritten as 198.51.100.9:4"),
        ({"changed": "via"}, "changed as via"),
        ({}, ""),
    ],
)
def test_who_rewrites_sip_is_named_once(told: dict[str, Scalar], detail: str) -> None:
    """It is advice: the way itself is open."""
    seen = Fault(match=kind("sip"), phase=Phase.SIP, outcome=Outcome.PASS, facts={"rewritten": "", **told})
    judged = case(seen, hosts=EVERYWHERE).judged()
    assert row(judged, "webrtc-gateway/sip-out").verdict is RowVerdict.PASS
    assert [one.detail for one in judged.findings if one.id == "sip-rewritten"] == [detail] * bool(detail)


def test_what_comes_in_has_a_rule_of_its_own() -> None:
    """Not one for the way out, in the finding nor in the rules."""
    lost = Fault(
        match=both(kind("sweep-in"), lambda flow: flow.params["first"] == 30000), phase=Phase.STUN, cause=Cause.TIMEOUT
    )
    judged = case(lost, hosts=EVERYWHERE).judged()
    found = finding(judged, "lan-ports-closed")
    assert found.title.startswith(f"UDP/30000-40000 from {PEER} to this machine is closed: no answer: 30000-40000")
    assert found.rules[0].text.startswith(f"allow UDP from {PEER} to 10.0.0.5, destination ports 30000-40000")
    assert found.rows == ("webrtc-gateway/rtp-from-pbx", "webrtc-gateway/rtp-from-phones")
    rules = least(judged, guide())
    assert rules.openings == ()
    assert [line.partition(":")[0] for line in rules.unmended] == list(found.rows)


@pytest.mark.parametrize(
    ("ahead", "skew", "identity", "title"),
    [
        (0.2, 0, None, ""),
        (7200.0, 0, "ntp-wrong", "is 2.0 hours later than the rest of the world"),
        (-3 * 86400.0, 1, "ntp-wrong", "is 3 days earlier than the rest"),
        (-7200.0, 7200, "clock-off", "2 hours ahead of"),
        (40.0, 0, None, ""),
        (90.0, None, "ntp-differs", "is 90 seconds later than this machine"),
    ],
)
def test_whose_time_is_wrong_web_servers_tell(ahead: float, skew: int | None, identity: str | None, title: str) -> None:
    """The time server's, this machine's, or it cannot be told."""
    told = Fault(match=kind("ntp"), outcome=Outcome.PASS, facts={"offset_s": ahead, "stratum": 2})
    dated = Fault(match=kind("https"), outcome=Outcome.PASS, facts={} if skew is None else {"clock_skew_s": skew})
    judged = case(told, dated, hosts=EVERYWHERE).judged()
    of_time = [name for name in ids(judged) if name.startswith(("ntp-", "clock-"))]
    assert of_time == ([identity] if identity else [])
    if identity:
        assert title in finding(judged, identity).title


def test_a_time_server_is_evidence_against_this_machines_clock() -> None:
    """Certificates of one domain are not valid yet, and the time server says that it is another year."""
    stale = Fault(match=tls, phase=Phase.TLS, cause=Cause.TLS_NOT_YET_VALID)
    told = Fault(match=kind("ntp"), outcome=Outcome.PASS, facts={"offset_s": 400 * 86400.0, "stratum": 2})
    few = ("webrtc-gateway",)
    assert "clock-wrong" in ids(case(told, stale, hosts=EVERYWHERE, clients=few, turn=()).judged())
    assert "clock-wrong" not in ids(case(stale, hosts=EVERYWHERE, clients=few, turn=()).judged())
    # Where another host's certificate is taken, the time server may be the one that is wrong.
    one = replace(stale, match=both(tls, host("openrainbow.health")))
    assert "clock-wrong" not in ids(case(told, one, hosts=EVERYWHERE, clients=few, turn=()).judged())
