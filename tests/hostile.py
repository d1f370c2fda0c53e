"""Servers that mean harm, the ways to meet them, and what must hold whatever they do."""

from __future__ import annotations

import asyncio
import itertools
import ssl
import tracemalloc
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import fields, is_dataclass, replace

from rainbow_probe.demo.loopback import CHUNK, Handler, discard, loopback
from rainbow_probe.model import Cause, Endpoint, Flow, Outcome, Phase, Proxy, Result, Transport
from rainbow_probe.net.route import Limits, Route
from tests.servers import DOOR, a_flow, a_route, probe, shows

MEMORY = 12 * 1024 * 1024  # bytes one check may hold at its worst, both ends together
SHOWN = 4096  # characters of any one text in a result
PACE = 0.004  # seconds between the bytes of a server that drips

SHORT = Limits(connect=5.0, handshake=0.5, exchange=0.4, datagrams=0.4)
"""For servers that never come to an end."""
HANDSHAKES = Limits(connect=5.0, handshake=5.0, exchange=0.4, datagrams=0.4)
"""For those that do so behind a sound handshake, which a busy machine may be slow to make."""
PROXIES = Limits(connect=5.0, handshake=1.0, exchange=0.4, datagrams=0.4)
"""A handshake's limit holds for CONNECT, too."""

HUGE_URL = "http://else.example/" + "a" * 8000
TERMINAL = "\x1b]0;owned\x07\x1b[31m\x9b2J\u202e\u200b<script>alert(1)</script>[red]\r\n\t=cmd|' /C calc'!A0"
"""What must never reach a terminal or a page as it is."""

Outcomes = tuple[Outcome, Phase | None, Cause | None]


# Servers, whatever the protocol.


def floods(more: bytes, *, head: bytes = b"", first: bool = False) -> Handler:
    """Return a server that says *head* and then *more* for ever; it waits for a message, unless it speaks *first*."""
    block = more * max(1, CHUNK // len(more))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not first:
            await reader.read(CHUNK)
        writer.write(head)
        while not writer.is_closing():
            writer.write(block)
            await writer.drain()
            await asyncio.sleep(0)  # drain alone lets nobody else run while the peer keeps up

    return handle


def drips(head: bytes, more: bytes = b"", *, first: bool = False) -> Handler:
    """Return a server that says *head* a byte at a time, and then *more* again and again in the same way."""
    endless = itertools.cycle(more) if more else iter(())

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not first:
            await reader.read(CHUNK)
        for byte in itertools.chain(head, endless):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(PACE)
        await discard(reader, writer)

    return handle


# The same server met by every check.

API = {"expect": "rainbow-api"}
WEBSOCKET = {"path": "/websocket"}
CONTROL: Mapping[str, str | int] = {"path": "/generate_204", "expect_status": 204}

STREAMS: Mapping[str, tuple[str, Transport, Mapping[str, str | int]]] = {
    "https": ("https", Transport.TLS, API),
    "portal": ("portal", Transport.TCP, CONTROL),
    "xmpp": ("xmpp", Transport.TLS, WEBSOCKET),
    "turn-tcp": ("turn", Transport.TCP, {}),
    "turn-tls": ("turn", Transport.TLS, {}),
}
"""Checks of a stream that the hostile server ends, inside TLS where there is some."""
HANDSHAKING = ("https", "xmpp", "turn-tls", "push")
"""Checks whose TLS handshake the hostile server can spoil."""
PROXIED = ("proxy", "proxy-tls")
"""The hostile server is the proxy, plain or over TLS."""


@asynccontextmanager
async def standing(surface: str, handle: Handler) -> AsyncGenerator[tuple[Flow, Route]]:
    """Let *handle* stand behind *surface*, sound up to there; gives the flow that meets it, and its way."""
    async with loopback() as place:
        if surface in PROXIED:
            tls = surface == "proxy-tls"
            port = await place.tcp(handle, shows() if tls else None)
            proxy = Proxy(endpoint=Endpoint(host=DOOR, port=port), tls=tls)
            yield a_flow("proxy", 443, Transport.TLS), replace(a_route(), proxy=proxy)
        else:
            kind, transport, params = STREAMS[surface]
            port = await place.tcp(handle, shows() if transport is Transport.TLS else None)
            yield a_flow(kind, port, transport, params), a_route()


async def meet(surface: str, handle: Handler, limits: Limits = HANDSHAKES) -> Result:
    """Run the check of *surface* against *handle*; see that memory and words stay within bounds."""
    async with standing(surface, handle) as (flow, route):
        return await bounded(flow, replace(route, limits=limits))


async def meet_raw(kind: str, handle: Handler, tls: ssl.SSLContext | None = None, limits: Limits = SHORT) -> Result:
    """Run a check over TLS against *handle*, which makes the handshake itself, unless *tls* does it."""
    check, _, params = STREAMS.get(kind, (kind, Transport.TLS, {}))
    async with loopback() as place:
        flow = a_flow(check, await place.tcp(handle, tls), Transport.TLS, params)
        return await bounded(flow, replace(a_route(), limits=limits))


async def bounded(flow: Flow, route: Route) -> Result:
    """Run one check as a run does. It must end by itself, in bounded memory, without a fault of ours."""
    with little_memory():
        result = await probe(flow, route)
    harmless(result)
    return result


@contextmanager
def little_memory() -> Generator[None]:
    """See that what Python holds within the block never grows by more than ``MEMORY``."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        yield
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < MEMORY, f"{peak} bytes"


def harmless(result: Result) -> None:
    """See that nothing in *result* is a fault of ours, that nothing in it can act, and that it is short."""
    causes = [step.failure.cause for step in result.steps if step.failure] + [ended(result)[2]]
    assert Cause.UNKNOWN not in causes, result
    assert Cause.INTERRUPTED not in causes, result
    for text in texts(result):
        assert text.isprintable(), ascii(text)
        assert len(text) <= SHOWN, text


def texts(thing: object) -> Iterator[str]:
    """Give every text in a tree of dataclasses, mappings and sequences."""
    if isinstance(thing, str):
        yield thing
    elif is_dataclass(thing):
        yield from texts([getattr(thing, each.name) for each in fields(thing)])
    elif isinstance(thing, Mapping):
        yield from texts([*thing.items()])
    elif isinstance(thing, Iterable):
        for each in thing:
            yield from texts(each)


def ended(result: Result) -> Outcomes:
    """Tell how *result* ended."""
    failure = result.verdict.failure
    return result.verdict.outcome, failure.phase if failure else None, failure.cause if failure else None


def fails(result: Result, phase: Phase, *causes: Cause) -> None:
    """See that *result* failed in *phase* for one of *causes*, or could not be told for want of time."""
    outcome, where, why = ended(result)
    if why is Cause.BUDGET:
        assert outcome is Outcome.INCONCLUSIVE, result
        return
    assert outcome is not Outcome.PASS, result
    assert (where, why) in {(phase, cause) for cause in causes}, result.verdict
