"""Data through the relay and back: numbered packets, counted and timed."""

from __future__ import annotations

import asyncio
import itertools
import time

from rainbow_probe.model import Scalar
from rainbow_probe.net.relay import Relay
from rainbow_probe.protocols.turn import Address

PACKETS = 10  # one lost datagram must not look like a block
PACE = 0.005  # seconds between them
GRACE = 0.3  # seconds for stragglers once the first came back
SLOW = 0.12  # and between packets as long as none came: in a hurry, a limit on their number would take them all
NUMBER = 4  # bytes


class Echo:
    """Numbered packets of *size* bytes from *near* to *there*, where *far* returns them; a *few* to begin with."""

    def __init__(
        self,
        near: Relay,
        far: Relay,
        there: Address,
        facts: dict[str, Scalar],
        *,
        size: int = NUMBER,
        few: int = PACKETS,
        trip: float = 0.0,
    ) -> None:
        """Send no faster than one each *trip*, the seconds there and back, as long as none came: that fills a line."""
        self._near, self._far, self._there, self._facts = near, far, there, facts
        self._padding, self._few, self._wait = bytes(size - NUMBER), few, max(SLOW, trip)
        self._sent: dict[bytes, float] = {}
        self._trips: dict[bytes, float] = {}

    @property
    def slowest(self) -> float:
        """The seconds that a packet took there and back, at most; 0 if none came."""
        return max(self._trips.values(), default=0.0)

    @property
    def share(self) -> float:
        """The share of the packets that came back."""
        return len(self._trips) / max(1, len(self._sent))

    @property
    def sent(self) -> int:
        """How many were sent."""
        return len(self._sent)

    async def run(self) -> None:
        """Run until some packets came back, and give stragglers a moment."""
        self._facts.update(sent=0, received=0)
        async with asyncio.TaskGroup() as group:
            echo = group.create_task(self._give_back())
            back = group.create_task(self._collect())
            out = group.create_task(self._send())
            await asyncio.wait({back, out}, return_when=asyncio.FIRST_COMPLETED)
            for task in (echo, back, out):
                task.cancel()

    async def came_back(self, seconds: float) -> bool:
        """Run for *seconds* at most; tell whether anything came back."""
        try:
            async with asyncio.timeout(seconds):
                await self.run()
        except TimeoutError:
            return False
        return True

    async def _send(self) -> None:
        for number in itertools.count():
            data = number.to_bytes(NUMBER, "big") + self._padding
            self._sent[data] = time.monotonic()
            self._facts["sent"] = len(self._sent)
            await self._near.send(self._there, data)
            if number < self._few - 1:
                await asyncio.sleep(PACE)
            elif self._trips:
                await asyncio.sleep(GRACE)
                return
            else:
                await asyncio.sleep(self._wait)

    async def _give_back(self) -> None:
        while True:
            peer, data = await self._far.receive()
            self._look_at(data)
            await self._far.send(peer, data)

    def _look_at(self, data: bytes) -> bool:
        """Tell whether we have sent *data*; count it if we have not: only our own relays may send to each other."""
        if data not in self._sent:
            self._facts["altered"] = int(self._facts.get("altered") or 0) + 1
        return data in self._sent

    async def _collect(self) -> None:
        while len(self._trips) < self._few:
            _, data = await self._near.receive()
            if self._look_at(data):
                self._trips.setdefault(data, time.monotonic() - self._sent[data])
                self._facts.update(received=len(self._trips), rtt_ms=round(min(self._trips.values()) * 1000, 2))
