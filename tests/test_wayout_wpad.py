"""Automatic detection: what DHCP and DNS say, from samples made after the formats of their systems."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.wayout.wpad import BY_NAME, detected, from_dhcp, parse_interface, parse_option, read_registry
from tests.servers import HOST, names
from tests.site_samples import tool

URL = "http://wpad.clinic.example/wpad.dat"


def entry(code: int, data: bytes) -> bytes:
    """Give one option as Windows keeps it."""
    return struct.pack("<IIIII", code, 0, len(data), 0, 0x66) + data + bytes(-len(data) % 4)


async def test_the_name_is_enough() -> None:
    """The system's search list makes it the site's."""
    assert await detected(names({"wpad": (HOST,)}), {}, "linux") == BY_NAME


async def test_no_name_no_file() -> None:
    """As nearly everywhere."""
    assert await detected(names(), {}, "linux") == ""


async def test_dhcp_comes_first_where_clients_listen_to_it(tmp_path: Path) -> None:
    """On macOS the system's tool tells; elsewhere nobody is asked."""
    environ = tool(tmp_path, "ipconfig", f"[ \"$3\" = 252 ] && echo '{URL}'")
    assert await detected(names({"wpad": (HOST,)}), environ, "darwin") == URL
    assert from_dhcp(environ, "linux") == ""
    assert from_dhcp({"PATH": str(tmp_path / "none")}, "darwin") == ""
    assert (from_dhcp({}, "win32"), read_registry()) == ("", [])


def test_what_windows_keeps() -> None:
    """Among other options, with the zero at the end that many servers send."""
    blob = (
        entry(6, b"\x0a\0\0\1") + entry(15, b"clinic.example") + entry(252, URL.encode() + b"\0") + entry(51, bytes(4))
    )
    assert parse_interface(blob) == URL
    assert parse_interface(entry(6, b"\x0a\0\0\1")) == ""


@pytest.mark.parametrize(
    ("data", "url"),
    [
        (URL.encode(), URL),
        (f"{URL}\r\n".encode(), URL),
        (b"HTTPS://a/b", "HTTPS://a/b"),
        (b"\n", ""),
        (b"", ""),
        (b"file:///etc/passwd", ""),
        (b"http://a\x1b[31m/", ""),
    ],
)
def test_the_option(data: bytes, url: str) -> None:
    """A web address, or nothing."""
    assert parse_option(data) == url


@given(st.binary(max_size=200))
def test_any_bytes_are_an_address_or_none(blob: bytes) -> None:
    """The registry may hold anything."""
    found = parse_interface(blob)
    assert found == "" or found.isprintable()
