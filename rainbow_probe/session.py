"""What every command that judges a site does around the run: read the guide, show, write, end."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rainbow_probe.catalogue import Guide, builtin, load
from rainbow_probe.checks import kinds
from rainbow_probe.history.limits import Retention, wanted
from rainbow_probe.model import Report
from rainbow_probe.options import UsageError, number
from rainbow_probe.sitefile import read_site_file

MOST_KEPT = 1_000_000  # runs of a site, or days; beyond that a number is a typing error


def perform(arguments: argparse.Namespace, guide: Guide, assess: Callable[[Any], Report]) -> int:
    """Run *assess* with live progress, report, and return the exit status.

    A report file that cannot be written is told before the run.
    """
    from rainbow_probe.judge import exit_status
    from rainbow_probe.outputs import Outputs, progress

    outputs, retention = Outputs.checked(arguments), _retention(arguments)
    with progress(quiet=arguments.quiet) as events:
        report = assess(events)
    if retention:
        from rainbow_probe.history.keeping import keep

        keep(report, series_of(arguments, report), retention)
    outputs.write(report, guide)
    return 130 if report.interrupted else exit_status(report, strict=arguments.strict)


def _retention(arguments: argparse.Namespace) -> Retention | None:
    """Return how much is to be kept; None if nothing is."""
    runs = number(arguments.keep_runs, MOST_KEPT, "--keep-runs", least=1)
    days = number(arguments.keep_days, MOST_KEPT, "--keep-days", least=1)
    return Retention(runs=runs, days=days) if wanted(no_store=arguments.no_store) else None


def series_of(arguments: argparse.Namespace, report: Report) -> str:
    """Name the site whose runs this one is comparable with: as its file does, or else after this machine."""
    if arguments.command == "demo":
        return "demo"
    if arguments.site:
        return str(read_site_file(arguments.site).get("name") or Path(arguments.site).stem)
    return report.site.hostname or "this machine"


def read_guide(name: str, clients: tuple[str, ...]) -> Guide:
    """Load a guide by id or folder, and make sure that it has the *clients* asked for."""
    folder = Path(name) if os.sep in name or Path(name).is_dir() else builtin(name)
    guide = load(folder, kinds())
    known = [*guide.clients, *guide.groups]
    if unknown := [client for client in clients if client not in known]:
        raise UsageError(
            f"--client {unknown[0]}: the guide {guide.id} has no such client; known are {', '.join(known)}"
        )
    return guide
