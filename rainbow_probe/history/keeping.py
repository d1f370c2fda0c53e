"""A finished run is written down beside those before it, and what changed is found out, for sure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from rainbow_probe.history.compare import Comparison, compare
from rainbow_probe.history.confirm import SecondTry, confirmed, flipped
from rainbow_probe.history.flaky import LOOKED_AT, flaky
from rainbow_probe.history.limits import Retention
from rainbow_probe.history.store import Store, newest
from rainbow_probe.model import Report, RowVerdict
from rainbow_probe.options import UsageError
from rainbow_probe.report.from_json import loads
from rainbow_probe.report.past import Past

Again = Callable[[tuple[str, ...]], SecondTry]
"""Tries the rows with these ids once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A run, and what is new about it."""

    site: str
    report: Report
    number: int | None = None
    """Of the run, where it is kept."""
    before: Report | None = None
    """The run before it; None for the first one, and where none is kept."""
    comparison: Comparison = field(default_factory=Comparison)
    flaky: Mapping[str, int] = field(default_factory=dict[str, int])
    """Rows that come and go, with how often they changed lately."""
    past: tuple[Past, ...] = ()
    """What earlier runs found that a report draws, the oldest first."""
    unconfirmed: tuple[str, ...] = ()
    """Rows that changed and, tried a second time, did not change so: they stand as they did."""


def take_down(store: Store, report: Report, series: str, retention: Retention, again: Again | None) -> Occasion:
    """Keep *report*, and return what is new; rows that changed are tried *again* before it is believed.

    Until that has ended the run is kept as an interrupted one: whatever ends the program, nothing stands unconfirmed.
    """
    standing, before = store.standing(series), _before(store, series, report)
    flips = () if again is None or report.interrupted else flipped(standing, report)
    number = store.keep(replace(report, interrupted=True) if flips else report, series)
    stays: Mapping[str, RowVerdict] = {}
    if again and flips:
        told = confirmed(standing, report, again(flips), flips)
        report, stays = told.report, told.stays
        store.confirm(number, report, {row.id: stays.get(row.id, row.verdict) for row in report.rows})
    store.prune(series, retention)
    return Occasion(
        site=series,
        report=report,
        number=number,
        before=before,
        comparison=_confirmed(before, standing, report, stays) if before else Comparison(),
        flaky=flaky_rows(store, series),
        unconfirmed=tuple(stays),
    )


def flaky_rows(store: Store, series: str) -> dict[str, int]:
    """Return the rows of a *series* that come and go, with how often they did lately."""
    whole = [run for run in store.runs(series, last=LOOKED_AT) if not run.interrupted]
    return flaky([store.verdicts(run.id) for run in reversed(whole)])


def _before(store: Store, series: str, report: Report) -> Report | None:
    """Return the last whole run of *series*, if it is of the same guide and can still be read."""
    run = newest(store.runs(series, last=LOOKED_AT))
    if run is None or run.guide != report.guide_id:
        return None
    try:
        return loads(store.report(run.id), f"run {run.id}")
    except UsageError:
        return None


def _confirmed(
    before: Report, standing: Mapping[str, RowVerdict], report: Report, stays: Mapping[str, RowVerdict]
) -> Comparison:
    """Compare with how the rows stood, and leave out what a second try did not confirm."""
    stood = tuple(replace(row, verdict=standing.get(row.id, row.verdict)) for row in before.rows)
    found = compare(replace(before, rows=stood), report)
    return replace(
        found,
        rows=tuple(row for row in found.rows if row.after.id not in stays),
        new_findings=tuple(one for one in found.new_findings if not one.rows or set(one.rows) - set(stays)),
    )
