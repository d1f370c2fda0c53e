"""Causes that say nothing certain of the network, in whatever phase they come."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rainbow_probe.explanations.shapes import Why, why
from rainbow_probe.terms import Cause

OWN: Mapping[Cause, Why] = MappingProxyType({
    Cause.BUDGET: why(
        "The time of the check or of the run was over before this step had had its own limit.",
        "A short `--deadline` or `--timeout`, earlier steps that were slow, or a machine that was busy.",
        "Run again on a quieter machine, or with a longer `--timeout`.",
    ),
    Cause.INTERRUPTED: why(
        "The run was stopped (Ctrl-C, `--deadline`) while the step went on, or before it began.",
        "You. What was found before is still reported.",
        "Run again, and let it come to its end.",
    ),
    Cause.CANNOT_TELL: why(
        "What was seen has more than one reading; the detail says what was seen.",
        "The server's policy forbids the test, or silence is normal there.",
        "Read the detail; give what it says is missing, for example TURN credentials.",
    ),
    Cause.UNKNOWN: why(
        "This machine could not try it, or the probe has a fault; the detail says which.",
        "A limit on open files or memory that the machine has reached; else a bug.",
        "Close programs or raise the limit (`ulimit -n`); report a fault, with the JSON and the output of `--debug`.",
    ),
})
"""These make a check inconclusive, never failed."""
