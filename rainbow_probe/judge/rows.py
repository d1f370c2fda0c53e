"""Rows of the guide from checks, in three-valued logic: what is not proven either way is never a pass or a fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from rainbow_probe.catalogue import RowSpec, Way
from rainbow_probe.judge.demands import weighed
from rainbow_probe.judge.needs import Judged, Known, judge_need
from rainbow_probe.judge.traces import LAN
from rainbow_probe.judge.words import named, sentence
from rainbow_probe.model import Alternative, Cause, Need, Row, RowVerdict

WORST_FIRST = (RowVerdict.FAIL, RowVerdict.INCONCLUSIVE, RowVerdict.DEGRADED, RowVerdict.PASS)
"""Verdicts that say something of the network, the worst first."""
UNTESTED = frozenset({RowVerdict.NOT_TESTED, RowVerdict.NOT_APPLICABLE})
THROUGH = " through the proxy"
MEASURED = "quality"
NOT_YET = "nothing tests this row yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One way of a row, judged."""

    way: Way
    verdict: RowVerdict
    reason: str
    checks: tuple[str, ...]
    path: str
    """The way's name, and the proxy if it went through it."""
    unknowable: bool
    quality: str = ""
    """What calls by it were measured to be like, if they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    verdict: RowVerdict
    reason: str
    path: str = ""


def judge_rows(specs: Sequence[RowSpec], known: Known) -> tuple[Row, ...]:
    """Judge all rows; those that sum up sections come from the others."""
    alone = {spec.id: judge_row(spec, known) for spec in specs if not spec.sections}
    outbound = {spec.id: alone[spec.id] for spec in specs if spec.id in alone and not _inside(spec, known)}
    return tuple(alone[spec.id] if not spec.sections else _summed(spec, outbound) for spec in specs)


def _inside(spec: RowSpec, known: Known) -> bool:
    """Return whether *spec* stays within the site: the border cannot help it, nor be at fault."""
    flows = [known.specs[need.flow] for way in spec.ways for need in way.needs if need.flow in known.specs]
    return bool(flows) and all(flow.kind in LAN for flow in flows)


def judge_row(spec: RowSpec, known: Known) -> Row:
    """Judge a row from its own ways."""
    tried = [judge_way(way, known, spec.causes) for way in spec.ways]
    ending = _ending(spec, tried)
    row = _row(spec, ending, (check for one in tried for check in one.checks))
    return weighed(replace(row, ways=tuple(_alternative(one) for one in tried)), spec, known)


def _alternative(one: Tried) -> Alternative:
    return Alternative(name=one.way.name, verdict=one.verdict, path=one.path, reason=one.reason)


def judge_way(way: Way, known: Known, causes: Iterable[Cause] = ()) -> Tried:
    """Judge one way: all of its needs must hold."""
    needs = [judge_need(need, known, causes) for need in way.needs]
    verdict = _all_of(needs)
    proxied = any(need.proxied for need in needs) and THROUGH.strip() not in way.name
    return Tried(
        way=way,
        verdict=verdict,
        reason="; ".join(dict.fromkeys(need.reason for need in needs if need.reason and _tells(need, verdict))),
        checks=tuple(dict.fromkeys(check for need in needs for check in need.checks)),
        path=f"{way.name}{THROUGH}" if proxied else way.name,
        quality=_quality([check for need in needs for check in need.checks], known),
        unknowable=all(need.unknowable for need in needs if need.verdict is RowVerdict.INCONCLUSIVE),
    )


def _quality(checks: Sequence[str], known: Known) -> str:
    """Return what was measured on the way of one of *checks*, be it by another one."""
    own = [known.results[check].flow for check in checks if check in known.results]
    doors = {(flow.target, flow.transport, flow.via) for flow in own}
    told = (result for result in known.results.values() if result.flow.kind == MEASURED and result.verdict.measured)
    alike = (r.verdict.reason for r in told if (r.flow.target, r.flow.transport, r.flow.via) in doors)
    return next(alike, "")


def _all_of(needs: Sequence[Judged]) -> RowVerdict:
    """Put needs together that must all hold; one that means nothing at this site takes the way with it."""
    if any(need.elsewhere for need in needs):
        return RowVerdict.NOT_APPLICABLE
    return next((v for v in _WORST_NEED if any(need.verdict is v for need in needs)), RowVerdict.NOT_APPLICABLE)


def _tells(need: Judged, verdict: RowVerdict) -> bool:
    """Return whether the reason of *need* belongs to the way's: of a pass, also what it could do without."""
    dropped = need.verdict is RowVerdict.NOT_APPLICABLE and bool(need.checks)
    return need.verdict is verdict or (dropped and verdict is RowVerdict.PASS)


_WORST_NEED = (RowVerdict.FAIL, RowVerdict.INCONCLUSIVE, RowVerdict.NOT_TESTED, RowVerdict.PASS)


def _ending(spec: RowSpec, tried: Sequence[Tried]) -> _Ending:
    if not tried:
        return _Ending(verdict=RowVerdict.NOT_TESTED, reason=spec.not_tested or NOT_YET)
    ways = [one for one in tried if one.verdict is not RowVerdict.NOT_APPLICABLE]
    if not ways:
        return _Ending(verdict=RowVerdict.NOT_APPLICABLE, reason=tried[0].reason)
    works = next((one for one in ways if one.verdict is RowVerdict.PASS), None)
    return _with(works, ways) if works else _without(ways)


def _with(works: Tried, ways: Sequence[Tried]) -> _Ending:
    """Judge by the way that is preferred here: whether it fails is what makes another one a fallback."""
    first, path = ways[0], works.path
    match first.verdict:
        case RowVerdict.PASS:
            return _Ending(verdict=RowVerdict.PASS, reason=_list(f"{path}: works", first.reason), path=path)
        case RowVerdict.FAIL:
            cost = f" The cost: {works.way.cost}." if works.way.cost else ""
            cost += f" Measured there: {works.quality}." if works.quality else ""
            told = f"works only by {path}. {_each(_before(works, ways))}{cost}"
            return _Ending(verdict=RowVerdict.DEGRADED, reason=told, path=path)
        case RowVerdict.INCONCLUSIVE if first.unknowable:
            told = f"{path} works; whether {first.way.name} does cannot be told here: {first.reason}"
            return _Ending(verdict=RowVerdict.DEGRADED, reason=told, path=path)
        case RowVerdict.INCONCLUSIVE:
            told = f"works at least by {path}; whether {first.way.name} works cannot be told: {first.reason}"
            return _Ending(verdict=RowVerdict.INCONCLUSIVE, reason=told, path=path)
        case _:
            told = f"works at least by {path}; {first.way.name} itself was not tested: {first.reason}"
            return _Ending(verdict=RowVerdict.NOT_TESTED, reason=told, path=path)


def _without(ways: Sequence[Tried]) -> _Ending:
    """Judge a row of which no way is known to work."""
    verdicts = {one.verdict for one in ways}
    if verdicts == {RowVerdict.FAIL}:
        return _Ending(verdict=RowVerdict.FAIL, reason=_each(ways))
    if verdicts == {RowVerdict.NOT_TESTED}:
        return _Ending(verdict=RowVerdict.NOT_TESTED, reason=ways[0].reason)
    return _Ending(verdict=RowVerdict.INCONCLUSIVE, reason=_each(ways))


def _before(works: Tried, ways: Sequence[Tried]) -> Sequence[Tried]:
    return ways[: ways.index(works)]


def _each(ways: Sequence[Tried]) -> str:
    """Tell of each way how it ended; the same reason once."""
    by_reason: dict[tuple[RowVerdict, str], list[str]] = {}
    for one in ways:
        by_reason.setdefault((one.verdict, one.reason), []).append(one.way.name)
    return " ".join(
        sentence(f"{', '.join(names)} {_ENDED[verdict]}: {reason}") for (verdict, reason), names in by_reason.items()
    )


_ENDED = {
    RowVerdict.FAIL: "fails",
    RowVerdict.INCONCLUSIVE: "cannot be told",
    RowVerdict.NOT_TESTED: "was not tested",
}


def _list(first: str, more: str) -> str:
    return f"{first} ({more})" if more else first


def _summed(spec: RowSpec, alone: Mapping[str, Row]) -> Row:
    """Sum up the rows of some sections: as good as the worst that matters and was tested."""
    below = [row for row in alone.values() if row.need is not Need.OPTIONAL and _within(row.section, spec.sections)]
    tested = [row for row in below if row.verdict not in UNTESTED]
    if not tested:
        return _row(spec, _Ending(verdict=RowVerdict.NOT_TESTED, reason="none of the rows it sums up was tested"), ())
    verdict = next(v for v in WORST_FIRST if any(row.verdict is v for row in tested))
    worst = [row for row in tested if row.verdict is verdict]
    told = f"{len(worst)} of {len(tested)} rows that were tested: {verdict}"
    names = "" if verdict is RowVerdict.PASS else f" ({named(row.id for row in worst)})"
    return _row(spec, _Ending(verdict=verdict, reason=told + names), (check for row in worst for check in row.checks))


def _within(section: str, sections: Iterable[str]) -> bool:
    return any(section == one or section.startswith(f"{one}.") for one in sections)


def _row(spec: RowSpec, ending: _Ending, checks: Iterable[str]) -> Row:
    return Row(
        id=spec.id,
        client=spec.client,
        section=spec.section,
        title=spec.title,
        need=spec.need,
        verdict=ending.verdict,
        reason=ending.reason,
        checks=tuple(dict.fromkeys(checks)),
        notes=spec.notes,
        errata=spec.errata,
        destination=spec.destination,
        path=ending.path,
        protocol=spec.protocol,
        source=spec.source,
        proxy=spec.proxy,
    )
