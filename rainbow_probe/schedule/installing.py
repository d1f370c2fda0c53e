"""Puts a schedule in its place, and takes it out again, by the scheduler's own programs."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from rainbow_probe.options import UsageError
from rainbow_probe.report.wording import clip
from rainbow_probe.schedule.cron import CRONTAB, without
from rainbow_probe.schedule.shapes import Entry

LONGEST = 60.0  # seconds; none of these programs takes longer than moments
BY_HAND = "'rainbow-probe schedule print' shows what to set up by hand"


def install(entry: Entry, name: str) -> None:
    """Write the files and tell the scheduler; what was there of that *name* is replaced. Raises ``UsageError``."""
    for file in entry.files:
        if file.path == CRONTAB:
            _give(("crontab", "-"), without(_crontab(), name) + file.text)
            continue
        try:
            file.path.parent.mkdir(parents=True, exist_ok=True)
            file.path.write_text(file.text, file.encoding, newline="")
        except OSError as exc:
            raise UsageError(f"schedule: {file.path}: {exc.strerror or exc}") from exc
    for command in entry.install:
        _give(command)


def remove(entry: Entry, name: str) -> bool:
    """Tell the scheduler and remove the files; False if none was there. Raises ``UsageError``."""
    if any(file.path == CRONTAB for file in entry.files):
        table = _crontab()
        if (left := without(table, name)) != table:
            _give(("crontab", "-"), left)
        return left != table
    there = [file.path for file in entry.files if file.path.exists()]
    if not there:
        return False
    for command in entry.remove:
        _give(command)
    for path in there:
        path.unlink()
    for command in entry.afterwards:
        _give(command)
    return True


def _crontab() -> str:
    """Return this user's table; who has none has an empty one."""
    done = _run(("crontab", "-l"), "")
    return done.stdout if done.returncode == 0 else ""


def _give(command: Sequence[str], text: str = "") -> None:
    done = _run(command, text)
    if done.returncode:
        said = clip((done.stderr or done.stdout).strip(), 300)
        raise UsageError(f"schedule: {' '.join(command)}: status {done.returncode}: {said}; {BY_HAND}")


def _run(command: Sequence[str], text: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - the scheduler's own program, without a shell
            command, input=text, capture_output=True, text=True, errors="replace", timeout=LONGEST, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise UsageError(f"schedule: {command[0]}: {getattr(exc, 'strerror', None) or exc}; {BY_HAND}") from exc
