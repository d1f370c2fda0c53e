"""Limits of time in which a busy machine loses nothing."""

from __future__ import annotations

import asyncio
import time

import pytest

from rainbow_probe.net.turns import awake


async def test_a_limit_ends_a_wait() -> None:
    """As any other does; and what is done before it is not touched, nor what fails."""
    with pytest.raises(TimeoutError):
        async with awake(0.1):
            await asyncio.Event().wait()
    async with awake(60):
        await asyncio.sleep(0)
    with pytest.raises(EOFError, match="enough"):
        async with awake(60):
            raise EOFError("enough")


@pytest.mark.parametrize("limit", [0.1, 0.5])
async def test_what_this_process_sleeps_through_does_not_count(limit: float) -> None:
    """The answer is there, and read when there are turns again."""
    came = asyncio.Event()
    async with awake(limit):
        await asyncio.sleep(0)
        time.sleep(2 * limit)  # noqa: ASYNC251 - the whole process is to sleep
        asyncio.get_running_loop().call_later(limit / 2, came.set)
        await came.wait()
    assert came.is_set()
