"""Read the small words of a catalogue: ids, hosts, networks, ports. Each raises ``ValueError`` with what is allowed."""

from __future__ import annotations

import ipaddress
import re

from rainbow_probe.model import PortRange

HIGHEST_PORT = 65535  # RFC 768, RFC 9293: 16 bits
_ID = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
_ROW_ID = re.compile(f"(?P<client>{_ID.pattern})/{_ID.pattern}")
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")


def an_id(text: str) -> str:
    """Read an id: small letters and digits, joined by ``-`` or ``.``."""
    if not _ID.fullmatch(text):
        raise ValueError(f"{text!r} is no id; allowed: small letters and digits, joined by '-' or '.'")
    return text


def client_of(row: str) -> str:
    """Read a row's id, ``CLIENT/ROW``, and give the client."""
    if not (match := _ROW_ID.fullmatch(row)):
        raise ValueError(f"{row!r} is no row id; allowed: CLIENT/ROW, each small letters and digits with '-' or '.'")
    return match["client"]


def host(text: str) -> str:
    """Read a host: a whole name in small letters (no wildcard), or an address."""
    if not _HOST.fullmatch(text):
        try:
            ipaddress.ip_address(text)
        except ValueError:
            raise ValueError(f"{text!r} is no host; allowed: a whole name in small letters, or an address") from None
    return text


def network(text: str) -> str:
    """Read an address range, ``ADDRESS/LENGTH`` with no bit beyond the length."""
    try:
        return str(ipaddress.ip_network(text if "/" in text else ""))
    except ValueError:
        raise ValueError(f"{text!r} is no network; allowed: ADDRESS/LENGTH with no bits beyond the length") from None


def port_range(text: str) -> PortRange:
    """Read ports, ``FIRST-LAST``."""
    match = _RANGE.fullmatch(text)
    first, last = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= first <= last <= HIGHEST_PORT:
        raise ValueError(f"{text!r} is no port range; allowed: FIRST-LAST within 1 to {HIGHEST_PORT}")
    return PortRange(first=first, last=last)
