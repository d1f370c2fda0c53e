"""STUN and TURN servers that break the rules, never come to an end, or speak with hostile words."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import loopback
from rainbow_probe.model import Cause, Credentials, Outcome, Phase, Result, Transport
from rainbow_probe.net.route import Limits
from rainbow_probe.protocols.stun import Attr, Class, Message, Method, error_code, plain_address, reply, xor_address
from rainbow_probe.protocols.stun_auth import sign
from tests.hostile import SHORT, TERMINAL, bounded, fails
from tests.servers import ALICE, EASY, HOST, KEY, OddTurn, Rule, a_flow, a_route, facts, listen, refuses

UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS
ANY = "0.0.0.0"  # noqa: S104 - an address to be told, not one to listen on
Spoil = Callable[[Message], Sequence[bytes]]
"""What is sent back for a request."""


async def tried(
    *rules: Rule,
    transport: Transport = UDP,
    user: Credentials | None = ALICE,
    limits: Limits = EASY,
    kind: str = "turn",
) -> Result:
    """Check a server that follows *rules*."""
    async with loopback() as place:
        port = await listen(OddTurn(place, *rules), place, transport)
        return await bounded(a_flow(kind, port, transport), replace(a_route(), turn=user, limits=limits))


def on(method: Method, spoil: Spoil, *, signed: bool = False) -> Rule:
    """Answer requests of *method* with what *spoil* makes; only those with a proof, if *signed*."""

    def rule(message: Message | None, _: bytes) -> Sequence[bytes] | None:
        if message is None or message.method != method or message.cls is not Class.REQUEST:
            return None
        return None if signed and message.get(Attr.MESSAGE_INTEGRITY) is None else spoil(message)

    return rule


def sound(to: Message) -> bytes:
    """Give a right answer to a Binding."""
    return bytes(reply(to, Class.SUCCESS, (int(Attr.XOR_MAPPED_ADDRESS), xor_address(HOST, 9, to.transaction))))


def longer(packet: bytes, more: bytes) -> bytes:
    """Add *more* to a packet, and to the length it tells."""
    return packet[:2] + (len(packet) - 20 + len(more)).to_bytes(2, "big") + packet[4:] + more


def told(packet: bytes, length: int) -> bytes:
    """Change the length that a packet tells."""
    return packet[:2] + length.to_bytes(2, "big") + packet[4:]


MALFORMED: dict[str, Spoil] = {
    "shorter than told": lambda to: [told(sound(to), 60)],
    "longer than told": lambda to: [told(sound(to), 4)],
    "a length that is no multiple of four": lambda to: [told(sound(to), 11)],
    "no length": lambda to: [told(sound(to), 0)],
    "the longest length": lambda to: [told(sound(to), 0xFFFC)],
    "half a header": lambda to: [sound(to)[:10]],
    "an attribute beyond the message": lambda to: [longer(sound(to), struct.pack("!HH", 0x8022, 0xFFFF))],
    "an attribute just beyond the message": lambda to: [longer(sound(to), struct.pack("!HHI", 0x8022, 5, 0))],
    "an attribute's header cut short": lambda to: [longer(sound(to), b"\x80\x22")],
    "another cookie": lambda to: [sound(to)[:4] + b"\x21\x12\xa4\x43" + sound(to)[8:]],
    "both first bits": lambda to: [b"\xc1" + sound(to)[1:]],
    "ChannelData": lambda _: [struct.pack("!HH", 0x4000, 4) + b"data"],
    "ChannelData without an end": lambda _: [struct.pack("!HH", 0x4000, 0xFFFF)],
    "nothing": lambda _: [b""],
    "escapes": lambda _: [TERMINAL.encode()],
}


@pytest.mark.parametrize("breach", MALFORMED)
async def test_a_datagram_that_is_no_stun(breach: str) -> None:
    """It is told for what it is, and is no silence."""
    result = await tried(on(Method.BINDING, MALFORMED[breach]), limits=SHORT)
    fails(result, Phase.STUN, *([Cause.TIMEOUT] if breach == "nothing" else [Cause.NOT_STUN]))


WAITED_FOR = {"shorter than told", "the longest length", "half a header", "nothing"}


@pytest.mark.parametrize("breach", sorted(MALFORMED.keys() - {"no length"}))  # which is a whole message, and then junk
async def test_a_stream_that_is_no_stun(breach: str) -> None:
    """On a stream more may come, so that what is too short is waited for, to the step's limit."""
    result = await tried(on(Method.BINDING, MALFORMED[breach]), transport=TCP, limits=SHORT)
    fails(result, Phase.STUN, Cause.NOT_STUN, *([Cause.TIMEOUT] if breach in WAITED_FOR else []))


def others(to: Message) -> Sequence[bytes]:
    """Answer everything but what was asked."""
    stranger = Message(to.kind, bytes(12))
    return [
        bytes(reply(stranger, Class.SUCCESS)),
        bytes(reply(to, Class.INDICATION)),
        bytes(to),
        bytes(reply(Message(Method.REFRESH, to.transaction), Class.SUCCESS)),
        bytes(reply(stranger, Class.ERROR, (int(Attr.ERROR_CODE), error_code(500, "x")))),
    ]


@pytest.mark.parametrize("transport", [UDP, TCP])
async def test_answers_to_others_are_no_answer(transport: Transport) -> None:
    """Another transaction, another method, a request, an indication: as if they had never come."""
    fails(await tried(on(Method.BINDING, others), transport=transport, limits=SHORT), Phase.STUN, Cause.TIMEOUT)


def attributes(*more: tuple[int, bytes]) -> Spoil:
    """Answer rightly, and with *more* attributes."""
    return lambda to: [
        bytes(reply(to, Class.SUCCESS, *more, (int(Attr.XOR_MAPPED_ADDRESS), xor_address(HOST, 9, to.transaction))))
    ]


UNKNOWN = [(0x7FFF, b""), (0x0030, TERMINAL.encode()), *((0x4000 + n, b"") for n in range(3000))]


@pytest.mark.parametrize("count", [1, 2, 3000])
async def test_attributes_that_must_be_understood(count: int) -> None:
    """An answer that cannot be understood has failed, however many attributes say so."""
    result = await tried(on(Method.BINDING, attributes(*UNKNOWN[:count])))
    fails(result, Phase.STUN, Cause.STUN_ERROR)


HUGE = b"\x1b[31m" * 3000
ODD = [
    (0x8022, HUGE),
    (0x8022, TERMINAL.encode()),
    (0x8022, b"\xff\xfe\xed\xa0\x80"),
    (0xFFFF, HUGE),
    (0x8028, b""),
    (0x802C, b"\0\x09\0\0"),
    (0x0001, b"\0\x01\0\x50\x7f"),
    (0x0020, b"\0\x02\0\x50\x7f\0\0\1"),
    (0x0020, b""),
    (0x0008, b""),
    (0x0015, HUGE),
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: f"{odd[0]:04x} {len(odd[1])}")
async def test_attributes_that_may_be_ignored(odd: tuple[int, bytes]) -> None:
    """Broken or huge, they spoil no answer; their words cannot act."""
    result = await tried(on(Method.BINDING, attributes(odd)), user=None)
    assert result.verdict.outcome is Outcome.PASS, result.verdict


async def test_an_attribute_ten_thousand_times() -> None:
    """All of them are read, and few are told."""
    result = await tried(on(Method.BINDING, attributes(*[(0xC000, b"")] * 10_000)), user=None, transport=TCP)
    assert result.verdict.outcome is Outcome.PASS, result.verdict


ERRORS = [
    b"",
    b"\0\0\x04",
    b"\0\0\x00\x00",
    b"\0\0\x07\xff",
    b"\xff" * 99,
    b"\0\0\x04\x01" + HUGE,
    b"\0\0\x03\x00\x1b[2J",
]


@pytest.mark.parametrize("value", ERRORS, ids=lambda value: value[:8].hex())
@pytest.mark.parametrize("method", [Method.BINDING, Method.ALLOCATE])
async def test_error_codes_that_are_none(method: Method, value: bytes) -> None:
    """An error is an error, whatever its number."""
    spoil = on(method, lambda to: [bytes(reply(to, Class.ERROR, (int(Attr.ERROR_CODE), value)))])
    phase = Phase.STUN if method is Method.BINDING else Phase.TURN_ALLOCATE
    fails(await tried(spoil), phase, Cause.STUN_ERROR, Cause.TRY_ALTERNATE)


def challenge(code: int, realm: bytes, nonce: bytes) -> Spoil:
    """Ask for credentials, again and again."""
    asked = ((int(Attr.REALM), realm), (int(Attr.NONCE), nonce))
    return lambda to: [bytes(reply(to, Class.ERROR, (int(Attr.ERROR_CODE), error_code(code, "again")), *asked))]


@pytest.mark.parametrize("transport", [UDP, TCP])
@pytest.mark.parametrize(("code", "cause"), [(401, Cause.BAD_CREDENTIALS), (438, Cause.STALE_NONCE_LOOP)])
async def test_challenges_without_an_end(code: int, cause: Cause, transport: Transport) -> None:
    """The first is answered, and a stale nonce twice more; then it is a loop."""
    result = await tried(on(Method.ALLOCATE, challenge(code, b"realm", b"nonce")), transport=transport)
    fails(result, Phase.TURN_ALLOCATE, cause)


async def test_a_nonce_that_is_stale_now_and_then() -> None:
    """Even where each success is followed by another stale nonce, the check comes to its end."""
    turns = itertools.cycle([438, 438, 0])

    def rule(message: Message | None, _: bytes) -> Sequence[bytes] | None:
        if message is None or message.cls is not Class.REQUEST or message.get(Attr.MESSAGE_INTEGRITY) is None:
            return None
        code = next(turns)
        return challenge(code, b"demo.openrainbow.health", b"n")(message) if code else None

    result = await tried(rule)
    assert result.verdict.outcome in {Outcome.PASS, Outcome.FAIL}


@pytest.mark.parametrize(
    ("realm", "nonce"), [(HUGE, b"n"), (b"r", HUGE), (b"\0", b"\0"), (b"\x1b[31m\xff\xed\xa0\x80", b"\x1b")]
)
async def test_challenges_in_hostile_words(realm: bytes, nonce: bytes) -> None:
    """Beyond what the RFC allows they are refused; short of it, their words cannot act."""
    result = await tried(on(Method.ALLOCATE, challenge(401, realm, nonce)), user=None)
    if len(realm + nonce) > 763:
        fails(result, Phase.TURN_ALLOCATE, Cause.STUN_ERROR)
    else:
        assert result.verdict.outcome is Outcome.PASS, result.verdict


@pytest.mark.parametrize(
    "where", [("127.0.0.1", 0), (ANY, 1), ("255.255.255.255", 9), ("::1", 9), ("::ffff:127.0.0.1", 3478)]
)
async def test_alternate_servers_are_named_and_never_followed(where: tuple[str, int]) -> None:
    """Whoever could send us anywhere could send us to himself, for ever."""
    alternate = (int(Attr.ALTERNATE_SERVER), plain_address(*where)), (0x8003, TERMINAL.encode())
    fails(await tried(refuses(Method.ALLOCATE, 300, *alternate)), Phase.TURN_ALLOCATE, Cause.TRY_ALTERNATE)


def relays_at(host: str, port: int) -> Spoil:
    """Grant an allocation at an address of the server's choice."""

    def spoil(to: Message) -> Sequence[bytes]:
        relayed = (int(Attr.XOR_RELAYED_ADDRESS), xor_address(host, port, to.transaction))
        lifetime = (int(Attr.LIFETIME), b"\xff" * 4)
        return [sign(reply(to, Class.SUCCESS, relayed, lifetime), KEY)]

    return spoil


NOWHERE = [
    (ANY, 0),
    ("255.255.255.255", 9),
    ("224.0.0.1", 9),
    ("127.0.0.1", 0),
    ("::", 0),
    ("ff02::1", 9),
    ("fe80::1", 9),
    ("::ffff:0.0.0.0", 1),
]


@pytest.mark.parametrize("kind", ["turn", "udp-range"])
@pytest.mark.parametrize("where", NOWHERE, ids=str)
async def test_relayed_addresses_at_which_nothing_can_be(where: tuple[str, int], kind: str) -> None:
    """A server may grant what it cannot give; nothing of it is a fault of ours, and nothing passes."""
    result = await tried(on(Method.ALLOCATE, relays_at(*where), signed=True), kind=kind, limits=SHORT)
    assert result.verdict.outcome in {Outcome.FAIL, Outcome.INCONCLUSIVE}, result.verdict


async def test_data_from_nobody() -> None:
    """Through the relay comes what we did not send, from peers that are none: it is not ours, and nothing passes."""

    def rule(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
        if message is not None and message.method != Method.SEND:
            return None
        ours = packet[4:] if message is None else b""
        return [
            struct.pack("!HH", 0x4FFF, len(ours)) + ours,
            struct.pack("!HH", 0x4000, 0xFFFF) + ours,
            struct.pack("!HH", 0x4000, 9) + b"not ours!",
            bytes(Message(0x0017, bytes(12), ((int(Attr.DATA), ours),))),
            bytes(Message(0x0017, bytes(12), ((int(Attr.XOR_PEER_ADDRESS), b"\0"), (int(Attr.DATA), ours)))),
        ]

    result = await tried(rule, limits=replace(SHORT, exchange=1.0))
    fails(result, Phase.TURN_DATA, Cause.NO_DATA_BACK)
    assert facts(result, Phase.TURN_DATA)["received"] == 0
