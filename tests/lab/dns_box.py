"""A resolver that spoils answers in the ways dnsmasq cannot: it forwards, and lies, drops or dawdles as it is told.

A program of its own, run inside a namespace: ``python -m tests.lab.dns_box FILE.json``, one table of ``Manners`` in it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import dns.asyncquery
import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

PATIENCE = 3.0  # seconds the cloud's resolver has
TTL = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How the resolver behaves; names hold for all names below them too."""

    listen: tuple[str, ...]
    upstream: str
    delay_ms: int = 0
    """Milliseconds each answer is held back."""
    drops: tuple[str, ...] = ()
    """Types of records about which it never says anything, such as AAAA."""
    without: tuple[str, ...] = ()
    """Types of records of which it says that there are none."""
    denies: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names with the code that it answers instead, as in ``REFUSED`` or ``NXDOMAIN``."""
    ede: int = 0
    """The extended error that goes with each denial (RFC 8914); 0 for none."""
    rewrites: str = ""
    """The address it gives for every name that does not exist."""
    wild: Mapping[str, str] = field(default_factory=dict[str, str])
    """Domains with the IPv4 address that every name below them has."""
    adds: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names with an IPv4 address that it gives beside their own, for them alone."""
    cnames: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names with the name of which they are said to be an alias."""
    dns64: str = ""
    """The prefix, of 96 bits, in which it puts the IPv4 address of each name that is asked for IPv6 ones (RFC 6147)."""


def covers(name: dns.name.Name, above: str) -> bool:
    """Tell whether *above* is *name*, or stands above it."""
    return name.is_subdomain(dns.name.from_text(above))


async def answer(query: dns.message.Message, manners: Manners) -> dns.message.Message | None:
    """Return what is answered to *query*, or None for silence."""
    question = query.question[0]
    kind = dns.rdatatype.to_text(question.rdtype)
    if kind in manners.drops:
        return None
    await asyncio.sleep(manners.delay_ms / 1000)
    for above, code in manners.denies.items():
        if covers(question.name, above):
            lied = code == "NXDOMAIN" and manners.rewrites
            return _given(query, kind, manners.rewrites) if lied else _denied(query, code, manners.ede)
    for above, address in manners.wild.items():
        if covers(question.name, above):
            return _given(query, kind, address)
    for above, alias in manners.cnames.items():
        if covers(question.name, above):
            return await _alias(query, alias, manners)
    return await _forwarded(query, kind, manners)


def _denied(query: dns.message.Message, code: str, ede: int) -> dns.message.Message:
    reply = _reply(query)
    reply.set_rcode(dns.rcode.from_text(code))
    if ede:
        reply.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode(ede), "lab policy")])
    return reply


async def _alias(query: dns.message.Message, alias: str, manners: Manners) -> dns.message.Message:
    question, reply = query.question[0], _reply(query)
    reply.answer.append(dns.rrset.from_text(question.name, TTL, "IN", "CNAME", f"{alias}."))
    behind = await _ask(dns.message.make_query(alias, question.rdtype), manners)
    reply.answer += behind.answer
    return reply


async def _synthesized(query: dns.message.Message, prefix: str, manners: Manners) -> dns.message.Message:
    """Give IPv6 addresses made of the IPv4 ones, as if there were no others."""
    question, reply = query.question[0], _reply(query)
    told = await _ask(dns.message.make_query(question.name, "A"), manners)
    reply.set_rcode(told.rcode())
    first = int(ipaddress.IPv6Network(prefix).network_address)
    found = [str(item) for record in told.answer if record.rdtype == dns.rdatatype.A for item in record]
    made = [str(ipaddress.IPv6Address(first + int(ipaddress.IPv4Address(address)))) for address in found]
    if made:
        reply.answer.append(dns.rrset.from_text(question.name, TTL, "IN", "AAAA", *made))
    return reply


async def _forwarded(query: dns.message.Message, kind: str, manners: Manners) -> dns.message.Message:
    if manners.dns64 and kind == "AAAA":
        return await _synthesized(query, manners.dns64, manners)
    question, reply = query.question[0], _reply(query)
    told = await _ask(dns.message.make_query(question.name, question.rdtype), manners)
    reply.set_rcode(told.rcode())
    reply.answer += [] if kind in manners.without else told.answer
    also = {dns.name.from_text(name): address for name, address in manners.adds.items()}.get(question.name)
    if also and kind == "A":
        reply.answer.append(dns.rrset.from_text(question.name, TTL, "IN", "A", also))
    lied = told.rcode() is dns.rcode.NXDOMAIN and manners.rewrites
    return _given(query, kind, manners.rewrites) if lied else reply


def _given(query: dns.message.Message, kind: str, address: str) -> dns.message.Message:
    reply = _reply(query)
    if kind == "A":
        reply.answer.append(dns.rrset.from_text(query.question[0].name, TTL, "IN", "A", address))
    return reply


def _reply(query: dns.message.Message) -> dns.message.Message:
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.RA
    return reply


async def _ask(query: dns.message.Message, manners: Manners) -> dns.message.Message:
    return await dns.asyncquery.udp(query, manners.upstream, timeout=PATIENCE)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, manners: Manners, group: asyncio.TaskGroup) -> None:
        self._manners = manners
        self._group = group

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._group.create_task(self._answer(data, addr))

    async def _answer(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        with suppress(dns.exception.DNSException, OSError):
            if reply := await answer(dns.message.from_wire(data), self._manners):
                self._transport.sendto(reply.to_wire(), addr)


async def _tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, manners: Manners) -> None:
    with suppress(dns.exception.DNSException, OSError, asyncio.IncompleteReadError):
        while True:
            size = struct.unpack("!H", await reader.readexactly(2))[0]
            reply = await answer(dns.message.from_wire(await reader.readexactly(size)), manners)
            if reply:
                wire = reply.to_wire()
                writer.write(struct.pack("!H", len(wire)) + wire)
                await writer.drain()
    writer.close()


async def serve(manners: Manners) -> None:
    """Answer until killed."""
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        for address in manners.listen:
            await loop.create_datagram_endpoint(lambda: _Udp(manners, group), local_addr=(address, 53))
            server = await asyncio.start_server(lambda r, w: _tcp(r, w, manners), address, 53)
            group.create_task(server.serve_forever())


if __name__ == "__main__":
    asyncio.run(serve(Manners(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
