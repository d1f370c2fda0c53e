"""UDP sockets that know when a datagram came in: by the kernel's clock where it tells, else when this process read it.

A busy event loop reads late; the kernel does not. Which datagrams it had to drop because nobody read it tells too, and
what service class they came with.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
import time
from collections import deque
from typing import Protocol, runtime_checkable

from rainbow_probe.model import Endpoint
from rainbow_probe.net.links import Datagrams
from rainbow_probe.net.udp import open_udp

SO_TIMESTAMPNS, SO_RXQ_OVFL = 35, 40  # linux/socket.h; Python has no names for them
IP_RECVTOS, IPV6_RECVTCLASS, IPV6_TCLASS = 13, 66, 67  # linux/in.h, in6.h
TIME = struct.Struct("@qq")  # struct timespec of 64-bit systems: seconds, nanoseconds
ANCILLARY = 256  # bytes
LARGEST = 65536
ROOM = 1 << 20  # bytes asked for in the kernel, so that a process that sleeps for a moment loses nothing
INBOX = 4096  # datagrams kept; a flood from a stranger must not fill the memory
AT_ONCE = 64  # datagrams read before others have their turn
OLDEST = 60.0  # seconds; a stamp of a clock that was set meanwhile says nothing


@runtime_checkable
class Timed(Protocol):
    """A link that tells when what it last gave came in."""

    arrived: float
    """By the monotonic clock, in seconds."""


def arrival(link: Datagrams) -> float:
    """Return when the message that *link* gave last came in; now, if it does not know."""
    return link.arrived if isinstance(link, Timed) else time.monotonic()


class Stamped:
    """A connected UDP socket on Linux."""

    reliable = False

    def __init__(self, own: socket.socket, tos: int) -> None:
        """Read from *own*, which is connected, as soon as something is there."""
        self.arrived = 0.0
        self.dropped = 0
        """Datagrams that came in and that this process was too slow for."""
        self.tos_asked, self.tos_seen = _granted(own, tos), set[int]()
        """The class that the system lets us mark packets with, 0 for none, and those that packets came in with."""
        self._socket = own
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[tuple[bytes, float] | OSError] = deque(maxlen=INBOX)
        self._news = asyncio.Event()
        self._loop.add_reader(own, self._read)

    async def send(self, data: bytes) -> None:
        """Send one datagram; raises ``OSError``."""
        try:
            self._socket.send(data)
        except BlockingIOError:
            await self._loop.sock_sendall(self._socket, data)

    async def receive(self) -> bytes:
        """Return one datagram, and set ``arrived``; an ICMP error arrives as ``OSError``."""
        while not self._inbox:
            self._news.clear()
            await self._news.wait()
        item = self._inbox.popleft()
        if isinstance(item, OSError):
            raise item
        data, self.arrived = item
        return data

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(AT_ONCE):
                self._inbox.append(self._one())
        self._news.set()

    def _one(self) -> tuple[bytes, float] | OSError:
        try:
            data, notes, _, _ = self._socket.recvmsg(LARGEST, ANCILLARY)
        except BlockingIOError:
            raise
        except OSError as exc:
            return exc
        at = time.monotonic()
        for level, kind, value in notes:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(value) == TIME.size:
                age = time.time() - _seconds(value)
                at -= age if 0 <= age < OLDEST else 0
            elif level == socket.SOL_SOCKET and kind == SO_RXQ_OVFL:
                self.dropped = int.from_bytes(value[:4], sys.byteorder)
            elif (level, kind) in {(socket.IPPROTO_IP, socket.IP_TOS), (socket.IPPROTO_IPV6, IPV6_TCLASS)}:
                self.tos_seen.add(value[0])
        return data, at


def _seconds(stamp: bytes) -> float:
    whole, nano = TIME.unpack(stamp)
    return float(whole) + float(nano) / 1e9


async def open_stamped(address: Endpoint, tos: int = 0) -> Datagrams:
    """Open a socket connected to *address* that stamps what comes in, as well as this system can.

    With *tos*, what is sent is marked so (DSCP in its upper six bits), where the system lets a program do it. Raises
    ``OSError``.
    """
    if sys.platform != "linux":
        return await open_udp(address)
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    own = socket.socket(family, socket.SOCK_DGRAM)
    try:
        own.setblocking(False)
        _ask(own, family, tos)
        own.connect((address.host, address.port))
        return Stamped(own, tos)
    except BaseException:
        own.close()
        raise


def _granted(own: socket.socket, tos: int) -> int:
    six = own.family == socket.AF_INET6
    try:
        set_to = own.getsockopt(*((socket.IPPROTO_IPV6, IPV6_TCLASS) if six else (socket.IPPROTO_IP, socket.IP_TOS)))
    except OSError:
        return 0
    return tos if set_to == tos else 0


def _ask(own: socket.socket, family: int, tos: int) -> None:
    six = family == socket.AF_INET6
    wanted = [(socket.SOL_SOCKET, name, 1) for name in (SO_TIMESTAMPNS, SO_RXQ_OVFL)]
    wanted.append((socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM))
    wanted.append((socket.IPPROTO_IPV6, IPV6_RECVTCLASS, 1) if six else (socket.IPPROTO_IP, IP_RECVTOS, 1))
    if tos:
        wanted.append((socket.IPPROTO_IPV6, IPV6_TCLASS, tos) if six else (socket.IPPROTO_IP, socket.IP_TOS, tos))
    for level, name, value in wanted:
        with contextlib.suppress(OSError):  # an old kernel has not all of them, and each is worth having alone
            own.setsockopt(level, name, value)
