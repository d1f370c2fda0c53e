"""What this machine is: system, name, time, and the ports it takes for outgoing connections."""

from __future__ import annotations

import re
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from rainbow_probe.evidence import printable
from rainbow_probe.model import PortRange
from rainbow_probe.site.tools import output_of, text_of

PLATFORMS = {"win32": "windows", "cygwin": "windows", "darwin": "macos"}
"""The names guides use, where they are not those of Python: ``linux``, ``android``, ``ios`` are the same."""
LINUX_RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
MAC_RANGE = ("net.inet.ip.portrange.first", "net.inet.ip.portrange.last")
LOCALTIME = "/etc/localtime"
LAST_PORT = 65535


def platform_name(platform: str = sys.platform) -> str:
    """Return the operating system by the name a guide has for it."""
    return PLATFORMS.get(platform, platform)


def hostname() -> str:
    """Return this machine's name; empty where it has none."""
    try:
        return printable(socket.gethostname())
    except OSError:
        return ""


def clock() -> str:
    """Return what time this machine thinks it is: ISO 8601 with the offset from UTC."""
    from datetime import UTC, datetime

    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")


def timezone(environ: Mapping[str, str]) -> str:
    """Return the time zone: its name in the IANA database where that is known, else the system's abbreviation."""
    named = environ.get("TZ", "").removeprefix(":") or _linked(Path(LOCALTIME))
    return printable(named or time.localtime().tm_zone)


def _linked(file: Path) -> str:
    """Return ``Europe/Paris`` for a link to ``/usr/share/zoneinfo/Europe/Paris``; empty for anything else."""
    try:
        return str(file.readlink()).partition("/zoneinfo/")[2]
    except (OSError, ValueError, NotImplementedError):
        return ""


def dynamic_ports(environ: Mapping[str, str], platform: str = sys.platform) -> PortRange | None:
    """Return the range outgoing ports are from; None where it cannot be told."""
    if platform == "win32":
        return parse_netsh(output_of(_netsh(environ), "int", "ipv4", "show", "dynamicport", "udp", environ=environ))
    if platform == "darwin":
        return parse_range(output_of("sysctl", "-n", *MAC_RANGE, environ=environ))
    return parse_range(text_of(LINUX_RANGE))


def _netsh(environ: Mapping[str, str]) -> str:
    return str(Path(environ.get("SystemRoot", r"C:\Windows"), "System32", "netsh.exe"))


def parse_range(text: str) -> PortRange | None:
    """Read the first and the last port, as Linux and macOS print them."""
    numbers = _numbers(text.split())
    return _range(numbers[0], numbers[1]) if len(numbers) == 2 else None


def parse_netsh(output: str) -> PortRange | None:
    """Read the first port and the number of ports, in whatever language the labels before the colons are."""
    numbers = _numbers(re.findall(r":\s*(\S+)\s*$", output, re.MULTILINE))
    return _range(numbers[0], sum(numbers) - 1) if len(numbers) == 2 else None


def _numbers(words: list[str]) -> list[int]:
    return [int(word) for word in words if re.fullmatch("[0-9]{1,5}", word)]


def _range(first: int, last: int) -> PortRange | None:
    return PortRange(first=first, last=last) if 0 < first <= last <= LAST_PORT else None
