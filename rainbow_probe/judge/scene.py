"""What a finding looks at, and what it says: the whole site before it, one cause after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from rainbow_probe.catalogue import Guide
from rainbow_probe.judge.hides import hidden
from rainbow_probe.judge.traces import (
    LAN,
    OF_THE_SITE,
    addresses,
    answered,
    answered_turn,
    cause,
    fact,
    failure,
    passes,
    phase,
    tried,
)
from rainbow_probe.model import (
    Assignment,
    Cause,
    Finding,
    Need,
    Outcome,
    Phase,
    Result,
    Row,
    RowVerdict,
    Rule,
    Severity,
    Site,
    Transport,
    Who,
)

CONTROLS = frozenset({"portal"})
"""Kinds of checks that serve no row; they only separate causes."""
CUTS = frozenset({Cause.CLOSED, Cause.RESET})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The site as it was found, and the failures that nothing explains yet."""

    guide: Guide
    site: Site
    rows: tuple[Row, ...]
    results: tuple[Result, ...]
    assignments: Mapping[str, Assignment]
    failing: tuple[Result, ...] = ()
    controls: tuple[Result, ...] = ()
    """What was only tried to tell causes apart: no row stands on these, and of them nothing is claimed."""
    lan: tuple[Result, ...] = ()
    """What was tried with hosts of this site: whether the way out works, they cannot tell."""
    of_the_site: tuple[Result, ...] = ()
    """What was tried to find the ways out: PAC files, and proxies that have another way after them."""

    @classmethod
    def of(
        cls,
        guide: Guide,
        site: Site,
        rows: Sequence[Row],
        results: Sequence[Result],
        assignments: Mapping[str, Assignment],
    ) -> Scene:
        """Set the scene; look-ups that were spared count where a row fails without them."""
        failed = {check for row in rows if row.verdict is RowVerdict.FAIL for check in row.checks}
        own = [one for one in results if not one.flow.control_of and one.flow.kind not in OF_THE_SITE | LAN]
        failing = tuple(r for r in own if r.verdict.outcome is Outcome.FAIL or (failure(r) and r.flow.id in failed))
        return cls(
            guide=guide,
            site=site,
            rows=tuple(rows),
            results=tuple(own),
            assignments=assignments,
            failing=failing,
            controls=tuple(result for result in results if result.flow.control_of),
            lan=tuple(result for result in results if result.flow.kind in LAN),
            of_the_site=tuple(result for result in results if result.flow.kind in OF_THE_SITE),
        )

    def controls_of(self, result: Result) -> list[Result]:
        """Return what was followed up of *result*."""
        return [control for control in self.controls if control.flow.control_of == result.flow.id]

    def without(self, claimed: Iterable[Result]) -> Scene:
        """Return the scene in which *claimed* failures are explained."""
        gone = {result.flow.id for result in claimed}
        return replace(self, failing=tuple(result for result in self.failing if result.flow.id not in gone))

    def tried(self, *kinds: str) -> list[Result]:
        """Return what was really sent, of *kinds* if any are given."""
        return [r for r in self.results if tried(r) and (not kinds or r.flow.kind in kinds)]

    def addresses_of(self, host: str) -> tuple[str, ...]:
        """Return the addresses that any check found for *host*."""
        found = (addresses(result) for result in self.results if result.flow.target.host == host)
        return tuple(dict.fromkeys(address for some in found for address in some))

    def group_of(self, result: Result) -> str:
        """Return the host group of *result*, or its host where the guide knows none."""
        spec = self.guide.flows.get(result.flow.spec)
        return spec.hosts if spec and spec.hosts else result.flow.target.host


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One cause, before it is weighed: what it explains, and what proves it."""

    id: str
    title: str
    who: Who
    fix: str
    claims: tuple[Result, ...] = ()
    """Failures that it explains; no other finding has them."""
    shows: tuple[Result, ...] = ()
    """Controls that separate it from other causes."""
    detail: str = ""
    rules: tuple[Rule, ...] = ()
    at_least: Severity = Severity.ADVICE


def weigh(found: Found, scene: Scene) -> Finding:
    """Make the finding: its rows, and how bad it is for them."""
    claimed = {result.flow.id for result in found.claims}
    hit = [row for row in scene.rows if claimed & set(row.checks) and row.verdict not in _UNHURT]
    return Finding(
        id=found.id,
        title=found.title,
        severity=min(_severity(hit), _spare(found.claims, scene), found.at_least, key=_order),
        who=found.who,
        proof=tuple(dict.fromkeys(result.flow.id for result in (*found.claims, *found.shows))),
        rows=tuple(row.id for row in hit),
        fix=found.fix,
        detail=found.detail,
        rules=found.rules,
        hides=hidden(found.claims, scene.results),
    )


_UNHURT = frozenset({RowVerdict.PASS, RowVerdict.NOT_APPLICABLE})


def _order(severity: Severity) -> int:
    return list(Severity).index(severity)


def _severity(hit: Iterable[Row]) -> Severity:
    """Weigh by the rows that are hit: a needed one that fails, one that is worse than it should be, or none."""
    endings = {(row.verdict, row.need is Need.OPTIONAL) for row in hit}
    if (RowVerdict.FAIL, False) in endings:
        return Severity.BLOCKING
    worse = {(RowVerdict.FAIL, True), (RowVerdict.DEGRADED, True), (RowVerdict.DEGRADED, False)}
    return Severity.DEGRADING if endings & {*worse, (RowVerdict.INCONCLUSIVE, False)} else Severity.ADVICE


def _spare(claims: Iterable[Result], scene: Scene) -> Severity:
    """Weigh what no row feels: one host of several that is lost is missed as soon as another one is."""
    claimed = {result.flow.id for result in claims}
    alive = {result.flow.id for result in scene.results if passes(result)}
    shared = any(claimed & set(one.flows) and alive & set(one.flows) for one in scene.assignments.values())
    return Severity.DEGRADING if shared else Severity.ADVICE


def alive_elsewhere(result: Result, scene: Scene, *, turn: bool) -> list[Result]:
    """Return the checks in which the host of *result* answered by another door; *turn*: with STUN.

    Where it answers STUN nowhere, what shows that a server is up and only STUN is kept from it is as good.
    """
    said = answered_turn if turn else answered
    own = (result.flow.target.port, result.flow.transport, result.flow.via)
    found = [
        other
        for other in scene.tried()
        if other.flow.target.host == result.flow.target.host
        and (other.flow.target.port, other.flow.transport, other.flow.via) != own
        and other.flow.kind != "dns"
        and said(other)
    ]
    return found or (_hears_http_only(result.flow.target.host, scene) if turn else [])


def _hears_http_only(host: str, scene: Scene) -> list[Result]:
    """Return the controls in which *host* answered HTTP as TURN servers do where STUN, in as good a TLS, got nothing.

    A TURN server names itself in its answer, or hangs up; who does so is there, and no web server.
    """
    suspects = {r.flow.id: r for r in scene.results if r.flow.target.host == host and phase(r) is Phase.STUN}
    asked = [c for c in scene.controls if c.flow.control_of in suspects and c.flow.transport is Transport.TLS]
    return [c for c in asked if _is_turn(c) or _hangs_up(c, suspects[c.flow.control_of])]


def _is_turn(control: Result) -> bool:
    return passes(control) and "turn" in fact(control, "server", Phase.HTTP).lower()


def _hangs_up(control: Result, suspect: Result) -> bool:
    return phase(control) is Phase.HTTP and cause(control) in CUTS and cause(suspect) is Cause.TIMEOUT


def distinct(results: Iterable[Result]) -> list[Result]:
    """Return *results* without repetitions; facts make them unfit for a set."""
    return list({result.flow.id: result for result in results}.values())


def failing(scene: Scene, *phases: Phase) -> list[Result]:
    """Return the unexplained failures in *phases*."""
    return [result for result in scene.failing if (seen := failure(result)) and seen.phase in phases]
