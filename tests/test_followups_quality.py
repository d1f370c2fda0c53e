"""Which way calls would take, and so which is measured: planned for real, with the results of a given fault."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.catalogue import Guide
from rainbow_probe.followups import Sofar
from rainbow_probe.followups.quality import LEFT_OUT, NO_DATA, NOTHING, beside_load, choose, turn_of
from rainbow_probe.judge.needs import Known
from rainbow_probe.judge.rows import judge_row
from rainbow_probe.measures import Quality, Ramp
from rainbow_probe.model import (
    Cause,
    Failure,
    Outcome,
    Phase,
    Result,
    Row,
    RowVerdict,
    Site,
    Transport,
    Verdict,
    Via,
)
from rainbow_probe.options import TurnServer
from rainbow_probe.plan import NO_TURN, NOT_REACHED, Plan, make_plan
from tests.judge_samples import OPEN_SITE, PROXY, PROXY_SITE, TURN, Fault, guide, host, result, tcp, udp
from tests.measured_samples import QUALITY
from tests.test_judge_demands import ramp

UDP, TLS, TCP = (f"quality-{name}" for name in ("udp", "tls", "tcp"))
ROW = "bandwidth/voice-quality"
Seen = tuple[Plan, dict[str, Result], Site]


def planned(site: Site = OPEN_SITE, servers: tuple[str, ...] = TURN) -> Plan:
    """Plan the row alone, as ``--only`` does."""
    known = guide()
    rows = [row for row in known.rows if row.id == ROW]
    return make_plan(known, rows, [TurnServer(host=name) for name in servers], lambda _: site.proxy)


def seen(*faults: Fault, site: Site = OPEN_SITE, servers: tuple[str, ...] = TURN) -> Seen:
    """Return the plan, and what became of TURN when the first fault that matches met it."""
    plan = planned(site, servers)
    found = [result(f, next((fault for fault in faults if fault.match(f)), None)) for f in plan.flows]
    return plan, {one.flow.id: one for one in found}, site


def judged(seen: Seen, *, seconds: float = 10.0, fails: bool = False) -> Row:
    """Measure what is chosen, well or badly, and judge the row."""
    plan, results, site = seen
    choice = choose(Sofar(guide=guide(), site=site, results=results), plan.assignments, seconds=seconds)
    known = Known(
        specs=guide().flows,
        assignments={**plan.assignments, **choice.assignments},
        results={**results, **{flow.id: _measured(flow.id, results, fails=fails) for flow in choice.flows}},
        site=site,
        have_credentials=True,
    )
    return judge_row(plan.rows[0], known)


def _measured(flow: str, results: dict[str, Result], *, fails: bool) -> Result:
    """Make what is measured on the way of a TURN check."""
    turn = results[flow.replace("quality/", "turn/")].flow
    own = replace(turn, id=flow, kind="quality", spec=f"quality-{turn.transport}")
    numbers = replace(QUALITY, transport=turn.transport, via=turn.via)
    seen = Failure(phase=Phase.MEDIA, cause=Cause.LOSS, detail="5 % lost") if fails else None
    outcome = Outcome.FAIL if fails else Outcome.PASS
    return Result(flow=own, verdict=Verdict(outcome=outcome, reason="12 ms one way", failure=seen, measured=numbers))


def test_nothing_is_measured_before_all_else_has_ended() -> None:
    """TURN itself is planned, by each way that may come to be measured."""
    plan = planned()
    assert {flow.kind for flow in plan.flows} == {"turn", "portal"}
    assert {plan.assignments[spec].not_tested for spec in (UDP, TLS, TCP)} == {NOT_REACHED}
    assert planned(servers=()).assignments[UDP].not_tested == NO_TURN


def test_where_udp_passes_it_is_judged() -> None:
    """At the first server that works; the others ways are only compared with, for a shorter time."""
    plan, results, site = seen()
    choice = choose(Sofar(guide=guide(), site=site, results=results), plan.assignments, seconds=10.0)
    assert [flow.id for flow in choice.flows] == [
        f"quality/{TURN[0]}:{port}/{transport}/direct" for port, transport in ((3478, "udp"), (443, "tls"), (80, "tcp"))
    ]
    first, *others = choice.flows
    assert (first.control_of, first.params.get("share")) == ("", None)
    assert first.params["beside"] == "tcp/80"  # the same server, by a way that loses nothing
    assert {(flow.control_of, flow.params["share"]) for flow in others} == {(first.id, 0.3)}
    assert turn_of(first, results.values()) == results[f"turn/{TURN[0]}:3478/udp/direct"]
    row = judged((plan, results, site))
    assert (row.verdict, row.path) == (RowVerdict.PASS, "UDP/3478")
    assert row.reason == "UDP/3478: works (12 ms one way)"


def test_a_bad_line_is_no_reason_for_another_way() -> None:
    """Clients stay with UDP, however badly it passes: the row fails, and is not degraded."""
    row = judged(seen(), fails=True)
    assert (row.verdict, row.reason) == (RowVerdict.FAIL, f"UDP/3478 fails: 5 % lost ({TURN[0]}).")


def test_a_dead_server_is_not_measured_at() -> None:
    """The next one is."""
    row = judged(seen(Fault(match=host(TURN[0]))))
    assert row.verdict is RowVerdict.PASS
    assert row.checks == (f"quality/{TURN[1]}:3478/udp/direct",)


@pytest.mark.parametrize("site", [OPEN_SITE, PROXY_SITE])
def test_a_fallback_has_its_price_in_numbers(site: Site) -> None:
    """UDP fails as TURN's own checks say, and what the fallback was measured to be like stands behind its cost."""
    row = judged(seen(Fault(match=udp, phase=Phase.STUN), site=site))
    assert (row.verdict, row.path.split()[0]) == (RowVerdict.DEGRADED, "TLS/443")
    assert row.reason.endswith("Measured there: 12 ms one way.")
    assert f"turn/{TURN[0]}:3478/udp/direct" in row.checks
    via = Via.PROXY if site.proxy == PROXY else Via.DIRECT
    assert f"quality/{TURN[0]}:443/tls/{via}" in row.checks


def test_of_fallbacks_the_first_that_works() -> None:
    """Here the last."""
    row = judged(seen(Fault(match=udp, phase=Phase.STUN), Fault(match=tcp(443))))
    assert (row.verdict, row.path) == (RowVerdict.DEGRADED, "TCP/80")


def test_where_udp_cannot_be_told_neither_can_the_row() -> None:
    """It may be that calls go by UDP after all."""
    unclear = Fault(match=udp, phase=Phase.STUN, cause=Cause.BUDGET, outcome=Outcome.INCONCLUSIVE)
    assert judged(seen(unclear)).verdict is RowVerdict.INCONCLUSIVE


def test_where_no_relay_passes_data_nothing_is_measured() -> None:
    """That is other rows' failure."""
    row = judged(seen(Fault(match=lambda flow: flow.kind == "turn", phase=Phase.STUN)))
    assert (row.verdict, row.reason) == (RowVerdict.NOT_TESTED, NOTHING)


def test_a_pass_without_data_proves_no_way() -> None:
    """As of a quota that leaves room for one allocation only."""
    plan, results, site = seen()
    bare = {
        key: replace(one, steps=tuple(s for s in one.steps if s.phase is not Phase.TURN_DATA)) if udp(one.flow) else one
        for key, one in results.items()
    }
    row = judged((plan, bare, site))
    assert row.verdict is RowVerdict.NOT_TESTED
    assert NO_DATA in row.reason


def test_where_packets_are_counted_udp_is_no_way() -> None:
    """A control has shown that fewer pass than any call sends."""
    plan, results, site = seen()
    flow = results[f"turn/{TURN[0]}:3478/udp/direct"].flow
    limited = Failure(phase=Phase.STUN, cause=Cause.RATE_LIMITED, detail="20 of 150")
    control = replace(flow, id=f"{flow.id}/pace", kind="pace", control_of=flow.id)
    verdict = Verdict(outcome=Outcome.FAIL, reason="limited", failure=limited)
    results |= {control.id: Result(flow=control, verdict=verdict)}
    choice = choose(Sofar(guide=guide(), site=site, results=results), plan.assignments, seconds=10.0)
    assert choice.flows[0].transport is Transport.TLS
    assert choice.assignments[UDP].flows == tuple(f"turn/{name}:3478/udp/direct" for name in TURN)  # these say why


@pytest.mark.parametrize(("limit", "compared"), [(ramp(700), True), (ramp(700, at_least=True), False), (None, False)])
def test_a_limit_of_udp_is_tried_over_tcp(limit: Ramp | None, compared: bool) -> None:
    """Once, as a control, and only where more was tried than passed: is it the line's, or one of UDP alone?"""
    row = next(one for one in guide().rows if one.id == "bandwidth/audio")
    plan = make_plan(guide(), [row], [TurnServer(host=name) for name in TURN], lambda _: None)
    results = {flow.id: result(flow, None) for flow in plan.flows}
    sofar = Sofar(guide=guide(), site=OPEN_SITE, results=results)
    (flow,) = choose(sofar, plan.assignments, seconds=10.0).flows
    assert flow.params["other"] == f"{TURN[1]}:3478"  # which tells whose limit it is
    verdict = Verdict(outcome=Outcome.PASS, reason="so much", measured=limit)
    after = replace(sofar, results={**results, flow.id: Result(flow=flow, verdict=verdict)})
    found = beside_load(after, plan.assignments).flows
    assert [one.id for one in found] == ([f"bandwidth/{TURN[0]}:443/tls/direct"] if compared else [])
    assert all(one.control_of == flow.id for one in found)


def test_what_is_left_out_says_so() -> None:
    """With ``--quick``; a row that nobody asked for is not spoken of."""
    assert (judged(seen(), seconds=0).verdict, judged(seen(), seconds=0).reason) == (RowVerdict.NOT_TESTED, LEFT_OUT)
    bare: Guide = guide()
    assert choose(Sofar(guide=bare, site=OPEN_SITE, results={}), {}, seconds=10.0).flows == ()
    assert isinstance(QUALITY, Quality)
