"""Streams of a call against the limits of the guide, and in words. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Self

from rainbow_probe.measures import Direction, Estimate, Quality, Score
from rainbow_probe.protocols import emodel
from rainbow_probe.protocols.speech import G711, OPUS, Codec
from rainbow_probe.protocols.streams import (
    MS,
    PER_CENT,
    Trace,
    burst_ratio,
    jitter,
    longest_burst,
    lost,
    percentile,
    series,
    surely_lost,
    transit,
)
from rainbow_probe.terms import Cause, Transport, Via

FEWEST = 20  # packets that came: of fewer, nothing can be said but that they are few
MANY = 1500  # packets in which bunches of three show, if a line loses a hundredth: five of them are to be expected
SO_FEW = "; so few packets may miss losses that come in bunches"
HALF = "half of the way up to the relay and down again, as if both took as long"
FRAME = 20.0  # ms of sound that a packet waits for, G.114 annex A
PATIENT = 0.99  # share of packets that a receiver's buffer waits for
SHORTEST_BUFFER, LONGEST_BUFFER = 20.0, 200.0  # ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the guide allows one way."""

    loss_percent: float
    jitter_ms: float
    latency_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """How a measurement compares: the *cause* of a failure, ``CANNOT_TELL``, or None if all is within the limits."""

    cause: Cause | None
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EachWay:
    """Loss of one way by itself, in per cent."""

    out: Estimate
    into: Estimate
    least: float
    """Surely lost in one of them."""

    @classmethod
    def of(cls, out: Sequence[Trace], into: Sequence[Trace]) -> Self:
        """Sum up what was lost on the way *out*, and on the way back *into* the site."""
        return cls(out=lost(out), into=lost(into), least=max(surely_lost(out), surely_lost(into)))

    def fits(self, together: Estimate) -> bool:
        """Return whether no way surely loses more than both *together* did: else it was too much for the line."""
        return max(self.out.low, self.into.low) <= together.high

    @property
    def said(self) -> str:
        """Both in words."""
        return f"{_number(self.out, '%')} lost on the way up, {_number(self.into, '%')} on the way down"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    cause: Cause
    said: str
    inside: bool
    beyond: bool


def quality_of(
    traces: Sequence[Trace],
    *,
    codec: str,
    transport: Transport,
    via: Via,
    direction: Direction,
    seconds: float,
    scores: Sequence[Score] = (),
) -> Quality:
    """Sum up *traces* of which at least ``FEWEST`` packets came; what went there and back has half of it as delay."""
    loss, change, took = lost(traces), jitter(traces), transit(traces)
    share = 0.5 if direction is Direction.ROUND_TRIP else 1.0
    r = _heard(traces, emodel.G711_PLC)
    return Quality(
        codec=codec,
        transport=transport,
        via=via,
        direction=direction,
        streams=len(traces),
        duration_s=seconds,
        sent=sum(len(trace.sent) for trace in traces),
        received=sum(len(trace.firsts()) for trace in traces),
        reordered=sum(trace.reordered for trace in traces),
        duplicates=sum(trace.duplicates for trace in traces),
        longest_burst=longest_burst(traces),
        loss_percent=loss,
        jitter_ms=change,
        delay_ms=Estimate(value=took.value * share, low=took.low * share, high=took.high * share),
        delay_is=HALF if direction is Direction.ROUND_TRIP else "of each packet, by one clock",
        r_factor=r,
        mos=emodel.mos(r),
        series=series(traces, delays=share),
        scores=tuple(scores),
    )


def scored(calls: Sequence[tuple[Codec, Trace]]) -> tuple[Score, ...]:
    """Return what the *calls* of each codec are worth of which it is published what loss costs, if enough came."""
    return tuple(_scores(calls))


def _scores(calls: Sequence[tuple[Codec, Trace]]) -> Iterator[Score]:
    for codec, model in _PUBLISHED.items():
        traces = [trace for one, trace in calls if one == codec]
        if sum(len(trace.firsts()) for trace in traces) >= FEWEST:
            r = _heard(traces, model)
            yield Score(
                codec=codec.name,
                kbit_s=codec.kbit_s,
                streams=len(traces),
                sent=sum(len(trace.sent) for trace in traces),
                r_factor=r,
                mos=emodel.mos(r, model.band),
                impairments=model.source,
            )


_PUBLISHED = {G711: emodel.G711_PLC, OPUS: emodel.OPUS}


def _heard(traces: Sequence[Trace], model: emodel.Impairment) -> float:
    """Rate what comes out of a receiver's buffer: lost is what never came, and what came too late for it."""
    loss, heard = lost(traces), ears(traces)
    late = (1 - loss.value / PER_CENT) * heard.late_percent
    ratio = fmean(burst_ratio(trace.lost) for trace in traces)
    percent = min(PER_CENT, loss.value + late)
    return emodel.rating(model, delay_ms=heard.delay_ms, loss_percent=percent, burst_ratio=ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """What of the packets' delay comes to be heard."""

    delay_ms: float
    """From mouth to ear, of those two who talk over this very way: a packet's sound, its transit, and the buffer."""
    late_percent: float
    """What came after the buffer had given it up."""


def ears(traces: Sequence[Trace]) -> Ears:
    """Play what came through a buffer that waits for ``PATIENT`` of the packets, within its bounds."""
    transits = [took * MS for trace in traces for _, took in trace.transits()]
    first = min(transits)
    waits = min(max(percentile(transits, PATIENT), first + SHORTEST_BUFFER), first + LONGEST_BUFFER)
    late = sum(took > waits for took in transits) / len(transits) * PER_CENT
    return Ears(delay_ms=FRAME + waits, late_percent=late)


def graded(measured: Quality, limits: Limits, least: float, each: EachWay | None = None) -> Grade:
    """Compare: beyond a limit only with the whole interval, inside only with the whole interval.

    Beyond that of loss only if more are lost *least*, as sure as a failure has to be; where that is known of *each*
    way, it is compared instead.
    """
    together, *others = _compare(measured, limits, least)
    compared = [_apart(each, limits) if each else together, *others]
    broken = [one for one in compared if one.beyond]
    unsure = [one for one in compared if not one.inside]
    if broken:
        said = "; ".join(one.said for one in broken)
        return Grade(cause=broken[0].cause, said=f"{said} ({told(measured)})")
    if unsure:
        said = "; ".join(f"{one.said}: too near to tell" for one in unsure)
        return Grade(cause=Cause.CANNOT_TELL, said=f"{said} ({told(measured)})")
    few = SO_FEW if measured.sent < MANY and measured.transport is Transport.UDP else ""
    return Grade(cause=None, said=(f"{told(measured)}; {each.said}" if each else told(measured)) + few)


def _apart(each: EachWay, limits: Limits) -> _Compared:
    ways = (each.out, each.into)
    return _Compared(
        cause=Cause.LOSS,
        said=f"{each.said}, and {limits.loss_percent:g} % is the limit",
        inside=all(way.high <= limits.loss_percent for way in ways),
        beyond=each.least > limits.loss_percent,
    )


def _compare(measured: Quality, limits: Limits, least: float) -> list[_Compared]:
    both = measured.direction is Direction.ROUND_TRIP
    way = " up and down together" if both else ""
    lost = PER_CENT * (1 - (1 - limits.loss_percent / PER_CENT) ** 2) if both else limits.loss_percent
    repeats = measured.transport is not Transport.UDP  # what was not lost there cannot have been lost by chance
    loss, delay, change = measured.loss_percent, measured.delay_ms, measured.jitter_ms
    return [
        _Compared(
            cause=Cause.LOSS,
            said=f"{_number(loss, '%')} lost{way}, and {limits.loss_percent:g} % is the limit of each way",
            inside=loss.high <= limits.loss_percent or (repeats and not loss.value),
            beyond=least > lost,
        ),
        _Compared(
            cause=Cause.LATENCY,
            said=f"{_number(delay, 'ms')} one way, and {limits.latency_ms:g} ms is the limit",
            inside=delay.high <= limits.latency_ms,
            beyond=delay.low > limits.latency_ms,
        ),
        _Compared(
            cause=Cause.JITTER,
            said=f"{_number(change, 'ms')} of jitter{way}, and {limits.jitter_ms:g} ms is the limit of each way",
            inside=change.high <= limits.jitter_ms,
            beyond=change.low > limits.jitter_ms * (2 if both else 1),
        ),
    ]


def told(measured: Quality) -> str:
    """Say in one line what was measured."""
    loss = _number(measured.loss_percent, "%")
    parts = [
        f"{measured.streams} call{'s' if measured.streams > 1 else ''} for {measured.duration_s:g} s",
        f"{loss} of {measured.sent} packets lost" + _burst(measured.longest_burst),
        f"{measured.delay_ms.value:.1f} ms one way",
        f"jitter {measured.jitter_ms.value:.1f} ms",
        f"{measured.reordered} out of order" if measured.reordered else "",
        f"{measured.duplicates} twice" if measured.duplicates else "",
        _mos(measured),
    ]
    return ", ".join(filter(None, parts))


def _mos(measured: Quality) -> str:
    each = [f"{one.mos:.1f} ({one.codec})" for one in measured.scores]
    return f"MOS {' and '.join(each) or f'{measured.mos:.1f}'}"


def _burst(longest: int) -> str:
    return f" (up to {longest} in a row)" if longest > 1 else ""


def _number(estimate: Estimate, unit: str) -> str:
    return f"{_short(estimate.value)} {unit} ({_short(estimate.low)} to {_short(estimate.high)})"


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.2g}"
