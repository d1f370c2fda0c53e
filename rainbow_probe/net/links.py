"""The shapes of link. A check never asks which sockets, proxies or TLS layers carry one."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class ByteStream(Protocol):
    """An ordered stream of bytes, both ways."""

    async def send(self, data: bytes) -> None:
        """Send all of *data*."""
        ...

    async def receive(self) -> bytes:
        """Return some bytes, or ``b""`` at the end of the stream."""
        ...

    def close(self) -> None:
        """Let go of it at once; what was not received is lost."""
        ...


@runtime_checkable
class Parting(Protocol):
    """A stream that can tell an end which its peer announced from a cut on the way."""

    goodbye: bool
    """Whether the peer said that it ends the stream."""


@runtime_checkable
class Acknowledged(Protocol):
    """A stream whose system knows what of the bytes sent has arrived at the peer's."""

    def sent_again(self) -> int:
        """Return how often in a row it has sent again what was never acknowledged; 0 where nobody tells."""
        ...


class Pair(Protocol):
    """Whole messages to and from one peer."""

    async def send(self, data: bytes) -> None:
        """Send one message."""
        ...

    async def receive(self) -> bytes:
        """Return one message."""
        ...


class Datagrams(Protocol):
    """Whole messages, both ways; *reliable* if what carries them repeats lost ones itself."""

    reliable: bool

    async def send(self, data: bytes) -> None:
        """Send one message."""
        ...

    async def receive(self) -> bytes:
        """Return one message; an ICMP error arrives as ``OSError``."""
        ...

    def close(self) -> None:
        """Let go of it at once."""
        ...
