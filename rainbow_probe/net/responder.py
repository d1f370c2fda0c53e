"""What a responder says of itself: which ports it serves, asked over a port that answers, or over its control ports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Endpoint, PortRange
from rainbow_probe.net.framing import Framed
from rainbow_probe.net.links import Datagrams
from rainbow_probe.net.tcp import connect
from rainbow_probe.net.turns import awake
from rainbow_probe.net.udp import open_udp
from rainbow_probe.protocols.binding import ROOM, asking, short_term_key, unpacked
from rainbow_probe.protocols.stun import Attr, Class
from rainbow_probe.protocols.transaction import Transaction

CONTROL_PORTS = (3478, 5060)
"""Where a responder listens besides, over UDP and TCP, unless told otherwise."""
MOST_ASKED = 8  # addresses of one name
WAITS = (0.25, 0.5, 1.0, 1.5)  # seconds for each repetition


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one answer says."""

    over: str
    """``UDP/3478``."""
    served: tuple[PortRange, ...] | None = None
    """The UDP ports that are open there; None where the answer does not say."""
    mapped: str = ""
    refused: int = 0
    """The error code, if it is one."""


async def ask(host: str, ports: Sequence[int], token: str, rec: Recorder, *, limit: float) -> Told | None:
    """Ask over UDP *ports*, or over the control ports, at once; return the answer that says most, None without any."""
    udp = dict.fromkeys((*ports, *CONTROL_PORTS))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_over_udp(Endpoint(host=host, port=port), token)) for port in udp]
        if not ports:
            tasks += [
                group.create_task(_over_tcp(Endpoint(host=host, port=port), token, rec, limit))
                for port in CONTROL_PORTS
            ]
    answers = [told for task in tasks if (told := task.result())]
    return min(answers, key=lambda told: (told.served is None, bool(told.refused)), default=None)


async def alive(addresses: Sequence[Endpoint], token: str, rec: Recorder, *, limit: float) -> Endpoint:
    """Return the first of *addresses* at which a responder answers its control ports; the first one if none does."""
    if len(addresses) == 1:
        return addresses[0]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(one.host, (), token, rec, limit=limit)) for one in addresses[:MOST_ASKED]]
    told = [task.result() for task in tasks]
    answering = [one for one, answer in zip(addresses, told, strict=False) if answer]
    return next(iter([*answering, *addresses]))


async def _over_udp(address: Endpoint, token: str) -> Told | None:
    with suppress(OSError):
        link = await open_udp(address)
        try:
            return await _asked(link, token, f"UDP/{address.port}", WAITS)
        finally:
            link.close()
    return None


async def _over_tcp(address: Endpoint, token: str, rec: Recorder, limit: float) -> Told | None:
    with suppress(StepError, OSError, EOFError):
        stream = await connect(address, rec, limit=limit)
        try:
            return await _asked(Framed(stream), token, f"TCP/{address.port}", (limit,))
        finally:
            stream.close()
    return None


async def _asked(link: Datagrams, token: str, over: str, waits: Sequence[float]) -> Told | None:
    message = asking(token, (int(Attr.SERVED_PORTS), bytes(ROOM)))
    waiting = Transaction(message, short_term_key(token) if token else None)
    for wait in waits:
        await link.send(waiting.request)
        with suppress(TimeoutError):
            async with awake(wait):
                return await _answer(link, waiting, over)
    return None


def _answer(link: Datagrams, waiting: Transaction, over: str) -> Awaitable[Told]:
    async def listen() -> Told:
        while (answer := waiting.feed(await link.receive())) is None:
            pass
        if answer.cls is Class.ERROR:
            return Told(over=over, refused=(answer.error() or (1, ""))[0])
        value, mapped = answer.get(Attr.SERVED_PORTS), answer.mapped_address()
        served = None if value is None else unpacked(value)
        return Told(over=over, served=served, mapped=mapped[0] if mapped else "")

    return listen()
