"""A row that flips is tried a second time before anybody is alarmed; what it was not twice in a row, it is not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from rainbow_probe.history.compare import Change, verdict_change
from rainbow_probe.model import Report, Row, RowVerdict

ALARMING = frozenset({Change.BROKE, Change.HEALED, Change.UNCLEAR})
"""Changes that somebody is told of; a row that merely moved alarms nobody."""

_PLACE: Mapping[RowVerdict, float] = {
    RowVerdict.PASS: 0.0,
    RowVerdict.DEGRADED: 1.0,
    RowVerdict.INCONCLUSIVE: 1.5,
    RowVerdict.FAIL: 2.0,
}
"""From works to fails: of two tries that differ, the one nearer to how the row stood is believed."""

_SEEN: Mapping[RowVerdict, str] = {
    RowVerdict.PASS: "it worked",
    RowVerdict.DEGRADED: "it worked only by a fallback",
    RowVerdict.FAIL: "it failed",
    RowVerdict.INCONCLUSIVE: "it could not be told",
    RowVerdict.NOT_TESTED: "it was not tested",
    RowVerdict.NOT_APPLICABLE: "it did not apply",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondTry:
    """What came of trying some rows once more."""

    report: Report
    joined: Callable[[Collection[str]], Report]
    """Judges the whole run again, with what this try saw of the rows with these ids in the place of the first."""


def stopped(first: Report) -> SecondTry:
    """Return what a second try is that was stopped before it began."""
    return SecondTry(report=replace(first, rows=(), interrupted=True), joined=lambda _: first)


def flipped(standing: Mapping[str, RowVerdict], report: Report) -> tuple[str, ...]:
    """Return the ids of the rows that *report* sees otherwise than they have stood up to now."""
    return tuple(row.id for row in report.rows if _change(standing, row.id, row.verdict) in ALARMING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A run as two tries together show it."""

    report: Report
    stays: Mapping[str, RowVerdict]
    """The rows that changed in one try and not in the other, with how they stand."""


def confirmed(standing: Mapping[str, RowVerdict], first: Report, second: SecondTry, rows: tuple[str, ...]) -> Confirmed:
    """Return the run as two tries together show it, of which the *second* was of *rows* that changed.

    A change that both saw is told as the first saw it. What only one saw is none: the row is judged by the try that is
    nearer to how it stood. If neither saw it as it stood, and they differ, it cannot be told.
    """
    from rainbow_probe.judge.doubt import doubted

    firstly, again = _by_id(first), {} if second.report.interrupted else _by_id(second.report)
    nearer = tuple(row for row in rows if row in again and _is_nearer(standing[row], firstly[row], again[row]))
    report = second.joined(nearer) if nearer else first
    report = replace(report, rows=tuple(_telling(row, firstly, nearer) for row in report.rows))
    alarming = [row for row in report.rows if _change(standing, row.id, row.verdict) in ALARMING]
    reasons = {
        row.id: _twice(firstly[row.id], again.get(row.id))
        for row in alarming
        if not _is_seen_twice(standing, row, firstly, again)
    }
    report = doubted(report, reasons) if reasons else report
    unalike = [row for row in rows if not _is_seen_twice(standing, firstly[row], firstly, again)]
    return Confirmed(
        report=replace(report, interrupted=second.report.interrupted),
        stays={row: standing[row] for row in (*unalike, *reasons)},
    )


def _is_nearer(stood: RowVerdict, first: Row, second: Row) -> bool:
    at, one, other = (_PLACE.get(verdict) for verdict in (stood, first.verdict, second.verdict))
    return at is not None and other is not None and (one is None or abs(other - at) < abs(one - at))


def _telling(row: Row, firstly: Mapping[str, Row], nearer: Collection[str]) -> Row:
    """Have a row that is judged by the second try tell what the first one saw."""
    if row.id not in nearer or row.verdict is firstly[row.id].verdict:
        return row
    return replace(row, reason=f"{row.reason}; tried twice in a row, the first time {_saw(firstly[row.id])}")


def _is_seen_twice(
    standing: Mapping[str, RowVerdict], row: Row, firstly: Mapping[str, Row], again: Mapping[str, Row]
) -> bool:
    """Tell whether both tries saw the change that *row* tells of."""
    tries = [one[row.id].verdict for one in (firstly, again) if row.id in one]
    change = _change(standing, row.id, row.verdict)
    return len(tries) > 1 and all(_change(standing, row.id, verdict) is change for verdict in tries)


def _twice(first: Row, second: Row | None) -> str:
    if second is None:
        return f"tried twice in a row: the first time {_saw(first)}, the second time it was stopped"
    return f"tried twice in a row, and not alike: the first time {_saw(first)}, the second time {_saw(second)}"


def _saw(row: Row) -> str:
    return f"{_SEEN[row.verdict]} ({row.reason.removesuffix('.')})"


def _by_id(report: Report) -> dict[str, Row]:
    return {row.id: row for row in report.rows}


def _change(standing: Mapping[str, RowVerdict], row: str, verdict: RowVerdict) -> Change | None:
    return verdict_change(standing[row], verdict) if row in standing else None
