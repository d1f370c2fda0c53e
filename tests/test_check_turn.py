"""TURN: what proves that it passes, what the server refuses, and data that must really come back."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import Datagrams, Handler, Peer, loopback
from rainbow_probe.demo.turn_relay import Client
from rainbow_probe.model import Cause, Credentials, Outcome, Phase, PortRange, Result, Transport
from rainbow_probe.net.route import Limits
from rainbow_probe.protocols.stun import (
    Attr,
    Class,
    MalformedError,
    Message,
    Method,
    error_code,
    plain_address,
    reply,
    xor_address,
)
from rainbow_probe.protocols.stun_auth import sign
from tests.servers import (
    ALICE,
    EASY,
    ENDLESS,
    KEY,
    QUICK,
    WRONG,
    OddTurn,
    Rule,
    a_flow,
    a_route,
    answers,
    broke,
    facts,
    hangs_up,
    keeps_data,
    listen,
    loses,
    mute,
    page,
    phases,
    probe,
    refuses,
    resets,
    says,
    says_instead,
    silent_on,
)

UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS


async def tried(
    *rules: Rule, transport: Transport = UDP, user: Credentials | None = ALICE, limits: Limits = EASY
) -> Result:
    """Probe a server that follows *rules*."""
    async with loopback() as place:
        port = await listen(OddTurn(place, *rules), place, transport)
        return await probe(a_flow("turn", port, transport), replace(a_route(), turn=user, limits=limits))


@pytest.mark.parametrize("transport", [UDP, TCP, TLS])
async def test_without_credentials_the_question_for_them_is_proof(transport: Transport) -> None:
    """A 401 with REALM and NONCE is TURN's own answer."""
    result = await tried(transport=transport, user=None)
    assert result.verdict.outcome is Outcome.PASS
    assert (
        "asks for credentials (realm demo.openrainbow.health); seen from outside as 127.0.0.1" in result.verdict.reason
    )
    assert facts(result, Phase.TURN_ALLOCATE)["code"] == 401
    assert facts(result, Phase.TURN_ALLOCATE)["realm"] == "demo.openrainbow.health"


@pytest.mark.parametrize("user", [None, ALICE])
async def test_a_nat_that_gives_ports_of_its_own_is_told(user: Credentials | None) -> None:
    """Gateways send from ports of their own, and a rule beyond the NAT that asks for these would never be met."""

    async def reason(*rules: Rule) -> str:
        async with loopback() as place:
            port = await listen(OddTurn(place, *rules), place, UDP)
            flow = replace(a_flow("turn", port, UDP), source=PortRange(first=20000, last=29999))
            result = await probe(flow, replace(a_route(), turn=user, limits=EASY))
            assert result.verdict.outcome is Outcome.PASS, result
            return result.verdict.reason

    def elsewhere(to: Message | None, _: bytes) -> Sequence[bytes] | None:
        if to is None or to.method != Method.BINDING:
            return None
        mapped = (int(Attr.XOR_MAPPED_ADDRESS), xor_address("192.0.2.7", 61234, to.transaction))
        return [bytes(reply(to, Class.SUCCESS, mapped))]

    told = "; a NAT sends it on from port 61234: beyond it, no rule must ask for source ports 20000-29999"
    assert (await reason(elsewhere)).endswith(told)
    assert "a NAT" not in await reason()


DATA = [Phase.TURN_ALLOCATE, *[Phase.TURN_PERMISSION] * 2, *[Phase.TURN_DATA] * 2]
DATA += [*[Phase.TURN_CHANNEL] * 2, Phase.TURN_DATA]


@pytest.mark.parametrize("transport", [UDP, TCP, TLS])
async def test_with_credentials_data_comes_back(transport: Transport) -> None:
    """Two allocations, a permission each, a channel, and packets there and back."""
    result = await tried(transport=transport)
    assert result.verdict.outcome is Outcome.PASS, result
    assert "10 of 10 packets back through the relay" in result.verdict.reason
    assert [phase for phase in phases(result) if str(phase).startswith("turn-")] == [Phase.TURN_ALLOCATE, *DATA]
    seen = facts(result, Phase.TURN_ALLOCATE)
    assert str(seen["relayed"]).startswith("127.0.0.1:")
    assert (seen["lifetime"], seen["software"]) == (600, "Rainbow demo cloud")
    assert "code" not in seen
    assert float(facts(result, Phase.TURN_DATA)["rtt_ms"] or 0) > 0


REALM = ((int(Attr.REALM), b"other"), (int(Attr.NONCE), b"stale"))
ELSEWHERE = (int(Attr.ALTERNATE_SERVER), plain_address("::1", 3478))
REFUSALS = [
    (refuses(Method.ALLOCATE, 300, ELSEWHERE), Phase.TURN_ALLOCATE, Cause.TRY_ALTERNATE),
    (refuses(Method.ALLOCATE, 403), Phase.TURN_ALLOCATE, Cause.FORBIDDEN),
    (refuses(Method.ALLOCATE, 437), Phase.TURN_ALLOCATE, Cause.ALLOCATION_MISMATCH),
    (refuses(Method.ALLOCATE, 438, *REALM), Phase.TURN_ALLOCATE, Cause.STALE_NONCE_LOOP),
    (refuses(Method.ALLOCATE, 441), Phase.TURN_ALLOCATE, Cause.BAD_CREDENTIALS),
    (refuses(Method.ALLOCATE, 442), Phase.TURN_ALLOCATE, Cause.UNSUPPORTED_TRANSPORT),
    (refuses(Method.ALLOCATE, 486), Phase.TURN_ALLOCATE, Cause.QUOTA),
    (refuses(Method.ALLOCATE, 508), Phase.TURN_ALLOCATE, Cause.CAPACITY),
    (refuses(Method.ALLOCATE, 500), Phase.TURN_ALLOCATE, Cause.STUN_ERROR),
    (refuses(Method.CREATE_PERMISSION, 403), Phase.TURN_PERMISSION, Cause.PERMISSION_DENIED),
    (refuses(Method.CREATE_PERMISSION, 443), Phase.TURN_PERMISSION, Cause.STUN_ERROR),
    (refuses(Method.CHANNEL_BIND, 403), Phase.TURN_CHANNEL, Cause.PERMISSION_DENIED),
    (refuses(Method.CHANNEL_BIND, 400), Phase.TURN_CHANNEL, Cause.STUN_ERROR),
]


@pytest.mark.parametrize(("rule", "phase", "cause"), REFUSALS)
@pytest.mark.parametrize("transport", [UDP, TCP])
async def test_what_the_server_refuses(rule: Rule, phase: Phase, cause: Cause, transport: Transport) -> None:
    """Each code is told apart, and its words are kept."""
    result = await tried(rule, transport=transport)
    assert broke(result) == (phase, cause)
    assert facts(result, phase)["error"] == "because"
    assert str(facts(result, phase)["code"]) in result.verdict.reason


async def test_a_second_allocation_that_fails_otherwise() -> None:
    """Only a quota explains why there is one and not two."""
    result = await tried(refuses(Method.ALLOCATE, 437, after=1))
    assert broke(result) == (Phase.TURN_ALLOCATE, Cause.ALLOCATION_MISMATCH)


@pytest.mark.parametrize("transport", [UDP, TLS])
async def test_a_wrong_password(transport: Transport) -> None:
    """The second 401 is about the password, which shows nowhere."""
    result = await tried(transport=transport, user=WRONG)
    assert broke(result) == (Phase.TURN_ALLOCATE, Cause.BAD_CREDENTIALS)
    assert WRONG.password not in repr(result)


@pytest.mark.parametrize("code", [486, 508])
async def test_one_allocation_is_enough(code: int) -> None:
    """A quota of one proves nothing against the path: the first allocation was granted."""
    result = await tried(refuses(Method.ALLOCATE, code, after=1))
    assert result.verdict.outcome is Outcome.PASS
    assert "no second allocation" in result.verdict.reason
    assert str(code) in result.verdict.reason


def _forged(message: Message | None, _packet: bytes) -> Sequence[bytes] | None:
    if message is None or message.get(Attr.MESSAGE_INTEGRITY) is None:
        return None
    return [sign(reply(message, Class.SUCCESS), b"another key"), bytes(reply(message, Class.SUCCESS))]


@pytest.mark.parametrize("transport", [UDP, TCP])
async def test_an_answer_that_nobody_with_the_key_made(transport: Transport) -> None:
    """It is dropped as if it had never come, and told."""
    result = await tried(_forged, transport=transport, limits=QUICK)
    assert broke(result) == (Phase.TURN_ALLOCATE, Cause.BAD_INTEGRITY)
    assert int(facts(result, Phase.TURN_ALLOCATE)["rejected"] or 0) >= 2


def _refused_unsigned(message: Message | None, _packet: bytes) -> Sequence[bytes] | None:
    if message is None or message.method != Method.ALLOCATE:
        return None
    return [bytes(reply(message, Class.ERROR, (int(Attr.ERROR_CODE), error_code(401, "who?"))))]


async def test_a_challenge_without_a_realm() -> None:
    """A 401 that offers no way to answer it is no proof of TURN."""
    assert broke(await tried(_refused_unsigned, user=None)) == (Phase.TURN_ALLOCATE, Cause.STUN_ERROR)


async def test_an_error_may_come_unsigned() -> None:
    """Servers differ, and no error makes a path look open."""
    assert broke(await tried(refuses(Method.ALLOCATE, 486, key=b""))) == (Phase.TURN_ALLOCATE, Cause.QUOTA)


def _empty_handed(message: Message | None, _packet: bytes) -> Sequence[bytes] | None:
    if message is None or message.method != Method.ALLOCATE or message.get(Attr.MESSAGE_INTEGRITY) is None:
        return None
    return [sign(reply(message, Class.SUCCESS), KEY)]


async def test_an_allocation_without_an_address() -> None:
    """A success that gives nothing is none."""
    assert broke(await tried(_empty_handed)) == (Phase.TURN_ALLOCATE, Cause.STUN_ERROR)


# Loss, silence and strangers.


@pytest.mark.parametrize("lost", [1, 2, 9])
async def test_lost_datagrams_do_not_fail_a_path(lost: int) -> None:
    """The request is sent again and again: at 30 % loss each way, half of all requests get no answer."""
    result = await tried(loses(lost), user=None)
    assert result.verdict.outcome is Outcome.PASS
    assert facts(result, Phase.STUN)["requests"] == lost + 1


@pytest.mark.parametrize(
    ("method", "phase"),
    [
        (Method.BINDING, Phase.STUN),
        (Method.ALLOCATE, Phase.TURN_ALLOCATE),
        (Method.CREATE_PERMISSION, Phase.TURN_PERMISSION),
        (Method.CHANNEL_BIND, Phase.TURN_CHANNEL),
    ],
)
@pytest.mark.parametrize("transport", [UDP, TCP])
async def test_silence_is_told_by_its_phase(method: Method, phase: Phase, transport: Transport) -> None:
    """A box may let some requests pass and swallow others."""
    assert broke(await tried(silent_on(method), transport=transport, limits=QUICK)) == (phase, Cause.TIMEOUT)


@pytest.mark.parametrize("transport", [UDP, TCP])
async def test_data_that_does_not_come_back(transport: Transport) -> None:
    """An allocation is not a call: what was sent is no proof."""
    result = await tried(keeps_data, transport=transport, limits=QUICK)
    assert broke(result) == (Phase.TURN_DATA, Cause.NO_DATA_BACK)
    assert "0 of 1" in result.verdict.reason
    assert facts(result, Phase.TURN_DATA)["received"] == 0


class Rewrites(OddTurn):
    """Relays data, one byte longer than it was."""

    def handle(self, packet: bytes, client: Client) -> None:
        """Take one packet."""
        with contextlib.suppress(MalformedError):
            message = Message.parse(packet)
            if message.method == Method.SEND:
                longer = [(kind, value + b"!" if kind == Attr.DATA else value) for kind, value in message.attributes]
                packet = bytes(replace(message, attributes=tuple(longer)))
        super().handle(packet, client)


async def test_data_that_is_rewritten_is_no_silence() -> None:
    """It does arrive, and is not what was sent: no server relays nothing then."""
    async with loopback() as place:
        port = await listen(Rewrites(place), place, UDP)
        result = await probe(a_flow("turn", port, UDP), replace(a_route(), turn=ALICE, limits=QUICK))
    assert broke(result) == (Phase.TURN_DATA, Cause.ALTERED)
    assert int(facts(result, Phase.TURN_DATA)["altered"] or 0) > 1


async def test_half_of_the_data_is_enough() -> None:
    """Loss is counted, not judged here: the path carries data."""
    chance = random.Random(7)  # noqa: S311 - the same each time is what is wanted
    result = await tried(lambda message, _: () if message is None and chance.random() < 0.5 else None)
    assert result.verdict.outcome is Outcome.PASS
    seen = facts(result, Phase.TURN_DATA)
    assert 0 < int(seen["received"] or 0) < int(seen["sent"] or 0)


def _hangs_up_on_data(message: Message | None, _packet: bytes) -> Sequence[bytes] | None:
    if message is None:
        raise EOFError("enough")
    return None


async def test_a_link_that_ends_within_the_data() -> None:
    """That is an end, and no silence."""
    result = await tried(_hangs_up_on_data, transport=TCP, limits=ENDLESS)
    assert broke(result) == (Phase.TURN_DATA, Cause.CLOSED)


HTTP = page("400 Bad Request", b"<html>what?</html>", "Server: box")
STRANGERS: list[tuple[Handler, Cause]] = [
    (answers(HTTP), Cause.HTTP_INSTEAD_OF_STUN),
    (answers(HTTP, stays=False), Cause.HTTP_INSTEAD_OF_STUN),
    (says(b"220 mail.test ESMTP\r\n"), Cause.NOT_STUN),
    (says(b"\r\nOK\r\n"), Cause.NOT_STUN),
    (says(b"\x15\x03\x01\x00\x02\x02\x28"), Cause.NOT_STUN),
    (answers(b"\x01\x01\x00\x03" + b"\x21\x12\xa4\x42" + bytes(15)), Cause.NOT_STUN),
    (mute, Cause.TIMEOUT),
    (hangs_up, Cause.CLOSED),
    (resets, Cause.RESET),
]


@pytest.mark.parametrize(("handle", "cause"), STRANGERS)
async def test_a_stranger_on_the_port(handle: Handler, cause: Cause) -> None:
    """An HTTP answer betrays the box that takes the port for the web's; nobody waits for it to end."""
    async with loopback() as place:
        route = replace(a_route(), limits=QUICK if cause is Cause.TIMEOUT else ENDLESS)
        result = await probe(a_flow("turn", await place.tcp(handle), TCP), route)
    assert broke(result) == (Phase.STUN, cause)


async def test_the_strangers_bytes_are_shown() -> None:
    """They name the box."""
    async with loopback() as place:
        result = await probe(a_flow("turn", await place.tcp(answers(HTTP)), TCP), a_route())
    seen = facts(result, Phase.STUN)
    assert str(seen["first_text"]).startswith("HTTP/1.1 400 Bad Request\\x0d\\x0a")
    assert bytes.fromhex(str(seen["first_bytes"])).startswith(b"HTTP/1.1 400")


async def test_a_stray_datagram_is_not_an_answer() -> None:
    """Noise before the answer is passed over; noise and nothing else is told."""
    both = await tried(_noise_first, user=None)
    assert both.verdict.outcome is Outcome.PASS
    alone = await tried(says_instead(b"noise"), limits=QUICK)
    assert broke(alone) == (Phase.STUN, Cause.NOT_STUN)
    assert facts(alone, Phase.STUN)["first_text"] == "noise"


def _noise_first(message: Message | None, _packet: bytes) -> Sequence[bytes] | None:
    if message is None or message.method != Method.BINDING:
        return None
    other = Message(message.kind, bytes(12), message.attributes)
    return [b"noise", bytes(reply(other, Class.SUCCESS)), bytes(reply(message, Class.SUCCESS))]


async def test_a_server_that_names_no_address() -> None:
    """Binding without XOR-MAPPED-ADDRESS is an answer all the same."""
    result = await tried(_noise_first, user=None)
    assert "no mapped address" in result.verdict.reason
    assert facts(result, Phase.STUN)["mapped"] is None


async def test_unknown_attributes_are_kept() -> None:
    """What may be ignored is evidence; what must be understood is a failure."""

    def rule(kind: int) -> Rule:
        def answer(message: Message | None, _packet: bytes) -> Sequence[bytes] | None:
            if message is None or message.method != Method.BINDING:
                return None
            return [bytes(reply(message, Class.SUCCESS, (kind, b"what?")))]

        return answer

    result = await tried(rule(0x8F00), user=None)
    assert facts(result, Phase.STUN)["unknown_attributes"] == "0x8f00"
    assert broke(await tried(rule(0x0F00), user=None)) == (Phase.STUN, Cause.STUN_ERROR)


async def test_an_allocation_is_given_back() -> None:
    """When the check ends, however it ends."""
    refreshed: list[bytes | None] = []
    both = asyncio.Event()

    def watches(message: Message | None, _packet: bytes) -> Sequence[bytes] | None:
        if message is not None and message.method == Method.REFRESH:
            refreshed.append(message.get(Attr.LIFETIME))
            if len(refreshed) == 2:
                both.set()
        return None

    async with loopback() as place:
        port = await listen(OddTurn(place, watches, refuses(Method.CHANNEL_BIND, 403)), place, UDP)
        result = await probe(a_flow("turn", port, UDP), replace(a_route(), turn=ALICE))
        assert result.verdict.outcome is Outcome.FAIL
        await both.wait()
    assert refreshed == [bytes(4), bytes(4)]


async def test_a_udp_port_that_closes_in_between() -> None:
    """A refusal in the middle of it is the path's, too, at once."""

    def closing(own: Datagrams, data: bytes, peer: Peer) -> None:
        own.send(bytes(reply(Message.parse(data), Class.SUCCESS)), peer)
        own.close()

    async with loopback() as place:
        route = replace(a_route(), limits=ENDLESS)
        result = await probe(a_flow("turn", place.udp(closing).port, UDP), route)
    assert broke(result) == (Phase.TURN_ALLOCATE, Cause.REFUSED)


async def test_a_server_given_by_address_cannot_show_its_name() -> None:
    """Its certificate is for a name we were not given: that is our input's doing, not the network's."""
    async with loopback() as place:
        flow = a_flow("turn", await listen(OddTurn(place), place, Transport.TLS), Transport.TLS)
        flow = replace(flow, target=replace(flow.target, host="127.0.0.1"))
        result = await probe(flow, a_route())
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.TLS, Cause.TLS_WRONG_NAME)
    assert "give its name" in result.verdict.reason
