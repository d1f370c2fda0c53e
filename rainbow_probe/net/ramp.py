"""As many streams as are asked for, open at the same time: doubled step by step, up to the first that is refused."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass

from rainbow_probe.evidence import StepError
from rainbow_probe.model import OUR_OWN, Cause, Failure
from rainbow_probe.net.links import ByteStream

OUR_LIMITS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
"""What says that this machine has no more files, memory or source ports: nothing of the network's."""

Opening = Callable[[], AbstractAsyncContextManager[ByteStream]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How far it went."""

    open: int
    """Streams that were open at the same time, and still when the last one was tried."""
    refused: Failure | None = None
    """How the first was refused that did not open."""
    our_own: bool = False
    """Whether it ended at a limit of this machine, or of its time."""
    lost: int = 0
    """Streams that had opened, and that the other end closed while more were opened."""
    elsewhere: bool = False
    """Whether one more opened to another target, while all of them were held."""


async def ramp(opening: Opening, other: Opening, most: int) -> Held:
    """Hold up to *most* streams open at once, and close them all; 1, 2, 4 and so on, so that a limit is met gently.

    What is refused is tried again by halves, so that the number is exact, unless it is silence that meets it. *other*
    opens one to another target: where that still goes, it is not the number of streams that is limited.
    """
    streams: list[ByteStream] = []
    failed: list[StepError | OSError] = []
    size = 1
    async with AsyncExitStack() as stack:
        while len(streams) < most and size:
            results = await _batch(stack, opening, min(size, most - len(streams)))
            streams += [one for one in results if not isinstance(one, StepError | OSError)]
            failed += (lost := [one for one in results if isinstance(one, StepError | OSError)])
            size = _next(size, lost, refused=bool(failed))
        ended = await _ended(streams)
        elsewhere = bool(failed or ended) and not isinstance(await _one(stack, other), StepError | OSError)
    refused = [one.failure for one in failed if isinstance(one, StepError) and one.failure.cause not in OUR_OWN]
    ours = any(map(_ours, failed)) or (bool(failed) and not refused)
    held = len(streams) - ended
    return Held(open=held, refused=next(iter(refused), None), our_own=ours, lost=ended, elsewhere=elsewhere)


def _next(size: int, lost: list[StepError | OSError], *, refused: bool) -> int:
    """Return how many to open next: twice as many until one is refused, then half as many; none after silence."""
    if any(isinstance(one, OSError) or one.failure.cause is Cause.TIMEOUT for one in lost):
        return 0
    return size // 2 if refused else size * 2


async def _batch(stack: AsyncExitStack, opening: Opening, size: int) -> list[ByteStream | StepError | OSError]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_one(stack, opening)) for _ in range(size)]
    return [task.result() for task in tasks]


async def _one(stack: AsyncExitStack, opening: Opening) -> ByteStream | StepError | OSError:
    try:
        return await stack.enter_async_context(opening())
    except (StepError, OSError) as exc:
        return exc


async def _ended(streams: list[ByteStream]) -> int:
    """Count the streams whose end has come already."""

    async def ended(stream: ByteStream) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                return not await stream.receive()
        return False

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ended(stream)) for stream in streams]
    return sum(task.result() for task in tasks)


def _ours(error: BaseException) -> bool:
    return any(isinstance(one, OSError) and one.errno in OUR_LIMITS for one in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
