"""This machine's own addresses. Nothing is sent: a connected UDP socket only asks the kernel for a route."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

from rainbow_probe.site.tools import text_of

ELSEWHERE = ("192.0.2.1", "2001:db8::1")
"""Addresses that are nobody's (RFC 5737, RFC 3849): the route to them is the one to the Internet."""
_DISCARD = 9  # a port is needed to ask for a route; none is ever used
_GLOBAL_SCOPE = "00"  # of if_inet6, which also has link-local and loopback addresses


def local_addresses() -> tuple[str, ...]:
    """Return the addresses this machine goes out from, then those of its other interfaces where cheaply known."""
    outgoing = [address for elsewhere in ELSEWHERE if (address := source_address(elsewhere))]
    return tuple(dict.fromkeys((*outgoing, *_of_interfaces())))


def source_address(address: str) -> str | None:
    """Return the local address the kernel would use towards *address*; None where there is no route, or no address."""
    try:
        [(family, kind, protocol, _, target), *_] = socket.getaddrinfo(
            str(ip_address(address)), _DISCARD, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
        )
        with socket.socket(family, kind, protocol) as asking:
            asking.connect(target)
            return str(asking.getsockname()[0])
    except (OSError, ValueError):
        return None


def _of_interfaces() -> tuple[str, ...]:
    """Read the kernel's tables on Linux; elsewhere nothing in the standard library tells them."""
    if not sys.platform.startswith("linux"):
        return ()
    return (*parse_fib_trie(text_of("/proc/net/fib_trie")), *parse_if_inet6(text_of("/proc/net/if_inet6")))


def parse_fib_trie(text: str) -> tuple[str, ...]:
    """Return the IPv4 addresses the kernel takes for its own: a leaf, and under it ``/32 host LOCAL``."""
    found: list[str] = []
    leaf = ""
    for words in (line.split() for line in text.splitlines()):
        if words[:1] == ["|--"]:
            leaf = words[-1]
        elif words == ["/32", "host", "LOCAL"]:
            found.append(leaf)
    return _reachable(found)


def parse_if_inet6(text: str) -> tuple[str, ...]:
    """Return the IPv6 addresses of all interfaces that are good beyond their link."""
    rows = (line.split() for line in text.splitlines())
    hexes = (row[0] for row in rows if len(row) == 6 and row[3] == _GLOBAL_SCOPE)
    return _reachable(str(IPv6Address(int(text, 16))) for text in hexes if _is_hex(text))


def _is_hex(text: str) -> bool:
    return len(text) == 32 and set(text) <= set("0123456789abcdef")


def _reachable(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in found if _leads_out(text)))


def _leads_out(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_link_local or address.is_unspecified)
