"""Limits of time that a busy machine does not use up: what this process sleeps through is not a peer's silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

TICK = 0.05  # seconds between looks at our own lag
LATE = 0.02  # of lag that are a stall, as in the self-check of a run
PARTS = 5  # of a shorter limit, for such a look


@asynccontextmanager
async def awake(seconds: float) -> AsyncGenerator[None]:
    """Give the block *seconds* in which this process comes to its turns; raises ``TimeoutError`` after them.

    What has come in meanwhile waits in a socket, and is read when there are turns again.
    """
    async with asyncio.timeout(seconds) as clock:
        watch = _Watch(clock, min(TICK, seconds / PARTS))
        try:
            yield
        finally:
            watch.stop()


class _Watch:
    """Puts off the end of *clock* by what its own timer is late, each *tick*."""

    def __init__(self, clock: asyncio.Timeout, tick: float) -> None:
        self._clock, self._tick = clock, tick
        self._loop = asyncio.get_running_loop()
        self._next()

    def _next(self) -> None:
        self._due = self._loop.time() + self._tick
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        late, when = self._loop.time() - self._due, self._clock.when()
        if late > LATE and when is not None and not self._clock.expired():
            self._clock.reschedule(when + late)
        self._next()

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()
