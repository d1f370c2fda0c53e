"""One NTP exchange over a link, by this machine's own clock."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Iterator, Mapping

from rainbow_probe.model import Cause, PeerError, Scalar
from rainbow_probe.net.links import Datagrams
from rainbow_probe.protocols.ntp import Answer, offset, read, request

WAITS = (0.5, 1.0, 2.0)  # seconds after each repetition; then as long as there is time

Asked = Mapping[bytes, tuple[float, float]]
"""By nonce, when each question was asked: by the clock that is on the wall, and by the one that nobody sets."""


async def ask(link: Datagrams, facts: dict[str, Scalar], seconds: float) -> Answer:
    """Ask for *seconds* until an answer comes, and put down what it says of the time.

    Raises ``PeerError`` for what is no NTP, and where answers come to nothing that was asked; else ``TimeoutError``.
    """
    asked: dict[bytes, tuple[float, float]] = {}
    end = time.monotonic() + seconds
    for wait in _waits():
        if (left := end - time.monotonic()) <= 0:
            raise complaint(facts) or TimeoutError(f"no answer in {seconds:.3g} s")
        nonce = secrets.token_bytes(8)
        asked[nonce] = time.time(), time.monotonic()
        await link.send(request(nonce))
        try:
            async with asyncio.timeout(min(wait, left)):
                answer = await _answer(link, asked, facts)
        except TimeoutError:
            continue
        _tell(answer, *asked[answer.nonce], facts)
        return answer
    raise AssertionError("the waits never end")


def _tell(answer: Answer, asked: float, began: float, facts: dict[str, Scalar]) -> None:
    """Put down what *answer* says; a clock that is set in between changes nothing of it."""
    ahead, round_trip = offset(answer, asked, asked + time.monotonic() - began)
    facts.update(
        stratum=answer.stratum,
        reference=answer.reference,
        offset_s=round(ahead, 6),
        round_trip_ms=round(round_trip * 1000, 3),
        root_distance_ms=round(answer.root_distance * 1000, 3),
    )
    if answer.refusal:  # whose time is not to be used
        del facts["offset_s"]


async def _answer(link: Datagrams, asked: Asked, facts: dict[str, Scalar]) -> Answer:
    """Return the answer to any question so far: on a slow line it comes after the next one was asked."""
    near, _ = next(iter(asked.values()))
    while (answer := read(await link.receive(), asked, near)) is None:
        facts["strange"] = int(facts.get("strange") or 0) + 1
    return answer


def complaint(facts: Mapping[str, Scalar]) -> PeerError | None:
    """Return what to say of what came instead of an answer; None where nothing did."""
    strange = facts.get("strange")
    return PeerError(Cause.NOT_NTP, f"{strange} answers came, and to none of our questions") if strange else None


def _waits() -> Iterator[float]:
    return itertools.chain(WAITS, itertools.repeat(WAITS[-1]))
