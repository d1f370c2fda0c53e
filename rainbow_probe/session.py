"""What every command that judges a site does around the run: read the guide, show, write, end."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rainbow_probe.catalogue import Guide, builtin, load
from rainbow_probe.checks import kinds
from rainbow_probe.model import Report
from rainbow_probe.options import UsageError

if TYPE_CHECKING:
    from rainbow_probe.history.confirm import SecondTry

UNTOLD = 4


def perform(
    arguments: argparse.Namespace,
    guide: Guide,
    assess: Callable[[Any], Report],
    again: Callable[[Report, tuple[str, ...], Any], SecondTry] | None = None,
) -> int:
    """Run *assess* with live progress, report, and return the exit status.

    A report file that cannot be written is told before the run. *again* tries some rows of a report a second time:
    files, screen, mail and status tell what that confirmed. The status is 4 if a mail could not be sent: whoever
    relies on it must know.
    """
    from rainbow_probe.afterwards import Afterwards
    from rainbow_probe.judge import exit_status
    from rainbow_probe.outputs import Outputs, progress, screen_status

    def once_more(rows: tuple[str, ...]) -> SecondTry:
        from rainbow_probe.history.confirm import stopped

        assert again is not None
        try:
            with progress(quiet=arguments.quiet) as events:
                return again(report, rows, events)
        except KeyboardInterrupt:
            return stopped(report)

    outputs, afterwards = Outputs.checked(arguments), Afterwards.checked(arguments)
    with progress(quiet=arguments.quiet) as events:
        report = assess(events)
    past = afterwards.past(report) if outputs.draws_the_past else ()
    try:
        kept = afterwards.keep(report, once_more if again else None)
    except BaseException:  # whatever ended the second try: what the first one found is not lost
        outputs.write(replace(report, interrupted=True), guide, past)
        raise
    report = kept.report if kept else report
    try:
        outputs.write(report, guide, past)
    finally:
        told = afterwards.tell(kept)
    status = exit_status(report, strict=arguments.strict) if told else UNTOLD
    return screen_status(report, arguments, 130 if report.interrupted else status)


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
