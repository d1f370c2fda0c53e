"""A page and what belongs to it, fetched as a browser does: how many bytes a second come, up to a polite number."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rainbow_probe.model import Cause, PeerError
from rainbow_probe.net.links import ByteStream
from rainbow_probe.protocols.assets import assets
from rainbow_probe.protocols.http import Client, Exchange

FRESH = {"Cache-Control": "no-cache", "Accept-Encoding": "identity"}
"""So that it comes from the host itself and not from a cache beside us, RFC 9111 section 5.2.1.4; and not packed."""
HALF = 0.5


@dataclass
class Download:
    """What has come so far of *path* and its assets, by however many connections; no more than *most* bytes."""

    host: str
    path: str
    most: int
    body: int = 0
    """Bytes of answers."""
    requests: int = 0
    _came: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    _sizes: dict[str, int] = field(default_factory=dict[str, int])
    _untried: list[str] = field(default_factory=list[str])
    _began: float = 0.0

    @property
    def over(self) -> bool:
        """Whether as much has come as was wanted."""
        return self.body >= self.most

    async def run(self, streams: Sequence[ByteStream], seconds: float) -> None:
        """Fetch over all *streams* at once, for *seconds* at most. Raises what breaks a link, in a group.

        Raises ``PeerError`` where the first answer is none that a browser would show.
        """
        self._began = time.monotonic()
        clients = [Client(self.host, whole=True) for _ in streams]
        try:
            async with asyncio.timeout(seconds):
                await self._page(clients[0], streams[0])
                async with asyncio.TaskGroup() as group:
                    for client, stream in zip(clients, streams, strict=True):
                        group.create_task(self._again(client, stream))
        except TimeoutError:
            return

    @property
    def kbit_s(self) -> float:
        """What came a second: on the whole or in the second half, whichever is less, as the first may be a burst."""
        if not self._came:
            return 0.0
        end, total = self._came[-1]
        at, before = next((one for one in self._came if one[1] >= HALF * total), self._came[-1])
        whole = _rate(total, end - self._began)
        return min(whole, _rate(total - before, end - at)) if total > before else whole

    async def _page(self, client: Client, stream: ByteStream) -> None:
        answer = await self._fetch(client, stream, self.path)
        if answer.status != 200:
            raise PeerError(Cause.CANNOT_TELL, f"{self.path} answers {answer.status} {answer.reason}")
        if "html" in answer.headers.get("content-type", ""):
            self._untried = [one for one in assets(answer.body, self.host, self.path) if one != self.path]

    async def _again(self, client: Client, stream: ByteStream) -> None:
        """Fetch what has not been yet, and then the largest again and again, while the server keeps the connection."""
        while client.reusable and not self.over:
            await self._fetch(client, stream, self._next())

    def _next(self) -> str:
        """Return what has not been fetched yet, or else the largest; what is under way may be that."""
        if self._untried:
            path = self._untried.pop(0)
            self._sizes[path] = self.most
            return path
        return max(self._sizes, key=lambda one: self._sizes[one])

    async def _fetch(self, client: Client, stream: ByteStream, path: str) -> Exchange:
        exchange = client.exchange("GET", path, FRESH)
        self.requests += 1
        await stream.send(exchange.request())
        while not exchange.done and not self.over:
            before = exchange.length
            exchange.feed(await stream.receive())
            self.body += exchange.length - before
            self._came.append((time.monotonic(), self.body))
        self._sizes[path] = exchange.length if exchange.status == 200 else 0
        return exchange


def _rate(body: int, seconds: float) -> float:
    return body * 8 / 1000 / max(seconds, 1e-6)
