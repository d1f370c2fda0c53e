"""What every command that judges a site does around the run: read the guide, show, write, end."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rainbow_probe.catalogue import Guide, builtin, load
from rainbow_probe.checks import kinds
from rainbow_probe.model import Report
from rainbow_probe.options import UsageError


def perform(arguments: argparse.Namespace, guide: Guide, assess: Callable[[Any], Report]) -> int:
    """Run *assess* with live progress, report, and return the exit status.

    A report file that cannot be written is told before the run.
    """
    from rainbow_probe.judge import exit_status
    from rainbow_probe.outputs import Outputs, progress

    outputs = Outputs.checked(arguments)
    with progress(quiet=arguments.quiet) as events:
        report = assess(events)
    outputs.write(report, guide)
    return 130 if report.interrupted else exit_status(report, strict=arguments.strict)


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
