"""Calls that block and cannot be cancelled (the system's resolver, its Kerberos library), kept off the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

T = TypeVar("T")


async def aside(work: Callable[[], T]) -> T:
    """Run *work* in a thread; unlike an executor's, this one neither queues nor holds up the exit."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(set_it: Callable[[], None]) -> None:
        if not future.done():
            set_it()

    def run() -> None:
        try:
            found = work()
            done = partial(future.set_result, found)
        except Exception as exc:  # noqa: BLE001 - handed over to the waiter, who judges it
            done = partial(future.set_exception, exc)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, done)

    threading.Thread(target=run, daemon=True, name="aside").start()
    return await future
