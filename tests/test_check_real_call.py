"""A whole call between two ends of our own: ICE, DTLS-SRTP, a channel, voice; each part stopped or altered."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import Loopback, loopback
from rainbow_probe.demo.turn import Turn
from rainbow_probe.demo.turn_relay import Client
from rainbow_probe.model import Cause, Outcome, Phase, Result, Scalar, Transport
from rainbow_probe.net.ice import looks_like as is_check
from rainbow_probe.net.media import FEW, PACKETS, Talk
from rainbow_probe.net.route import Limits
from rainbow_probe.protocols.channel import channel_data, parse_channel_data
from rainbow_probe.protocols.dtls import Dtls
from rainbow_probe.protocols.dtls import looks_like as is_dtls
from rainbow_probe.protocols.rtp import looks_like as is_voice
from rainbow_probe.protocols.srtp import Keys, Srtp
from rainbow_probe.protocols.stun import Attr, Class, MalformedError, Message, Method, kind_of
from tests.servers import ALICE, EASY, a_flow, a_route, broke, facts, listen, phases, probe

UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS
SOON = Limits(connect=5.0, handshake=5.0, exchange=2.0, datagrams=2.0)
"""For what is meant to fall silent: a control must have the time to pass."""

VOICE = 12 + 160 + 10  # bytes of a packet: header, G.711 of 20 ms, authentication

Touch = Callable[[bytes, Client], bytes | None]
"""What a box makes of relayed data: the same, other bytes, or None for nothing at all."""


class Box(Turn):
    """The demo's TURN server, with a box before it that looks into what is to be relayed."""

    def __init__(self, place: Loopback, touch: Touch = lambda data, _: data, quota: int = 8) -> None:
        """Let *touch* have all data that clients send."""
        super().__init__({ALICE.user: ALICE.password}, place, quota=quota)
        self._touch = touch

    def handle(self, packet: bytes, client: Client) -> None:
        """Take one packet."""
        wrapped = unwrap(packet)
        if wrapped is None:
            super().handle(packet, client)
            return
        data, wrap = wrapped
        touched = self._touch(data, client)
        if touched is not None:
            super().handle(wrap(touched), client)


def unwrap(packet: bytes) -> tuple[bytes, Callable[[bytes], bytes]] | None:
    """Return the data in *packet* and how to wrap other data so; None if it has none."""
    if (framed := parse_channel_data(packet)) is not None:
        number, data = framed
        return data, lambda other: channel_data(number, other, padded=True)
    try:
        message = Message.parse(packet)
    except MalformedError:
        return None
    if message.kind != kind_of(Method.SEND, Class.INDICATION):
        return None
    peer = message.attributes[0]
    return message.get(Attr.DATA) or b"", lambda other: bytes(
        Message(message.kind, message.transaction, (peer, (int(Attr.DATA), other)))
    )


async def settled(make: Callable[[], Awaitable[Result]]) -> tuple[Phase, Cause]:
    """Tell where and why a call broke; where this machine was too busy to tell, it is asked again."""
    for _ in range(5):
        result = await make()
        if result.verdict.failure and result.verdict.failure.cause is Cause.BUDGET:
            assert result.verdict.outcome is Outcome.INCONCLUSIVE
        else:
            return broke(result)
    pytest.skip("platform: this machine was too busy, five times")


async def called(
    touch: Touch = lambda data, _: data, *, transport: Transport = UDP, limits: Limits = EASY, quota: int = 8
) -> Result:
    """Make a call through a server behind a box that does *touch*."""
    async with loopback() as place:
        port = await listen(Box(place, touch, quota), place, transport)
        return await probe(a_flow("call", port, transport), replace(a_route(), turn=ALICE, limits=limits))


def keeps(which: Callable[[bytes], bool], after: int = 0) -> Touch:
    """Relay all but *which*, of which the first *after* pass."""
    seen: list[bytes] = []

    def touch(data: bytes, _: Client) -> bytes | None:
        seen.extend([data] * which(data))
        return None if which(data) and len(seen) > after else data

    return touch


def alters(which: Callable[[bytes], bool]) -> Touch:
    """Change one bit of *which*, in the middle."""

    def touch(data: bytes, _: Client) -> bytes | None:
        half = len(data) // 2
        return data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :] if which(data) else data

    return touch


GROUPS = [
    *(Phase.TURN_ALLOCATE, Phase.TURN_ALLOCATE, Phase.TURN_PERMISSION, Phase.TURN_PERMISSION),
    *(Phase.ICE, Phase.DTLS, Phase.TURN_CHANNEL, Phase.TURN_CHANNEL, Phase.MEDIA),
    *(Phase.TURN_ALLOCATE, Phase.TURN_ALLOCATE),
]
"""What a call is made of, in the guide's order; at its end both relays are given back."""


@pytest.mark.parametrize("transport", [UDP, TCP, TLS])
async def test_a_call_passes(transport: Transport) -> None:
    """Group by group, and each packet of the voice is one that the other end authenticated."""
    result = await called(transport=transport)
    assert result.verdict.outcome is Outcome.PASS, result
    assert [phase for phase in phases(result) if phase in GROUPS] == GROUPS
    assert all(step.failure is None for step in result.steps)
    voice = facts(result, Phase.MEDIA)
    for sent, heard in (("sent", "authenticated"), ("back_sent", "back_authenticated")):
        assert as_int(voice[sent]) >= 15
        assert 8 <= as_int(voice[heard]) <= as_int(voice[sent])
    assert voice["rejected"] == 0
    pair = facts(result, Phase.ICE)
    assert as_int(pair["checks"]) >= 2
    assert pair["local"] != pair["remote"]


def as_int(fact: Scalar) -> int:
    """Give a fact that is a number."""
    assert isinstance(fact, int)
    return fact


async def test_a_call_gives_back_what_it_took() -> None:
    """A server with room for one call at a time has room for the next."""
    async with loopback() as place:
        port = await listen(Box(place, quota=2), place, UDP)
        route = replace(a_route(), turn=ALICE)
        ended = [(await probe(a_flow("call", port, UDP), route)).verdict.outcome for _ in range(2)]
    assert ended == [Outcome.PASS, Outcome.PASS]


async def test_a_line_that_loses_a_third_each_way_carries_a_call() -> None:
    """Checks, flights and voice are repeated or many: no lost datagram ends a call."""
    numbers = iter(range(1_000_000))
    result = await called(lambda data, _: data if next(numbers) % 3 else None)
    assert result.verdict.outcome is Outcome.PASS, result


@pytest.mark.parametrize(
    ("part", "phase"),
    [(is_check, Phase.ICE), (is_dtls, Phase.DTLS), (is_voice, Phase.MEDIA)],
    ids=["ice", "dtls", "srtp"],
)
async def test_a_part_of_the_call_that_does_not_pass(part: Callable[[bytes], bool], phase: Phase) -> None:
    """Other data does at that moment: it is that part which is stopped."""
    assert await settled(lambda: called(keeps(part), limits=SOON)) == (phase, Cause.TIMEOUT)


async def test_voice_in_one_direction_only() -> None:
    """Half a call is none, and it says which half."""
    told: list[str] = []

    async def call() -> Result:
        callers: list[object] = []

        def touch(data: bytes, client: Client) -> bytes | None:
            if is_voice(data) and client.key not in callers:
                callers.append(client.key)
            return None if is_voice(data) and client.key == callers[0] else data

        result = await called(touch, limits=SOON)
        told.append(result.verdict.reason)
        return result

    assert await settled(call) == (Phase.MEDIA, Cause.TIMEOUT)
    assert re.search(r"both ways: 0 of \d+ packets there, [1-9]\d* of", told[-1])


async def test_a_call_that_falls_silent() -> None:
    """Some voice passes, and then nothing at all: the control does not pass either."""

    async def call() -> Result:
        voice: list[bytes] = []

        def touch(data: bytes, _: Client) -> bytes | None:
            voice.extend([data] * is_voice(data))
            return data if len(voice) < 10 else None

        return await called(touch, limits=SOON)

    assert await settled(call) == (Phase.MEDIA, Cause.WENT_SILENT)


async def test_a_path_that_carries_too_little_for_voice() -> None:
    """Plain data of that size and pace does not pass either, so SRTP is not to blame; and something passes."""
    result = await called(keeps(lambda data: len(data) == VOICE), limits=SOON)
    assert broke(result, Outcome.INCONCLUSIVE) in {(Phase.MEDIA, Cause.CANNOT_TELL), (Phase.MEDIA, Cause.BUDGET)}


@pytest.mark.parametrize(("part", "phase"), [(is_check, Phase.ICE), (is_voice, Phase.MEDIA)], ids=["ice", "srtp"])
async def test_a_part_of_the_call_that_is_altered(part: Callable[[bytes], bool], phase: Phase) -> None:
    """It arrives, and nobody with the key has made it: that is no silence."""
    assert await settled(lambda: called(alters(part), limits=SOON)) == (phase, Cause.ALTERED)


def some_voice(which: Callable[[int], bool]) -> Callable[[bytes], bool]:
    """Choose packets of voice by their number, both directions counted together: they take turns."""
    numbers = iter(range(1_000_000))
    return lambda data: is_voice(data) and which(next(numbers))


async def test_every_second_packet_of_voice_is_altered() -> None:
    """Half a call that nobody has touched is no call that passes."""
    made = settled(lambda: called(alters(some_voice(lambda number: number % 4 < 2)), limits=SOON))
    assert await made == (Phase.MEDIA, Cause.ALTERED)


async def test_hardly_any_voice_passes() -> None:
    """One packet in ten, while plain data as large does: that is a filter, and no call."""
    told: list[str] = []

    async def call() -> Result:
        result = await called(keeps_out(some_voice(lambda number: number % 20 not in {0, 19})), limits=SOON)
        told.append(result.verdict.reason)
        return result

    assert await settled(call) == (Phase.MEDIA, Cause.TIMEOUT)
    assert "hardly any voice arrives: " in told[-1]


async def test_a_line_that_loses_most_of_everything_carries_a_bad_call() -> None:
    """Then no filter of voice is to blame: how much is lost, others measure."""
    count = iter(range(1_000_000))
    lossy = keeps_out(lambda data: len(data) == VOICE and next(count) % 20 not in {0, 19})
    result = await called(lossy, limits=SOON)
    if result.verdict.outcome is not Outcome.PASS:
        assert broke(result, Outcome.INCONCLUSIVE) in {(Phase.MEDIA, Cause.CANNOT_TELL), (Phase.MEDIA, Cause.BUDGET)}


def keeps_out(which: Callable[[bytes], bool]) -> Touch:
    """Relay all but *which*, asked once a packet."""
    return lambda data, _: None if which(data) else data


def test_what_is_said_twice_or_by_others_alters_nothing() -> None:
    """A repetition is none of SRTP's, and garbage beside the voice is not in its place; what is changed is."""
    own, theirs = bytes(30), bytes([1]) * 30
    here, there = Srtp(Keys(own=own, theirs=theirs)), Srtp(Keys(own=theirs, theirs=own))
    talk = Talk()
    for _ in range(PACKETS):
        said = here.protect(bytes(talk.voice.packet()))
        for packet in (said, said, b"\x80" * 60):
            talk.hear(there, packet)
    assert (len(talk.heard), talk.share, talk.altered) == (PACKETS, 1.0, False)
    for _ in range(FEW):
        said = here.protect(bytes(talk.voice.packet()))
        talk.hear(there, said[:-1] + bytes([said[-1] ^ 1]))
    assert talk.altered


@pytest.mark.parametrize(
    ("part", "phase"),
    [(is_check, Phase.ICE), (is_dtls, Phase.DTLS), (is_voice, Phase.MEDIA)],
    ids=["ice", "dtls", "srtp"],
)
async def test_a_connection_that_is_cut_in_a_call(part: Callable[[bytes], bool], phase: Phase) -> None:
    """That is told at once, by its phase."""

    def touch(data: bytes, _: Client) -> bytes | None:
        if part(data):
            raise EOFError("enough")
        return data

    result = await called(touch, transport=TCP)
    assert broke(result) == (phase, Cause.CLOSED)


class Eavesdropper:
    """A box that ends DTLS: towards each end of the call it is the other one."""

    def __init__(self) -> None:
        """Be the callee's end for the caller, and the caller's for the callee."""
        self._callee, self._caller = Dtls(server=True, owner="Eve"), Dtls(server=False, owner="Eve")
        self._first: object = None

    def __call__(self, data: bytes, client: Client) -> bytes | None:
        """Put what it has to say itself in place of each datagram of a handshake; the caller speaks first."""
        if not is_dtls(data):
            return data
        self._first = self._first or client.key
        hears, speaks = (self._callee, self._caller) if client.key == self._first else (self._caller, self._callee)
        hears.feed(data)
        return b"".join(speaks.flight) or None


async def test_somebody_who_ends_the_handshake_on_the_way() -> None:
    """Both ends finish it, and neither with the other: the fingerprints tell."""
    result = await called(Eavesdropper())
    assert broke(result) == (Phase.DTLS, Cause.ALTERED)
    assert "not the other end's" in result.verdict.reason


async def test_a_server_without_room_for_a_second_end() -> None:
    """That says nothing of calls: they take one allocation each from two users."""
    result = await called(quota=1)
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.TURN_ALLOCATE, Cause.QUOTA)
    assert "two allocations" in result.verdict.reason


async def test_only_the_addresses_where_turn_passed_are_called() -> None:
    """At the others nothing is sent."""
    async with loopback() as place:
        port = await listen(Box(place), place, UDP)
        route = replace(a_route(), turn=ALICE)
        ended = [
            await probe(a_flow("call", port, UDP, {"addresses": address}), route)
            for address in (f"127.0.0.1:{port}", "127.0.0.2:9")
        ]
    assert [one.verdict.outcome for one in ended] == [Outcome.PASS, Outcome.SKIPPED]


async def test_without_credentials_no_call_is_made() -> None:
    """And nothing is sent."""
    result = await probe(a_flow("call", 9, UDP), a_route())
    assert result.verdict.outcome is Outcome.SKIPPED
    assert "--turn-user" in result.verdict.reason
    assert result.steps == ()


async def test_wrong_credentials_fail_a_call() -> None:
    """As they fail all of TURN."""
    async with loopback() as place:
        port = await listen(Box(place), place, UDP)
        wrong = replace(ALICE, password="not-hers")  # noqa: S106 - wrong on purpose
        result = await probe(a_flow("call", port, UDP), replace(a_route(), turn=wrong))
    assert broke(result) == (Phase.TURN_ALLOCATE, Cause.BAD_CREDENTIALS)
