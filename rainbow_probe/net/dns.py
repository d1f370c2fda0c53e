"""Ask one resolver directly, over UDP or TCP (RFC 1035, section 4.2), on our own links."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from rainbow_probe.evidence import Recorder, StepError, cause_of
from rainbow_probe.model import OUR_OWN, Cause, Endpoint, PeerError, Scalar, Transport
from rainbow_probe.net.links import ByteStream
from rainbow_probe.net.tcp import connect
from rainbow_probe.net.turns import awake
from rainbow_probe.net.udp import open_udp

REPEAT = 1.0  # seconds until a datagram is sent again; resolvers answer within milliseconds or ask further
LIMIT = 4.0  # seconds one resolver has for one question
PAYLOAD = 1232  # bytes of a datagram that need no fragments, as resolvers agreed in 2020
PREFIX = 2  # bytes that tell the length of a message over TCP
TYPES = ("A", "AAAA")
for _module in ("IN.A", "IN.AAAA", "ANY.CNAME", "ANY.SOA"):  # else with the first answer, when no file may be left
    import_module(f"dns.rdtypes.{_module}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one resolver said."""

    rcode: str
    addresses: tuple[str, ...]
    ttl: int | None = None
    truncated: bool = False
    aliases: tuple[str, ...] = ()
    """The names that the one asked for is an alias of, in order."""
    extended: str = ""
    """The extended errors (RFC 8914), in words."""

    @property
    def more(self) -> dict[str, Scalar]:
        """What is only worth telling where it is so."""
        found: dict[str, Scalar] = {
            "truncated": self.truncated,
            "aliases": " ".join(self.aliases),
            "extended": self.extended,
        }
        return {key: value for key, value in found.items() if value}


async def ask(resolver: Endpoint, name: str, kind: str, transport: Transport, *, extended: bool = False) -> Answer:
    """Ask *resolver* for the records of *kind*; runs until it answers: the caller owns the time limit.

    *extended* asks by EDNS (RFC 6891), so that it may say why it denies; most clients do not, and some boxes drop it.
    Raises ``OSError`` as the socket does, ``PeerError(unexpected-reply)`` for what is not DNS.
    """
    try:
        query = dns.message.make_query(name, kind, use_edns=0 if extended else False, payload=PAYLOAD)
        wire = query.to_wire()
    except dns.exception.DNSException as exc:
        raise PeerError(Cause.NXDOMAIN, "not a name that DNS can hold") from exc
    if transport is Transport.TCP:
        return await _over_tcp(resolver, query, wire)
    return await _over_udp(resolver, query, wire)


async def _over_udp(resolver: Endpoint, query: dns.message.Message, wire: bytes) -> Answer:
    link = await open_udp(resolver)
    try:
        while True:
            await link.send(wire)
            try:
                async with asyncio.timeout(REPEAT):
                    while (answer := _read(query, await link.receive())) is None:
                        pass
                    return answer
            except TimeoutError:
                continue
    finally:
        link.close()


async def _over_tcp(resolver: Endpoint, query: dns.message.Message, wire: bytes) -> Answer:
    stream = await connect(resolver, Recorder(), limit=LIMIT)
    try:
        await stream.send(struct.pack("!H", len(wire)) + wire)
        answer = _read(query, await _message(stream))
    finally:
        stream.close()
    if answer is None:
        raise PeerError(Cause.UNEXPECTED_REPLY, "the answer is not to this question")
    return answer


async def _message(stream: ByteStream) -> bytes:
    """Return one message without the length before it (RFC 1035, section 4.2.2)."""
    got = b""
    while len(got) < PREFIX or len(got) < PREFIX + int.from_bytes(got[:PREFIX], "big"):
        data = await stream.receive()
        if not data:
            raise EOFError("the resolver closed the connection")
        got += data
    return got[PREFIX : PREFIX + int.from_bytes(got[:PREFIX], "big")]


def _read(query: dns.message.Message, packet: bytes) -> Answer | None:
    """Return the answer in *packet*, or None for what is not an answer to *query*."""
    try:
        message = dns.message.from_wire(packet, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError):
        return None
    if not query.is_response(message):
        return None
    # Of another class than IN, a record of the same type holds no address of the Internet.
    wanted = {dns.rdatatype.A, dns.rdatatype.AAAA}
    records = [r for r in message.answer if r.rdtype in wanted and r.rdclass == dns.rdataclass.IN]
    items: list[Any] = [item for record in records for item in record]  # pyright: ignore[reportUnknownVariableType] - untyped there
    aliases = [str(item.target) for r in message.answer if r.rdtype == dns.rdatatype.CNAME for item in cast("Any", r)]
    return Answer(
        aliases=tuple(alias.rstrip(".") for alias in aliases),
        extended=_extended(message),
        rcode=dns.rcode.to_text(message.rcode()),
        addresses=tuple(str(item.address) for item in items),
        ttl=min((record.ttl for record in message.answer), default=None),
        truncated=bool(message.flags & dns.flags.TC),
    )


def _extended(message: dns.message.Message) -> str:
    options: Any = message.options  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - untyped there
    errors = [option for option in options if isinstance(option, dns.edns.EDEOption)]
    return "; ".join(dict.fromkeys(_error(option) for option in errors))


def _error(option: dns.edns.EDEOption) -> str:
    said = EXTENDED.get(int(option.code), f"extended error {int(option.code)}")
    return f"{said} ({option.text})" if option.text else said


EXTENDED = {
    4: "Forged Answer",
    6: "DNSSEC Bogus",
    7: "Signature Expired",
    8: "Signature Not Yet Valid",
    9: "DNSKEY Missing",
    10: "RRSIGs Missing",
    15: "Blocked",
    16: "Censored",
    17: "Filtered",
    18: "Prohibited",
    20: "Not Authoritative",
    22: "No Reachable Authority",
    23: "Network Error",
}
"""What extended errors mean, RFC 8914 section 5.2; those that a client can meet."""


async def ask_all(resolvers: Sequence[Endpoint], name: str) -> tuple[str, ...]:
    """Return the addresses of *name* from the first resolver that answers, as a client without a system would.

    Raises ``PeerError`` with what the resolvers said: nxdomain, refused-by-resolver, or no-answer; unknown if one
    could not be asked for a lack of this machine's own.
    """
    worst = PeerError(Cause.NO_ANSWER, "no resolver is configured")
    for resolver in resolvers:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_whole(resolver, name, kind)) for kind in TYPES]
        answers = [found for task in tasks if isinstance(found := task.result(), Answer)]
        refusals = [found for task in tasks if isinstance(found := task.result(), PeerError)]
        try:
            if not answers:
                raise refusals[0]
            return told(answers, str(resolver))
        except PeerError as exc:
            if exc.cause is Cause.NXDOMAIN and not refusals:
                raise
            worst = next((one for one in (worst, *refusals) if one.cause in OUR_OWN), exc)
    raise worst


async def anyone_knows(resolvers: Sequence[Endpoint], name: str) -> bool:
    """Return whether any of *resolvers* gives an address, over UDP or TCP, as soon as one does."""
    asked = [(one, kind, proto) for one in resolvers for kind in TYPES for proto in (Transport.UDP, Transport.TCP)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_has_address(one, name, kind, proto)) for one, kind, proto in asked]
        for ended in asyncio.as_completed(tasks):
            if await ended:
                for task in tasks:
                    task.cancel()
                return True
    return False


async def _has_address(resolver: Endpoint, name: str, kind: str, transport: Transport) -> bool:
    try:
        async with awake(LIMIT):
            return bool((await ask(resolver, name, kind, transport)).addresses)
    except (PeerError, OSError, EOFError, StepError):
        return False


async def _whole(resolver: Endpoint, name: str, kind: str) -> Answer | PeerError:
    """Ask over UDP, and over TCP for what did not fit a datagram (RFC 7766, section 5).

    Each type ends by itself: a resolver that drops questions for AAAA still knows the A.
    """
    try:
        async with awake(LIMIT):
            answer = await ask(resolver, name, kind, Transport.UDP)
            return await ask(resolver, name, kind, Transport.TCP) if answer.truncated else answer
    except (PeerError, OSError, EOFError, StepError) as exc:
        return _why(exc, resolver)


def told(answers: Sequence[Answer], resolver: str) -> tuple[str, ...]:
    """Return the addresses in *answers*, or raise ``PeerError`` with what their rcodes mean."""
    if found := tuple(dict.fromkeys(a for answer in answers for a in answer.addresses)):
        return found
    codes = {answer.rcode for answer in answers}
    if refused := codes - {"NOERROR", "NXDOMAIN"}:
        raise PeerError(Cause.REFUSED_BY_RESOLVER, f"{resolver} answers {' '.join(sorted(refused))}")
    said = "NXDOMAIN: no such name" if "NXDOMAIN" in codes else "the name has no address"
    raise PeerError(Cause.NXDOMAIN, f"{resolver} answers {said}")


def _why(exc: BaseException, resolver: Endpoint) -> PeerError:
    if isinstance(exc, PeerError):
        return exc
    said = "no answer" if isinstance(exc, TimeoutError) else str(exc)
    ours = cause_of(exc)  # a lack of sockets is no resolver's silence
    return PeerError(ours if ours in OUR_OWN else Cause.NO_ANSWER, f"{resolver}: {said}")
