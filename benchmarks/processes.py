"""Runs commands and measures them: wall time and peak memory, as medians over repeats."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PYTHON = sys.executable
PROBE = str(Path(PYTHON).with_name("rainbow-probe"))
STOPWATCH = str(Path(__file__).with_name("stopwatch.py"))
LIMIT = 300.0  # seconds; a benchmark that takes longer is broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of a command."""

    seconds: float
    peak_mb: float
    status: int


class CommandError(Exception):
    """A command that was to be measured did not do what it should; there is nothing to measure."""


def measure(
    command: Sequence[str],
    *,
    inside: Sequence[str] = (),
    accept: Sequence[int] = (0,),
    environment: Mapping[str, str] | None = None,
) -> Measured:
    """Run *command* and measure it; *inside* is a command that runs another one, for example in a namespace."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        whole = [*inside, PYTHON, "-S", STOPWATCH, file.name, *command]
        done = subprocess.run(  # noqa: S603 - a command of our own
            whole, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=LIMIT, check=False, env=environment
        )
        written = file.read()
    measured = Measured(**json.loads(written)) if written else None
    if measured is None or measured.status not in accept:
        raise CommandError(f"{' '.join(whole)}: {measured}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return measured


def medians(commands: Mapping[str, Sequence[str]], *, repeats: int) -> dict[str, float]:
    """Take the median seconds of each of *commands*, run in turn so that a disturbance hits all alike."""
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            taken[name].append(measure(command).seconds)
    return {name: median(seconds) for name, seconds in taken.items()}
