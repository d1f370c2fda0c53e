"""How often the probe was right: counts over many runs at many sites. Pure functions over what was observed.

The yardstick is the site file, which says what works there and which causes were planted, and the record of the oracle.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.lab import agreement
from tests.lab.agreement import Difference
from tests.lab.expectation import expected_outcome, expected_verdict, matches
from tests.lab.oracle import Answers
from tests.lab.scenario import Scenario

GOOD = {"pass", "degraded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One run at one site."""

    site: str
    scenario: Scenario
    report: Mapping[str, Any]
    answers: Answers
    starved: bool = False
    """Whether the measuring machine had no time for it, and the report says so: it tells nothing of the probe."""


@dataclass(slots=True, kw_only=True)
class Verdicts:
    """What verdicts of one kind came to. A verdict for which the site file allows pass and fail alike is ``either``."""

    true_passes: int = 0
    false_passes: int = 0
    true_fails: int = 0
    false_fails: int = 0
    either: int = 0
    untold_as_expected: int = 0
    untold: int = 0
    wrong: list[str] = field(default_factory=list[str])
    """Each false or untold verdict: site, what, verdict."""

    @property
    def total(self) -> int:
        """All verdicts that were given."""
        told = self.true_passes + self.false_passes + self.true_fails + self.false_fails + self.either
        return told + self.untold_as_expected + self.untold

    def count(self, verdict: str, wanted: set[str], *, contradicted: bool, where: str) -> None:
        """Take one *verdict* where *wanted* were right; *contradicted* says that the oracle found the opposite."""
        if verdict in {"skipped", "not-tested", "not-applicable"}:
            return
        kind = _kind(verdict, wanted, contradicted=contradicted)
        setattr(self, kind, getattr(self, kind) + 1)
        if kind in {"false_passes", "false_fails", "untold"}:
            self.wrong.append(f"{where} is {verdict}")


def _kind(verdict: str, wanted: set[str], *, contradicted: bool) -> str:
    """Name the count to which a verdict belongs."""
    if verdict == "inconclusive":
        return "untold_as_expected" if "inconclusive" in wanted else "untold"
    side = "passes" if verdict in GOOD else "fails"
    right = bool(wanted & GOOD) if verdict in GOOD else "fail" in wanted
    if contradicted or not right:
        return f"false_{side}"
    return "either" if wanted & GOOD and "fail" in wanted else f"true_{side}"


@dataclass(slots=True, kw_only=True)
class Cause:
    """How often a planted cause was named."""

    sites: set[str] = field(default_factory=set[str])
    named: int = 0
    missed: list[str] = field(default_factory=list[str])
    """The sites, once a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All counts."""

    sites: int
    noisy: int
    runs: int
    starved: Sequence[str]
    """The sites of runs that are left out, once a run."""
    checks: Mapping[str, Verdicts]
    """By kind of check."""
    rows: Mapping[str, Verdicts]
    """By client, the first part of the row's id."""
    causes: Mapping[str, Cause]
    """By the pattern of the finding that had to come."""
    invented: Mapping[str, Sequence[str]]
    """Findings that blame what was not planted, with the sites, once a run."""
    flips: Mapping[str, Sequence[str]]
    """Sites with what came out differently in another run there."""
    agreed: int
    """Verdicts that a program of the oracle confirms."""
    differences: Sequence[str]
    """Verdicts that one contradicts, known limits excepted."""


def figures(observed: Sequence[Observed]) -> Figures:
    """Count what was *observed*, but for runs without time."""
    runs = [run for run in observed if not run.starved]
    return Figures(
        sites=len({run.site for run in runs}),
        noisy=len({run.site for run in runs if run.scenario.noisy}),
        runs=len(runs),
        starved=[run.site for run in observed if run.starved],
        checks=_checks(runs),
        rows=_rows(runs),
        causes=_causes(runs),
        invented=_invented(runs),
        flips=_flips(runs),
        agreed=sum(agreement.compare(run.report, run.answers).agreed for run in runs),
        differences=[
            f"{run.site}: {one.item} is {one.verdict}; {one.against}" for run in runs for one in _contradictions(run)
        ],
    )


def _contradictions(run: Observed) -> list[Difference]:
    return agreement.contradicted(run.site, agreement.compare(run.report, run.answers).differences)


def _checks(runs: Iterable[Observed]) -> dict[str, Verdicts]:
    counts: defaultdict[str, Verdicts] = defaultdict(Verdicts)
    for run in runs:
        against = {one.item for one in _contradictions(run)}
        for check in (one for one in run.report["checks"] if not one.get("control_of")):
            wanted = set(expected_outcome(run.scenario.expect.checks, check["id"]).outcome.split("|"))
            counts[check["kind"]].count(
                check["outcome"], wanted, contradicted=check["id"] in against, where=f"{run.site}: {check['id']}"
            )
    return dict(sorted(counts.items()))


def _rows(runs: Iterable[Observed]) -> dict[str, Verdicts]:
    counts: defaultdict[str, Verdicts] = defaultdict(Verdicts)
    for run in runs:
        against = {one.item for one in _contradictions(run)}
        for row in run.report["rows"]:
            wanted = set(expected_verdict(run.scenario, row["id"]).split("|"))
            counts[row["client"]].count(
                row["verdict"], wanted, contradicted=row["id"] in against, where=f"{run.site}: {row['id']}"
            )
    return dict(sorted(counts.items()))


def _causes(runs: Iterable[Observed]) -> dict[str, Cause]:
    causes: defaultdict[str, Cause] = defaultdict(Cause)
    for run in runs:
        found = [finding["id"] for finding in run.report["findings"]]
        for pattern in run.scenario.expect.findings:
            cause = causes[pattern]
            cause.sites.add(run.site)
            if any(matches(one, pattern.split("|")) for one in found):
                cause.named += 1
            else:
                cause.missed.append(run.site)
    return dict(sorted(causes.items()))


def _invented(runs: Iterable[Observed]) -> dict[str, list[str]]:
    invented: defaultdict[str, list[str]] = defaultdict(list)
    for run in runs:
        for finding in _not_planted(run):
            invented[finding].append(run.site)
    return dict(sorted(invented.items()))


def _not_planted(run: Observed) -> Iterator[str]:
    expected = run.scenario.expect
    known = [pattern for patterns in (*expected.findings, *expected.may) for pattern in patterns.split("|")]
    for finding in run.report["findings"]:
        advice = finding["severity"] == "advice"
        if matches(finding["id"], expected.no_findings) or not (advice or matches(finding["id"], known)):
            yield finding["id"]


def _flips(runs: Iterable[Observed]) -> dict[str, list[str]]:
    """Name what did not come out the same in every run at a site."""
    seen: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for run in runs:
        for what, verdict in _verdicts(run.report):
            seen[run.site][what][verdict] += 1
    told = {
        site: [f"{what}: {_spread(counts)}" for what, counts in found.items() if len(counts) > 1]
        for site, found in seen.items()
    }
    return {site: lines for site, lines in sorted(told.items()) if lines}


def _verdicts(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((check["id"], check["outcome"]) for check in report["checks"] if not check.get("control_of"))
    yield from ((row["id"], row["verdict"]) for row in report["rows"])
    yield "findings", " ".join(sorted(finding["id"] for finding in report["findings"]))


def _spread(counts: Counter[str]) -> str:
    return ", ".join(f"{number} x {verdict or 'none'}" for verdict, number in sorted(counts.items()))
