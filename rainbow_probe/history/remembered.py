"""What the runs of a site that are kept have found, as far as a report draws it beside a new one."""

from __future__ import annotations

from collections.abc import Iterator

from rainbow_probe.history.store import HistoryError, Run, Store
from rainbow_probe.options import UsageError
from rainbow_probe.report.past import Past, past_in
from rainbow_probe.report.trends import MOST_RUNS


def remembered(store: Store, series: str, guide: str, before: int | None = None) -> tuple[Past, ...]:
    """Return the last whole runs of *series* by the same *guide*, the oldest first; only those *before* one."""
    runs = [run for run in store.runs(series, last=2 * MOST_RUNS, before=before) if _is_alike(run, guide)]
    return tuple(_pasts(store, runs[: MOST_RUNS - 1][::-1]))


def _is_alike(run: Run, guide: str) -> bool:
    return run.guide == guide and not run.interrupted


def _pasts(store: Store, runs: list[Run]) -> Iterator[Past]:
    """Yield what can still be read; another process may have removed a run meanwhile."""
    for run in runs:
        try:
            yield past_in(store.report(run.id), f"run {run.id}")
        except (UsageError, HistoryError):
            continue
