"""How often, or at which times of the day; only what every scheduler can say."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from rainbow_probe.options import UsageError

MINUTE, HOUR, DAY = 60, 3600, 86400
_UNITS = {"m": MINUTE, "h": HOUR, "d": DAY}
EVERY = (*(n * MINUTE for n in (5, 10, 15, 20, 30)), *(n * HOUR for n in (1, 2, 3, 4, 6, 8, 12)), DAY)
"""Parts of an hour or of a day: with others, cron would count anew each hour."""
ALLOWED = "5m, 10m, 15m, 20m, 30m, 1h, 2h, 3h, 4h, 6h, 8h, 12h, 1d"
LATEST = 300  # seconds of jitter, unless somebody says otherwise
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Either *every* so many seconds, or *at* these minutes of the day."""

    every: int = 0
    at: tuple[int, ...] = ()
    jitter: int = 0
    """Seconds by which this machine may be later than the clock says."""


def timing(every: str | None, at: str | None, jitter: int | None) -> Timing:
    """Read what was asked for; raises ``UsageError``."""
    if (every is None) is (at is None):
        raise UsageError("schedule: give either --every, as in 1h, or --at, as in 06:00,18:00")
    seconds = 0 if every is None else interval(every, EVERY, ALLOWED)
    most = (seconds or DAY) // 2
    late = min(LATEST, (seconds or DAY) // 10) if jitter is None else jitter
    if not 0 <= late <= most:
        raise UsageError(f"--jitter: {late} is out of range; allowed are 0 to {most} seconds, half of the interval")
    return Timing(every=seconds, at=() if at is None else _times(at), jitter=late)


def free_interval(text: str, least: int, most: int) -> int:
    """Read any interval within bounds, which are days where they are large; raises ``UsageError``."""
    return interval(text, range(least, most + 1), f"{least}s to {most // DAY}d")


def interval(text: str, allowed: Container[int], words: str) -> int:
    """Read an interval such as ``5m`` or ``1h``; raises ``UsageError``."""
    found = re.fullmatch(r"(\d{1,5})([smhd])", text.strip())
    seconds = int(found[1]) * {"s": 1, **_UNITS}[found[2]] if found else -1
    if seconds not in allowed:
        raise UsageError(f"--every: {text!a} is not possible; allowed are {words}")
    return seconds


def _times(text: str) -> tuple[int, ...]:
    found = [_TIME.fullmatch(part.strip()) for part in text.split(",")]
    if not all(found):
        raise UsageError(f"--at: {text!a} is no time of the day; wanted is HH:MM, several with commas")
    return tuple(sorted({int(one[1]) * 60 + int(one[2]) for one in found if one}))


def own_share(most: int) -> int:
    """Return this machine's own delay, 0 to *most* seconds: always the same one, and another one elsewhere."""
    name = f"{socket.gethostname()} {_machine()}".encode()
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big") % (most + 1)


def _machine() -> str:
    """Return what tells machines of one name apart, machine-id(5), where there is such a thing."""
    try:
        return Path("/etc/machine-id").read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
