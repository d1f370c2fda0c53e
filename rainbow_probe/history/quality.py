"""What was measured twice, and differs by more than chance: the intervals of 95 % confidence do not even touch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rainbow_probe.measures import Estimate, Measured, PortSurvey, Quality, Ramp
from rainbow_probe.model import Result

LOSS, JITTER, DELAY, CLOSED = 0.2, 2.0, 5.0, 1.0
"""Percentage points, ms, ms, percentage points: who makes a call hears no smaller difference, however sure it is."""
FACTOR = 1.5  # of the capacity: a ramp goes in steps, and gives no interval


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityChange:
    """One measured value that is not what it was."""

    check: str
    what: str
    before: str
    after: str
    worse: bool

    def __str__(self) -> str:
        return f"{self.check}: {self.what} {self.before} -> {self.after} ({'worse' if self.worse else 'better'})"


def quality_changes(old: Iterable[Result], new: Iterable[Result]) -> Iterator[QualityChange]:
    """Yield what changed in the checks that both runs measured."""
    before = {result.flow.id: result.verdict.measured for result in old}
    for result in new:
        was, now = before.get(result.flow.id), result.verdict.measured
        if was is not None and now is not None:
            yield from _changes(result.flow.id, was, now)


def _changes(check: str, was: Measured, now: Measured) -> Iterator[QualityChange]:
    if isinstance(was, Quality) and isinstance(now, Quality):
        if (was.codec, was.direction, was.streams) != (now.codec, now.direction, now.streams):
            return  # another measurement, and no other quality
        yield from _estimates(check, "loss", " %", LOSS, was.loss_percent, now.loss_percent)
        yield from _estimates(check, "jitter", " ms", JITTER, was.jitter_ms, now.jitter_ms)
        yield from _estimates(check, "delay", " ms", DELAY, was.delay_ms, now.delay_ms)
    elif isinstance(was, PortSurvey) and isinstance(now, PortSurvey):
        yield from _estimates(check, "closed ports", " %", CLOSED, was.closed_percent, now.closed_percent)
    elif isinstance(was, Ramp) and isinstance(now, Ramp):
        yield from _capacities(check, was, now)


def _estimates(check: str, what: str, unit: str, least: float, was: Estimate, now: Estimate) -> Iterator[QualityChange]:
    apart = now.low > was.high or now.high < was.low
    if apart and abs(now.value - was.value) >= least:
        worse = now.value > was.value
        yield QualityChange(check=check, what=what, before=_shown(was, unit), after=_shown(now, unit), worse=worse)


def _shown(estimate: Estimate, unit: str) -> str:
    return f"{estimate.value:.3g}{unit} ({estimate.low:.3g}-{estimate.high:.3g})"


def _capacities(check: str, was: Ramp, now: Ramp) -> Iterator[QualityChange]:
    """Compare two capacities; of a ramp that ended before the limit nothing is known above it."""
    worse = not now.at_least and now.capacity_kbit_s * FACTOR < was.capacity_kbit_s
    better = not was.at_least and was.capacity_kbit_s * FACTOR < now.capacity_kbit_s
    if worse or better:
        before, after = (_carried(ramp) for ramp in (was, now))
        yield QualityChange(check=check, what="capacity", before=before, after=after, worse=worse)


def _carried(ramp: Ramp) -> str:
    return f"{'at least ' if ramp.at_least else ''}{ramp.capacity_kbit_s:.4g} kbit/s"
