"""One OPTIONS over UDP, from the port that a gateway sends from where it is free, or over a stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Endpoint, Flow, Phase, Scalar, Transport
from rainbow_probe.net.links import ByteStream, Datagrams
from rainbow_probe.net.paths import Hop, open_stream
from rainbow_probe.net.relay import LAST_WORD
from rainbow_probe.net.route import Route
from rainbow_probe.net.tls import Expectation
from rainbow_probe.net.udp import local_of, open_udp
from rainbow_probe.protocols.sip import HEAD_SIZE, Answer, Options, waits

Asking = Callable[[], Awaitable[Answer]]


@asynccontextmanager
async def asking(
    hop: Hop, flow: Flow, route: Route, rec: Recorder, facts: dict[str, Scalar], expected: Expectation | None = None
) -> AsyncGenerator[tuple[Options, Asking]]:
    """Open the way to *hop*; yields the question, and what asks it and waits for the answer."""
    if flow.transport is Transport.UDP:
        async with _socket(hop.address, flow, route, rec) as link:
            local = local_of(link)
            facts["local_port"] = local.port if local else 0
            options = Options(hop.address, local, flow.transport)
            yield options, lambda: _over_datagrams(link, options, LAST_WORD * route.limits.datagrams)
        return
    async with open_stream(hop, flow, route, rec, expected=expected) as stream:
        options = Options(hop.address, None, flow.transport)
        yield options, lambda: _over_stream(stream, options)


@asynccontextmanager
async def _socket(address: Endpoint, flow: Flow, route: Route, rec: Recorder) -> AsyncGenerator[Datagrams]:
    """Open a socket on the client's own port; another one where a program has that, such as the gateway itself."""
    async with rec.step(Phase.CONNECT, address, limit=route.limits.connect):
        try:
            link = await open_udp(address, flow.source)
        except OSError:
            if flow.source is None:
                raise
            link = await open_udp(address)
    try:
        yield link
    finally:
        link.close()


async def _over_datagrams(link: Datagrams, options: Options, seconds: float) -> Answer:
    """Ask for *seconds*, as RFC 3261 says; where only a provisional answer comes, that is one too.

    What else comes ends nothing: a PBX may have things of its own to say before it answers.
    """
    provisional: list[Answer] = []
    end = time.monotonic() + seconds
    for wait in waits():
        if (left := end - time.monotonic()) <= 0:
            raise options.complaint() or TimeoutError(f"no answer in {seconds:.3g} s")
        await link.send(options.request)
        try:
            async with asyncio.timeout(min(wait, left)):
                while True:
                    answer = options.feed(await link.receive())
                    if answer and answer.final:
                        return answer
                    provisional += [answer] if answer else []
        except TimeoutError:
            if provisional:
                return provisional[0]
    raise AssertionError("the waits never end")


async def _over_stream(stream: ByteStream, options: Options) -> Answer:
    await stream.send(options.request)
    buffer = b""
    while len(buffer) < HEAD_SIZE:
        data = await stream.receive()
        buffer += data
        if not data or b"\r\n\r\n" in buffer:
            break
    if answer := options.feed(buffer):
        return answer
    raise options.complaint() or EOFError("the peer closed the connection")
