"""System, name, time and ports of this machine, from recorded samples and for real."""

from __future__ import annotations

import os
import re
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.model import PortRange
from rainbow_probe.site import machine
from tests.site_samples import sample, tool


@pytest.mark.parametrize(("name", "first", "last"), [("english", 49152, 65535), ("french", 1025, 5000)])
def test_netsh(name: str, first: int, last: int) -> None:
    """The numbers are read, in whatever language and code page the words are."""
    assert machine.parse_netsh(sample(f"netsh-{name}.txt")) == PortRange(first=first, last=last)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "Start Port : 49152",
        "Start Port : 49152\nNumber of Ports : 0",
        "Start Port : 49152\nNumber of Ports : 16385",
        "Start Port : 0\nNumber of Ports : 10",
        "A : 1\nB : 2\nC : 3",
        "The following command was not found: int ipv4.",
    ],
)
def test_netsh_says_nothing_of_use(output: str) -> None:
    """Then the range is not known."""
    assert machine.parse_netsh(output) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("32768\t60999\n", PortRange(first=32768, last=60999)),
        ("49152\n65535\n", PortRange(first=49152, last=65535)),
        ("49152\n", None),
        ("60999 32768", None),
        ("0 10", None),
        ("1 65536", None),
        ("one two", None),
        ("1 2 3", None),
        ("", None),
    ],
)
def test_two_ports(text: str, expected: PortRange | None) -> None:
    """As Linux and macOS print them, on one line or on two."""
    assert machine.parse_range(text) == expected


@given(st.text())
def test_garbage_is_no_error(text: str) -> None:
    """It is no range."""
    assert machine.parse_range(f"x{text}") is None or " " in text.strip() or len(text.split()) > 1
    assert machine.parse_netsh(text) is None or text.count(":") > 1


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_a_missing_tool_is_a_missing_fact(platform: str, tmp_path: Path) -> None:
    """Another system's tools are not here, or know nothing of its settings."""
    assert machine.dynamic_ports({"PATH": "", "SystemRoot": str(tmp_path)}, platform) is None


def test_windows_tool_is_taken_from_windows(tmp_path: Path) -> None:
    """Not from the path, where anybody could have put one."""
    (tmp_path / "System32").mkdir()
    ours, theirs = tmp_path / "System32", tmp_path
    tool(ours, "netsh.exe", 'echo "$*" >"$0.asked"; echo "a : 10"; echo "b : 3"')
    environ = tool(theirs, "netsh.exe", 'echo "a : 1"; echo "b : 1"') | {"SystemRoot": str(tmp_path)}
    assert machine.dynamic_ports(environ, "win32") == PortRange(first=10, last=12)
    assert (ours / "netsh.exe.asked").read_text() == "int ipv4 show dynamicport udp\n"


def test_this_machines_ports() -> None:
    """A port the kernel picks lies in the range it says."""
    found = machine.dynamic_ports(os.environ)
    assert found is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as some:
        some.bind(("127.0.0.1", 0))
        assert some.getsockname()[1] in found


@pytest.mark.parametrize(
    ("platform", "name"),
    [("win32", "windows"), ("cygwin", "windows"), ("darwin", "macos"), ("linux", "linux"), ("android", "android")],
)
def test_platform(platform: str, name: str) -> None:
    """Systems have the names that guides use."""
    assert machine.platform_name(platform) == name


def test_hostname() -> None:
    """The kernel's own."""
    assert machine.hostname() == socket.gethostname()


def test_clock() -> None:
    """ISO 8601 with an offset, and now."""
    told = machine.clock()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", told)
    assert abs(datetime.fromisoformat(told) - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(("variable", "told"), [("Europe/Paris", "Europe/Paris"), (":Asia/Tokyo", "Asia/Tokyo")])
def test_time_zone_of_the_environment(variable: str, told: str) -> None:
    """TZ comes first, as in the C library."""
    assert machine.timezone({"TZ": variable}) == told


def test_time_zone_of_this_machine() -> None:
    """A name of some kind."""
    assert machine.timezone({})


@pytest.mark.parametrize(
    ("target", "zone"),
    [
        ("/usr/share/zoneinfo/Europe/Paris", "Europe/Paris"),
        ("/var/db/timezone/zoneinfo/America/New_York", "America/New_York"),
        ("/etc/mine", time.localtime().tm_zone),
        (None, time.localtime().tm_zone),
    ],
)
def test_time_zone_of_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str | None, zone: str) -> None:
    """Linux and macOS name the zone by a link; where there is none, the abbreviation has to do."""
    link = tmp_path / "localtime"
    if target:
        link.symlink_to(target)
    monkeypatch.setattr(machine, "LOCALTIME", str(link))
    assert machine.timezone({}) == zone
