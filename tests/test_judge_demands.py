"""What rows need of the line, against what it carried: proven enough, proven too little, or neither."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.capacity import Load, needed
from rainbow_probe.judge import judge
from rainbow_probe.judge.demands import Carried, fit
from rainbow_probe.measures import Bound, Direction, Ramp
from rainbow_probe.measures import Load as Offered
from rainbow_probe.model import (
    Assignment,
    Flow,
    Outcome,
    Phase,
    Report,
    Result,
    Row,
    RowVerdict,
    Transport,
    Verdict,
    Via,
)
from tests.judge_samples import OPEN_SITE, TURN, Fault, case, guide, udp

PASS, DEGRADED, FAIL, UNCLEAR, UNTESTED = (
    RowVerdict.PASS,
    RowVerdict.DEGRADED,
    RowVerdict.FAIL,
    RowVerdict.INCONCLUSIVE,
    RowVerdict.NOT_TESTED,
)


def ramp(
    capacity: float, *, at_least: bool = False, added: float = 0.0, direction: Direction = Direction.ROUND_TRIP
) -> Ramp:
    """Make what a climb found."""
    step = Offered(offered_kbit_s=capacity, carried_kbit_s=capacity, loss_percent=0.0, delay_ms=10.0 + added)
    return Ramp(
        transport=Transport.UDP,
        via=Via.DIRECT,
        direction=direction,
        steps=(replace(step, delay_ms=10.0), step),
        capacity_kbit_s=capacity,
        at_least=at_least,
        added_delay_ms=added,
        shared=None if at_least else True,
    )


def report(
    found: Ramp | None, load: Load | None = None, *, tcp: Ramp | None = None, down: Ramp | None = None
) -> Report:
    """Judge a site at which all is well, but for what its line carries: over UDP, over TCP, and in alone."""
    known, results = guide(), list(case().results)
    turn = next(one.flow for one in results if one.flow.id == f"turn/{TURN[0]}:3478/udp/direct")
    flow = replace(turn, id=turn.id.replace("turn/", "bandwidth/"), kind="bandwidth", spec="bandwidth-udp")
    plan = dict(case().assignments)
    if found:
        plan["bandwidth-udp"] = Assignment(flows=(flow.id,))
        plan |= dict.fromkeys(("bandwidth-tls", "bandwidth-tcp"), Assignment(not_applicable="calls go by UDP/3478"))
        results.append(loaded(flow, found))
    if tcp:
        over = replace(flow, id=f"bandwidth/{TURN[0]}:443/tls/direct", transport=Transport.TLS, control_of=flow.id)
        results.append(loaded(over, tcp))
    if down:
        results.append(loaded(replace(flow, id="download/cdn/tls/direct", kind="download", spec="download"), down))
    return judge(known, known.rows, plan, results, OPEN_SITE, have_credentials=True, load=load)


def loaded(flow: Flow, found: Ramp) -> Result:
    """Make the result of a climb."""
    return Result(flow=flow, verdict=Verdict(outcome=Outcome.PASS, reason="as the test says", measured=found))


def row(name: str, found: Ramp | None, load: Load | None = None) -> Row:
    """Return one row of the bandwidth."""
    return next(one for one in report(found, load).rows if one.id == f"bandwidth/{name}")


@pytest.mark.parametrize(
    ("name", "found", "load", "verdict"),
    [
        ("softphone", ramp(2000, at_least=True), Load(gateway_calls=20), PASS),
        ("softphone", ramp(1500), Load(gateway_calls=20), FAIL),
        ("softphone", ramp(1500, at_least=True), Load(gateway_calls=20), UNCLEAR),
        ("softphone", ramp(1500), None, PASS),
        ("conference-down", ramp(1000), None, UNCLEAR),  # the narrow way may be the other one
        ("conference-up", ramp(1000), None, UNCLEAR),
        ("conference-up", ramp(1200), None, PASS),
        ("pbx-agent-connect", ramp(3000), None, UNTESTED),
        ("pbx-agent-connect", ramp(3000), Load(subscribers=(100.0,)), PASS),
        ("pbx-agent-connect", ramp(3000), Load(subscribers=(1000.0,)), DEGRADED),
        ("pbx-agent-events", ramp(100), Load(calls_per_second=(8.0,)), FAIL),
        ("audio", None, Load(calls=20), UNTESTED),
    ],
)
def test_a_row_is_judged_by_what_it_needs(
    name: str, found: Ramp | None, load: Load | None, verdict: RowVerdict
) -> None:
    """Enough is proven by as much; too little only where both directions need more than passes."""
    assert row(name, found, load).verdict is verdict


def test_the_numbers_are_told() -> None:
    """What is needed, how that comes about, what passed, and for how many it is enough."""
    told = row("softphone", ramp(2000, at_least=True), Load(gateway_calls=20)).reason
    assert told == (
        "UDP/3478: works (needed: 1750 kbit/s each way (20 x 87.5 kbit/s (G.711)); "
        "at least 2000 kbit/s pass each way, room for 22)"
    )
    assert "1300 kbit/s in (1 x 1300 kbit/s" in row("conference-down", ramp(1000)).reason
    assert "--bandwidth-cap" in row("softphone", ramp(1500, at_least=True), Load(gateway_calls=20)).reason
    assert row("audio", None, Load(calls=20)).reason.startswith("needed: 2000 kbit/s each way (20 x 100 kbit/s")
    assert "--subscribers" in row("pbx-agent-connect", None).reason
    assert "takes longer" in row("pbx-agent-connect", ramp(3000), Load(subscribers=(1000.0,))).reason


def test_a_fallback_says_why_and_what_is_needed() -> None:
    """Numbers do not take the place of what fails."""
    known, found = guide(), case(Fault(match=udp, phase=Phase.STUN))
    turn = next(one.flow for one in found.results if one.flow.id == f"turn/{TURN[0]}:443/tls/direct")
    flow = replace(turn, id=turn.id.replace("turn/", "bandwidth/"), kind="bandwidth", spec="bandwidth-tls")
    plan = {**found.assignments, "bandwidth-tls": Assignment(flows=(flow.id,))}
    plan["bandwidth-udp"] = plan["turn-udp"]
    results = [*found.results, loaded(flow, ramp(2000, at_least=True))]
    rows = judge(known, known.rows, plan, results, OPEN_SITE, have_credentials=True).rows
    audio = next(one for one in rows if one.id == "bandwidth/audio")
    assert audio.verdict is DEGRADED
    assert audio.reason.startswith("works only by TLS/443. UDP/3478 fails: STUN gets no answer")
    assert "(needed: 100 kbit/s each way" in audio.reason


def test_what_the_site_needs_is_in_the_report() -> None:
    """Row for row and direction for direction, and all media of calls together."""
    found = report(ramp(5000, at_least=True), Load(calls=20, video=2)).demands
    by = {(one.row, one.direction): one for one in found}
    audio = by["bandwidth/audio", Direction.OUT]
    assert (audio.need, audio.capacity, audio.fits, audio.unit) == (2000, 5000, True, "kbit/s")
    together = by["bandwidth/all-media", Direction.IN]
    assert (together.need, together.fits) == (2000 + 1600 + 1500, None)
    assert report(None).demands[0].fits is None
    agent = {one.row: one for one in report(ramp(800), Load(subscribers=(100.0,))).demands}[
        "bandwidth/pbx-agent-connect"
    ]
    assert (agent.capacity, agent.unit, agent.fits) == (100, "kB/s", True)


def test_too_little_is_one_finding() -> None:
    """For all rows that it breaks."""
    found = {finding.id: finding for finding in report(ramp(700), Load(calls=20)).findings}
    short = found["bandwidth-short"]
    assert set(short.rows) >= {"bandwidth/audio", "bandwidth/screen-sharing", "bandwidth/video-p2p"}
    assert "bandwidth/softphone" not in short.rows
    assert not any(name.startswith("seen-") for name in found)


def test_where_one_server_was_tried_it_is_said_that_it_may_be_the_servers_limit() -> None:
    """What is needed does not pass; whose doing that is, is not known."""
    found = report(replace(ramp(700), shared=None))
    assert "or of this TURN server" in next(one.reason for one in found.rows if one.id == "bandwidth/video-p2p")
    assert "name a second one (--turn)" in next(one.fix for one in found.findings if one.id == "bandwidth-short")
    both = report(ramp(700))
    assert "TURN server" not in next(one.reason for one in both.rows if one.id == "bandwidth/video-p2p")
    assert "--turn" not in next(one.fix for one in both.findings if one.id == "bandwidth-short")


@pytest.mark.parametrize(("added", "told"), [(0.0, False), (49.0, False), (120.0, True)])
def test_long_queues_are_told(added: float, told: bool) -> None:
    """Where packets wait much longer under a load that passes."""
    ids = [finding.id for finding in report(ramp(3000, at_least=True, added=added)).findings]
    assert ("long-queues" in ids) is told


def test_a_direction_alone_proves_nothing_of_itself() -> None:
    """Unless the other one needs as much."""
    demand = next(one.demand for one in guide().rows if one.id == "bandwidth/softphone")
    assert demand is not None
    both = needed(demand, Load(gateway_calls=20))
    assert fit(both[0], both, Carried(ramp=ramp(1000))) is False
    assert fit(both[0], both[:1], Carried(ramp=ramp(1000))) is None
    assert fit(both[0], both, Carried(ramp=ramp(1750))) is True


ALONE = replace(ramp(1000), shared=None)
IN = replace(ramp(3000, at_least=True), direction=Direction.IN, steps=())


@pytest.mark.parametrize(
    ("udp", "tcp", "down", "verdicts"),
    [
        (ramp(1000), ramp(1100), IN, (PASS, FAIL)),
        (ramp(1000), None, IN, (UNCLEAR, UNCLEAR)),  # UDP alone may be limited, whichever way
        (ALONE, ramp(1100), IN, (UNCLEAR, UNCLEAR)),  # so may the server be
        (ramp(1000), ramp(2500), IN, (UNCLEAR, UNCLEAR)),  # it is
        (ramp(1000), ramp(1100, at_least=True), IN, (UNCLEAR, UNCLEAR)),
        (ramp(1000), ramp(900), replace(IN, capacity_kbit_s=1250), (UNCLEAR, UNCLEAR)),  # that is no more
        (ramp(1000), ramp(900), replace(IN, capacity_kbit_s=1299.0), (UNCLEAR, UNCLEAR)),
        (ramp(1000), ramp(900), None, (UNCLEAR, UNCLEAR)),
        (ramp(1000, at_least=True), None, IN, (UNCLEAR, UNCLEAR)),
        (ramp(1300), None, replace(IN, capacity_kbit_s=10), (PASS, PASS)),  # a slow host proves nothing
    ],
)
def test_more_that_comes_in_alone_shows_which_way_is_narrow(
    udp: Ramp, tcp: Ramp | None, down: Ramp | None, verdicts: tuple[RowVerdict, RowVerdict]
) -> None:
    """If the way of calls met the same limit over TCP: else it may be one of UDP, and in whichever direction."""
    found = {one.id: one for one in report(udp, tcp=tcp, down=down).rows}
    assert tuple(found[f"bandwidth/conference-{way}"].verdict for way in ("down", "up")) == verdicts


EACH = replace(ramp(2000, at_least=True), bound=Bound.SESSION, session_kbit_s=400.0)
TRIED = replace(EACH, capacity_kbit_s=1600.0)  # and 2000 were refused
NARROW = replace(TRIED, at_least=False)  # also to twice as many
NO_MORE = replace(TRIED, bound=Bound.UNKNOWN)
SERVERS = replace(TRIED, bound=Bound.SERVER)


@pytest.mark.parametrize(
    ("name", "calls", "found", "verdict", "told"),
    [
        ("audio", 19, EACH, PASS, "room for"),
        ("audio", 30, EACH, UNCLEAR, "--bandwidth-cap"),
        ("audio", 19, TRIED, UNCLEAR, "the TURN server limits each session to about 400 kbit/s"),
        ("audio", 19, replace(TRIED, transport=Transport.TLS), UNCLEAR, "each connection to the TURN server carries"),
        ("audio", 19, NO_MORE, UNCLEAR, "more streams side by side could not be tried"),
        ("audio", 19, NARROW, FAIL, "1600 kbit/s pass"),
        ("audio", 15, NARROW, PASS, "room for"),
        ("conference-up", 1, EACH, UNCLEAR, "the TURN server limits each session"),  # which one call has
        ("conference-up", 1, NO_MORE, PASS, "works"),
        ("audio", 19, SERVERS, UNCLEAR, "it is this server that carries no more"),
    ],
)
def test_a_limit_of_each_session_fails_no_row(
    name: str, calls: int, found: Ramp, verdict: RowVerdict, told: str
) -> None:
    """A site's calls have a session each; what one of them needs must pass through one."""
    judged = row(name, found, Load(calls=calls))
    assert judged.verdict is verdict, judged.reason
    assert told in judged.reason


def test_what_comes_in_over_https_is_told() -> None:
    """In the reason of the row, and in the needs; what goes over TCP anyway needs no more proof of it."""
    load = Load(subscribers=(1000.0,))
    found = report(ramp(700), load, tcp=ramp(690), down=replace(IN, capacity_kbit_s=4100.0))
    rows = {one.id: one for one in found.rows}
    assert (
        "at least 4100 kbit/s come in over HTTPS (the way out is the narrow" in rows["bandwidth/conference-up"].reason
    )
    needs = {(one.row, one.direction): one for one in found.demands}
    assert (needs["bandwidth/conference-down", Direction.IN].capacity, rows["bandwidth/audio"].verdict) == (4100, PASS)
    alone = report(ramp(700), load, down=replace(IN, capacity_kbit_s=4100.0)).demands
    agent = {one.direction: one.fits for one in alone if one.row == "bandwidth/pbx-agent-connect"}
    assert agent == {Direction.OUT: False, Direction.IN: True}
    unclear = next(
        one for one in report(ramp(700), tcp=ramp(2000), down=IN).rows if one.id == "bandwidth/conference-up"
    )
    assert "over TCP 2000 kbit/s pass, so that UDP may be limited" in unclear.reason
