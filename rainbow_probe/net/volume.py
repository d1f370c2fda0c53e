"""Much data on one connection, as fast as the way goes and no faster: what ends it, and after how many bytes?"""

from __future__ import annotations

import asyncio
import time

from rainbow_probe.model import Scalar
from rainbow_probe.net.links import ByteStream
from rainbow_probe.net.relay import Relay
from rainbow_probe.protocols.http import Client
from rainbow_probe.protocols.turn import Address

MOST = 1_500_000  # bytes; limits that a call meets in its first seconds lie far below
PIECE = 1200  # bytes of a packet, as video has them
BATCH = 16  # packets on the way at once
NUMBER = 4  # bytes that tell batches apart
PADDING = 7000  # bytes of a request; one field of a head may have 8 KB at most servers
ENOUGH = 0.8  # share of the time after which what has passed has to do


async def through_relay(near: Relay, far: Relay, there: Address, facts: dict[str, Scalar], limit: float) -> None:
    """Send from *near* to *far*, batch after batch, each when one of the last has arrived; ``carried`` counts.

    Raises what ends either link, in a group; ``TimeoutError`` is its caller's.
    """
    async with asyncio.TaskGroup() as group:
        watch = group.create_task(_until_its_end(near))
        await _batches(near, far, there, facts, limit)
        watch.cancel()


async def _until_its_end(near: Relay) -> None:
    while True:
        await near.receive()


async def _batches(near: Relay, far: Relay, there: Address, facts: dict[str, Scalar], limit: float) -> None:
    """Count what has arrived by whole batches; what is lost of one was carried as far as the relay."""
    began, carried = time.monotonic(), 0
    for number in range(MOST // (BATCH * PIECE) + 1):
        token = number.to_bytes(NUMBER, "big")
        for _ in range(BATCH):
            await near.send(there, token + bytes(PIECE - NUMBER))
        while not (await far.receive())[1].startswith(token):
            pass
        carried += BATCH * PIECE
        if _told(facts, carried, began) > limit * ENOUGH:
            return


async def through_requests(stream: ByteStream, host: str, path: str, facts: dict[str, Scalar], limit: float) -> None:
    """Ask for *path* again and again, for as long as the server says that it keeps the connection."""
    client, carried, began = Client(host), 0, time.monotonic()
    while carried < MOST and time.monotonic() - began < limit * ENOUGH:
        exchange = client.exchange("GET", path, {"X-Padding": "0" * PADDING})
        asked = exchange.request()
        await stream.send(asked)
        while not exchange.done:
            exchange.feed(data := await stream.receive())
            carried += len(data)
        carried += len(asked)
        _told(facts, carried, began)
        if not client.reusable:
            facts["goodbye"] = True
            return
        await asyncio.sleep(0)


def _told(facts: dict[str, Scalar], carried: int, began: float) -> float:
    """Note how much has passed, and after how many seconds, which are returned."""
    took = time.monotonic() - began
    facts.update(carried=carried, after_s=round(took, 2))
    return took
