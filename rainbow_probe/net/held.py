"""How long idle streams hold: several at once, each woken after its own time, so that it is one wait.

What wakes them is a few bytes that no server understands. A sound one answers, or ends the stream; where the way is
forgotten nothing comes. A fresh stream with the same bytes is the control.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from rainbow_probe.evidence import StepError
from rainbow_probe.model import Scalar
from rainbow_probe.net.links import ByteStream, Parting
from rainbow_probe.net.turns import awake

POKE = b"\x00" * 64
SILENCE, GOODBYE, CLOSED, RESET = "silence", "goodbye", "closed", "reset"

Opening = Callable[[], AbstractAsyncContextManager[ByteStream]]
"""Opens one more stream of the kind under test."""


@dataclass(slots=True, kw_only=True)
class Held:
    """What idle streams have come to so far, in seconds."""

    lived: list[float] = field(default_factory=list[float])
    """Of these, something was heard when they were woken."""
    cut: list[float] = field(default_factory=list[float])
    """Of these, nothing was, and of a fresh one something was at that time."""
    ended: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    """Those that ended before they were woken: when, and how that showed."""

    @property
    def longest(self) -> float:
        """The longest idleness that all survived which were idle for less."""
        return max((one for one in self.lived if all(one < other for other in self.cut)), default=0.0)

    def facts(self) -> dict[str, Scalar]:
        """Return it as evidence."""
        first = min(self.ended, default=None)
        early: dict[str, Scalar] = {"ended_s": round(first[0], 1), "ended_shows": first[1]} if first else {}
        cut: dict[str, Scalar] = {"cut_s": min(self.cut), "cut_shows": SILENCE} if self.cut else {}
        return {"survived_s": self.longest, **cut, **early}


async def hold(opening: Opening, waits: Sequence[float], limit: float, held: Held, told: Callable[[], None]) -> None:
    """Leave a stream idle for each of *waits*; *held* is filled in as they end, and *told* is called then.

    *limit* is how long an answer may take.
    """

    async def one(wait: float) -> None:
        await _idle(opening, wait, limit, held)
        told()

    async with asyncio.TaskGroup() as group:
        for wait in waits:
            group.create_task(one(wait))


async def _idle(opening: Opening, wait: float, limit: float, held: Held) -> None:
    loop = asyncio.get_running_loop()
    try:
        async with opening() as stream:
            began = loop.time()
            if shows := await _heard(stream, wait):
                held.ended.append((loop.time() - began, shows))
            elif await _answers(stream, limit):
                held.lived.append(wait)
            elif await answers(opening, limit):
                held.cut.append(wait)
    except StepError:  # one that does not open tells nothing
        return


async def answers(opening: Opening, limit: float) -> bool:
    """Tell whether a fresh stream says anything to what wakes the others, if it only ends."""
    try:
        async with opening() as stream:
            return await _answers(stream, limit)
    except StepError:
        return False


async def _answers(stream: ByteStream, limit: float) -> bool:
    try:
        await stream.send(POKE)
    except OSError:
        return False
    return await _heard(stream, limit) in {CLOSED, GOODBYE, "data"}


async def _heard(stream: ByteStream, seconds: float) -> str:
    """Return what is heard within so many *seconds*: data, or how the stream ends; empty for nothing."""
    try:
        async with awake(seconds):
            if await stream.receive():
                return "data"
    except TimeoutError:
        return ""
    except EOFError:
        return CLOSED
    except OSError:
        return RESET
    return GOODBYE if isinstance(stream, Parting) and stream.goodbye else CLOSED
