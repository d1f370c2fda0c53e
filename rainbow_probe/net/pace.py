"""The same question many times, slowly and then fast: what is lost only in a hurry is policed, not lost by chance."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass

from rainbow_probe.net.links import Datagrams
from rainbow_probe.net.turns import awake
from rainbow_probe.protocols.stun import MalformedError, Message, Method, request

STRAGGLERS = 0.5  # seconds after the last one
TRIPS = 2  # more, each as long as the slowest so far: what is late is not lost
MADE_GOOD = 0.05  # seconds by which timers are late, as they are; what a longer sleep kept is not sent in a hurry
LONGEST = 2.5  # seconds for stragglers, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """So many Bindings a second, for a while."""

    sent: int
    per_second: float

    async def answered(self, link: Datagrams) -> int:
        """Send them over *link*; return how many were answered."""
        waiting: dict[bytes, float] = {}
        missing, slowest = self.sent, 0.0

        async def listen() -> None:
            nonlocal missing, slowest
            while missing:
                with contextlib.suppress(MalformedError):
                    sent = waiting.pop(Message.parse(await link.receive()).transaction, None)
                    if sent is not None:
                        missing, slowest = missing - 1, max(slowest, time.monotonic() - sent)

        async with asyncio.TaskGroup() as group:
            listening = group.create_task(listen())
            due = time.monotonic()
            for _ in range(self.sent):
                message = request(Method.BINDING)
                waiting[message.transaction] = now = time.monotonic()
                await link.send(bytes(message))
                due = max(due, now - MADE_GOOD) + 1 / self.per_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            with contextlib.suppress(TimeoutError):
                async with awake(min(LONGEST, STRAGGLERS + TRIPS * slowest)):
                    await asyncio.wait({listening})
            listening.cancel()
        return self.sent - missing
