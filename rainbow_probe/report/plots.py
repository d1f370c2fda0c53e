"""What was measured, made ready to draw: positions in the units of a drawing that is stretched to its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rainbow_probe.language import Language
from rainbow_probe.measures import (
    Demand,
    Estimate,
    Instant,
    Load,
    Measured,
    PortInterval,
    PortState,
    PortSurvey,
    Quality,
)
from rainbow_probe.report.wording import DIRECTIONS

ACROSS, UP = 1000, 100  # units of a drawing: from left to right, and from the bottom up
MOST_DRAWN = 2000  # intervals of ports; finer ones cannot be seen
MOST_LISTED = 40
_LEAST = 1.5  # units: a single closed port is still there to see
_STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 8.0, 10.0)
_LOOKS = {PortState.OPEN: "pass", PortState.CLOSED: "fail", PortState.UNKNOWN: "inconclusive"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One number over time: *points* as SVG has them, zero at the bottom and *top* at the top."""

    name: str
    unit: str
    top: str
    points: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a bar."""

    left: float
    width: float
    look: str


def title(measured: Measured, language: Language) -> str:
    """Say what was measured, over which way, in which direction."""
    way = language.say(DIRECTIONS[measured.direction])
    match measured:
        case Quality():
            return language.say(
                "Call quality: {codec}, {streams} streams of {seconds} s, {transport} {via}, {way}",
                codec=measured.codec,
                streams=measured.streams,
                seconds=figure(measured.duration_s),
                transport=measured.transport.upper(),
                via=measured.via,
                way=way,
            )
        case PortSurvey():
            ports = f"{measured.transport.upper()} {measured.first}-{measured.last}"
            return language.say("Ports {ports}, {way}", ports=ports, way=way)
        case _:
            door = f"{measured.transport.upper()} {measured.via}"
            return language.say("Bandwidth, {door}, {way}", door=door, way=way)


def curves(quality: Quality) -> tuple[Curve, ...]:
    """Return loss, jitter and delay over the time of the streams; none of a single instant."""
    if len(quality.series) < 2:
        return ()
    told = (
        ("loss", "%", [instant.loss_percent for instant in quality.series]),
        ("jitter", "ms", [instant.jitter_ms for instant in quality.series]),
        ("delay", "ms", [instant.delay_ms for instant in quality.series]),
    )
    return tuple(_curve(name, unit, quality.series, values) for name, unit, values in told)


def _curve(name: str, unit: str, series: Sequence[Instant], values: Sequence[float]) -> Curve:
    first, last = series[0].at_s, series[-1].at_s
    top = ceiling(max(values))
    points = " ".join(
        f"{_part(instant.at_s - first, last - first, ACROSS)},{round(UP - _part(value, top, UP), 1)}"
        for instant, value in zip(series, values, strict=True)
    )
    return Curve(name=name, unit=unit, top=figure(top), points=points)


def ceiling(value: float) -> float:
    """Return the round number at or above *value* that an axis ends with."""
    scale = 1.0
    while scale * 10 < value:
        scale *= 10
    while scale > value > 0:
        scale /= 10
    return next((scale * step for step in _STEPS if scale * step >= value), scale * 10)


def _part(value: float, whole: float, units: int) -> float:
    return round(min(max(value / whole if whole else 0.0, 0.0), 1.0) * units, 1)


def figure(value: float) -> str:
    """Return a number for a reader: three figures, no exponent, no idle zeros."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def estimate(known: Estimate) -> str:
    """Return a number with the interval that it lies in."""
    return f"{figure(known.value)} ({figure(known.low)}-{figure(known.high)})"


def port_bar(survey: PortSurvey) -> tuple[Piece, ...]:
    """Return the intervals of *survey* as stretches of one bar, the open ones first gaps drawn over them."""
    span = survey.last - survey.first + 1
    drawn = sorted(survey.intervals, key=lambda one: one.state is not PortState.OPEN)[:MOST_DRAWN]
    return tuple(
        Piece(
            left=_part(one.first - survey.first, span, ACROSS),
            width=max(_LEAST, _part(one.last - one.first + 1, span, ACROSS)),
            look=_LOOKS[one.state],
        )
        for one in drawn
    )


def port_lists(survey: PortSurvey) -> tuple[tuple[PortState, str, str], ...]:
    """Return what is open, what is closed and what is not known: the state, its look, its ports."""
    return tuple((state, _LOOKS[state], listed) for state in PortState if (listed := _ports(survey, state)))


def _ports(survey: PortSurvey, state: PortState) -> str:
    found = [one for one in survey.intervals if one.state is state]
    more = f", +{len(found) - MOST_LISTED}" if len(found) > MOST_LISTED else ""
    return ", ".join(map(_interval, found[:MOST_LISTED])) + more


def _interval(one: PortInterval) -> str:
    return str(one.first) if one.first == one.last else f"{one.first}-{one.last}"


def load_bars(steps: Sequence[Load]) -> tuple[tuple[Load, float, float], ...]:
    """Return each step of a ramp with the lengths of what was offered and of what was carried."""
    top = max((max(step.offered_kbit_s, step.carried_kbit_s) for step in steps), default=0.0)
    return tuple(
        (step, _part(step.offered_kbit_s, top, ACROSS), _part(step.carried_kbit_s, top, ACROSS)) for step in steps
    )


def demand_bars(demands: Iterable[Demand]) -> tuple[tuple[Demand, float, float], ...]:
    """Return each need with its length and that of the capacity, which is 0 where it was not measured."""
    return tuple(
        (one, _part(one.need, _largest(one), ACROSS), _part(one.capacity or 0.0, _largest(one), ACROSS))
        for one in demands
    )


def _largest(demand: Demand) -> float:
    return max(demand.need, demand.capacity or 0.0)
