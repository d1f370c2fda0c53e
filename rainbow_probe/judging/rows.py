"""From checks to rows: three-valued logic, so that what was not proven is never called a failure or a pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rainbow_probe.catalogue import Requirement, RowSpec, Way
from rainbow_probe.judging.words import in_words
from rainbow_probe.model import Assignment, Cause, Need, Outcome, Result, Row, RowVerdict, Via

NO_CREDENTIALS = "needs TURN credentials: --turn-user and its password"
NOT_THE_NETWORK = frozenset({Cause.BAD_CREDENTIALS, Cause.QUOTA, Cause.CAPACITY, Cause.STALE_NONCE_LOOP})
"""Failures by what we were given or by the server's policy: they prove neither that a path is open nor closed."""
COUNTS = frozenset({Need.MANDATORY, Need.RECOMMENDED})
_WORST = (RowVerdict.FAIL, RowVerdict.INCONCLUSIVE, RowVerdict.DEGRADED, RowVerdict.PASS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What was planned and what came of it."""

    results: Mapping[str, Result]
    assignments: Mapping[str, Assignment]
    have_credentials: bool
    proxied_site: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a requirement or a way stands, why, and on which checks."""

    verdict: RowVerdict
    reason: str = ""
    checks: tuple[str, ...] = ()
    proxied: bool = False
    cannot_tell: bool = False
    """Whether it was tried to its end and still cannot be told, by the nature of the site."""
    away: bool = False
    """Whether it means nothing here, so that a way that needs it means nothing either."""
    name: str = ""
    cost: str = field(default="")


def judge_rows(specs: Sequence[RowSpec], tried: Tried) -> list[Row]:
    """Judge every row; those that sum up others come from the others' verdicts."""
    rows = {spec.id: _row(spec, tried) for spec in specs if not spec.sections}
    summed = {spec.id: _sum(spec, list(rows.values())) for spec in specs if spec.sections}
    return [{**rows, **summed}[spec.id] for spec in specs]


def _row(spec: RowSpec, tried: Tried) -> Row:
    ways = [way_stands(way, spec.causes, tried) for way in spec.ways]
    verdict, reason, path = decide(ways) if ways else (RowVerdict.NOT_TESTED, spec.not_tested, "")
    checks = tuple(dict.fromkeys(check for way in ways for check in way.checks))
    return _made(spec, verdict, reason, checks, path)


def _made(spec: RowSpec, verdict: RowVerdict, reason: str, checks: tuple[str, ...], path: str) -> Row:
    return Row(
        id=spec.id,
        client=spec.client,
        section=spec.section,
        title=spec.title,
        need=spec.need,
        verdict=verdict,
        reason=reason,
        checks=checks,
        notes=spec.notes,
        errata=spec.errata,
        destination=spec.destination,
        path=path,
    )


def decide(ways: Sequence[Standing]) -> tuple[RowVerdict, str, str]:
    """Judge alternatives in order of preference; return verdict, reason and the way that works."""
    usable = [way for way in ways if way.verdict is not RowVerdict.NOT_APPLICABLE]
    if not usable:
        return RowVerdict.NOT_APPLICABLE, ways[0].reason, ""
    works = next((way for way in usable if way.verdict is RowVerdict.PASS), None)
    if works is None:
        return (*_nothing_works(usable), "")
    before = usable[: usable.index(works)]
    path = f"{works.name} through the proxy" if works.proxied and "proxy" not in works.name else works.name
    if not before:
        return RowVerdict.PASS, works.reason or f"works over {path}", path
    return (*_fallback(path, works, before), path)


def _fallback(path: str, works: Standing, before: Sequence[Standing]) -> tuple[RowVerdict, str]:
    unknown = next((way for way in before if way.verdict is not RowVerdict.FAIL), None)
    if unknown is None:
        cost = f" {works.cost[0].upper()}{works.cost[1:].rstrip('.')}." if works.cost else ""
        return RowVerdict.DEGRADED, f"Only {path} works.{cost} {_told(before)}".strip()
    if unknown.cannot_tell:
        return RowVerdict.DEGRADED, f"{path} works; whether {unknown.name} does could not be told: {unknown.reason}"
    return unknown.verdict, f"works at least over {path}; {unknown.name} itself: {unknown.reason}"


def _nothing_works(ways: Sequence[Standing]) -> tuple[RowVerdict, str]:
    verdicts = {way.verdict for way in ways}
    if verdicts == {RowVerdict.FAIL}:
        return RowVerdict.FAIL, _told(ways)
    if verdicts == {RowVerdict.NOT_TESTED}:
        return RowVerdict.NOT_TESTED, next(way.reason for way in ways)
    open_ways = [way for way in ways if way.verdict is not RowVerdict.FAIL]
    return RowVerdict.INCONCLUSIVE, _told(open_ways)


def _told(ways: Sequence[Standing]) -> str:
    return "; ".join(dict.fromkeys(f"{way.name}: {way.reason}" if len(ways) > 1 else way.reason for way in ways))


def way_stands(way: Way, causes: Sequence[Cause], tried: Tried) -> Standing:
    """Put the requirements of one way together: all of them must hold."""
    needs = [requirement_stands(need, causes, tried) for need in way.needs]
    applicable = [need for need in needs if need.verdict is not RowVerdict.NOT_APPLICABLE]
    order = (RowVerdict.FAIL, RowVerdict.INCONCLUSIVE, RowVerdict.NOT_TESTED, RowVerdict.PASS)
    away = next((need for need in needs if need.away), None)
    worst = away or (min(applicable, key=lambda need: order.index(need.verdict)) if applicable else needs[0])
    return Standing(
        verdict=worst.verdict,
        reason=worst.reason,
        checks=tuple(check for need in needs for check in need.checks),
        proxied=any(need.proxied for need in applicable),
        cannot_tell=worst.cannot_tell,
        name=way.name,
        cost=way.cost,
    )


def requirement_stands(need: Requirement, causes: Sequence[Cause], tried: Tried) -> Standing:
    """Judge one requirement from the checks planned for it."""
    assigned = tried.assignments.get(need.flow, Assignment(not_tested="it was not planned"))
    if not assigned.flows:
        verdict = RowVerdict.NOT_APPLICABLE if assigned.not_applicable else RowVerdict.NOT_TESTED
        away = bool(assigned.not_applicable) and not need.unless_proxied
        return Standing(verdict=verdict, reason=assigned.not_applicable or assigned.not_tested, away=away)
    all_of_it = [tried.results[flow] for flow in assigned.flows]
    results = [result for result in all_of_it if not _not_needed(result, need, tried)]
    if not results:
        reason = all_of_it[0].verdict.reason
        return Standing(verdict=RowVerdict.NOT_APPLICABLE, reason=reason, checks=assigned.flows)
    if need.credentials and not tried.have_credentials:
        return Standing(verdict=RowVerdict.NOT_TESTED, reason=NO_CREDENTIALS, checks=assigned.flows)
    least = len(results) if need.least is None else min(need.least, len(results))
    return _counted(results, least, causes, assigned.flows)


def _not_needed(result: Result, need: Requirement, tried: Tried) -> bool:
    if result.flow.kind == "dns" and result.verdict.outcome is Outcome.SKIPPED:
        return True
    return need.unless_proxied and tried.proxied_site and result.verdict.outcome is not Outcome.PASS


def _counted(results: Sequence[Result], least: int, causes: Sequence[Cause], checks: tuple[str, ...]) -> Standing:
    passed = [result for result in results if result.verdict.outcome is Outcome.PASS]
    failed = [result for result in results if _proves_failure(result, causes)]
    proxied = any(result.flow.via is Via.PROXY for result in results)
    if len(passed) >= least:
        return Standing(verdict=RowVerdict.PASS, reason=_best(passed), checks=checks, proxied=proxied)
    if len(results) - len(failed) < least:
        return Standing(verdict=RowVerdict.FAIL, reason=_why(failed), checks=checks, proxied=proxied)
    unknown = [result for result in results if result not in passed and result not in failed]
    told = all(r.verdict.failure and r.verdict.failure.cause is Cause.CANNOT_TELL for r in unknown)
    verdict = _unknown(unknown, causes)
    return Standing(verdict=verdict, reason=_why(unknown), checks=checks, proxied=proxied, cannot_tell=told)


def _proves_failure(result: Result, causes: Sequence[Cause]) -> bool:
    failure = result.verdict.failure
    if result.verdict.outcome is not Outcome.FAIL or failure is None or failure.cause in NOT_THE_NETWORK:
        return False
    return not causes or failure.cause in causes


def _unknown(unknown: Sequence[Result], causes: Sequence[Cause]) -> RowVerdict:
    """Say what an unknown is: what could not be looked at, as the path itself is closed, was not tested."""
    if causes or all(result.verdict.outcome is Outcome.SKIPPED for result in unknown):
        return RowVerdict.NOT_TESTED
    return RowVerdict.INCONCLUSIVE


def _best(passed: Sequence[Result]) -> str:
    return passed[0].verdict.reason


def _why(results: Sequence[Result]) -> str:
    more = f" (and {len(results) - 1} more like it)" if len(results) > 1 else ""
    return in_words(results[0]) + more


def _sum(spec: RowSpec, rows: Sequence[Row]) -> Row:
    covered = [row for row in rows if row.need in COUNTS and any(_within(row.section, s) for s in spec.sections)]
    tested = [row for row in covered if row.verdict in _WORST]
    if not tested:
        return _made(spec, RowVerdict.NOT_TESTED, "none of the rows it sums up was tested", (), "")
    worst = min((row.verdict for row in tested), key=_WORST.index)
    named = [row.id for row in tested if row.verdict is worst]
    checks = tuple(dict.fromkeys(check for row in tested if row.verdict is worst for check in row.checks))
    if worst is RowVerdict.PASS:
        return _made(spec, worst, f"all {len(tested)} rows that were tested pass", checks, "")
    return _made(spec, worst, f"{worst}: {', '.join(named)}", checks, "")


def _within(section: str, of: str) -> bool:
    return section == of or section.startswith(f"{of}.")
