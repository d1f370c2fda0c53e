"""A job for launchd, the scheduler of macOS."""

from __future__ import annotations

import os
import plistlib
from collections.abc import Iterator
from pathlib import Path

from rainbow_probe.schedule.shapes import Entry, File
from rainbow_probe.schedule.task import Task
from rainbow_probe.schedule.timing import DAY, HOUR, MINUTE, Timing


def entry(task: Task, timing: Timing) -> Entry:
    """Return the job; launchd starts no second one beside it, and knows no delay: the probe sees to that itself."""
    label = f"io.rainbow-probe.{task.name}"
    path = Path.home() / "Library" / "LaunchAgents" / f"{label}.plist"
    job = {
        "Label": label,
        "ProgramArguments": [*task.words, "--jitter", str(timing.jitter), "--quiet"],
        "WorkingDirectory": str(task.folder),
        "StartCalendarInterval": list(_moments(timing)),
        "ProcessType": "Background",
    }
    domain = f"gui/{os.getuid()}" if hasattr(os, "getuid") else "gui"
    return Entry(
        files=(File(path=path, text=plistlib.dumps(job, sort_keys=False).decode("utf-8")),),
        install=(("launchctl", "bootstrap", domain, str(path)),),
        remove=(("launchctl", "bootout", f"{domain}/{label}"),),
        look=f"launchctl print {domain}/{label}",
    )


def _moments(timing: Timing) -> Iterator[dict[str, int]]:
    """Yield the moments; what is left out stands for each, launchd.plist(5)."""
    if timing.every and timing.every < HOUR:
        yield from ({"Minute": minute} for minute in range(0, 60, timing.every // MINUTE))
    elif timing.every:
        yield from ({"Hour": hour, "Minute": 0} for hour in range(0, 24, min(timing.every, DAY) // HOUR))
    yield from ({"Hour": minute // 60, "Minute": minute % 60} for minute in timing.at)
