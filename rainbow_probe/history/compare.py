"""What changed from one run to another: what broke, what healed, what is not known any more, what merely moved.

Pure: two reports in, changes out. Rows are compared by their ids, never by words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from rainbow_probe.history.quality import QualityChange, quality_changes
from rainbow_probe.model import Finding, Need, Report, Row, RowVerdict

_RANK: Mapping[RowVerdict, int] = {RowVerdict.PASS: 0, RowVerdict.DEGRADED: 1, RowVerdict.FAIL: 2}
"""Verdicts that say how well a row works; the others say why that is not known."""


class Change(StrEnum):
    """What became of a row."""

    BROKE = "broke"
    """It works less well than before, or fails now where it could not be told."""
    HEALED = "healed"
    """It works better than before."""
    UNCLEAR = "unclear"
    """It was known how it works, and was tried again, and could not be told."""
    MOVED = "moved"
    """Anything else: another path, tried for the first time, not tried any more."""


Steps = dict[Change, list[str]]
"""Ids of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """One row that is not what it was."""

    change: Change
    before: Row
    after: Row

    @property
    def counts(self) -> bool:
        """Whether the guide needs the row: an optional one makes no site worse."""
        return self.after.need is not Need.OPTIONAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All that changed."""

    rows: tuple[RowChange, ...] = ()
    new_findings: tuple[Finding, ...] = ()
    gone_findings: tuple[Finding, ...] = ()
    quality: tuple[QualityChange, ...] = ()
    """What was measured and is better or worse than chance explains."""
    only_before: tuple[Row, ...] = ()
    """Rows that only the older run was asked for: nothing is known of them now."""
    only_after: tuple[Row, ...] = ()

    def of(self, change: Change) -> tuple[RowChange, ...]:
        """Return the rows with this *change*."""
        return tuple(row for row in self.rows if row.change is change)

    @property
    def steps(self) -> Steps:
        """The ids of the rows, by what became of them."""
        return {change: [row.after.id for row in self.of(change)] for change in Change}

    @property
    def worse(self) -> bool:
        """Whether something that the guide needs works less well."""
        return any(row.counts for row in self.of(Change.BROKE)) or any(one.worse for one in self.quality)

    @property
    def unclear(self) -> bool:
        """Whether of something that the guide needs it is not known any more how it works."""
        return any(row.counts for row in self.of(Change.UNCLEAR))


def compare(old: Report, new: Report) -> Comparison:
    """Return what changed from *old* to *new*."""
    before, after = _by_id(old.rows), _by_id(new.rows)
    changes = [change for row in new.rows if row.id in before and (change := row_change(before[row.id], row))]
    return Comparison(
        rows=tuple(changes),
        new_findings=_only(new.findings, old.findings),
        gone_findings=_only(old.findings, new.findings),
        quality=tuple(quality_changes(old.results, new.results)),
        only_before=tuple(row for row in old.rows if row.id not in after),
        only_after=tuple(row for row in new.rows if row.id not in before),
    )


def row_change(before: Row, after: Row) -> RowChange | None:
    """Return what became of a row; None if it is what it was."""
    change = verdict_change(before.verdict, after.verdict)
    if change is None and before.path != after.path and after.path:
        change = Change.MOVED
    return RowChange(change=change, before=before, after=after) if change else None


def verdict_change(before: RowVerdict, after: RowVerdict) -> Change | None:
    """Return what the step from one verdict to another is; None if it is none."""
    if before is after:
        return None
    was, now = _RANK.get(before), _RANK.get(after)
    if was is not None and now is not None:
        return Change.BROKE if now > was else Change.HEALED
    if was is not None and after is RowVerdict.INCONCLUSIVE:
        return Change.UNCLEAR
    if before is RowVerdict.INCONCLUSIVE and after is RowVerdict.FAIL:
        return Change.BROKE
    return Change.MOVED


def steps(before: Mapping[str, RowVerdict], after: Mapping[str, RowVerdict]) -> Steps:
    """Return the ids of the rows by what became of them, from the verdicts alone."""
    found: Steps = {change: [] for change in Change}
    for row, verdict in after.items():
        if row in before and (change := verdict_change(before[row], verdict)):
            found[change].append(row)
    return found


def _by_id(rows: Iterable[Row]) -> dict[str, Row]:
    return {row.id: row for row in rows}


def _only(findings: Iterable[Finding], others: Iterable[Finding]) -> tuple[Finding, ...]:
    known = {finding.id for finding in others}
    return tuple(finding for finding in findings if finding.id not in known)
