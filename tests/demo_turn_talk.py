"""A TURN client under a test's control: it signs as told and keeps what it is sent; the server's clock can be moved."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from rainbow_probe.demo.loopback import Loopback, Peer, loopback
from rainbow_probe.demo.turn import Turn
from rainbow_probe.demo.turn_relay import Client
from rainbow_probe.protocols.stun import Attr, Class, Message, Method, kind_of, request, xor_address
from rainbow_probe.protocols.stun_auth import long_term_key, sign, verify

HOST = "127.0.0.1"
USERS = {"anna": "secret", "ben": "hidden"}
UDP = (int(Attr.REQUESTED_TRANSPORT), bytes([17, 0, 0, 0]))


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
        if code(answer) not in {400, 401, 438} and method != Method.BINDING:
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
