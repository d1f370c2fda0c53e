"""What became of the packets of a stream: lost, late, twice, out of order. Times are seconds of one clock; no I/O."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from rainbow_probe.measures import Estimate, Instant
from rainbow_probe.protocols.estimates import SURE, Z, average, share

BATCHES = 10  # neighbouring parts of a measurement, each long beside what neighbours have in common
SMOOTHING = 16  # RFC 3550 section 6.4.1
SURELY = 3.0  # deviations: once in seven hundred by chance
PER_CENT, MS = 100.0, 1000.0


@dataclass
class Trace:
    """One stream: when each packet was sent, and when and in which order they came in."""

    sent: list[float] = field(default_factory=list[float])
    """By index."""
    arrived: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    """Index and time, as they came; those that came twice are there twice."""

    def firsts(self) -> list[tuple[int, float]]:
        """Return each packet once, as it came first."""
        seen: dict[int, float] = {}
        for index, at in self.arrived:
            seen.setdefault(index, at)
        return list(seen.items())

    @property
    def lost(self) -> list[bool]:
        """By index, whether the packet never came."""
        there = {index for index, _ in self.arrived}
        return [index not in there for index in range(len(self.sent))]

    @property
    def duplicates(self) -> int:
        """How many came again."""
        return len(self.arrived) - len({index for index, _ in self.arrived})

    @property
    def reordered(self) -> int:
        """How many came after one that was sent later (RFC 4737 section 3)."""
        latest = itertools.accumulate((index for index, _ in self.firsts()), max)
        return sum(index < most for (index, _), most in zip(self.firsts(), latest, strict=True))

    def transits(self) -> list[tuple[float, float]]:
        """Return when each packet was sent and how long it took, in order of arrival."""
        return [(self.sent[index], at - self.sent[index]) for index, at in self.firsts()]

    def changes(self) -> list[tuple[float, float]]:
        """Return RFC 3550's |D| of each packet to the one before it, with the time when it was sent."""
        transits = self.transits()
        return [(at, abs(took - before)) for (_, before), (at, took) in itertools.pairwise(transits)]

    def estimator(self) -> float:
        """Return RFC 3550's jitter J as it stands at the end."""
        jitter = 0.0
        for _, change in self.changes():
            jitter += (change - jitter) / SMOOTHING
        return jitter


def lost(traces: Sequence[Trace], z: float = Z) -> Estimate:
    """Return the share of packets lost in all *traces*, in per cent; bunches widen the interval of *z* deviations."""
    together = [gone for _, gone in sorted((at, gone) for t in traces for at, gone in zip(t.sent, t.lost, strict=True))]
    found = share(sum(together), len(together), weight(together), z)
    return Estimate(value=found.value * PER_CENT, low=found.low * PER_CENT, high=found.high * PER_CENT)


def carried(traces: Sequence[Trace], seconds: float) -> float:
    """Return the share that streams carried of what was offered to them for *seconds*: by when all of it had come.

    They make their sender wait and take much for later, so that it goes on for longer than was meant.
    """
    took = [one for trace in traces for _, one in trace.transits()]
    if not took:
        return 0.0
    first = min(at for trace in traces for at in trace.sent)
    last = max(at for trace in traces for _, at in trace.arrived)
    sent = sum(len(trace.sent) for trace in traces)
    needed = last - first - min(took) + seconds / sent  # the last one's own turn, too
    return len(took) / sent * seconds / max(seconds, needed)


def surely_lost(traces: Sequence[Trace]) -> float:
    """Return how many per cent are lost in all *traces* at the least, as sure as a failure has to be."""
    return lost(traces, SURE).low


def bursts(lost: Iterable[bool]) -> list[int]:
    """Return the lengths of all runs of lost packets."""
    return [sum(1 for _ in run) for gone, run in itertools.groupby(lost) if gone]


def longest_burst(traces: Iterable[Trace]) -> int:
    """Return how many packets one stream lost in a row, at most."""
    return max((length for trace in traces for length in bursts(trace.lost)), default=0)


def burst_ratio(lost: Sequence[bool]) -> float:
    """Return how much longer runs of lost packets are than by chance: BurstR of G.107 section 7.5, 1 or more."""
    runs, share = bursts(lost), sum(lost) / max(1, len(lost))
    return max(1.0, fmean(runs) * (1 - share)) if runs else 1.0


def weight(lost: Sequence[bool]) -> float:
    """Return by how much bunches lower what so many packets tell: the design effect of a Gilbert model.

    Its states last; neighbours correlate with r = 1 - 1 / BurstR, which makes (1 + r) / (1 - r) of them tell as much as
    one. How long runs are is only known as well as there are runs, which widens it a little.
    """
    unsure = 1 + 2 / max(1, len(bursts(lost)))
    return 1 + 2 * (burst_ratio(lost) - 1) * unsure


def jitter(traces: Sequence[Trace]) -> Estimate:
    """Return the jitter in milliseconds: the mean of |D|, at which RFC 3550's smoothed estimate settles."""
    return _averaged([change for trace in traces for change in trace.changes()])


def transit(traces: Sequence[Trace]) -> Estimate:
    """Return how long packets took, in milliseconds, on the average."""
    return _averaged([transit for trace in traces for transit in trace.transits()])


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that *share* of *values* do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def around_middle(values: Iterable[float]) -> tuple[float, float]:
    """Return between what the true median of *values* lies, each end with 99.8 % confidence; nowhere, of too few.

    By their order alone, whatever their distribution: as many lie below the median as heads come up of so many coins.
    """
    ordered = sorted(values)
    beyond = (len(ordered) - SURELY * math.sqrt(len(ordered))) / 2
    if beyond < 0:
        return -math.inf, math.inf
    return ordered[int(beyond)], ordered[-1 - int(beyond)]


def _averaged(timed: Sequence[tuple[float, float]]) -> Estimate:
    ordered = [value * MS for _, value in sorted(timed)]
    size = -(-len(ordered) // BATCHES)
    return average([fmean(ordered[at : at + size]) for at in range(0, len(ordered), size or 1)])


def series(traces: Sequence[Trace], *, delays: float = 1.0) -> tuple[Instant, ...]:
    """Return second for second what *traces* were like together, with the share *delays* of a transit as delay."""
    return tuple(_instants(traces, delays))


def _instants(traces: Sequence[Trace], delays: float) -> Iterator[Instant]:
    zero = min((trace.sent[0] for trace in traces if trace.sent), default=0.0)
    gone = _by_second(zero, ((at, float(g)) for t in traces for at, g in zip(t.sent, t.lost, strict=True)))
    took = _by_second(zero, (pair for trace in traces for pair in trace.transits()))
    change = _by_second(zero, (pair for trace in traces for pair in trace.changes()))
    for second, lost in sorted(gone.items()):
        yield Instant(
            at_s=float(second),
            loss_percent=fmean(lost) * PER_CENT,
            jitter_ms=fmean(change.get(second, [0.0])) * MS,
            delay_ms=fmean(took.get(second, [0.0])) * MS * delays,
        )


def _by_second(zero: float, timed: Iterable[tuple[float, float]]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for at, value in timed:
        found.setdefault(int(at - zero), []).append(value)
    return found
