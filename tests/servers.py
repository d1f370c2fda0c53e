"""Real servers on loopback, sound and broken, and the way to probe them: what the tests of links and checks share."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import trustme
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from rainbow_probe.demo.certificates import server_context
from rainbow_probe.demo.loopback import CHUNK, PEER_LEFT, Datagrams, Handler, Loopback, Peer, discard, reach, relay
from rainbow_probe.demo.turn import Turn
from rainbow_probe.demo.turn_auth import REALM
from rainbow_probe.demo.turn_listeners import listen_udp, stream_handler
from rainbow_probe.demo.turn_relay import Client
from rainbow_probe.evidence import Recorder
from rainbow_probe.model import (
    Cause,
    Credentials,
    Endpoint,
    Flow,
    Outcome,
    PeerError,
    Phase,
    Result,
    Scalar,
    Transport,
)
from rainbow_probe.net.names import Names
from rainbow_probe.net.paths import Hop
from rainbow_probe.net.route import Limits, Route
from rainbow_probe.net.trust import Trust
from rainbow_probe.protocols.stun import Attr, Class, MalformedError, Message, Method, error_code, reply
from rainbow_probe.protocols.stun_auth import long_term_key, sign
from rainbow_probe.runner import Job, Progressing, run_all

HOST, SIX = "127.0.0.1", "::1"
NAME, DOOR = "probe.test", "proxy.test"
"""The host of every target and of every proxy; certificates are made out to both."""

EASY = Limits.within(8)
ENDLESS = Limits.within(300)
"""For what is told at once: who waits for a limit instead runs into the budget of ``probe``, which is another cause."""
QUICK = Limits(connect=5.0, handshake=0.6, exchange=0.5, datagrams=0.5)
"""For what is meant to time out; what is meant to work takes milliseconds, on a busy machine many."""

TRIES = 5  # of what this machine had no time for
STARVED: list[str] = []
"""The checks of the test that runs for which this machine had no time, as the runs themselves say: see ``conftest``."""
LONG = 0.25  # seconds in which this process had no turn: what is here a server's doing had none, either

mute = discard
"""A server that takes everything and says nothing."""


# How to probe.


def names(
    more: Mapping[str, tuple[str, ...]] | None = None,
    *,
    ipv6: bool = True,
    source: str = "system",
    probe_test: tuple[str, ...] = (HOST,),
    proxy_test: tuple[str, ...] = (HOST,),
) -> Names:
    """Resolve the two names, and *more*; no other name exists."""
    known = {NAME: probe_test, DOOR: proxy_test, **(more or {})}

    async def look_up(host: str) -> tuple[str, ...]:
        if host not in known:
            raise PeerError(Cause.NXDOMAIN, f"no such name here: {host}")
        return known[host]

    return Names(look_up, ipv6=ipv6, source=source)


def a_route() -> Route:
    """Give a way out for one test, without a proxy."""
    return Route(trust=trust(), names=names(), limits=EASY, idle_hold=0.05)


def a_flow(
    kind: str, port: int, transport: Transport = Transport.TLS, params: Mapping[str, Scalar] | None = None
) -> Flow:
    """Give a flow of *kind* to *port* of the target."""
    target = Endpoint(host=NAME, port=port)
    identity = f"{kind}/{target}/{transport}/direct"
    return Flow(id=identity, spec=kind, kind=kind, target=target, transport=transport, params=params or {})


def a_hop(port: int, target: int | None = None) -> Hop:
    """Give the one address to connect to on *port*, for a *target* on that port or another."""
    return Hop(address=Endpoint(host=HOST, port=port), authority=Endpoint(host=NAME, port=target or port))


class Watcher:
    """Counts what a run tells about itself."""

    def __init__(self) -> None:
        """Nothing is told yet."""
        self.expected = 0
        self.begun: list[str] = []
        self.ended: list[str] = []

    def expect(self, more: int) -> None:
        """Count *more* flows."""
        self.expected += more

    def started(self, flow: Flow) -> None:
        """Remember *flow*."""
        self.begun.append(flow.id)

    def finished(self, result: Result) -> None:
        """Remember the flow of *result*."""
        self.ended.append(result.flow.id)


async def probe(flow: Flow, route: Route, budget: float = 20, tries: int = TRIES) -> Result:
    """Run one flow as a whole run does; again, where this machine had no time for it.

    The *budget* is ample, so that a slow machine finds the same as a fast one. A server that has counted the first try
    may answer the second one otherwise: then the test fails, and is begun again as a whole, with servers of its own.
    """
    run = Progressing()
    for _ in range(tries):
        run = Progressing()
        await run_all([Job(flow=flow, route=route)], run, Watcher(), budget=budget, deadline=60)
        starved = run.stalled and out_of_time(run.results[flow.id])
        if starved or run.stalled > LONG:
            STARVED.append(flow.id)
        if not starved:
            break
    return run.results[flow.id]


def out_of_time(result: Result) -> bool:
    """Tell whether a step of *result* ended because our own time was over, so that nothing is known of it."""
    failures = [result.verdict.failure, *(step.failure for step in result.steps)]
    return any(one is not None and one.cause is Cause.BUDGET for one in failures)


def phases(result: Result) -> list[Phase]:
    """List the phases of *result* in order."""
    return [step.phase for step in result.steps]


def facts(result: Result, phase: Phase) -> Mapping[str, Scalar]:
    """Give the facts of the last step of *phase*."""
    return [step.facts for step in result.steps if step.phase is phase][-1]


def broke(result: Result, outcome: Outcome = Outcome.FAIL) -> tuple[Phase, Cause]:
    """Tell where and why *result* broke, after seeing that it ended as *outcome*."""
    assert result.verdict.outcome is outcome, result.verdict
    failure = result.verdict.failure
    assert failure is not None
    return failure.phase, failure.cause


def last_failure(rec: Recorder) -> tuple[Phase, Cause]:
    """Tell where and why the last step broke."""
    failure = rec.steps[-1].failure
    assert failure is not None
    return failure.phase, failure.cause


# Certificates.

PUBLIC, CORPORATE, APPLE, OPERATOR = "Some Public CA", "Example Corp Inspection", "Apple Inc.", "Operator CA"


@cache
def authority(name: str) -> trustme.CA:
    """Give the authority of that organization."""
    return trustme.CA(organization_name=name)


@cache
def shows(
    issuer: str = PUBLIC,
    *,
    to: tuple[str, ...] = (NAME, DOOR),
    days: tuple[int, int] = (-1, 30),
    alpn: tuple[str, ...] = (),
) -> ssl.SSLContext:
    """Give a server's context; its certificate is made out *to* names and is valid within *days* from now."""
    now = datetime.now(UTC)
    begin, end = (now + timedelta(days=count) for count in days)
    leaf = authority(issuer).issue_cert(*to, common_name=to[0], not_before=begin, not_after=end)
    return server_context(leaf, alpn)


@cache
def trust(*machine: str) -> Trust:
    """Know the public authority, and trust the authorities that only this *machine* knows."""
    roots = [authority(name).cert_pem.bytes() for name in machine]
    with authority(PUBLIC).cert_pem.tempfile() as file:
        return Trust(public_ca=[file], machine_roots=roots)


def pem(folder: Path, *issuers: str) -> str:
    """Write the roots of *issuers* into a file in *folder*."""
    file = folder / "roots.pem"
    file.write_bytes(b"".join(authority(issuer).cert_pem.bytes() for issuer in issuers))
    return str(file)


# Streams that go wrong.


def says(data: bytes) -> Handler:
    """Return a server that speaks first, and says only this."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await discard(reader, writer)

    return handle


def answers(*data: bytes, stays: bool = True) -> Handler:
    """Return a server that answers each of the first messages with the next of *data*, then hangs up or *stays*."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for each in data:
            await reader.read(CHUNK)
            writer.write(each)
            await writer.drain()
        if stays:
            await discard(reader, writer)

    return handle


hangs_up = answers(b"", stays=False)
"""A server that takes one message and closes the connection."""


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take one message and reset the connection."""
    await reader.read(CHUNK)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def on_six(place: Loopback, handle: Handler, port: int, tls: ssl.SSLContext | None = None) -> None:
    """Serve *port* of the IPv6 loopback too, until *place* ends."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(*PEER_LEFT):
                await handle(reader, writer)
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place.start(serve(reader, writer))

    async def stand(server: asyncio.Server) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    place.start(stand(await asyncio.start_server(accept, SIX, port, ssl=tls)))


ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Middle:
    """An HTTP proxy: it answers CONNECT with *reply*, and tunnels to the same port of loopback if it *tunnels*."""

    def __init__(self, reply: bytes = ESTABLISHED, *, tunnels: bool = True) -> None:
        """Nothing was asked yet."""
        self.heads: list[bytes] = []
        self._reply = reply
        self._tunnels = tunnels

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if not self._tunnels:
            writer.write(self._reply)
            await discard(reader, writer)
            return
        async with reach(int(head.split()[1].rpartition(b":")[2])) as far:
            writer.write(self._reply)
            await relay((reader, writer), far)


def page(status: str, body: bytes = b"", *fields: str) -> bytes:
    """Give an HTTP answer whose connection stays open."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields])
    return head.encode() + b"\r\n\r\n" + body


# TURN.

ALICE = Credentials(user="alice", password="wonder-land-7")  # noqa: S106 - made up for these tests
WRONG = Credentials(user="alice", password="looking-glass")  # noqa: S106 - made up for these tests
KEY = long_term_key(ALICE.user, REALM, ALICE.password)

Rule = Callable[[Message | None, bytes], Sequence[bytes] | None]
"""What an odd server does with a packet: the answers it sends, none at all, or None to let the sound server do it."""


class OddTurn(Turn):
    """The demo's TURN server, which relays for real, except where a rule says otherwise."""

    def __init__(self, place: Loopback, *rules: Rule, range_open: bool = True) -> None:
        """Serve Alice; the first of the *rules* that knows a packet has it."""
        super().__init__({ALICE.user: ALICE.password}, place, range_open=range_open)
        self._rules = rules

    def handle(self, packet: bytes, client: Client) -> None:
        """Take one packet."""
        try:
            message = Message.parse(packet)
        except MalformedError:  # ChannelData
            message = None
        for rule in self._rules:
            if (said := rule(message, packet)) is not None:
                for each in said:
                    client.send(each)
                return
        super().handle(packet, client)


async def listen(turn: Turn, place: Loopback, transport: Transport) -> int:
    """Let *turn* be reached over *transport*; returns the port."""
    if transport is Transport.UDP:
        return listen_udp(turn, place)
    return await place.tcp(stream_handler(turn), shows() if transport is Transport.TLS else None)


def loses(first: int) -> Rule:
    """Lose the *first* packets."""
    left = iter(range(first))
    return lambda _message, _packet: None if next(left, None) is None else ()


def says_instead(data: bytes, *methods: Method) -> Rule:
    """Answer requests of *methods* (all, if none is named) with bytes that are no answer."""
    return lambda message, _: (
        [data] if message and (not methods or message.method in methods) and message.cls is Class.REQUEST else None
    )


def silent_on(*methods: Method) -> Rule:
    """Say nothing to requests of *methods*."""
    return lambda message, _: () if message and message.method in methods and message.cls is Class.REQUEST else None


def refuses(method: Method, code: int, *more: tuple[int, bytes], after: int = 0, key: bytes = KEY) -> Rule:
    """Refuse signed requests of *method*, but for the first few, under *key* (b"": unsigned)."""
    left = iter(range(after))

    def rule(message: Message | None, _: bytes) -> Sequence[bytes] | None:
        if message is None or message.method != method or message.get(Attr.MESSAGE_INTEGRITY) is None:
            return None
        if next(left, None) is not None:
            return None
        said = reply(message, Class.ERROR, (int(Attr.ERROR_CODE), error_code(code, "because")), *more)
        return [sign(said, key) if key else bytes(said)]

    return rule


def keeps_data(message: Message | None, _packet: bytes) -> Sequence[bytes] | None:
    """Relay nothing that clients send."""
    return () if message is None or message.method == Method.SEND else None


# WebSocket.


class Socket:
    """The server's end of a WebSocket, one frame at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take over a connection."""
        self._protocol = ServerProtocol()
        self._events: list[object] = []
        self._reader = reader
        self._writer = writer

    async def accept(self, subprotocol: str | None) -> None:
        """Switch protocols, whatever the client wants."""
        request = await self._next()
        assert isinstance(request, Request)
        response = self._protocol.accept(request)
        if subprotocol is not None:
            response.headers["Sec-WebSocket-Protocol"] = Subprotocol(subprotocol)
        self._protocol.send_response(response)
        self.flush()

    async def frame(self, *opcodes: Opcode) -> Frame:
        """Return the next frame of one of *opcodes*; its answer, as a pong, waits for ``flush``."""
        while True:
            frame = await self._next()
            assert isinstance(frame, Frame)
            if frame.opcode in opcodes:
                return frame

    def flush(self) -> None:
        """Send what is due."""
        self._writer.writelines(self._protocol.data_to_send())

    async def _next(self) -> object:
        while not self._events:
            data = await self._reader.read(CHUNK)
            if not data:
                raise EOFError("the client left")
            self._protocol.receive_data(data)
            self._events += self._protocol.events_received()
        return self._events.pop(0)


def text(data: str, opcode: Opcode = Opcode.TEXT, *, last: bool = True) -> bytes:
    """Give one frame as a server sends it."""
    return Frame(opcode, data.encode(), last).serialize(mask=False)


def good_bye(reason: str = "") -> bytes:
    """Give the frame with which a server closes."""
    return Frame(Opcode.CLOSE, b"\x03\xe9" + reason.encode()).serialize(mask=False)


FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
OPEN = text(f'<open xmlns="{FRAMING}" from="{NAME}" id="1" version="1.0"/>')
MECHANISMS = '<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>PLAIN</mechanism></mechanisms>'
FEATURES = f'<stream:features xmlns:stream="http://etherx.jabber.org/streams">{MECHANISMS}</stream:features>'


def xmpp(*said: bytes, pongs: int = 99, stays: bool = True, protocol: str | None = "xmpp") -> Handler:
    """Return an XMPP server that greets with the frames *said*, answers so many pings, then hangs up or *stays*."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Socket(reader, writer)
        await client.accept(protocol)
        await client.frame(Opcode.TEXT)
        writer.writelines(said or (OPEN, text(FEATURES)))
        for _ in range(pongs):
            await client.frame(Opcode.PING)
            client.flush()
        if stays:
            await discard(reader, writer)

    return handle


# DNS.

Resolve = Callable[[dns.message.Message], Sequence[bytes]]
"""What a resolver sends back for a query."""


async def resolver(place: Loopback, udp: Resolve, tcp: Resolve | None = None, port: int = 0) -> Endpoint:
    """Answer DNS over UDP, and over TCP on the same *port*, where it refuses without *tcp*."""

    def over_udp(datagrams: Datagrams, query: bytes, peer: Peer) -> None:
        for packet in udp(dns.message.from_wire(query)):
            datagrams.send(packet, peer)

    async def over_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        for packet in (tcp or udp)(dns.message.from_wire(await reader.readexactly(size))):
            writer.write(len(packet).to_bytes(2, "big") + packet)
        await discard(reader, writer)

    for _ in range(TRIES):
        chosen = port or (place.refusing() if tcp is None else await place.tcp(over_tcp))
        with contextlib.suppress(OSError):  # another test may have its UDP port
            return Endpoint(host=HOST, port=place.udp(over_udp, chosen).port)
    raise AssertionError("no port is free for both")


def zone(*addresses: str, rcode: str = "NOERROR", cut: bool = False, ttl: int = 60) -> Resolve:
    """Answer every question for addresses of its kind with *rcode* and those of *addresses*; *cut*: truncated."""

    def resolve(query: dns.message.Message) -> Sequence[bytes]:
        answer = dns.message.make_response(query, recursion_available=True)
        answer.set_rcode(dns.rcode.from_text(rcode))
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        found = [address for address in addresses if (":" in address) == (kind == "AAAA")]
        if found and not cut:
            answer.answer.append(dns.rrset.from_text(question.name, ttl, "IN", kind, *found))
        answer.flags |= dns.flags.TC if cut else 0
        return [answer.to_wire()]

    return resolve


def nothing(_query: dns.message.Message) -> Sequence[bytes]:
    """Stay silent."""
    return ()
