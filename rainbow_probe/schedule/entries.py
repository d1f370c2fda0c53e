"""Which schedulers there are, and which one this machine has."""

from __future__ import annotations

import os
import shutil
import sys
from enum import StrEnum
from pathlib import Path

from rainbow_probe.schedule import cron, kubernetes, launchd, systemd, windows
from rainbow_probe.schedule.shapes import Entry
from rainbow_probe.schedule.task import Task
from rainbow_probe.schedule.timing import Timing

IMAGE = "rainbow-probe:latest"


class Scheduler(StrEnum):
    """Who starts the runs."""

    SYSTEMD = "systemd"
    """Of this user."""
    SYSTEMD_SYSTEM = "systemd-system"
    CRON = "cron"
    LAUNCHD = "launchd"
    WINDOWS = "windows"
    KUBERNETES = "kubernetes"


def entry(scheduler: Scheduler, task: Task, timing: Timing, image: str = IMAGE) -> Entry:
    """Return what *scheduler* must be told."""
    match scheduler:
        case Scheduler.SYSTEMD | Scheduler.SYSTEMD_SYSTEM:
            return systemd.entry(task, timing, system=scheduler is Scheduler.SYSTEMD_SYSTEM)
        case Scheduler.CRON:
            return cron.entry(task, timing)
        case Scheduler.LAUNCHD:
            return launchd.entry(task, timing)
        case Scheduler.WINDOWS:
            return windows.entry(task, timing)
        case Scheduler.KUBERNETES:
            return kubernetes.entry(task, timing, image)


def usual(platform: str = sys.platform, running: Path = Path("/run/systemd/system")) -> Scheduler:
    """Return the one that this machine has."""
    if platform == "win32":
        return Scheduler.WINDOWS
    if platform == "darwin":
        return Scheduler.LAUNCHD
    if shutil.which("systemctl") and running.is_dir():
        return Scheduler.SYSTEMD_SYSTEM if os.geteuid() == 0 else Scheduler.SYSTEMD
    return Scheduler.CRON
