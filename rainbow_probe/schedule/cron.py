"""Lines for the crontab of this user, between two marks of our own."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from rainbow_probe.schedule.shapes import Entry, File
from rainbow_probe.schedule.task import Task
from rainbow_probe.schedule.timing import DAY, HOUR, MINUTE, Timing

CRONTAB = Path("crontab")
"""No file of ours: what stands in it is put into this user's table by the program of that name."""


def entry(task: Task, timing: Timing) -> Entry:
    """Return the lines; cron knows neither delays nor overlaps: the probe sees to both itself."""
    begin, end = marks(task.name)
    lines = "".join(f"{when} {_command(task, timing)}\n" for when in schedules(timing))
    return Entry(files=(File(path=CRONTAB, text=f"{begin}\n{lines}{end}\n"),), look="crontab -l")


def marks(name: str) -> tuple[str, str]:
    """Return what stands before and after the lines of the schedule *name*."""
    return f"# begin rainbow-probe {name}", f"# end rainbow-probe {name}"


def without(table: str, name: str) -> str:
    """Return a crontab without the lines of the schedule *name*."""
    begin, end = marks(name)
    kept: list[str] = []
    inside = False
    for line in table.splitlines():
        inside = inside or line == begin
        if not inside:
            kept.append(line)
        inside = inside and line != end
    return "".join(f"{line}\n" for line in kept)


def _command(task: Task, timing: Timing) -> str:
    """Return a line for the shell; cron takes a percent sign for a new line, crontab(5)."""
    words = (*task.words, "--jitter", str(timing.jitter), "--quiet")
    line = f"cd {shlex.quote(str(task.folder))} && exec {shlex.join(words)}"
    return line.replace("%", "\\%")


def schedules(timing: Timing) -> Iterator[str]:
    """Yield the five fields that say when, crontab(5)."""
    if timing.every and timing.every < HOUR:
        yield f"*/{timing.every // MINUTE} * * * *"
    elif timing.every and timing.every < DAY:
        yield f"0 */{timing.every // HOUR} * * *"
    elif timing.every:
        yield "0 0 * * *"
    yield from (f"{minute % 60} {minute // 60} * * *" for minute in timing.at)
