"""What rows need of the line, by this site's numbers, against what it was seen to carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rainbow_probe.capacity import BITS, Load, Needed, needed
from rainbow_probe.catalogue import RowSpec
from rainbow_probe.judge.needs import Known
from rainbow_probe.measures import Demand, Direction, Ramp
from rainbow_probe.model import Row, RowVerdict

WORKS = frozenset({RowVerdict.PASS, RowVerdict.DEGRADED})
UNNUMBERED = {
    "subscribers": "needs the number of PBX subscribers: --subscribers N",
    "calls_per_second": "needs the number of PBX calls a second: --calls-per-second N",
}
"""By what a row grows with, what is missing where nobody gave a number."""
WAYS = {Direction.OUT: "out", Direction.IN: "in"}
TOGETHER = "bandwidth/all-media"
"""In place of a row's id: all media of the clients' calls at the same time."""
MEDIA = ("bandwidth/audio", "bandwidth/video-p2p", "bandwidth/screen-sharing")


def weighed(row: Row, spec: RowSpec, known: Known) -> Row:
    """Judge *row* by how much is needed, if what carries it was measured; else say what would be needed."""
    if spec.demand is None:
        return row
    wanted = needed(spec.demand, known.load)
    if not wanted:
        return replace(row, verdict=RowVerdict.NOT_TESTED, reason=UNNUMBERED[spec.demand.per], path="")
    told = f"needed: {_said(wanted)}"
    ramp = _ramp(row.checks, known)
    if ramp is None or row.verdict not in WORKS:
        return replace(row, reason=f"{told}; {row.reason}")
    fits = [fit(one, wanted, ramp) for one in wanted]
    if False in fits and spec.demand.burst:
        slower = f"{told}; {carried(ramp)}: it works, and the burst takes longer"
        return replace(row, verdict=RowVerdict.DEGRADED, reason=slower)
    if False in fits:
        return replace(row, verdict=RowVerdict.FAIL, reason=f"{told}; {carried(ramp)}")
    if None in fits:
        return replace(row, verdict=RowVerdict.INCONCLUSIVE, reason=f"{told}; {carried(ramp)}{_more(ramp)}")
    return replace(row, reason=f"{row.path}: works ({told}; {carried(ramp)}{_room(spec, ramp)})")


def _room(spec: RowSpec, ramp: Ramp) -> str:
    """Say for how many there is room, where each one needs as much."""
    each = () if spec.demand is None or spec.demand.points else needed(spec.demand, Load())
    many = min((ramp.capacity_kbit_s // one.kbit_s for one in each), default=0)
    return f", room for {many:g}" if many > 1 else ""


def fit(one: Needed, wanted: Sequence[Needed], ramp: Ramp) -> bool | None:
    """Tell whether *one* of what is *wanted* fits; None if that is not proven.

    What was carried went out and came in again: where that is too little, one of the two directions has too little, and
    which one is not known.
    """
    if ramp.capacity_kbit_s >= one.kbit_s:
        return True
    proven = not ramp.at_least and len(wanted) == len(WAYS) and all(w.kbit_s > ramp.capacity_kbit_s for w in wanted)
    return False if proven else None


def demands(specs: Iterable[RowSpec], known: Known) -> tuple[Demand, ...]:
    """Return what each of *specs* needs, direction for direction, and whether it fits."""
    found: list[Demand] = []
    for spec in specs:
        if spec.demand is not None:
            ramp = _ramp((flow for way in spec.ways for n in way.needs for flow in _checks(n.flow, known)), known)
            wanted = needed(spec.demand, known.load)
            found += [_demand(spec.id, spec.demand.medium, one, wanted, ramp) for one in wanted]
    return (*found, *_together(found))


def _demand(row: str, medium: str, one: Needed, wanted: Sequence[Needed], ramp: Ramp | None) -> Demand:
    return Demand(
        row=row,
        medium=medium,
        direction=one.direction,
        need=one.rate,
        unit=one.unit,
        formula=one.formula,
        capacity=None if ramp is None else ramp.capacity_kbit_s / BITS[one.unit],
        fits=None if ramp is None else fit(one, wanted, ramp),
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


def _ramp(checks: Iterable[str], known: Known) -> Ramp | None:
    results = (known.results[check] for check in checks if check in known.results)
    return next((r.verdict.measured for r in results if isinstance(r.verdict.measured, Ramp)), None)


def _said(wanted: Sequence[Needed]) -> str:
    """Say how much is needed which way, and how that comes about; what is the same both ways once."""
    if len(wanted) == len(WAYS) and wanted[0].rate == wanted[1].rate:
        return f"{_rate(wanted[0])} each way ({wanted[0].formula})"
    return ", ".join(f"{_rate(one)} {WAYS[one.direction]} ({one.formula})" for one in wanted)


def _rate(one: Needed) -> str:
    return f"{one.rate:.5g} {one.unit}"


def carried(ramp: Ramp) -> str:
    """Say how much passed."""
    return f"{'at least ' if ramp.at_least else ''}{ramp.capacity_kbit_s:.0f} kbit/s pass each way"


def _more(ramp: Ramp) -> str:
    if ramp.at_least:
        return ", as much as was tried: --bandwidth-cap allows more"
    return "; which of the two ways is the narrow one is not known"
