"""A TURN server that really relays, on loopback only (RFC 8656 over RFC 8489), for UDP, TCP and TLS clients."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from rainbow_probe.demo.loopback import Loopback, Peer
from rainbow_probe.demo.services import HOST
from rainbow_probe.demo.turn_auth import RefusedError, Register
from rainbow_probe.demo.turn_relay import CHANNELS, Client, Clock, Relay, channel_data
from rainbow_probe.protocols.stun import (
    Attr,
    Class,
    Message,
    Method,
    reply,
    xor_address,
)
from rainbow_probe.protocols.stun_auth import sign

DEFAULT_LIFETIME, LONGEST_LIFETIME = 600, 3600  # seconds, RFC 8656 sections 3.2 and 7.2
UDP = 17  # protocol number, RFC 8656 section 18.8
IPV4 = 0x01  # address family, RFC 8489 section 14.1
QUOTA = 200  # allocations a user may hold; the probe's port sampling takes some at once
SOFTWARE = (Attr.SOFTWARE.value, b"Rainbow demo cloud")

_UNDERSTOOD = frozenset({
    Attr.USERNAME,
    Attr.MESSAGE_INTEGRITY,
    Attr.CHANNEL_NUMBER,
    Attr.LIFETIME,
    Attr.XOR_PEER_ADDRESS,
    Attr.DATA,
    Attr.EVEN_PORT,
    Attr.REALM,
    Attr.NONCE,
    Attr.REQUESTED_ADDRESS_FAMILY,
    Attr.REQUESTED_TRANSPORT,
})

Attributes = tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """A relay, whose it is, and the request that made it, so that the same request again gets the same answer."""

    relay: Relay
    user: bytes
    transaction: bytes
    expiry: asyncio.TimerHandle


class Turn:
    """The server: every client's allocation, whatever transport it came by."""

    def __init__(
        self,
        users: Mapping[str, str],
        place: Loopback,
        *,
        range_open: bool = True,
        quota: int = QUOTA,
        clock: Clock = time.monotonic,
    ) -> None:
        """Serve *users*, on sockets of *place*. Without *range_open* only relays reach relays: the network between."""
        self._register = Register(users, clock)
        self._place = place
        self._range_open = range_open
        self._quota = quota
        self._clock = clock
        self._allocations: dict[tuple[Peer, int, bool], Allocation] = {}
        self._requests: Mapping[int, Callable[[Message, Client, bytes], Attributes]] = {
            Method.ALLOCATE: self._allocate,
            Method.REFRESH: self._refresh,
            Method.CREATE_PERMISSION: self._permit,
            Method.CHANNEL_BIND: self._bind,
        }

    def handle(self, packet: bytes, client: Client) -> None:
        """Do what *packet* asks and answer. Raises ``MalformedError`` if it is neither STUN nor ChannelData."""
        if (data := channel_data(packet)) is not None:
            if (held := self._allocations.get(client.key)) is not None:
                held.relay.send_channel(*data)
            return
        message = Message.parse(packet)
        if message.cls is Class.REQUEST:
            client.send(self._answer(message, packet, client))
        elif message.cls is Class.INDICATION and message.method == Method.SEND:
            self._send(message, client)

    def forget(self, client: Client) -> None:
        """End the allocation of a client that is gone."""
        held = self._allocations.pop(client.key, None)
        if held is not None:
            held.expiry.cancel()
            held.relay.close()

    def close(self) -> None:
        """End every allocation."""
        for held in self._allocations.values():
            held.expiry.cancel()
            held.relay.close()
        self._allocations.clear()

    def _answer(self, message: Message, packet: bytes, client: Client) -> bytes:
        if message.method == Method.BINDING:
            return bytes(reply(message, Class.SUCCESS, _mapped(message, client), SOFTWARE))
        key = None
        try:
            user, key = self._register.check(message, packet)
            attributes = self._perform(message, client, user)
            response = reply(message, Class.SUCCESS, *attributes, SOFTWARE)
        except RefusedError as no:
            response = reply(message, Class.ERROR, *no.attributes, SOFTWARE)
        return sign(response, key) if key else bytes(response)

    def _perform(self, message: Message, client: Client, user: bytes) -> Attributes:
        _check_understood(message)
        if message.method not in self._requests:
            raise RefusedError(400, "Bad Request")
        return self._requests[message.method](message, client, user)

    def _allocate(self, message: Message, client: Client, user: bytes) -> Attributes:
        held = self._allocations.get(client.key)
        if held is None:
            _check_requested(message)
            held = self._open(message, client, user)
        elif held.transaction != message.transaction:
            raise RefusedError(437, "Allocation Mismatch")
        relayed = xor_address(HOST, held.relay.port, message.transaction)
        return (Attr.XOR_RELAYED_ADDRESS, relayed), _mapped(message, client), _lifetime(message)

    def _open(self, message: Message, client: Client, user: bytes) -> Allocation:
        if sum(held.user == user for held in self._allocations.values()) >= self._quota:
            raise RefusedError(486, "Allocation Quota Reached")
        even = message.get(Attr.EVEN_PORT) is not None
        try:
            relay = Relay(client, self._place, even=even, lets_in=self._lets_in, clock=self._clock)
        except OSError as exc:
            raise RefusedError(508, "Insufficient Capacity") from exc
        expiry = self._expire(client, message)
        held = Allocation(relay=relay, user=user, transaction=message.transaction, expiry=expiry)
        self._allocations[client.key] = held
        return held

    def _refresh(self, message: Message, client: Client, user: bytes) -> Attributes:
        held = self._mine(client, user)
        lifetime = _lifetime(message)
        if int.from_bytes(lifetime[1], "big") == 0:
            self.forget(client)
            return (lifetime,)
        held.expiry.cancel()
        expiry = self._expire(client, message)
        self._allocations[client.key] = replace(held, expiry=expiry)
        return (lifetime,)

    def _permit(self, message: Message, client: Client, user: bytes) -> Attributes:
        relay = self._mine(client, user).relay
        for host, _ in _peers(message):
            relay.permit(host)
        return ()

    def _bind(self, message: Message, client: Client, user: bytes) -> Attributes:
        relay = self._mine(client, user).relay
        number = int.from_bytes((message.get(Attr.CHANNEL_NUMBER) or b"")[:2], "big")
        if number not in CHANNELS or not relay.bind(number, _peers(message)[0]):
            raise RefusedError(400, "Bad Request")
        return ()

    def _send(self, message: Message, client: Client) -> None:
        held = self._allocations.get(client.key)
        peer, data = message.address(Attr.XOR_PEER_ADDRESS), message.get(Attr.DATA)
        if held is not None and peer is not None and data is not None:
            held.relay.send(data, peer)

    def _mine(self, client: Client, user: bytes) -> Allocation:
        held = self._allocations.get(client.key)
        if held is None:
            raise RefusedError(437, "Allocation Mismatch")
        if held.user != user:
            raise RefusedError(441, "Wrong Credentials")
        return held

    def _expire(self, client: Client, message: Message) -> asyncio.TimerHandle:
        lifetime = int.from_bytes(_lifetime(message)[1], "big")
        return asyncio.get_running_loop().call_later(lifetime, self.forget, client)

    def _lets_in(self, peer: Peer) -> bool:
        return self._range_open or any(held.relay.port == peer[1] for held in self._allocations.values())


def _check_understood(message: Message) -> None:
    """Refuse what the client wants understood and this server does not do (RFC 8489 section 6.3.1)."""
    unknown = [kind for kind, _ in message.attributes if kind < 0x8000 and kind not in _UNDERSTOOD]
    if unknown:
        value = struct.pack(f"!{len(unknown)}H", *unknown)
        raise RefusedError(420, "Unknown Attribute", (Attr.UNKNOWN_ATTRIBUTES, value))


def _check_requested(message: Message) -> None:
    """Refuse to relay anything but UDP over IPv4, and to reserve a second port (RFC 8656 section 7.2)."""
    transport = message.get(Attr.REQUESTED_TRANSPORT)
    if transport is None or len(transport) != 4:
        raise RefusedError(400, "Bad Request")
    if transport[0] != UDP:
        raise RefusedError(442, "Unsupported Transport Protocol")
    family = message.get(Attr.REQUESTED_ADDRESS_FAMILY)
    if family is not None and family[:1] != bytes([IPV4]):
        raise RefusedError(440, "Address Family not Supported")
    if any(message.get(Attr.EVEN_PORT) or b""):
        raise RefusedError(508, "Insufficient Capacity")


def _peers(message: Message) -> list[Peer]:
    """Return every XOR-PEER-ADDRESS: a request may name several (RFC 8656 section 10.1)."""
    singles = (Message(message.kind, message.transaction, (attribute,)) for attribute in message.attributes)
    values = [one for one in singles if one.get(Attr.XOR_PEER_ADDRESS) is not None]
    peers = [address for one in values if (address := one.address(Attr.XOR_PEER_ADDRESS)) is not None]
    if not peers or len(peers) != len(values):
        raise RefusedError(400, "Bad Request")
    if any(":" in host for host, _ in peers):
        raise RefusedError(443, "Peer Address Family Mismatch")
    return peers


def _mapped(message: Message, client: Client) -> tuple[int, bytes]:
    return Attr.XOR_MAPPED_ADDRESS, xor_address(*client.address, message.transaction)


def _lifetime(message: Message) -> tuple[int, bytes]:
    """Return the LIFETIME granted: what is asked for, within our limits, and 0 as 0 (RFC 8656 sections 7.2 and 8.2)."""
    asked = message.get(Attr.LIFETIME)
    wanted = int.from_bytes(asked, "big") if asked is not None and len(asked) == 4 else DEFAULT_LIFETIME
    if wanted:
        wanted = min(max(wanted, DEFAULT_LIFETIME), LONGEST_LIFETIME)
    return Attr.LIFETIME, wanted.to_bytes(4, "big")
