"""Who of us is at which TURN server right now: all of a run's checks share one user's quota there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

LINGER = 1.2  # seconds that coturn still counts what was given back


class Allocations:
    """Those who may hold an allocation, by server; one for all checks of a run."""

    def __init__(self) -> None:
        """Nobody is anywhere yet."""
        self._open: Counter[str] = Counter()
        self._gone = asyncio.Event()

    @contextmanager
    def one(self, host: str) -> Generator[None]:
        """Be at *host* while the block runs."""
        self._open[host] += 1
        try:
            yield
        finally:
            self._open[host] -= 1
            self._gone.set()
            self._gone = asyncio.Event()

    async def quiet(self, host: str, seconds: float) -> None:
        """Wait until nobody of us is at *host*, for *seconds* at the most."""
        await self._fewer(host, 0, seconds)

    async def room(self, host: str, seconds: float) -> None:
        """Come back when a server that is full may have room again: somebody of us left, and it has noticed.

        That of the others nobody leaves within *seconds* is no reason to despair: somebody may have left before.
        """
        await self._fewer(host, self._open[host] - 1, seconds)
        await asyncio.sleep(LINGER)

    async def _fewer(self, host: str, most: int, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while self._open[host] > max(most, 0):
                    await self._gone.wait()
        except TimeoutError:
            return
