"""A row that flips is tried a second time before anybody is alarmed; what it was not twice in a row, it is not."""

from __future__ import annotations

from collections.abc import Mapping

from rainbow_probe.history.compare import Change, verdict_change
from rainbow_probe.model import Report, RowVerdict

ALARMING = frozenset({Change.BROKE, Change.HEALED, Change.UNCLEAR})
"""Changes that somebody is told of; a row that merely moved alarms nobody."""


def flipped(standing: Mapping[str, RowVerdict], report: Report) -> tuple[str, ...]:
    """Return the ids of the rows that *report* sees otherwise than they have stood up to now."""
    return tuple(row.id for row in report.rows if _change(standing, row.id, row.verdict) in ALARMING)


def unconfirmed(
    standing: Mapping[str, RowVerdict], first: Report, second: Report, rows: tuple[str, ...]
) -> dict[str, RowVerdict]:
    """Return which of *rows* did not change the same way in the *second* try, with how they stand."""
    seen, again = ({row.id: row.verdict for row in report.rows} for report in (first, second))
    return {
        row: standing[row]
        for row in rows
        if second.interrupted
        or row not in again
        or _change(standing, row, again[row]) is not _change(standing, row, seen[row])
    }


def _change(standing: Mapping[str, RowVerdict], row: str, verdict: RowVerdict) -> Change | None:
    return verdict_change(standing[row], verdict) if row in standing else None
