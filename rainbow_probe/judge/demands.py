"""What rows need of the line, by this site's numbers, against what it was seen to carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rainbow_probe.capacity import BITS, Load, Needed, needed
from rainbow_probe.catalogue import DemandSpec, RowSpec
from rainbow_probe.judge.needs import Known
from rainbow_probe.measures import Bound, Demand, Direction, Ramp
from rainbow_probe.model import Result, Row, RowVerdict

WORKS = frozenset({RowVerdict.PASS, RowVerdict.DEGRADED})
UNNUMBERED = {
    "subscribers": "needs the number of PBX subscribers: --subscribers N",
    "calls_per_second": "needs the number of PBX calls a second: --calls-per-second N",
}
"""By what a row grows with, what is missing where nobody gave a number."""
WAYS = {Direction.OUT: "out", Direction.IN: "in"}
TOGETHER = "bandwidth/all-media"
"""In place of a row's id: all media of the clients' calls at the same time."""
FETCHED = "download"
"""The kind of check that measures what comes in over HTTPS."""
ALIKE = 1.5  # times as much, at most, over TCP: then it is the line that was full, and not UDP that was limited
WIDER = 1.3  # times as much that comes in alone: then the narrow way is the one out
MEDIA = ("bandwidth/audio", "bandwidth/video-p2p", "bandwidth/screen-sharing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What was seen to pass: there and back by the way of calls, the same over TCP, and in alone over HTTPS."""

    ramp: Ramp
    tcp: Ramp | None = None
    """Only where the limit of UDP was met."""
    down: Ramp | None = None

    @property
    def narrow_out(self) -> bool:
        """Whether it is shown that the way out is the narrow one, whatever is sent, to whichever server."""
        limit = self.ramp.capacity_kbit_s
        met = [one for one in (self.ramp, self.tcp) if one and not one.at_least]
        alike = len(met) == len(WAYS) and all(one.capacity_kbit_s <= ALIKE * limit for one in met)
        shared = alike and bool(self.ramp.shared)
        return shared and self.down is not None and self.down.capacity_kbit_s >= WIDER * limit

    def room(self, direction: Direction, *, by_tcp: bool = False) -> float:
        """Return the kbit/s that are shown to pass in *direction*, for calls, or for what goes over TCP anyway."""
        wider = self.down if direction is Direction.IN and (by_tcp or self.narrow_out) else None
        return max(self.ramp.capacity_kbit_s, wider.capacity_kbit_s if wider else 0.0)


def weighed(row: Row, spec: RowSpec, known: Known) -> Row:
    """Judge *row* by how much is needed, if what carries it was measured; else say what would be needed."""
    if spec.demand is None:
        return row
    wanted = needed(spec.demand, known.load)
    if not wanted:
        return replace(row, verdict=RowVerdict.NOT_TESTED, reason=UNNUMBERED[spec.demand.per], path="")
    told = f"needed: {_said(wanted)}"
    seen = _carried(row.checks, known)
    if seen is None or row.verdict not in WORKS:
        return replace(row, reason=f"{told}; {row.reason}")
    fits = [_fits(spec.demand, one, wanted, seen) for one in wanted]
    much = carried(seen)
    if False in fits and spec.demand.burst:
        slower = f"{told}; {much}: it works, and the burst takes longer"
        return replace(row, verdict=RowVerdict.DEGRADED, reason=slower)
    if False in fits:
        return replace(row, verdict=RowVerdict.FAIL, reason=f"{told}; {much}")
    if None in fits:
        return replace(row, verdict=RowVerdict.INCONCLUSIVE, reason=f"{told}; {much}{_more(spec.demand, seen)}")
    works = row.reason if row.verdict is RowVerdict.DEGRADED else f"{row.path}: works"
    return replace(row, reason=f"{works} ({told}; {much}{_room(spec, seen.ramp)})")


def _room(spec: RowSpec, ramp: Ramp) -> str:
    """Say for how many there is room, where each one needs as much."""
    each = () if spec.demand is None or spec.demand.points else needed(spec.demand, Load())
    many = min((ramp.capacity_kbit_s // one.kbit_s for one in each), default=0)
    return f", room for {many:g}" if many > 1 else ""


def fit(one: Needed, wanted: Sequence[Needed], seen: Carried, *, by_tcp: bool = False) -> bool | None:
    """Tell whether *one* of what is *wanted* fits; None if that is not proven.

    What was carried by a relay went out and came in again: where that is too little, one of the two directions has too
    little, and which one is known only if more than that came in alone. *by_tcp* is what goes over TCP anyway.
    """
    if seen.room(one.direction, by_tcp=by_tcp) >= one.kbit_s:
        return True
    limit = seen.ramp.capacity_kbit_s
    both = not seen.ramp.at_least and len(wanted) == len(WAYS) and all(w.kbit_s > limit for w in wanted)
    return False if both or (one.direction is Direction.OUT and seen.narrow_out) else None


def _fits(demand: DemandSpec, one: Needed, wanted: Sequence[Needed], seen: Carried) -> bool | None:
    found = fit(one, wanted, seen, by_tcp=bool(demand.points))
    return None if found and _cramped(demand, seen) else found


def _cramped(demand: DemandSpec, seen: Carried) -> bool:
    """Tell whether one call alone needs more than one session was seen to carry, however many there may be."""
    each = seen.ramp.session_kbit_s
    if demand.points or each is None or seen.ramp.bound is not Bound.SESSION:
        return False
    return max(demand.out, demand.into) * BITS[demand.unit] > each


def demands(specs: Iterable[RowSpec], known: Known) -> tuple[Demand, ...]:
    """Return what each of *specs* needs, direction for direction, and whether it fits."""
    found: list[Demand] = []
    for spec in specs:
        if spec.demand is not None:
            seen = _carried((flow for way in spec.ways for n in way.needs for flow in _checks(n.flow, known)), known)
            wanted = needed(spec.demand, known.load)
            found += [_demand(spec.id, spec.demand, one, wanted, seen) for one in wanted]
    return (*found, *_together(found))


def _demand(row: str, demand: DemandSpec, one: Needed, wanted: Sequence[Needed], seen: Carried | None) -> Demand:
    by_tcp = bool(demand.points)
    return Demand(
        row=row,
        medium=demand.medium,
        direction=one.direction,
        need=one.rate,
        unit=one.unit,
        formula=one.formula,
        capacity=None if seen is None else seen.room(one.direction, by_tcp=by_tcp) / BITS[one.unit],
        fits=None if seen is None else _fits(demand, one, wanted, seen),
    )


def _together(found: Sequence[Demand]) -> Iterator[Demand]:
    """Add up the media of calls that go on at the same time."""
    for way in WAYS:
        parts = [one for one in found if one.row in MEDIA and one.direction is way]
        if len(parts) == len(MEDIA):
            capacity = parts[0].capacity
            total = sum(one.need for one in parts)
            yield Demand(
                row=TOGETHER,
                medium="all media of calls together",
                direction=way,
                need=total,
                unit=parts[0].unit,
                formula=" + ".join(one.formula for one in parts),
                capacity=capacity,
                fits=True if capacity is not None and capacity >= total else None,
            )


def _checks(flow: str, known: Known) -> tuple[str, ...]:
    return known.assignments[flow].flows if flow in known.assignments else ()


def _carried(checks: Iterable[str], known: Known) -> Carried | None:
    """Return what was measured by the way that *checks* tell of, and beside it."""
    measured = [(result, ramp) for result in known.results.values() if (ramp := measured_ramp(result))]
    own = next(((r, ramp) for check in checks for r, ramp in measured if r.flow.id == check), None)
    if own is None:
        return None
    beside = (ramp for result, ramp in measured if result.flow.control_of == own[0].flow.id)
    down = (ramp for result, ramp in measured if result.flow.kind == FETCHED)
    return Carried(ramp=own[1], tcp=next(beside, None), down=next(down, None))


def measured_ramp(result: Result) -> Ramp | None:
    """Return what *result* measured, if that was how much is carried."""
    return result.verdict.measured if isinstance(result.verdict.measured, Ramp) else None


def _said(wanted: Sequence[Needed]) -> str:
    """Say how much is needed which way, and how that comes about; what is the same both ways once."""
    if len(wanted) == len(WAYS) and wanted[0].rate == wanted[1].rate:
        return f"{_rate(wanted[0])} each way ({wanted[0].formula})"
    return ", ".join(f"{_rate(one)} {WAYS[one.direction]} ({one.formula})" for one in wanted)


def _rate(one: Needed) -> str:
    return f"{one.rate:.5g} {one.unit}"


def carried(seen: Carried) -> str:
    """Say how much passed."""
    ramp, down = seen.ramp, seen.down
    told = f"{'at least ' if ramp.at_least else ''}{ramp.capacity_kbit_s:.0f} kbit/s pass each way"
    if not ramp.at_least and not ramp.shared:
        told += ", of this site's line or of this TURN server, which no other server has told"
    if down is None or down.capacity_kbit_s <= ramp.capacity_kbit_s:
        return told
    narrow = " (the way out is the narrow one, over UDP and TCP alike)" if seen.narrow_out else ""
    return f"{told}, and at least {down.capacity_kbit_s:.0f} kbit/s come in over HTTPS{narrow}"


def _more(demand: DemandSpec, seen: Carried) -> str:
    ramp = seen.ramp
    if ramp.told and (ramp.ended_early or _cramped(demand, seen)):
        return f"; {ramp.told}"
    if ramp.at_least:
        return ", as much as was tried: --bandwidth-cap allows more"
    if seen.tcp is not None and seen.tcp.capacity_kbit_s > ALIKE * seen.ramp.capacity_kbit_s:
        return (
            f"; over TCP {seen.tcp.capacity_kbit_s:.0f} kbit/s pass, so that UDP may be limited, which way is not known"
        )
    return "; which of the two ways is the narrow one is not known"
