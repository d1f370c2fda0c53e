"""One NTP exchange over a link, by this machine's own clock."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator

from rainbow_probe.model import Scalar
from rainbow_probe.net.links import Datagrams
from rainbow_probe.protocols.ntp import Answer, offset, read, request

WAITS = (0.5, 1.0, 2.0)  # seconds after each repetition; then as long as the step lasts


async def ask(link: Datagrams, facts: dict[str, Scalar]) -> Answer:
    """Ask until an answer comes, and put down what it says of the time. Raises ``PeerError`` for what is no NTP."""
    for wait in _waits():
        nonce = secrets.token_bytes(8)
        asked = time.time()
        await link.send(request(nonce))
        try:
            async with asyncio.timeout(wait):
                answer = await _answer(link, nonce, asked)
        except TimeoutError:
            continue
        ahead, round_trip = offset(answer, asked, time.time())
        facts.update(
            stratum=answer.stratum,
            reference=answer.reference,
            offset_s=round(ahead, 6),
            round_trip_ms=round(round_trip * 1000, 3),
            root_distance_ms=round(answer.root_distance * 1000, 3),
        )
        return answer
    raise AssertionError("the waits never end")


async def _answer(link: Datagrams, nonce: bytes, near: float) -> Answer:
    while (answer := read(await link.receive(), nonce, near)) is None:
        pass
    return answer


def _waits() -> Iterator[float]:
    yield from WAITS
    while True:
        yield WAITS[-1]
