"""The demo's TURN server, request by request: RFC 8489 section 9.2, RFC 8656 sections 7 and 8."""

from __future__ import annotations

import asyncio
import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainbow_probe.demo.loopback import Loopback
from rainbow_probe.demo.turn import Turn
from rainbow_probe.demo.turn_auth import NONCE_AGE
from rainbow_probe.demo.turn_relay import Client
from rainbow_probe.protocols.stun import Attr, Class, MalformedError, Message, Method, kind_of, request
from rainbow_probe.protocols.stun_auth import sign
from tests.demo_turn_talk import HOST, UDP, USERS, Clock, Talk, code, server

TCP = (int(Attr.REQUESTED_TRANSPORT), bytes([6, 0, 0, 0]))
SIGNING = {Attr.USERNAME, Attr.REALM, Attr.NONCE, Attr.MESSAGE_INTEGRITY}


async def test_binding_tells_the_clients_own_address() -> None:
    """And wants no credentials."""
    async with server() as (turn, _):
        answer = Talk(turn, 5001).plain(request(Method.BINDING))
        assert answer.cls is Class.SUCCESS
        assert answer.mapped_address() == (HOST, 5001)
        assert answer.text(Attr.SOFTWARE)


@pytest.mark.parametrize("method", [Method.ALLOCATE, Method.REFRESH, Method.CREATE_PERMISSION, Method.CHANNEL_BIND])
async def test_a_request_without_credentials_is_challenged(method: Method) -> None:
    """With 401, a realm and a nonce: the proof that TURN passes, for who has no account."""
    async with server() as (turn, _):
        answer = Talk(turn).plain(request(method, UDP))
        assert code(answer) == 401
        assert answer.get(Attr.REALM)
        assert answer.get(Attr.NONCE)


@pytest.mark.parametrize(("user", "password"), [("anna", "wrong"), ("nobody", "secret")])
async def test_wrong_credentials_are_refused(user: str, password: str) -> None:
    """With 401 and a new challenge, and no word on whether the user exists."""
    async with server() as (turn, _):
        talk = Talk(turn, user=user)
        talk.password = password
        answer = talk.ask(Method.ALLOCATE, UDP)
        assert code(answer) == 401
        assert answer.get(Attr.NONCE)


@pytest.mark.parametrize("missing", [Attr.USERNAME, Attr.REALM, Attr.NONCE])
async def test_incomplete_credentials_are_a_bad_request(missing: Attr) -> None:
    """RFC 8489 section 9.2.4: integrity without the rest is 400."""
    async with server() as (turn, _):
        talk = Talk(turn)
        talk.plain(request(Method.ALLOCATE, UDP))
        proof = {Attr.USERNAME: b"anna", Attr.REALM: talk.realm, Attr.NONCE: talk.nonce}
        kept = ((int(attr), value) for attr, value in proof.items() if attr is not missing)
        turn.handle(sign(request(Method.ALLOCATE, UDP, *kept), talk.key()), talk.client)
        assert code(Message.parse(talk.got.pop())) == 400


async def test_an_old_nonce_is_stale() -> None:
    """438 brings a new one, and with that the same request passes."""
    clock = Clock()
    async with server(clock=clock) as (turn, _):
        talk = Talk(turn)
        talk.allocate()
        clock.now += NONCE_AGE + 1
        answer = talk.ask(Method.REFRESH)
        assert code(answer) == 438
        talk.nonce = answer.get(Attr.NONCE) or b""
        assert code(talk.ask(Method.REFRESH)) == 0


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ([], 400),
        ([(Attr.REQUESTED_TRANSPORT, b"\x11")], 400),
        ([TCP], 442),
        ([UDP, (Attr.REQUESTED_ADDRESS_FAMILY, b"\x02\0\0\0")], 440),
        ([UDP, (Attr.REQUESTED_ADDRESS_FAMILY, b"\x01\0\0\0")], 0),
        ([UDP, (Attr.EVEN_PORT, b"\x80")], 508),
        ([UDP, (Attr.EVEN_PORT, b"\x00")], 0),
        ([UDP, (Attr.DONT_FRAGMENT, b"")], 420),
        ([UDP, (Attr.RESERVATION_TOKEN, bytes(8))], 420),
        ([UDP, (0x8FFF, b"an optional attribute nobody knows")], 0),
    ],
)
async def test_what_can_be_allocated(attributes: list[tuple[int, bytes]], expected: int) -> None:
    """UDP over IPv4, one port; all else is refused by its own code."""
    async with server() as (turn, _):
        assert code(Talk(turn).ask(Method.ALLOCATE, *attributes)) == expected


async def test_attributes_not_understood_are_named() -> None:
    """RFC 8489 section 6.3.1: 420 lists them."""
    async with server() as (turn, _):
        answer = Talk(turn).ask(Method.ALLOCATE, UDP, (Attr.DONT_FRAGMENT, b""), (0x7001, b""))
        assert answer.get(Attr.UNKNOWN_ATTRIBUTES) == struct.pack("!HH", Attr.DONT_FRAGMENT, 0x7001)


async def test_the_relayed_address_lies_in_the_range_of_the_guide() -> None:
    """UDP 49152-65535; an even port where one is asked for."""
    async with server() as (turn, _):
        host, port = Talk(turn).allocate()
        assert host == HOST
        assert 49152 <= port <= 65535
        even = Talk(turn, 5001).ask(Method.ALLOCATE, UDP, (Attr.EVEN_PORT, b"\x00"))
        assert (even.address(Attr.XOR_RELAYED_ADDRESS) or ("", 1))[1] % 2 == 0


async def test_a_repeated_allocate_gets_the_same_answer() -> None:
    """A lost answer must not cost the allocation; but a second one is a mismatch."""
    async with server() as (turn, _):
        talk, transaction = Talk(turn), b"twelve bytes"
        first = talk.ask(Method.ALLOCATE, UDP, transaction=transaction)
        again = talk.ask(Method.ALLOCATE, UDP, transaction=transaction)
        assert first.get(Attr.XOR_RELAYED_ADDRESS) == again.get(Attr.XOR_RELAYED_ADDRESS)
        assert code(talk.ask(Method.ALLOCATE, UDP)) == 437


@pytest.mark.parametrize("method", [Method.REFRESH, Method.CREATE_PERMISSION, Method.CHANNEL_BIND])
async def test_without_an_allocation_nothing_fits(method: Method) -> None:
    """437, whatever is asked."""
    async with server() as (turn, _):
        assert code(Talk(turn).ask(method)) == 437


@pytest.mark.parametrize(
    ("asked", "granted"),
    [(None, 600), (b"\0\0", 600), (100, 600), (900, 900), (99999, 3600), (0, 0)],
)
async def test_lifetimes_keep_within_limits(asked: int | bytes | None, granted: int) -> None:
    """At least the default, at most an hour, and 0 is the end."""
    async with server() as (turn, _):
        talk = Talk(turn)
        talk.allocate()
        value = asked.to_bytes(4, "big") if isinstance(asked, int) else asked
        answer = talk.ask(Method.REFRESH, *([] if value is None else [(int(Attr.LIFETIME), value)]))
        assert answer.get(Attr.LIFETIME) == granted.to_bytes(4, "big")


async def test_a_lifetime_of_zero_ends_the_allocation() -> None:
    """The place in the quota is free again at once."""
    async with server(quota=1) as (turn, _):
        talk, other = Talk(turn), Talk(turn, 5001)
        talk.allocate()
        assert code(other.ask(Method.ALLOCATE, UDP)) == 486
        assert code(talk.ask(Method.REFRESH, (Attr.LIFETIME, bytes(4)))) == 0
        assert code(talk.ask(Method.REFRESH)) == 437
        assert code(other.ask(Method.ALLOCATE, UDP)) == 0


async def test_the_quota_is_each_users_own() -> None:
    """One user cannot use up what is another's."""
    async with server(quota=1) as (turn, _):
        Talk(turn).allocate()
        Talk(turn, 5001, user="ben").allocate()


async def test_an_allocation_belongs_to_its_user() -> None:
    """RFC 8656 section 5: others get 441."""
    async with server() as (turn, _):
        Talk(turn).allocate()
        assert code(Talk(turn, user="ben").ask(Method.REFRESH)) == 441


async def test_an_unknown_method_is_a_bad_request() -> None:
    """As RFC 8489 section 6.3.1 leaves it to the server."""
    async with server() as (turn, _):
        assert code(Talk(turn).ask(0x00B)) == 400


@pytest.mark.parametrize("cls", [Class.SUCCESS, Class.ERROR, Class.INDICATION])
async def test_what_is_no_request_gets_no_answer(cls: Class) -> None:
    """Or two servers could answer each other for ever."""
    async with server() as (turn, _):
        talk = Talk(turn)
        turn.handle(bytes(Message(kind_of(Method.BINDING, cls), bytes(12))), talk.client)
        assert talk.got == []


@given(st.binary(max_size=100))
def test_no_bytes_break_the_server(packet: bytes) -> None:
    """They are a message, or they are malformed."""
    feed(packet)


attribute_lists = st.lists(
    st.tuples(st.sampled_from(Attr).map(int) | st.integers(0, 0xFFFF), st.binary(max_size=20)), max_size=6
)


@given(st.sampled_from(Method), st.sampled_from(Class), attribute_lists)
def test_no_message_breaks_the_server(method: Method, cls: Class, attributes: list[tuple[int, bytes]]) -> None:
    """Whatever attributes it has, of whatever length."""
    feed(bytes(Message(kind_of(method, cls), bytes(12), tuple(attributes))))


def feed(packet: bytes) -> None:
    """Hand *packet* to a new server; what is malformed may say so."""
    turn = Turn(USERS, Loopback(asyncio.TaskGroup()), clock=Clock())
    got: list[bytes] = []
    client = Client(address=(HOST, 5000), port=3478, stream=False, send=got.append)
    with contextlib.suppress(MalformedError):
        turn.handle(packet, client)


@given(st.sampled_from(Method), attribute_lists)
@settings(max_examples=50, deadline=None)
async def test_no_signed_message_breaks_the_server(method: Method, attributes: list[tuple[int, bytes]]) -> None:
    """Nor does one of a user with an allocation."""
    async with server() as (turn, _):
        talk = Talk(turn)
        talk.allocate()
        talk.ask(method, *((kind, value) for kind, value in attributes if kind not in SIGNING))
