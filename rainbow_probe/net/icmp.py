"""Who sent the ICMP error that rejects a datagram: the host that was asked, or somebody on the way to it.

Linux tells (IP_RECVERR, ip(7)); elsewhere nobody is named.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import struct
import sys
from dataclasses import dataclass

from rainbow_probe.evidence import cause_of
from rainbow_probe.model import Cause, Endpoint

# linux/in.h and in6.h: level, IP_RECVERR or IPV6_RECVERR; python names neither.
_ASKING = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
_ERROR_QUEUE = 0x2000  # MSG_ERRQUEUE, linux/socket.h
_ROOM = 512
_REPORT = struct.Struct("=IBBBBII")  # sock_extended_err, linux/errqueue.h; the sender's address follows
_V4, _V6 = (2, 3)  # SO_EE_ORIGIN_ICMP and SO_EE_ORIGIN_ICMP6


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One datagram that was refused on the way, or at its end."""

    port: int
    """To which it was sent."""
    sender: str
    """Who refused it."""
    cause: Cause


def listen_for_errors(own: socket.socket) -> None:
    """Let *own*, which is not connected, keep the ICMP errors about what it sends, where the system can."""
    if sys.platform == "linux":
        own.setsockopt(*_ASKING[own.family], 1)


def next_error(own: socket.socket) -> Rejected | None:
    """Return the next ICMP error about what *own* has sent; None if there is none, or the system does not tell."""
    if sys.platform != "linux":
        return None
    try:
        _, ancillary, _, place = own.recvmsg(_ROOM, _ROOM, _ERROR_QUEUE)
    except OSError:
        return None
    reports = [data for *_, data in ancillary if len(data) >= _REPORT.size]
    number = _REPORT.unpack_from(reports[0])[0] if reports else 0
    return Rejected(port=place[1], sender=_sender(ancillary), cause=cause_of(OSError(number, "")))


async def rejecter(address: Endpoint, datagram: bytes, *, patience: float) -> str:
    """Send *datagram* and return the address of whoever rejects it within *patience* seconds; empty if nobody does."""
    if sys.platform != "linux":
        return ""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as own:
        own.setblocking(False)
        own.setsockopt(*_ASKING[family], 1)
        with contextlib.suppress(OSError):
            own.connect((address.host, address.port))
            own.send(datagram)
            async with asyncio.timeout(patience):
                await asyncio.get_running_loop().sock_recv(own, _ROOM)
            return ""
        with contextlib.suppress(OSError):
            return _sender(own.recvmsg(_ROOM, _ROOM, _ERROR_QUEUE)[1])
    return ""


def _sender(ancillary: list[tuple[int, int, bytes]]) -> str:
    return next((found for *_, data in ancillary if (found := sender(data))), "")


def sender(report: bytes) -> str:
    """Return the address in a sock_extended_err with what follows it; empty if it is not about ICMP."""
    if len(report) < _REPORT.size:
        return ""
    origin, rest = _REPORT.unpack_from(report)[1], report[_REPORT.size :]
    packed = {_V4: rest[4:8], _V6: rest[8:24]}.get(origin, b"")  # sockaddr_in, sockaddr_in6
    return str(ipaddress.ip_address(packed)) if len(packed) in {4, 16} else ""
