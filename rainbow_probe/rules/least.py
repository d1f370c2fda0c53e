"""The least that a site's failed rows need: of each row, the way that the guide prefers and a rule can mend."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rainbow_probe.catalogue import Guide, Requirement, RowSpec
from rainbow_probe.catalogue import Way as RowWay
from rainbow_probe.model import Cause, Finding, Outcome, PortRange, Report, Result, Row, RowVerdict, Transport, Via
from rainbow_probe.rules.atoms import Atom, merged
from rainbow_probe.rules.causes import Way, denied, inspected, mending, proven
from rainbow_probe.rules.flows import tried
from rainbow_probe.rules.places import (
    RANGE,
    destination,
    is_address,
    ports_of,
    ports_of_flow,
    proxied,
    proxy_addresses,
    safe_name,
)
from rainbow_probe.rules.shapes import Act, RuleSet

FAILED = frozenset({RowVerdict.FAIL})
WORSE = frozenset({RowVerdict.FAIL, RowVerdict.DEGRADED})
NO_RULE = "no rule mends it; the report's findings say what would"
NAMES_FIRST = "its names must resolve first; what lies behind them could not be tried"
NO_NAME = "what it wants to reach has no name that can be written into a rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A report with the guide that it was made by."""

    guide: Guide
    results: Mapping[str, Result]
    findings: tuple[Finding, ...]
    proxied: bool
    boxes: frozenset[Way]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remedy:
    """What one way of a row needs: the failures that a rule mends, and whether that is all of them."""

    mended: tuple[tuple[Result, Act], ...]
    whole: bool


def least(report: Report, guide: Guide, *, clients: Collection[str] = (), degraded: bool = False) -> RuleSet:
    """Return what the failed rows of *report* need, or also the *degraded* ones; of *clients* only, if any are named.

    What works already is not in it, nor are the other ways of a row for which one is enough.
    """
    case = _Case(
        guide=guide,
        results={result.flow.id: result for result in report.results if not result.flow.control_of},
        findings=report.findings,
        boxes=inspected(report.results, report.findings),
        proxied=proxied(report),
    )
    specs = {spec.id: spec for spec in guide.rows}
    wanted = WORSE if degraded else FAILED
    atoms: list[Atom] = []
    names: set[str] = set()
    unmended: list[str] = []
    for row in report.rows:
        spec = specs.get(row.id)
        if spec and not spec.sections and row.verdict in wanted and (not clients or spec.client in clients):
            found, why = _row(row, spec, case)
            atoms += found
            kept = _kept_names(row, case)
            names |= kept
            why = NAMES_FIRST if kept and why == NO_RULE else why
            unmended += [f"{spec.id}: {why}"] if why else []
    return RuleSet(
        title=guide.title,
        openings=merged(atoms),
        names=tuple(sorted(names)),
        unmended=tuple(unmended),
        own=tuple(filter(is_address, report.site.addresses)),
        proxy=proxy_addresses(report),
    )


def _row(row: Row, spec: RowSpec, case: _Case) -> tuple[list[Atom], str]:
    """Return what *row* needs, and what is left when that is done."""
    checks = [case.results[check] for check in row.checks if check in case.results]
    ways = [remedy for way in spec.ways if (remedy := _way(way, spec, checks, case)) is not None]
    chosen = next((one for one in ways if one.whole), None) or next((one for one in ways if one.mended), None)
    if chosen is None:
        return [], NO_RULE
    atoms = [_atom(result, act, spec, case) for result, act in chosen.mended]
    known = [atom for atom in atoms if atom is not None]
    return known, NO_NAME if len(known) < len(atoms) else "" if chosen.whole else NO_RULE


def _kept_names(row: Row, case: _Case) -> set[str]:
    """Return the names that *row* needs and a resolver keeps from this site."""
    checks = [case.results[check] for check in row.checks if check in case.results]
    wanted = {result.flow.target.host for result in checks if denied(result, case.findings)}
    return {name for name in wanted if safe_name(name) and not is_address(name)}


def _way(way: RowWay, spec: RowSpec, checks: Sequence[Result], case: _Case) -> _Remedy | None:
    """Return what *way* needs; None if it means nothing here, or does not fail."""
    failed: list[Result] = []
    for need in way.needs:
        known = tried(need, checks, case.guide)
        if not known and not (need.unless_proxied and case.proxied):
            return None
        failed += _failing(need, known, spec, case)
    acts = [(result, mending(result, case.findings, case.boxes)) for result in failed]
    mended = tuple((result, act) for result, act in acts if act is not None)
    return _Remedy(mended=mended, whole=len(mended) == len(acts)) if failed else None


def _failing(need: Requirement, known: Sequence[Result], spec: RowSpec, case: _Case) -> list[Result]:
    """Return the failures that *need* suffers from: none if it holds at hosts enough, or is not needed here."""
    works = sum(result.verdict.outcome is Outcome.PASS for result in known)
    if (need.unless_proxied and case.proxied) or (need.least and works >= need.least):
        return []
    return [result for result in known if (seen := _failure(result)) and (not spec.causes or seen in spec.causes)]


def _failure(result: Result) -> Cause | None:
    """Return why *result* failed; a look-up that was spared has a failure too, and did not fail."""
    verdict = result.verdict
    return verdict.failure.cause if verdict.failure and verdict.outcome is Outcome.FAIL else None


def _atom(result: Result, act: Act, spec: RowSpec, case: _Case) -> Atom | None:
    flow = result.flow
    everything = list(case.results.values())
    to = destination(result, everything, case.guide.ranges, as_asked=act is not Act.OPEN)
    if to is None:
        return None
    return Atom(
        act=act,
        protocol=Transport.UDP if flow.transport is Transport.UDP else Transport.TCP,
        ports=_ports(result, case.guide),
        to=to,
        source=flow.source,
        by_proxy=_by_proxy(act, result),
        row=spec.id,
        client=spec.client,
        proven=proven(result, case.findings),
    )


def _ports(result: Result, guide: Guide) -> PortRange:
    """Return the ports of *result*; of a range a stored report has only the first."""
    ranges = [spec for spec in guide.flows.values() if spec.kind == result.flow.kind == RANGE]
    return ports_of_flow(ranges[0]) if ranges else ports_of(result)


def atoms_of(
    results: Sequence[Result], act: Act, everything: Sequence[Result], ranges: tuple[str, ...] = ()
) -> Iterator[Atom]:
    """Yield what *act* for *results* comes to, for no row in particular; addresses are taken from *everything*."""
    for result in results:
        if to := destination(result, everything, ranges, as_asked=act is not Act.OPEN):
            over = Transport.UDP if result.flow.transport is Transport.UDP else Transport.TCP
            yield Atom(
                act=act,
                protocol=over,
                ports=ports_of(result),
                to=to,
                source=result.flow.source,
                by_proxy=_by_proxy(act, result),
            )


def _by_proxy(act: Act, result: Result) -> bool:
    """Tell whether it is the proxy that must be let out."""
    return act is Act.OPEN and result.flow.via is Via.PROXY
