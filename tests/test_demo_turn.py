"""The demo's TURN server, request by request: RFC 8489 section 9.2, RFC 8656 sections 7 to 12."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.demo.loopback import Datagrams, Loopback, Peer, loopback
from rainbow_probe.demo.turn import Turn
from rainbow_probe.demo.turn_auth import NONCE_AGE
from rainbow_probe.demo.turn_relay import CHANNEL, PERMISSION, Client
from rainbow_probe.protocols.stun import (
    Attr,
    Class,
    MalformedError,
    Message,
    Method,
    kind_of,
    request,
    xor_address,
)
from rainbow_probe.protocols.stun_auth import long_term_key, sign, verify

HOST = "127.0.0.1"
USERS = {"anna": "secret", "ben": "hidden"}
UDP = (int(Attr.REQUESTED_TRANSPORT), bytes([17, 0, 0, 0]))
TCP = (int(Attr.REQUESTED_TRANSPORT), bytes([6, 0, 0, 0]))
CHANNEL_4000 = (int(Attr.CHANNEL_NUMBER), b"\x40\x00\x00\x00")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        """Begin at some time."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


class Talk:
    """A client of the server under test, which signs as told and keeps all it is sent."""

    def __init__(self, turn: Turn, port: int = 5000, *, user: str = "anna", stream: bool = False) -> None:
        """Speak as *user* from *port*."""
        self.turn = turn
        self.user = user
        self.password = USERS.get(user, "?")
        self.got: list[bytes] = []
        self.client = Client(address=(HOST, port), port=3478, stream=stream, send=self.got.append)
        self.realm, self.nonce = b"", b""

    def plain(self, message: Message) -> Message:
        """Send a request without credentials; learn realm and nonce from the answer."""
        self.turn.handle(bytes(message), self.client)
        answer = Message.parse(self.got.pop())
        assert answer.transaction == message.transaction
        self.realm = answer.get(Attr.REALM) or self.realm
        self.nonce = answer.get(Attr.NONCE) or self.nonce
        return answer

    def ask(self, method: int, *attributes: tuple[int, bytes], transaction: bytes | None = None) -> Message:
        """Send a signed request; the answer's own signature is checked where there must be one."""
        if not self.nonce:
            self.plain(request(Method.ALLOCATE, UDP))
        proof = ((Attr.USERNAME, self.user.encode()), (Attr.REALM, self.realm), (Attr.NONCE, self.nonce))
        message = request(method, *attributes, *((int(a), value) for a, value in proof), transaction=transaction)
        self.turn.handle(sign(message, self.key()), self.client)
        packet = self.got.pop()
        answer = Message.parse(packet)
        if code(answer) not in {400, 401, 438}:
            assert verify(packet, self.key())
        return answer

    def key(self) -> bytes:
        """Return the long-term key."""
        return long_term_key(self.user, self.realm.decode(), self.password)

    def allocate(self) -> Peer:
        """Allocate, and return the relayed address."""
        address = self.ask(Method.ALLOCATE, UDP).address(Attr.XOR_RELAYED_ADDRESS)
        assert address is not None
        return address

    def permit(self, *hosts: str) -> Message:
        """Ask for permissions."""
        transaction = bytes(12)
        peers = ((int(Attr.XOR_PEER_ADDRESS), xor_address(host, 0, transaction)) for host in hosts)
        return self.ask(Method.CREATE_PERMISSION, *peers, transaction=transaction)

    def bind(self, peer: Peer, number: int = 0x4000) -> Message:
        """Ask for a channel."""
        transaction = bytes(12)
        return self.ask(
            Method.CHANNEL_BIND,
            (Attr.CHANNEL_NUMBER, struct.pack("!Hxx", number)),
            (Attr.XOR_PEER_ADDRESS, xor_address(*peer, transaction)),
            transaction=transaction,
        )

    def send(self, peer: Peer, data: bytes) -> None:
        """Send *data* in an indication."""
        transaction = bytes(12)
        attributes = ((int(Attr.XOR_PEER_ADDRESS), xor_address(*peer, transaction)), (int(Attr.DATA), data))
        self.turn.handle(bytes(Message(kind_of(Method.SEND, Class.INDICATION), transaction, attributes)), self.client)

    async def heard(self) -> list[bytes]:
        """Return what was relayed to this client since it was last asked."""
        await settle()
        packets, self.got[:] = list(self.got), []
        return packets


async def settle() -> None:
    """Let datagrams that are on their way arrive: on loopback that takes a few turns of the loop."""
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def server(
    *, range_open: bool = True, quota: int = 9, clock: Clock | None = None
) -> AsyncGenerator[tuple[Turn, Loopback]]:
    """Give a server and the place its sockets live in."""
    async with loopback() as place:
        turn = Turn(USERS, place, range_open=range_open, quota=quota, clock=clock or Clock())
        try:
            yield turn, place
        finally:
            turn.close()


def code(answer: Message) -> int:
    """Return the error code; 0 for a success."""
    return (answer.error() or (0, ""))[0]


def data_of(packet: bytes) -> tuple[Peer | None, bytes | None]:
    """Return peer and data of a Data indication."""
    message = Message.parse(packet)
    assert message.kind == kind_of(Method.DATA, Class.INDICATION)
    return message.address(Attr.XOR_PEER_ADDRESS), message.get(Attr.DATA)


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


@pytest.mark.parametrize(("hosts", "expected"), [([HOST], 0), ([HOST, "192.0.2.1"], 0), ([], 400), (["::1"], 443)])
async def test_permissions_are_for_ipv4(hosts: list[str], expected: int) -> None:
    """One request may name several peers; of another family than the allocation's, none."""
    async with server() as (turn, _):
        talk = Talk(turn)
        talk.allocate()
        assert code(talk.permit(*hosts)) == expected


@pytest.mark.parametrize(
    ("number", "port", "expected"),
    [(0x4000, 7000, 0), (0x4000, 7001, 400), (0x4001, 7000, 400), (0x4001, 7001, 0), (0x3FFF, 7001, 400)]
    + [(0x7FFE, 7001, 0), (0x7FFF, 7001, 400)],
)
async def test_a_channel_has_one_peer_and_a_peer_one_channel(number: int, port: int, expected: int) -> None:
    """RFC 8656 section 12.2, with 0x4000 bound to port 7000 already; the range is that of RFC 5766."""
    async with server() as (turn, _):
        talk = Talk(turn)
        talk.allocate()
        talk.bind((HOST, 7000))
        assert code(talk.bind((HOST, port), number)) == expected


@pytest.mark.parametrize("attributes", [[], [CHANNEL_4000], [(Attr.CHANNEL_NUMBER, b"")]])
async def test_a_channel_needs_number_and_peer(attributes: list[tuple[int, bytes]]) -> None:
    """Half a request is a bad one."""
    async with server() as (turn, _):
        talk = Talk(turn)
        talk.allocate()
        assert code(talk.ask(Method.CHANNEL_BIND, *attributes)) == 400


async def test_data_needs_a_permission_and_for_five_minutes_has_it() -> None:
    """Both ways, and the peer's address comes with it."""
    clock = Clock()
    async with server(clock=clock) as (turn, _):
        near, far = Talk(turn), Talk(turn, 5001)
        here, there = near.allocate(), far.allocate()
        far.permit(HOST)
        near.send(there, b"too early")
        assert await far.heard() == []
        near.permit(HOST)
        near.send(there, b"now")
        assert [data_of(packet) for packet in await far.heard()] == [(here, b"now")]
        clock.now += PERMISSION + 1
        near.send(there, b"too late")
        assert await far.heard() == []


async def test_who_did_not_permit_hears_nothing() -> None:
    """The relay filters what comes in as well as what goes out."""
    async with server() as (turn, _):
        near, far = Talk(turn), Talk(turn, 5001)
        near.allocate()
        there = far.allocate()
        near.permit(HOST)
        near.send(there, b"hello?")
        assert await far.heard() == []


@pytest.mark.parametrize(("stream", "padding"), [(False, b""), (True, b"\0\0\0")])
async def test_channels_carry_data_both_ways(stream: bool, padding: bytes) -> None:
    """Padded to four bytes on streams only (RFC 8656 section 12.5)."""
    async with server() as (turn, _):
        near, far = Talk(turn, stream=stream), Talk(turn, 5001)
        here, there = near.allocate(), far.allocate()
        near.bind(there)
        far.permit(HOST)
        turn.handle(b"\x40\x00\x00\x05hello" + padding, near.client)
        assert [data_of(packet) for packet in await far.heard()] == [(here, b"hello")]
        far.send(here, b"world")
        assert await near.heard() == [b"\x40\x00\x00\x05world" + padding]


async def test_a_channel_ends_after_ten_minutes() -> None:
    """Then its data goes nowhere, and what comes is an indication again once it is permitted."""
    clock = Clock()
    async with server(clock=clock) as (turn, _):
        near, far = Talk(turn), Talk(turn, 5001)
        here, there = near.allocate(), far.allocate()
        near.bind(there)
        clock.now += CHANNEL + 1
        for talk in (near, far):
            talk.permit(HOST)
        turn.handle(b"\x40\x00\x00\x05hello", near.client)
        assert await far.heard() == []
        far.send(here, b"world")
        assert [data_of(packet) for packet in await near.heard()] == [(there, b"world")]


@pytest.mark.parametrize("packet", [b"\x40\x01\x00\x01x", b"\x40\x00\x00\x01x"])
async def test_a_channel_nobody_bound_is_silent(packet: bytes) -> None:
    """With an allocation and without."""
    async with server() as (turn, _):
        talk = Talk(turn)
        turn.handle(packet, talk.client)
        talk.allocate()
        turn.handle(packet, talk.client)
        assert await talk.heard() == []


async def test_nothing_is_sent_beyond_loopback() -> None:
    """The demo must not touch any network, even if it is asked to relay there."""
    async with server() as (turn, _):
        talk = Talk(turn)
        talk.allocate()
        assert code(talk.permit("192.0.2.1")) == 0
        talk.send(("192.0.2.1", 9), b"out")
        talk.send(("127.0.0.2", 9), b"out")
        assert await talk.heard() == []


@pytest.mark.parametrize("range_open", [True, False])
async def test_a_closed_range_keeps_out_who_is_no_relay(range_open: bool) -> None:
    """The site cannot reach a relayed address directly, nor the relay the site; relays reach each other."""
    async with server(range_open=range_open) as (turn, place):
        near, far, outside = Talk(turn), Talk(turn, 5001), Outside(place)
        here, there = near.allocate(), far.allocate()
        for talk in (near, far):
            talk.permit(HOST)
        near.send(there, b"by relay")
        assert len(await far.heard()) == 1
        outside.socket.send(b"direct", here)
        near.send((HOST, outside.socket.port), b"to the site")
        assert len(await near.heard()) == range_open
        assert outside.got == [b"to the site"] * range_open


class Outside:
    """A plain socket somewhere in the site."""

    def __init__(self, place: Loopback) -> None:
        """Listen."""
        self.got: list[bytes] = []
        self.socket = place.udp(self._keep)

    def _keep(self, _datagrams: Datagrams, data: bytes, _peer: Peer) -> None:
        self.got.append(data)


async def test_a_client_that_leaves_takes_its_allocation_along() -> None:
    """As when a TCP connection ends."""
    async with server() as (turn, _):
        talk = Talk(turn)
        talk.allocate()
        turn.forget(talk.client)
        turn.forget(talk.client)
        assert code(talk.ask(Method.REFRESH)) == 437


async def test_clients_differ_by_address_port_and_transport() -> None:
    """The same address over UDP and over TCP is two clients, with an allocation each."""
    async with server() as (turn, _):
        assert Talk(turn).allocate() != Talk(turn, stream=True).allocate()


@given(st.binary(max_size=100))
def test_no_bytes_break_the_server(packet: bytes) -> None:
    """They are a message, or they are malformed."""
    feed(packet)


@given(
    st.sampled_from(Method),
    st.sampled_from(Class),
    st.lists(st.tuples(st.sampled_from(Attr) | st.integers(0, 0xFFFF), st.binary(max_size=20)), max_size=6),
)
def test_no_message_breaks_the_server(method: Method, cls: Class, attributes: list[tuple[int, bytes]]) -> None:
    """Whatever attributes it has, of whatever length."""
    feed(bytes(Message(kind_of(method, cls), bytes(12), tuple(attributes))))


def feed(packet: bytes) -> None:
    """Hand *packet* to a new server; what is malformed may say so."""
    turn = Turn(USERS, Loopback(asyncio.TaskGroup()), clock=Clock())
    client = Client(address=(HOST, 5000), port=3478, stream=False, send=bytes)
    try:
        turn.handle(packet, client)
    except MalformedError:
        assert packet
