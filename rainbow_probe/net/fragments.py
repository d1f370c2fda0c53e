"""Datagrams that no router may cut up, so that their size shows what the path carries (RFC 1191, RFC 8899)."""

from __future__ import annotations

import socket
import sys

# Numbers that Python's socket module does not name: linux/in.h and in6.h, netinet/in.h of macOS, ws2ipdef.h.
_LINUX = {socket.AF_INET: (10, 3), socket.AF_INET6: (23, 3)}  # IP(V6)_MTU_DISCOVER, and IP_PMTUDISC_PROBE
_MACOS = {socket.AF_INET: (28, 1), socket.AF_INET6: (62, 1)}  # IP(V6)_DONTFRAG
_WINDOWS = {socket.AF_INET: (14, 1), socket.AF_INET6: (14, 1)}  # IP_DONTFRAGMENT, IPV6_DONTFRAG
_OPTIONS = {"linux": _LINUX, "darwin": _MACOS, "win32": _WINDOWS}
_LEVEL = {socket.AF_INET: socket.IPPROTO_IP, socket.AF_INET6: socket.IPPROTO_IPV6}


def option(platform: str, family: int) -> tuple[int, int, int] | None:
    """Return level, name and value of the socket option that forbids fragments; None if none is known."""
    known = _OPTIONS.get(platform, {}).get(socket.AddressFamily(family))
    return (_LEVEL[socket.AddressFamily(family)], *known) if known else None


def forbid(own: socket.socket) -> bool:
    """Send what *own* sends in one piece or not at all; False where the system cannot be asked for that."""
    wanted = option(sys.platform, own.family)
    try:
        if wanted:
            own.setsockopt(*wanted)
    except OSError:
        return False
    return wanted is not None
