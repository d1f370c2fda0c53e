"""IPv4 addresses inside IPv6 ones, as a NAT64 takes them (RFC 6052), and where it expects them (RFC 7050)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network

KNOWN_NAME = "ipv4only.arpa"
"""It has IPv4 addresses only, the same everywhere: an IPv6 one was made up by a DNS64 (RFC 7050 section 8.1)."""
KNOWN = (IPv4Address("192.0.0.170"), IPv4Address("192.0.0.171"))
LENGTHS = (96, 64, 56, 48, 40, 32)  # of prefixes, RFC 6052 section 2.2; the longest first, as it leaves least to chance
_BITS_64_TO_71 = 8  # the byte that is zero, and between the parts of an address


def prefix_in(addresses: Iterable[str]) -> str:
    """Return the prefix that leads to IPv4 hosts, from the *addresses* of ``KNOWN_NAME``; empty if none is IPv6."""
    for address in addresses:
        if ":" in address:
            for length in LENGTHS:
                prefix = IPv6Network((_parsed(address), length), strict=False)
                if _embedded(_parsed(address), length) in KNOWN:
                    return str(prefix)
    return ""


def embed(prefix: str, address: str) -> str:
    """Return the IPv6 address that leads through *prefix* to the IPv4 *address*."""
    network = IPv6Network(prefix)
    packed = bytearray(network.network_address.packed)
    for place, byte in zip(_places(network.prefixlen), IPv4Address(address).packed, strict=True):
        packed[place] = byte
    return str(IPv6Address(bytes(packed)))


def leads_through(prefix: str, address: str) -> bool:
    """Tell whether the IPv6 *address* is one that leads through *prefix*, of a NAT64 that is there; none if empty."""
    return bool(prefix) and ":" in address and _parsed(address) in IPv6Network(prefix)


def _parsed(address: str) -> IPv6Address:
    return IPv6Address(ipaddress.ip_address(address.partition("%")[0]).packed)


def _embedded(address: IPv6Address, length: int) -> IPv4Address:
    return IPv4Address(bytes(address.packed[place] for place in _places(length)))


def _places(length: int) -> list[int]:
    """Return where the bytes of the IPv4 address are, behind a prefix of *length* bits."""
    first = length // 8
    return [place for place in range(first, first + 5) if place != _BITS_64_TO_71][:4]
