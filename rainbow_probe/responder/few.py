"""Ranges of ports with a socket for thousands of them: which ports these sockets have, and what leaves by others."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from rainbow_probe.model import PortRange
from rainbow_probe.net.many import bind_all
from rainbow_probe.responder.redirect import Proof, parts

TRIES = 64  # ports of a part, of which one must be free for its socket
MOST_LEAVING = 64  # other ports that answers leave by: a sweep of what arrives unasked names one a range
BUFFER = 1 << 22  # bytes; that of a single port holds some hundred questions


class Few:
    """A socket for each part of the ranges, as a context manager, and what is known of the rules that send it there."""

    def __init__(self, ranges: Sequence[PortRange], address: str) -> None:
        """Plan to serve *ranges*, which do not touch, at *address* or at all addresses; nothing is open yet."""
        self._parts = parts(ranges)
        self._address = address
        self._leaving: dict[int, socket.socket] = {}
        self._proof = Proof((), address)
        self.sockets: dict[int, socket.socket] = {}
        self.redirected: Mapping[int, PortRange] = {}
        """By the port of the socket, what it stands for."""
        self.works: tuple[PortRange, ...] = ()
        """What is served, as was seen last."""

    def __enter__(self) -> Self:
        """Open one socket a part. Raises ``OSError`` for an address that is not this machine's."""
        found = {port: one for one in self._parts if (port := self._one_of(one))}
        self.redirected = found
        self._proof = Proof([*found.values()], self._address)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all."""
        for own in (*self.sockets.values(), *self._leaving.values()):
            own.close()

    @property
    def missing(self) -> list[int]:
        """Ports of parts of which no port could be had."""
        have = set(self.redirected.values())
        return [port for one in self._parts if one not in have for port in range(one.first, one.last + 1)]

    def _one_of(self, part: PortRange) -> int:
        """Bind the first port of *part* that is free, and return it; 0 if none is."""
        for port in range(part.first, min(part.last, part.first + TRIES) + 1):
            if own := self._bound([port]).get(port):
                with suppress(OSError):
                    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
                self.sockets[port] = own
                return port
        return 0

    def _bound(self, ports: Iterable[int]) -> dict[int, socket.socket]:
        return bind_all(ports, socket.SOCK_DGRAM, self._address).sockets

    def look(self, now: float) -> tuple[PortRange, ...]:
        """Return what is served now."""
        self.works = self._proof.look(now)
        return self.works

    def is_own(self, packet: bytes, now: float) -> bool:
        """Tell our own question about the rules, and take note of it."""
        return bool(self.sockets) and self._proof.is_own(packet, now)

    def leaving(self, port: int) -> socket.socket | None:
        """Return a socket by which an answer leaves from *port*; None where none of the ranges has that.

        Raises ``OSError`` where it cannot be had: from another port it would be another answer.
        """
        if not any(port in one for one in self._parts):
            return None
        if port not in self.sockets and port not in self._leaving:
            if len(self._leaving) >= MOST_LEAVING:
                raise OSError
            self._leaving |= self._bound([port])
        own = self.sockets.get(port) or self._leaving.get(port)
        if own is None:  # in use by another program
            raise OSError
        return own
