"""A DTLS handshake between two ends of our own: what every call begins with, on the path that it would take."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from rainbow_probe.model import Cause, PeerError
from rainbow_probe.net.links import Pair
from rainbow_probe.protocols.dtls import Dtls, DtlsError

AGAIN = 0.1  # seconds after which a flight is sent again; DTLS's own second is long on a lossy line
ON_STREAM, MOST_ON_STREAM = 0.5, 2.0  # what a stream has accepted comes: repetitions there only fill a narrow line


@dataclass
class _End:
    """One end of the handshake, and the link it speaks on."""

    link: Pair
    machine: Dtls


@dataclass
class Handshake:
    """The client behind *near*, the server behind *far*, each a link to the other.

    What DTLS does not know is dropped, as a client does.
    """

    near: Pair
    far: Pair
    reliable: bool = False
    """Whether what carries it repeats by itself what is lost."""
    trip: float = 0.0
    """Seconds there and back, if known: no flight is sent again before an answer to it could be there."""
    datagrams: int = 0
    """Sent so far, repetitions too."""
    size: int = 0
    """Bytes of the largest one."""
    began: float = field(default_factory=time.monotonic)
    """When, by the monotonic clock."""
    client: Dtls = field(default_factory=lambda: Dtls(server=False), repr=False)
    server: Dtls = field(default_factory=lambda: Dtls(server=True), repr=False)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _advanced: float = 0.0
    _stages: set[tuple[bool, bytes]] = field(default_factory=set[tuple[bool, bytes]])

    def __post_init__(self) -> None:
        """Put each machine on its link."""
        self._client, self._server = _End(self.near, self.client), _End(self.far, self.server)

    @property
    def done(self) -> bool:
        """Whether both ends have finished."""
        return self.client.done and self.server.done

    @property
    def under_way(self) -> bool:
        """Whether it came further in the second half of its time so far: slow, and not stopped by anybody."""
        return self._advanced > (self.began + time.monotonic()) / 2

    async def run(self) -> None:
        """Run until both are done; go on where it was cancelled. Raises ``PeerError`` if what comes breaks it."""
        ends = (self._client, self._server)
        first = max(self.trip, ON_STREAM if self.reliable else AGAIN)
        most = max(first, MOST_ON_STREAM) if self.reliable else first
        again = first
        async with asyncio.TaskGroup() as group:
            listening = [group.create_task(self._listen(end)) for end in ends]
            while not self.done:
                for end in ends:
                    await self._send(end)
                again = first if await self._news_within(again) else min(2 * again, most)
            for task in listening:
                task.cancel()

    async def _send(self, end: _End) -> None:
        for datagram in end.machine.flight:
            self.datagrams += 1
            self.size = max(self.size, len(datagram))
            await end.link.send(datagram)

    async def _news_within(self, seconds: float) -> bool:
        self._news.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        return self._news.is_set()

    async def _listen(self, end: _End) -> None:
        while True:
            try:
                new = end.machine.feed(await end.link.receive())
            except DtlsError as exc:
                raise PeerError(Cause.TLS_ALERT, str(exc)) from exc
            self._note_stage(end)
            if new or end.machine.done:
                self._news.set()

    def _note_stage(self, end: _End) -> None:
        stage = (end is self._client, end.machine.stage)
        if stage not in self._stages:
            self._stages.add(stage)
            self._advanced = time.monotonic()
