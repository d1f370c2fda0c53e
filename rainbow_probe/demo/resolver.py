"""The site's DNS resolver: every name of the cloud is on loopback, no other name exists."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from importlib import import_module

import dns.exception
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from rainbow_probe.demo.loopback import Datagrams, Handler, Incoming, Loopback, Peer
from rainbow_probe.demo.services import APEX, HOST, NAMES

for _module in ("IN.A", "ANY.SOA"):  # else with the first answer, where a process without a file left would be silent
    import_module(f"dns.rdtypes.{_module}")
TTL = 60
TRIES = 20
"""UDP and TCP must share a port, and another program may hold one of the two."""

Answer = Callable[[bytes], bytes | None]


async def start_resolver(place: Loopback, *, rainbow: bool) -> int:
    """Answer DNS over UDP and TCP on one port, which is returned; without *rainbow* its names do not exist."""
    known = frozenset(name for name in NAMES if rainbow or not name.endswith(APEX))

    def reply(query: bytes) -> bytes | None:
        return answer(query, known)

    port = await _start_tcp_and_udp(place, reply)
    if port is None:
        raise OSError(f"no port is free for both UDP and TCP after {TRIES} tries")
    return port


def answer(query: bytes, known: Collection[str]) -> bytes | None:
    """Answer one query, in wire format; None where only silence is right, as for what is no query."""
    try:
        request = dns.message.from_wire(query)
        response = dns.message.make_response(request, recursion_available=True)
    except (dns.exception.DNSException, ValueError):
        return None
    if request.opcode() != dns.opcode.QUERY or len(request.question) != 1:
        response.set_rcode(dns.rcode.NOTIMP)
    else:
        _fill(response, request.question[0], known)
    return response.to_wire()


def _fill(response: dns.message.Message, question: dns.rrset.RRset, known: Collection[str]) -> None:
    exists = question.name.to_text(omit_final_dot=True).lower() in known
    if exists and question.rdtype == dns.rdatatype.A and question.rdclass == dns.rdataclass.IN:
        response.answer.append(dns.rrset.from_text(question.name, TTL, "IN", "A", HOST))
        return
    # A negative answer carries the SOA, so that it may be cached (RFC 2308 section 3).
    response.authority.append(dns.rrset.from_text(dns.name.root, TTL, "IN", "SOA", f"demo. demo. 1 60 60 60 {TTL}"))
    if not exists:
        response.set_rcode(dns.rcode.NXDOMAIN)


async def _start_tcp_and_udp(place: Loopback, reply: Answer) -> int | None:
    for _ in range(TRIES):
        port = await place.tcp(_over_tcp(reply))
        try:
            return place.udp(_over_udp(reply), port).port
        except OSError:
            continue
    return None


def _over_udp(reply: Answer) -> Incoming:
    def handle(datagrams: Datagrams, query: bytes, peer: Peer) -> None:
        response = reply(query)
        if response is not None:
            datagrams.send(response, peer)

    return handle


def _over_tcp(reply: Answer) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Two bytes of length before each message, RFC 1035 section 4.2.2.
        while response := reply(await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))):
            writer.write(len(response).to_bytes(2, "big") + response)
            await writer.drain()

    return handle
