"""What is said of streams of packets: by hand where it can be, and by many samples where it is a claim on chance."""

from __future__ import annotations

import math
import random

import pytest

from rainbow_probe.protocols.estimates import SURE, average, share, slope, student
from rainbow_probe.protocols.streams import (
    Trace,
    around_middle,
    burst_ratio,
    bursts,
    carried,
    jitter,
    longest_burst,
    lost,
    percentile,
    series,
    transit,
    weight,
)

PACE = 0.02


def trace(*took: float | None) -> Trace:
    """Make a stream whose packets took so many milliseconds, or never came."""
    found = Trace(sent=[n * PACE for n in range(len(took))])
    came = [(n * PACE + ms / 1000, n) for n, ms in enumerate(took) if ms is not None]
    found.arrived = [(n, at) for at, n in sorted(came)]
    return found


def test_a_stream_is_counted() -> None:
    """Lost, twice, out of order; a second copy counts for nothing else."""
    seen = trace(10, None, 65, 10, None, None, 10)
    seen.arrived.append((0, 0.5))
    assert seen.lost == [False, True, False, False, True, True, False]
    assert (seen.duplicates, seen.reordered) == (1, 1)
    assert bursts(seen.lost) == [1, 2]
    assert longest_burst([seen, trace(None, None, None, 1)]) == 3
    assert [took for _, took in seen.transits()] == pytest.approx([0.01, 0.01, 0.065, 0.01])


def test_jitter_is_that_of_rfc_3550() -> None:
    """|D| of neighbours in the order in which they came; the smoothed estimate moves by a sixteenth of the way."""
    seen = trace(10, 14, 8)
    assert [change for _, change in seen.changes()] == pytest.approx([0.004, 0.006])
    assert seen.estimator() == pytest.approx(0.004 / 16 + (0.006 - 0.004 / 16) / 16)


def test_the_smoothed_estimate_settles_at_the_mean() -> None:
    """Which is why the mean stands for it: it needs no time to settle."""
    chance = random.Random(1)  # noqa: S311 - no secret, and the same each time
    seen = trace(*(chance.uniform(50, 70) for _ in range(5000)))
    assert jitter([seen]).value == pytest.approx(20 / 3, rel=0.05)  # of two uniform ones 20 ms wide
    assert seen.estimator() * 1000 == pytest.approx(20 / 3, rel=0.5)


def test_a_constant_delay_is_known_exactly() -> None:
    """And has no jitter."""
    seen = [trace(*[100.0] * 50), trace(*[100.0] * 50)]
    assert (transit(seen).low, transit(seen).high) == pytest.approx((100, 100))
    assert jitter(seen).high == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [
        (0, 2500, 0.0, 0.00153),
        (25, 2500, 0.00678, 0.01472),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (0, 0, 0, 1),
    ],
)
def test_a_share_has_wilsons_interval(hits: int, tries: int, low: float, high: float) -> None:
    """As tables have it; none and all have their ends."""
    found = share(hits, tries)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.0001)


@pytest.mark.parametrize(("freedom", "expected"), [(1, 12.706), (2, 4.303), (5, 2.571), (9, 2.262), (30, 2.042)])
def test_students_t(freedom: int, expected: float) -> None:
    """As tables have it."""
    assert student(freedom) == pytest.approx(expected, abs=0.005)


def test_an_average_needs_two_batches() -> None:
    """With them, the interval is Student's."""
    found = average([1.0, 3.0])
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 0.0, 2 + 12.706))
    with pytest.raises(ValueError, match="batches"):
        average([1.0])


@pytest.mark.parametrize("rate", [0.003, 0.01, 0.03, 0.1])
def test_the_interval_of_loss_by_chance_holds_the_truth(rate: float) -> None:
    """In 95 of 100 runs; 150 of them here, the same each time."""
    chance = random.Random(2)  # noqa: S311 - as above
    hits = 0
    for _ in range(150):
        found = lost([trace(*(None if chance.random() < rate else 1.0 for _ in range(1000)))])
        hits += found.low <= rate * 100 <= found.high
    assert hits >= 0.92 * 150


@pytest.mark.parametrize("stays", [0.5, 0.8])
def test_the_interval_of_loss_in_bunches_holds_the_truth_too(stays: float) -> None:
    """Where a lost packet is followed by another one with that chance; without a weight the interval is too narrow."""
    chance, rate = random.Random(3), 0.05  # noqa: S311 - as above
    begins = rate * (1 - stays) / (1 - rate)
    plain = weighed = 0
    for _ in range(100):
        gone, state = [], False
        for _ in range(2500):
            state = chance.random() < (stays if state else begins)
            gone.append(state)
        narrow, wide = share(sum(gone), len(gone)), share(sum(gone), len(gone), weight(gone))
        plain += narrow.low <= rate <= narrow.high
        weighed += wide.low <= rate <= wide.high
    assert weighed >= 0.91 * 100 > plain


def test_bunches_are_told_from_chance() -> None:
    """BurstR is 1 for chance, and the mean length of a run where all are alike."""
    assert burst_ratio([False] * 10) == 1
    assert burst_ratio([False, True] * 5) == 1
    assert burst_ratio([*[False] * 90, *[True] * 10]) == pytest.approx(9)
    assert weight([*[False] * 90, *[True] * 10]) == pytest.approx(1 + 2 * 8 * 3)
    assert weight([False] * 10) == 1


def test_losses_of_streams_at_the_same_moment_are_one_bunch() -> None:
    """Whoever cuts five calls for a moment has not hit five times by chance."""
    alone = [trace(*[1.0] * 50, *[None] * 5, *[1.0] * 445) for _ in range(5)]
    found = lost(alone)
    assert found.value == pytest.approx(1)
    assert found.high > 5
    assert lost([trace(*[1.0] * 5)]).low == 0


def test_the_true_median_lies_within_its_interval() -> None:
    """But for twice in seven hundred; of a few packets nothing is known."""
    chance = random.Random(2)  # noqa: S311 - samples, no secrets
    for count in (9, 10, 57):
        sides = [around_middle(chance.random() + chance.random() for _ in range(count)) for _ in range(2000)]
        assert sum(not low <= 1.0 <= high for low, high in sides) <= 20, count
    low, high = around_middle(range(1000))
    assert 440 < low < 470 < 530 < high < 560
    assert around_middle([1.0] * 8) == (-math.inf, math.inf)


def test_a_percentile_and_a_series() -> None:
    """Second for second, also those in which nothing came."""
    assert percentile(range(100), 0.95) == 95
    assert percentile([1.0], 0.99) == 1.0
    found = series([trace(*[10.0] * 50, *[None] * 50, *[20.0] * 50)], delays=0.5)
    assert [round(one.loss_percent) for one in found] == [0, 100, 0]
    assert [round(one.delay_ms) for one in found] == [5, 0, 10]
    assert series([]) == ()


def test_what_grows_is_told_from_what_only_varies() -> None:
    """A queue that fills by a fifth of a second each second, in a tenth of a second of packets; and no queue at all."""
    chance = random.Random(6)  # noqa: S311 - packets are no secrets
    times = [n / 100 for n in range(30)]
    filling = slope([(at, 0.02 + 0.2 * at + chance.random() * 0.002) for at in times])
    assert 0.18 < filling.low < 0.2 < filling.high < 0.22
    wrong = sum(slope([(at, chance.random() * 0.2) for at in times]).low > 0.04 for _ in range(2000))
    assert wrong / 2000 < 0.04
    assert slope([]).low == slope([(0.0, 1.0), (1.0, 9.0)]).low == float("-inf")


def test_a_line_that_loses_just_what_is_allowed_is_hardly_ever_called() -> None:
    """One in two hundred by the interval, held to each of two ways; small counts are a little worse than that."""
    chance = random.Random(8)  # noqa: S311 - as above
    lines = [[chance.random() < 0.01 for _ in range(625)] for _ in range(1200)]
    called = [share(sum(one), len(one), weight(one), SURE).low > 0.01 for one in lines]
    assert sum(called) / len(called) < 0.01
    lossy = [[chance.random() < 0.03 for _ in range(625)] for _ in range(200)]
    assert sum(share(sum(one), len(one), weight(one), SURE).low > 0.01 for one in lossy) > 150


def test_what_a_stream_carried_is_known_by_when_it_had_come() -> None:
    """It takes what is offered for later: two seconds' packets that need four, and a rest that never comes."""
    sent = [at / 10 for at in range(20)]
    late = Trace(sent=sent, arrived=[(index, at * 2 + 0.05) for index, at in enumerate(sent)])
    assert carried([late], 2.0) == pytest.approx(2 / 3.9)
    early = Trace(sent=sent, arrived=[(index, at + 0.05) for index, at in enumerate(sent)])
    assert carried([early], 2.0) == 1.0
    assert carried([Trace(sent=sent, arrived=early.arrived[:10])], 2.0) == 0.5
    assert carried([Trace(sent=sent)], 2.0) == 0.0
