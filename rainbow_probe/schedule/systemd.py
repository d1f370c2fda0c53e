"""A service and a timer for systemd, of this user or of the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rainbow_probe.schedule.shapes import Entry, File
from rainbow_probe.schedule.task import Task
from rainbow_probe.schedule.timing import DAY, HOUR, MINUTE, Timing

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "$$", "%": "%%"})  # systemd.service(5), "COMMAND LINES"


def entry(task: Task, timing: Timing, *, system: bool) -> Entry:
    """Return the units; *system*: for the whole machine, which needs root."""
    folder = Path("/etc/systemd/system") if system else _own()
    name = f"rainbow-probe-{task.name}"
    control = ("systemctl",) if system else ("systemctl", "--user")
    return Entry(
        files=(
            File(path=folder / f"{name}.service", text=_service(task)),
            File(path=folder / f"{name}.timer", text=_timer(task, timing)),
        ),
        install=((*control, "daemon-reload"), (*control, "enable", "--now", f"{name}.timer")),
        remove=((*control, "disable", "--now", f"{name}.timer"),),
        afterwards=((*control, "daemon-reload"),),
        look=f"{' '.join(control)} list-timers {name}.timer",
    )


def _own() -> Path:
    settings = os.environ.get("XDG_CONFIG_HOME")
    return (Path(settings) if settings else Path.home() / ".config") / "systemd" / "user"


def _service(task: Task) -> str:
    """Return the service; one that is still at work is not started a second time, systemd sees to that itself."""
    return (
        "[Unit]\n"
        f"Description=Rainbow Probe ({task.name})\n"
        "Wants=network-online.target\n"
        "After=network-online.target\n"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        f"WorkingDirectory={str(task.folder).replace('%', '%%')}\n"
        f"ExecStart={' '.join(quoted(word) for word in task.words)}\n"
        "# 1, 3: what the network is like, and no fault of this service.\n"
        "SuccessExitStatus=1 3\n"
        "TimeoutStartSec=30min\n"
    )


def quoted(word: str) -> str:
    """Return *word* so that systemd reads it as it is: no variable, no specifier, no end in the midst of it."""
    return f'"{word.translate(_ESCAPES)}"'


def _timer(task: Task, timing: Timing) -> str:
    """Return the timer; its delay is this machine's own and always the same."""
    return (
        "[Unit]\n"
        f"Description=Rainbow Probe ({task.name}), by the clock\n"
        "\n"
        "[Timer]\n"
        + "".join(f"OnCalendar={when}\n" for when in _calendar(timing))
        + f"RandomizedDelaySec={timing.jitter}\n"
        "FixedRandomDelay=true\n"
        "AccuracySec=1s\n"
        "Persistent=true\n"
        "\n"
        "[Install]\n"
        "WantedBy=timers.target\n"
    )


def _calendar(timing: Timing) -> Iterator[str]:
    if timing.every and timing.every < HOUR:
        yield f"*:0/{timing.every // MINUTE}"
    elif timing.every and timing.every < DAY:
        yield f"0/{timing.every // HOUR}:00"
    elif timing.every:
        yield "00:00"
    yield from (f"{minute // 60:02}:{minute % 60:02}" for minute in timing.at)
