"""TURN, client side (RFC 8656): transactions and relayed data of one 5-tuple, without a socket."""

from __future__ import annotations

import ipaddress
import secrets
import struct
from collections.abc import Sequence

from rainbow_probe.model import Cause, Credentials, PeerError
from rainbow_probe.protocols.channel import channel_data, parse_channel_data
from rainbow_probe.protocols.login import Login
from rainbow_probe.protocols.stun import (
    CHANNELS,
    Attr,
    Class,
    MalformedError,
    Message,
    Method,
    kind_of,
    request,
    xor_address,
)
from rainbow_probe.protocols.transaction import Transaction

__all__ = ["Address", "Client", "cause_of_error", "channel_data", "parse_channel_data"]

UDP = bytes((17, 0, 0, 0))  # REQUESTED-TRANSPORT, RFC 8656 section 18.8
IPV6 = bytes((2, 0, 0, 0))  # REQUESTED-ADDRESS-FAMILY, RFC 8656 section 18.6
MOST_STALE = 2  # retries with a new nonce before it is a loop

Address = tuple[str, int]

_BY_CODE = {
    300: Cause.TRY_ALTERNATE,
    401: Cause.BAD_CREDENTIALS,
    403: Cause.FORBIDDEN,
    437: Cause.ALLOCATION_MISMATCH,
    438: Cause.STALE_NONCE_LOOP,
    441: Cause.BAD_CREDENTIALS,
    442: Cause.UNSUPPORTED_TRANSPORT,
    486: Cause.QUOTA,
    508: Cause.CAPACITY,
}
_ABOUT_PEERS = frozenset({Method.CREATE_PERMISSION, Method.CHANNEL_BIND})


def cause_of_error(code: int, method: int = Method.ALLOCATE) -> Cause:
    """Translate an error code; 403 is about the peer where one was named (RFC 8656 sections 9.2 and 11.2)."""
    if code == 403 and method in _ABOUT_PEERS:
        return Cause.PERMISSION_DENIED
    return _BY_CODE.get(code, Cause.STUN_ERROR)


class Client:
    """The client's end of one 5-tuple: makes requests, learns from answers, wraps and unwraps data.

    Make a request, carry it, give the answer to ``again``; while that says True, make the same request again.
    """

    def __init__(self, credentials: Credentials | None = None, *, reliable: bool = False) -> None:
        """Use *credentials* once the server asks for them. Raises ``ValueError`` if the user name cannot be sent."""
        self.relayed: Address | None = None
        self.mapped: Address | None = None
        self.lifetime = 0
        self.software: str | None = None
        self.alternate: tuple[Address, str] | None = None
        """Where a 300 sends us, and under which domain; empty if that stays the same."""
        self._login = Login(credentials)
        self._reliable = reliable
        self._stale = 0
        self._binding: dict[bytes, tuple[int, Address]] = {}
        self._channels: dict[int, Address] = {}

    @property
    def realm(self) -> str | None:
        """The server's realm, once it has asked for credentials."""
        return self._login.realm

    def binding(self) -> Transaction:
        """Ask for our own address, as the server sees it; needs no credentials (RFC 8489 section 12)."""
        return Transaction(request(Method.BINDING))

    def allocate(self, *, ipv6: bool = False) -> Transaction:
        """Ask for a relayed UDP address (RFC 8656 section 7.1)."""
        family = ((int(Attr.REQUESTED_ADDRESS_FAMILY), IPV6),) if ipv6 else ()
        return self._request(Method.ALLOCATE, (Attr.REQUESTED_TRANSPORT, UDP), *family)

    def refresh(self, lifetime: int) -> Transaction:
        """Keep the allocation for *lifetime* seconds; 0 gives it back (RFC 8656 section 8.1)."""
        return self._request(Method.REFRESH, (Attr.LIFETIME, struct.pack("!I", lifetime)))

    def permission(self, peers: Sequence[str]) -> Transaction:
        """Let the addresses in *peers*, any port, send to our relayed address (RFC 8656 section 10.1)."""
        message = request(Method.CREATE_PERMISSION)
        named = ((int(Attr.XOR_PEER_ADDRESS), xor_address(peer, 0, message.transaction)) for peer in peers)
        return self._request(Method.CREATE_PERMISSION, *named, transaction=message.transaction)

    def channel(self, peer: Address, number: int = CHANNELS.start) -> Transaction:
        """Bind channel *number* to *peer* (RFC 8656 section 12.1). Raises ``ValueError`` for a number out of range."""
        if number not in CHANNELS:
            raise ValueError(f"a channel is {CHANNELS.start:#x} to {CHANNELS.stop - 1:#x}")
        transaction = request(Method.CHANNEL_BIND).transaction
        self._binding[transaction] = number, _plain(peer)
        return self._request(
            Method.CHANNEL_BIND,
            (Attr.CHANNEL_NUMBER, struct.pack("!Hxx", number)),
            (Attr.XOR_PEER_ADDRESS, xor_address(*peer, transaction)),
            transaction=transaction,
        )

    def _request(self, method: Method, *wanted: tuple[int, bytes], transaction: bytes | None = None) -> Transaction:
        message = request(method, *wanted, *self._login.proof(), transaction=transaction)
        return Transaction(message, self._login.key)

    def again(self, answer: Message) -> bool:
        """Learn from *answer*; tell whether the request must be made again, with what was learnt.

        False means that it is settled: a success or, without credentials, the 401 that shows the server asks for
        them. Raises ``PeerError`` for everything else.
        """
        if answer.not_understood():  # a response that cannot be understood has failed, RFC 8489 section 6.3.3
            detail = f"attributes not understood: {', '.join(answer.not_understood()[:8])}"
            raise PeerError(Cause.STUN_ERROR, detail)
        self.software = answer.text(Attr.SOFTWARE) or self.software
        if answer.cls is Class.SUCCESS:
            self._learn(answer)
            return False
        return self._refused(answer)

    def _refused(self, answer: Message) -> bool:
        code, reason = answer.error() or (0, "an error without a code")
        if code == 401 and self._login.key is None:
            self._login.challenge(answer)
            return self._login.possible
        if code == 438 and self._stale < MOST_STALE:
            self._stale += 1
            self._login.challenge(answer)
            return True
        if code == 300 and (address := answer.address(Attr.ALTERNATE_SERVER)):
            self.alternate = address, answer.text(Attr.ALTERNATE_DOMAIN) or ""
        detail = f"{code} {reason}{_alternate(answer)}".strip()
        raise PeerError(cause_of_error(code, answer.method), detail)

    def _learn(self, answer: Message) -> None:
        self._stale = 0
        self.mapped = answer.mapped_address() or self.mapped
        lifetime = answer.get(Attr.LIFETIME) or b""
        self.lifetime = int.from_bytes(lifetime, "big") if len(lifetime) == 4 else self.lifetime
        if answer.method == Method.ALLOCATE:
            self.relayed = answer.address(Attr.XOR_RELAYED_ADDRESS)
            if self.relayed is None:
                raise PeerError(Cause.STUN_ERROR, "an allocation without XOR-RELAYED-ADDRESS")
        if answer.transaction in self._binding:
            number, peer = self._binding.pop(answer.transaction)
            self._channels[number] = peer

    def send(self, peer: Address, data: bytes) -> bytes:
        """Wrap *data* for *peer*: ChannelData where a channel is bound, else a Send indication."""
        for number, bound in self._channels.items():
            if bound == _plain(peer):
                return channel_data(number, data, padded=self._reliable)
        transaction = secrets.token_bytes(12)
        wrapped = (Attr.XOR_PEER_ADDRESS, xor_address(*peer, transaction)), (Attr.DATA, data)
        return bytes(Message(kind_of(Method.SEND, Class.INDICATION), transaction, wrapped))

    def receive(self, packet: bytes) -> tuple[Address, bytes] | None:
        """Unwrap what a peer sent through the relay; None if *packet* is anything else."""
        framed = parse_channel_data(packet)
        if framed is not None:
            number, data = framed
            return (self._channels[number], data) if number in self._channels else None
        try:
            message = Message.parse(packet)
        except MalformedError:
            return None
        peer, payload = message.address(Attr.XOR_PEER_ADDRESS), message.get(Attr.DATA)
        if message.kind != kind_of(Method.DATA, Class.INDICATION) or peer is None or payload is None:
            return None
        return peer, payload


def _plain(peer: Address) -> Address:
    """Spell an address in the one way that answers spell it."""
    return str(ipaddress.ip_address(ipaddress.ip_address(peer[0]).packed)), peer[1]


def _alternate(answer: Message) -> str:
    """Say where else the server sends us (RFC 8489 section 10)."""
    found = answer.address(Attr.ALTERNATE_SERVER)
    return f", use {found[0]} port {found[1]} {answer.text(Attr.ALTERNATE_DOMAIN) or ''}".rstrip() if found else ""
