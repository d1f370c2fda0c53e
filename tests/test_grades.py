"""Measured streams against the guide's limits: pass and fail only with the whole interval."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from rainbow_probe.measures import Direction, Estimate, Quality
from rainbow_probe.model import Cause, Transport, Via
from rainbow_probe.protocols.grades import HALF, SO_FEW, EachWay, Grade, Limits, ears, graded, quality_of, scored, told
from rainbow_probe.protocols.speech import G711, OPUS, OPUS_LEAST
from rainbow_probe.protocols.streams import Trace, surely_lost
from tests.test_streams import trace

LIMITS = Limits(loss_percent=1, jitter_ms=30, latency_ms=150)


def measured(traces: Iterable[Trace], direction: Direction = Direction.ROUND_TRIP) -> Quality:
    """Sum up *traces* as a check does."""
    return quality_of(
        list(traces), codec="G.711", transport=Transport.UDP, via=Via.DIRECT, direction=direction, seconds=10.0
    )


def judged(traces: Sequence[Trace], direction: Direction = Direction.ROUND_TRIP) -> Grade:
    """Compare *traces* with the guide's limits as a check does."""
    return graded(measured(traces, direction), LIMITS, surely_lost(traces))


def calls(*, loss: float = 0.0, delay: float = 20.0, spread: float = 0.0, packets: int = 500) -> list[Trace]:
    """Make five calls whose packets are lost and late by chance, the same each time."""
    chance = random.Random(4)  # noqa: S311 - no secret
    return [
        trace(*(None if chance.random() < loss else delay + chance.uniform(0, spread) for _ in range(packets)))
        for _ in range(5)
    ]


def test_all_of_it_is_summed_up() -> None:
    """Counts, half of the transit as the delay of one way, and what it is."""
    found = measured([trace(*[40.0] * 50, None, None, 40.0, 90.0, 40.0), trace(*[40.0] * 55)])
    assert (found.streams, found.sent, found.received, found.longest_burst, found.reordered) == (2, 110, 108, 2, 1)
    assert (found.delay_is, found.direction) == (HALF, Direction.ROUND_TRIP)
    assert found.delay_ms.value == pytest.approx(20, abs=0.5)
    assert found.loss_percent.value == pytest.approx(100 * 2 / 110)
    assert 1 < found.mos < 4.5
    assert found.series[0].delay_ms == pytest.approx(20)
    assert "2 calls for 10 s" in told(found)
    assert "(up to 2 in a row)" in told(found)
    assert "1 out of order" in told(found)


def test_each_codec_is_scored_by_its_own_packets() -> None:
    """On its own scale, as far as it is published what loss costs; what is lost of others costs it nothing."""
    whole, holed = calls()[0], calls(loss=0.1)[0]
    found = {one.codec: one for one in scored([(G711, whole), (OPUS, holed), (OPUS_LEAST, holed)])}
    assert set(found) == {"G.711", "Opus"}
    assert (found["Opus"].kbit_s, found["Opus"].streams, found["Opus"].sent) == (40, 1, 500)
    assert found["G.711"].mos == pytest.approx(measured([whole]).mos)
    assert found["Opus"].mos < found["G.711"].mos - 0.5
    swapped = {one.codec: one for one in scored([(G711, holed), (OPUS, whole)])}
    assert swapped["Opus"].mos > found["Opus"].mos + 0.5
    assert 93.2 < swapped["Opus"].r_factor < 148
    assert "G.113" in swapped["G.711"].impairments
    assert scored([(OPUS, trace(*[40.0] * 10))]) == ()  # too few to tell
    assert "MOS 4.4 (G.711) and " in told(replace(measured([whole]), scores=tuple(found.values())))


def test_one_way_is_taken_as_it_is() -> None:
    """Where each direction was measured by itself."""
    assert measured(calls(delay=40), Direction.OUT).delay_ms.value == pytest.approx(40)


def test_a_perfect_line_has_the_best_score() -> None:
    """4.4 with the delay that a receiver makes anyway; half a second is another matter."""
    assert measured(calls(delay=1)).mos == pytest.approx(4.39, abs=0.02)
    assert measured(calls(delay=500)).mos < 3


def test_what_comes_too_late_is_not_heard() -> None:
    """Of a hundred packets one may be late; a buffer is no longer than it may be."""
    steady = ears([trace(*[10.0] * 200)])
    assert (steady.delay_ms, steady.late_percent) == pytest.approx((50, 0))
    torn = ears([trace(*[10.0] * 100, *[600.0] * 100)])
    assert (torn.delay_ms, torn.late_percent) == pytest.approx((230, 50))


@pytest.mark.parametrize(
    ("traces", "cause"),
    [
        (calls(), None),
        (calls(loss=0.002), None),
        (calls(loss=0.015), Cause.CANNOT_TELL),  # 0.75 % each way, or all of it one way
        (calls(loss=0.05), Cause.LOSS),
        (calls(delay=280), None),
        (calls(delay=320), Cause.LATENCY),
        (calls(spread=60), None),
        (calls(spread=120), Cause.CANNOT_TELL),  # 40 ms together: each way may have less than 30
        (calls(spread=240), Cause.JITTER),
        (calls(loss=0.05, delay=400), Cause.LOSS),
        (calls(packets=30), Cause.CANNOT_TELL),  # none of 150 lost proves no 1 %
    ],
)
def test_a_limit_is_kept_or_broken_by_the_whole_interval(traces: list[Trace], cause: Cause | None) -> None:
    """What went up and down together proves something of one way only where it must."""
    grade = judged(traces)
    assert grade.cause is cause
    assert grade.said.endswith(told(measured(traces)) + (")" if cause else ""))


def test_what_few_packets_cannot_show_is_said() -> None:
    """Within the limit, but for what comes in bunches and did not come in that time."""
    assert judged(calls(packets=100)).cause is None
    assert judged(calls(packets=100)).said.endswith(told(measured(calls(packets=100))) + SO_FEW)
    assert SO_FEW not in judged(calls(loss=0.05, packets=100)).said


def test_several_limits_are_told_together() -> None:
    """The first is the cause; all stand in the words."""
    said = judged(calls(loss=0.05, delay=400)).said
    assert "up and down together, and 1 % is the limit of each way; 2e+02 ms" in said or "150 ms is the limit" in said


def test_a_way_measured_by_itself_is_held_to_the_limit_itself() -> None:
    """Nothing is shared there."""
    assert judged(calls(loss=0.02), Direction.OUT).cause is Cause.LOSS
    assert judged(calls(spread=120), Direction.IN).cause is Cause.JITTER


def test_over_tcp_nothing_is_lost_by_chance() -> None:
    """So that none of a few packets is none."""
    few = replace(measured(calls(packets=30)), transport=Transport.TLS)
    assert graded(few, LIMITS, 0.0).cause is None
    lossy = replace(few, loss_percent=Estimate(value=0.7, low=0.1, high=3.0))
    assert graded(lossy, LIMITS, 0.0).cause is Cause.CANNOT_TELL


def each(up: float, down: float, reach: float = 0.2) -> EachWay:
    """Make what is known of each way by itself, give or take *reach*."""
    out, into = (Estimate(value=v, low=max(0.0, v - reach), high=v + reach) for v in (up, down))
    return EachWay(out=out, into=into, least=max(out.low, into.low))


@pytest.mark.parametrize(
    ("ways", "cause"),
    [
        (each(0.7, 0.7), None),
        (each(1.5, 0.0), Cause.LOSS),
        (each(0.0, 1.5), Cause.LOSS),
        (each(0.9, 0.0), Cause.CANNOT_TELL),
        (each(0.9, 3.0), Cause.LOSS),
    ],
)
def test_each_way_by_itself_decides_what_both_together_leave_open(ways: EachWay, cause: Cause | None) -> None:
    """Both must keep the limit; one that breaks it is enough."""
    grade = graded(measured(calls(loss=0.015)), LIMITS, 0.0, ways)
    assert grade.cause is cause
    assert ways.said in grade.said


@pytest.mark.parametrize(("ways", "fits"), [(each(0.7, 0.9), True), (each(0.1, 1.3), True), (each(0.1, 1.5), False)])
def test_no_way_loses_more_than_both_together(ways: EachWay, fits: bool) -> None:
    """Unless what was sent to tell them apart was itself too much for the line."""
    assert ways.fits(Estimate(value=0.8, low=0.5, high=1.2)) is fits
