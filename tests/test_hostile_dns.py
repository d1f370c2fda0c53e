"""Resolvers that lie: forged, broken, endless and enormous answers, over UDP and TCP."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

import dns.message
import pytest

from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.model import Cause, Endpoint, Outcome, Phase, Result, Transport
from rainbow_probe.net.dns import ask_all
from rainbow_probe.net.names import Names
from tests.hostile import drips, ended, floods, harmless, little_memory, texts
from tests.ports import free_port
from tests.servers import HOST, NAME, Resolve, a_flow, a_route, nothing, probe, resolver

POINTER = b"\xc0\x0c"  # to the name in the question, RFC 1035 section 4.1.4
IN, CH = 1, 3
A, CNAME, TXT, AAAA, OPT = 1, 5, 16, 28, 41
GOOD = bytes((192, 0, 2, 1))


def record(data: bytes, kind: int = A, cls: int = IN, owner: bytes = POINTER) -> bytes:
    """Give one record."""
    return owner + struct.pack("!HHIH", kind, cls, 60, len(data)) + data


def answered(query: dns.message.Message, body: bytes, count: int = 1, flags: int = 0x8180) -> bytes:
    """Give an answer to *query* with *count* records in *body*, whatever that is."""
    question = query.to_wire()[12:]
    return struct.pack("!HHHHHH", query.id, flags, 1, count, 0, 0) + question + body


def with_records(*records: bytes, count: int | None = None, flags: int = 0x8180) -> Resolve:
    """Answer every question with these records."""
    return lambda query: [answered(query, b"".join(records), len(records) if count is None else count, flags)]


def pointer(to: int) -> bytes:
    """Give a compressed name (RFC 1035 section 4.1.4)."""
    return struct.pack("!H", 0xC000 + to)


LOOP = b"\xc0\x0c\xc0\x0c"
BROKEN: dict[str, Resolve] = {
    "more records than there are": with_records(record(GOOD), count=9),
    "a record cut short": with_records(record(GOOD)[:-2]),
    "an address of three bytes": with_records(record(GOOD[:3])),
    "an address of forty bytes": with_records(record(GOOD * 10)),
    "a pointer to itself": lambda query: [answered(query, record(GOOD, owner=pointer(len(query.to_wire()))))],
    "a pointer forward": with_records(record(GOOD, owner=b"\xff\xff")),
    "pointers in a ring": with_records(record(LOOP, CNAME)),
    "a label of 64": with_records(record(GOOD, owner=b"\x40" + b"a" * 64 + b"\0")),
    "a name without an end": with_records(record(GOOD, owner=b"\x3f" + b"a" * 63) * 9),
    "a header only": lambda query: [answered(query, b"")[:12]],
    "half a header": lambda query: [answered(query, b"")[:7]],
    "a question only": lambda query: [query.to_wire()],
    "another opcode": with_records(record(GOOD), flags=0xA980),
    "another id": lambda query: [struct.pack("!H", query.id ^ 1) + answered(query, record(GOOD))[2:]],
    "no id": lambda query: [b"\0\0" + answered(query, record(GOOD))[2:]],
    "EDNS twice": with_records(record(b"", OPT, 4096, b"\0"), record(b"", OPT, 4096, b"\0"), count=2),
    "junk": lambda _: [b"\xff" * 500, b"", b"\0" * 512],
}
"""What is no answer to the question: it is passed over, as if it had never come."""


def served(transport: Transport, resolve: Resolve) -> tuple[Resolve, Resolve | None]:
    """Let *resolve* stand on one transport; over UDP, the other stays silent."""
    return (resolve, nothing) if transport is Transport.UDP else (with_records(flags=0x8380), resolve)


async def look_up(udp: Resolve, tcp: Resolve | None, limit: float = 8) -> Result:
    """Check a name that this resolver must find, asked as the system's resolver and by itself."""
    async with loopback() as place:
        return await by(await resolver(place, udp, tcp), limit)


async def by(server: Endpoint, limit: float) -> Result:
    """Check a name with *server* alone."""

    async def system(host: str) -> tuple[str, ...]:
        return await ask_all([server], host)

    route = replace(a_route(), names=Names(system, ipv6=True), resolvers=(str(server),))
    route = replace(route, limits=replace(route.limits, resolve=limit))
    result = await probe(replace(a_flow("dns", 53, Transport.UDP), target=Endpoint(host=NAME, port=53)), route)
    harmless(result)
    return result


async def all_of(work: Mapping[str, Coroutine[Any, Any, Result]]) -> dict[str, Result]:
    """Run them side by side: each takes a resolver's whole time."""
    with little_memory():
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(each) for name, each in work.items()}
    return {name: task.result() for name, task in tasks.items()}


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
async def test_what_is_no_answer_is_none(transport: Transport) -> None:
    """Nothing in a broken answer is believed, not even the part that could be read."""
    tried = {lie: look_up(*served(transport, resolve), limit=1) for lie, resolve in BROKEN.items()}
    for lie, result in (await all_of(tried)).items():
        outcome, phase, cause = ended(result)
        assert (outcome, phase) in {(Outcome.FAIL, Phase.RESOLVE), (Outcome.INCONCLUSIVE, Phase.RESOLVE)}, lie
        assert cause in {Cause.NO_ANSWER, Cause.UNEXPECTED_REPLY, Cause.BUDGET}, (lie, result.verdict)
        assert "192.0.2.1" not in " ".join(texts(result)), lie


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([record(b"\0\x00\x12", cls=CH)], "the name has no address"),
        ([record(GOOD, cls=254)], "the name has no address"),
        ([record(GOOD, cls=4)], "the name has no address"),
        ([record(POINTER, CNAME)] * 9, "the name has no address"),
        ([record((bytes([255]) + b"\x1b[31m" * 51) * 20, TXT)], "the name has no address"),
        ([record(b"\x05\x1b[31m\0", CNAME)], "the name has no address"),
    ],
    ids=["Chaosnet", "class NONE", "Hesiod", "a CNAME to itself", "TXT with escapes", "a CNAME of escapes"],
)
async def test_an_answer_without_an_address(records: Sequence[bytes], said: str) -> None:
    """It is an answer, and there is no address of the Internet in it."""
    answer = with_records(*records)
    result = await look_up(answer, answer)
    assert ended(result) == (Outcome.FAIL, Phase.RESOLVE, Cause.NXDOMAIN)
    assert said in result.verdict.reason


async def test_a_thousand_addresses() -> None:
    """They are told as far as there is room, and few are used."""
    many = [record(bytes((192, 0, place // 250, place % 250))) for place in range(1000)]
    result = await look_up(with_records(flags=0x8380), with_records(*many))
    assert result.verdict.outcome is Outcome.PASS
    assert result.verdict.reason.count(", ") < 20


STREAMS: dict[str, Handler] = {
    "zeros": floods(b"\0"),
    "letters": floods(b"A"),
    "a length, and nothing": drips(b"\xff\xff"),
    "a byte at a time": drips(b"\xff\xff", b"\0"),
    "high bytes": floods(b"\xff"),
    "messages without a question": floods(b"\x00\x0c" + bytes(12)),
}


async def flooded(stream: Handler) -> Result:
    """Say over UDP that the answer does not fit, and over TCP whatever *stream* says."""
    async with loopback() as place:
        port = await place.tcp(stream, port=free_port())
        place.udp(lambda link, query, peer: link.send(cut(query), peer), port)
        return await by(Endpoint(host=HOST, port=port), 1)


async def test_dns_over_tcp_without_an_end() -> None:
    """One message is read, of the length that was told, and no more."""
    for stream, result in (await all_of({name: flooded(handle) for name, handle in STREAMS.items()})).items():
        assert result.verdict.outcome is not Outcome.PASS, stream
        assert ended(result)[2] in {Cause.NO_ANSWER, Cause.UNEXPECTED_REPLY, Cause.BUDGET}, (stream, result.verdict)


def cut(query: bytes) -> bytes:
    """Say that the answer does not fit a datagram."""
    return answered(dns.message.from_wire(query), b"", 0, flags=0x8380)
