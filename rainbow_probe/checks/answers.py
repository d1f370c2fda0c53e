"""A control, not a row: who answers at this address and port, asked in a protocol of choice and judged by nothing else.

``speak`` names the layers: ``stun``, ``tls``, ``http``, ``tls+stun`` or ``tls+http``. ``sni`` is the name that TLS asks
for, empty for none, and the host's own where it is not given. ``segment`` keeps TCP packets that small. ``paths`` are
what HTTP is asked for, with spaces in between; of several, the first is asked for again and again, until more has come
back than the next packet of usual size would have brought: what ends after some bytes must end here as well.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Flow, Transport, Verdict
from rainbow_probe.net.framing import Framed
from rainbow_probe.net.http import PADDING, authority, fetch
from rainbow_probe.net.icmp import rejecter
from rainbow_probe.net.links import ByteStream
from rainbow_probe.net.paths import HTTP1, Hop, each_address, open_datagrams, open_stream, passed
from rainbow_probe.net.relay import Relay
from rainbow_probe.net.route import Route
from rainbow_probe.net.tls import Expectation, start_tls
from rainbow_probe.protocols.http import Client, Exchange
from rainbow_probe.protocols.stun import Method, request

REJECTED = frozenset({Cause.REFUSED, Cause.PROHIBITED, Cause.UNREACHABLE})
PACKET = 1460  # bytes that a packet of the usual size carries on a stream
MOST_AGAIN = 32  # times that the first path is asked for again: an answer has some 50 bytes at least
SHARE = 0.5  # of the usual limits: a suspicion must not double the time at a site where nothing answers


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Ask over every address; any answer in the protocol passes, and says whose it is."""
    segment = int(flow.params.get("segment") or 0)
    brief = replace(route, limits=route.limits.scaled(SHARE), segment=segment)
    _, _, within = str(flow.params.get("speak", "stun")).rpartition("+")

    async def attempt(hop: Hop) -> Verdict:
        if flow.transport is Transport.UDP:
            return await _datagrams(hop, flow, brief, rec)
        if within == "http":
            return await _http(hop, flow, brief, rec)
        async with _opened(hop, flow, brief, rec) as stream:
            if within == "stun":
                return await _stun(Relay(Framed(stream), hop, brief, rec))
            return passed("TLS is answered")

    return await each_address(flow, brief, rec, attempt)


async def _datagrams(hop: Hop, flow: Flow, route: Route, rec: Recorder) -> Verdict:
    async with open_datagrams(hop, flow, route, rec) as link:
        try:
            return await _stun(Relay(link, hop, route, rec))
        except StepError as exc:
            if exc.failure.cause in REJECTED:
                by = await rejecter(hop.address, bytes(request(Method.BINDING)), patience=route.limits.exchange)
                rec.note(exc.failure.phase, hop.label, exc.failure, rejected_by=by)
            raise


@asynccontextmanager
async def _opened(hop: Hop, flow: Flow, route: Route, rec: Recorder) -> AsyncGenerator[ByteStream]:
    speak = str(flow.params.get("speak", "stun"))
    async with open_stream(hop, replace(flow, transport=Transport.TCP), route, rec) as stream:
        if "tls" not in speak.split("+"):
            yield stream
            return
        given = flow.params.get("sni")
        alpn = HTTP1 if speak.endswith("http") else ""
        expected = Expectation(anybody=True, sni=None if given is None else str(given), alpn=alpn)
        limit, over = route.limits.handshake, str(hop.address)
        yield await start_tls(stream, flow.target, expected, route.trust, rec, limit=limit, over=over)


async def _stun(relay: Relay) -> Verdict:
    mapped = await relay.bind()
    return passed(f"STUN is answered; seen from outside as {mapped[0]}" if mapped else "STUN is answered")


async def _http(hop: Hop, flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Ask for all paths, on one connection for as long as the server keeps it, as the check does that it controls."""
    first, *others = str(flow.params.get("paths", "/")).split()
    async with _opened(hop, flow, route, rec) as stream:
        client, counted = Client(authority(flow.target)), _Counted(stream)
        answer = await _get(client, counted, first, route, rec)
        until = counted.received + PACKET
        for _ in range(MOST_AGAIN if others else 0):
            if not client.reusable or counted.received >= until:
                break
            await _get(client, counted, first, route, rec)
        while others and client.reusable:
            await _get(client, counted, others.pop(0), route, rec)
    for path in others:
        async with _opened(hop, flow, route, rec) as stream:
            await _get(Client(authority(flow.target)), stream, path, route, rec)
    by = answer.headers.get("via") or answer.headers.get("server") or "somebody who gives no name"
    return passed(f"HTTP is answered: {answer.status} {answer.reason}, by {by}")


async def _get(client: Client, stream: ByteStream, path: str, route: Route, rec: Recorder) -> Exchange:
    headers = PADDING if route.segment else dict[str, str]()  # the control must carry what it is the control of
    return await fetch(client, stream, path, rec, limit=route.limits.exchange, headers=headers)


class _Counted:
    """A stream that counts what comes."""

    def __init__(self, inner: ByteStream) -> None:
        self._inner = inner
        self.received = 0
        self.send, self.close = inner.send, inner.close

    async def receive(self) -> bytes:
        data = await self._inner.receive()
        self.received += len(data)
        return data
