"""A finished run is written down; what hinders that is told and costs the run nothing."""

from __future__ import annotations

import sys
from pathlib import Path

from rainbow_probe.data_folder import DataFolderError, data_folder
from rainbow_probe.history.limits import Retention
from rainbow_probe.history.store import HistoryError, open_store
from rainbow_probe.model import Report


def keep(report: Report, series: str, retention: Retention, folder: Path | None = None) -> int | None:
    """Keep *report* in *folder* (this user's), and return its number; None, and a message, where it cannot be."""
    try:
        with open_store(folder or data_folder()) as store:
            number = store.keep(report, series)
            store.prune(series, retention)
    except (HistoryError, DataFolderError) as exc:
        print(f"rainbow-probe: this run is not kept: {exc}", file=sys.stderr)  # noqa: T201 - the warning
        return None
    return number
