"""The command report: a stored run in other formats."""

from __future__ import annotations

import argparse

from rainbow_probe.looking_back import past_of_kept, stored
from rainbow_probe.outputs import Outputs, screen_status
from rainbow_probe.report.from_json import loads
from rainbow_probe.ruling import guide_of


def retell(arguments: argparse.Namespace) -> int:
    """Write the run as it was asked for; return the exit status. Only of a run that is kept is the past known."""
    outputs = Outputs.checked(arguments)
    name, text = stored(arguments.report)
    report = loads(text, name)
    # Only rules ask what the guide says; a report of a guide that is gone can still be shown.
    guide = guide_of(arguments, report) if arguments.rules else None
    outputs.write(report, guide, past_of_kept(arguments.report) if outputs.draws_the_past else ())
    return screen_status(report, arguments, 0)
