"""What earlier runs of the same site found, made ready to draw beside this one: verdicts, quality, capacity.

Runs stand side by side, the oldest first and this one last, each in a place of the same width, so that strips and lines
of one page can be read one below the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import TypeVar

from rainbow_probe.language import Language
from rainbow_probe.measures import Estimate, Measured, Quality, Ramp
from rainbow_probe.model import Report, RowVerdict
from rainbow_probe.report.past import Past, past_of
from rainbow_probe.report.plots import ACROSS, UP, ceiling, figure, title

MOST_RUNS = 30  # drawn, this one among them; more cannot be told apart on a phone
MOST_WAYS = 6  # ways that something was measured over
BEST_MOS, WORST_MOS = 5.0, 1.0  # ITU-T P.800
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The verdict of one thing in each run; None where it was not asked for."""

    title: str
    verdicts: tuple[RowVerdict | None, ...]
    since: int
    """In how many runs up to this one, it among them, it has been as it is."""

    @property
    def now(self) -> RowVerdict:
        """The verdict of this run."""
        return self.verdicts[-1] or RowVerdict.NOT_TESTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A number in one run, between what it may also be."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One number over the runs: what SVG draws of it, and what is said of it."""

    name: str
    unit: str
    points: tuple[Point | None, ...]
    bottom: str
    top: str
    line: str
    """A path through the runs that measured it, broken where one did not."""
    band: str
    """A path around what the numbers may also be (95 % confidence)."""
    dots: str
    """A path of no length at each run."""

    @property
    def now(self) -> str:
        """The number of this run."""
        return figure(self.points[-1].value) if self.points[-1] else ""

    @property
    def low(self) -> str:
        """The least of all runs."""
        return figure(min(point.value for point in self.points if point))

    @property
    def high(self) -> str:
        """The greatest of all runs."""
        return figure(max(point.value for point in self.points if point))


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What was measured by one check over the runs."""

    check: str
    title: str
    trends: tuple[Trend, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trends:
    """All that is drawn of the past."""

    times: tuple[str, ...]
    strips: tuple[Strip, ...]
    ways: tuple[Way, ...]


def trends(report: Report, past: Sequence[Past], language: Language) -> Trends | None:
    """Return *report* beside the *past*, the oldest first; None where there is none."""
    if not past:
        return None
    runs = [*past[-(MOST_RUNS - 1) :], past_of(report)]
    whole = _strip(language.say("Verdict"), [run.verdict for run in runs])
    lines = [
        _strip(language.said(client.title), [run.clients.get(client.id) for run in runs]) for client in report.clients
    ]
    drawn = (_way(check, measured, runs, language) for check, measured in runs[-1].measured.items())
    ways = tuple(way for way in drawn if way.trends)
    return Trends(times=tuple(run.started for run in runs), strips=(whole, *lines), ways=ways[:MOST_WAYS])


def _strip(name: str, verdicts: Sequence[RowVerdict | None]) -> Strip:
    same = takewhile(lambda verdict: verdict is verdicts[-1], reversed(verdicts))
    return Strip(title=name, verdicts=tuple(verdicts), since=sum(1 for _ in same))


def _way(check: str, measured: Measured, runs: Sequence[Past], language: Language) -> Way:
    found = [run.measured.get(check) for run in runs]
    made = _quality(found) if isinstance(measured, Quality) else _ramp(found) if isinstance(measured, Ramp) else ()
    several = [trend for trend in made if sum(point is not None for point in trend.points) > 1]
    return Way(check=check, title=title(measured, language), trends=tuple(several))


def _quality(found: Sequence[Measured | None]) -> Iterator[Trend]:
    last = found[-1]
    assert isinstance(last, Quality)
    alike = [one if isinstance(one, Quality) and _same(one, last) else None for one in found]
    yield _trend("loss", "%", alike, lambda one: _point(one.loss_percent))
    yield _trend("jitter", "ms", alike, lambda one: _point(one.jitter_ms))
    yield _trend("delay", "ms", alike, lambda one: _point(one.delay_ms))
    yield _trend("mos", "", alike, lambda one: _sure(one.mos), WORST_MOS, BEST_MOS)


def _same(one: Quality, other: Quality) -> bool:
    """Tell whether two runs measured the same thing, so that their numbers may be joined by a line."""
    return (one.codec, one.direction, one.streams) == (other.codec, other.direction, other.streams)


def _ramp(found: Sequence[Measured | None]) -> Iterator[Trend]:
    alike = [one if isinstance(one, Ramp) else None for one in found]
    yield _trend("capacity", "kbit/s", alike, lambda one: _sure(one.capacity_kbit_s))


def _point(known: Estimate) -> Point:
    return Point(value=known.value, low=known.low, high=known.high)


def _sure(value: float) -> Point:
    return Point(value=value, low=value, high=value)


def _trend(
    name: str,
    unit: str,
    found: Sequence[T | None],
    take: Callable[[T], Point],
    bottom: float = 0.0,
    top: float | None = None,
) -> Trend:
    points = [None if one is None else take(one) for one in found]
    most = ceiling(max((point.high for point in points if point), default=1.0)) if top is None else top
    scale = _Scale(runs=len(points), bottom=bottom, top=most)
    parts = [[(at, point) for at, point in part if point] for known, part in _stretches(points) if known]
    return Trend(
        name=name,
        unit=unit,
        points=tuple(points),
        bottom=figure(bottom),
        top=figure(most),
        line=" ".join(scale.path((at, point.value) for at, point in part) for part in parts),
        band=" ".join(scale.around(part) for part in parts if len(part) > 1),
        dots=" ".join(f"M{scale.place(at, point.value)}h0" for part in parts for at, point in part),
    )


def _stretches(points: Sequence[Point | None]) -> Iterator[tuple[bool, Iterator[tuple[int, Point | None]]]]:
    """Part the runs where what was measured begins and ends."""
    return groupby(enumerate(points), key=lambda one: one[1] is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """Where a number of a run stands in a drawing."""

    runs: int
    bottom: float
    top: float

    def place(self, run: int, value: float) -> str:
        """Return the point of a *run*: the middle of its place, and as high as its *value*."""
        part = (min(max(value, self.bottom), self.top) - self.bottom) / (self.top - self.bottom)
        return f"{round((run + 0.5) / self.runs * ACROSS, 1):g},{round(UP - part * UP, 1):g}"

    def path(self, points: Iterable[tuple[int, float]]) -> str:
        """Return a line through *points*."""
        return "M" + "L".join(self.place(at, value) for at, value in points)

    def around(self, part: Sequence[tuple[int, Point]]) -> str:
        """Return a line there along the highest and back along the lowest that the numbers of *part* may be."""
        there = self.path((at, point.high) for at, point in part)
        back = "L".join(self.place(at, point.low) for at, point in reversed(part))
        return f"{there}L{back}Z"
