"""What the finders look at, and how a finding is made: proof, rows hit, severity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rainbow_probe.catalogue import Guide
from rainbow_probe.judging.rows import COUNTS
from rainbow_probe.model import (
    OUR_OWN,
    Cause,
    Finding,
    Outcome,
    Phase,
    Result,
    Row,
    RowVerdict,
    Rule,
    Scalar,
    Severity,
    Site,
    Step,
    Transport,
    Via,
    Who,
)

SILENT = frozenset({Cause.TIMEOUT, Cause.NO_ANSWER})
REJECTED = frozenset({Cause.REFUSED, Cause.PROHIBITED, Cause.UNREACHABLE})
SHUT = SILENT | REJECTED
"""How a closed path shows: nothing comes back, or a rejection does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything known of the site, and which failures no finding has explained yet."""

    guide: Guide
    site: Site
    results: Sequence[Result]
    rows: Sequence[Row]
    claimed: frozenset[str] = frozenset()

    def failing(self, test: Callable[[Result], bool] = lambda _: True) -> list[Result]:
        """Return the failed checks no finding has explained, that pass *test*; causes of our own do not count."""
        return [
            r
            for r in self.results
            if r.flow.id not in self.claimed and cause(r) not in OUR_OWN and failed(r) and test(r)
        ]

    def passing(self, test: Callable[[Result], bool] = lambda _: True) -> list[Result]:
        """Return the checks that passed over the network and pass *test*: these are the controls."""
        return [r for r in self.results if r.verdict.outcome is Outcome.PASS and r.flow.kind != "ports" and test(r)]


Finder = Callable[[Case], Sequence["Draft"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A finding before its rows and severity are known; it explains *claims*, shown also by *controls*."""

    id: str
    title: str
    who: Who
    fix: str
    claims: Sequence[Result]
    controls: Sequence[Result] = ()
    detail: str = ""
    rules: tuple[Rule, ...] = ()
    least: Severity | None = None
    """The severity it has even if no row shows it."""


def finish(draft: Draft, rows: Sequence[Row]) -> Finding:
    """Complete a draft with the rows it breaks and how bad that is."""
    claimed = {result.flow.id for result in draft.claims}
    hit = [row for row in rows if claimed & set(row.checks) and row.verdict in _HURT]
    proof = [result.flow.id for result in (*draft.claims, *draft.controls)]
    return Finding(
        id=draft.id,
        title=draft.title,
        severity=_severity(hit, draft),
        who=draft.who,
        proof=tuple(dict.fromkeys(proof)),
        rows=tuple(row.id for row in hit),
        fix=draft.fix,
        detail=draft.detail,
        rules=draft.rules,
    )


_HURT = frozenset({RowVerdict.FAIL, RowVerdict.DEGRADED, RowVerdict.INCONCLUSIVE})


def _severity(hit: Sequence[Row], draft: Draft) -> Severity:
    if any(row.verdict is RowVerdict.FAIL and row.need in COUNTS for row in hit):
        return Severity.BLOCKING
    return Severity.DEGRADING if hit else draft.least or Severity.ADVICE


def failed(result: Result) -> bool:
    """Return whether a check failed, or could not begin for a reason that another check shows as a failure."""
    return result.verdict.failure is not None and result.verdict.outcome in {Outcome.FAIL, Outcome.INCONCLUSIVE}


def cause(result: Result) -> Cause | None:
    """Return why a check failed, if it did."""
    return result.verdict.failure.cause if result.verdict.failure else None


def phase(result: Result) -> Phase | None:
    """Return where a check failed, if it did."""
    return result.verdict.failure.phase if result.verdict.failure else None


def detail(result: Result) -> str:
    """Return what was seen when it failed."""
    return result.verdict.failure.detail if result.verdict.failure else ""


def host(result: Result) -> str:
    """Return the name the check is about."""
    return result.flow.target.host


def hosts(results: Iterable[Result]) -> list[str]:
    """Return the names the checks are about, each once."""
    return list(dict.fromkeys(host(result) for result in results))


def listed(names: Sequence[str], most: int = 4) -> str:
    """Join names for a sentence."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def direct(result: Result) -> bool:
    """Return whether the check went without a proxy."""
    return result.flow.via is Via.DIRECT


def is_turn(result: Result, transport: Transport | None = None) -> bool:
    """Return whether the check is TURN, over *transport* if given."""
    return result.flow.kind == "turn" and (transport is None or result.flow.transport is transport)


def domain(name: str) -> str:
    """Return what makes hosts related: the last two labels."""
    return ".".join(name.lower().split(".")[-2:])


def fact(result: Result, key: str, phases: Iterable[Phase] = tuple(Phase)) -> Scalar:
    """Return the first fact of that name in the steps of *phases*, or None."""
    return next((step.facts[key] for step in steps(result, phases) if step.facts.get(key) not in {None, ""}), None)


def steps(result: Result, phases: Iterable[Phase]) -> list[Step]:
    """Return the steps of *phases*."""
    wanted = set(phases)
    return [step for step in result.steps if step.phase in wanted]
