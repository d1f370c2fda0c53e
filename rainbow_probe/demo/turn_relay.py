"""One TURN allocation: a relayed address, who may send to it, and its channels (RFC 8656)."""

from __future__ import annotations

import contextlib
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass

from rainbow_probe.demo.loopback import Datagrams, Incoming, Loopback, Peer
from rainbow_probe.demo.services import HOST
from rainbow_probe.protocols.stun import Attr, Class, Message, Method, kind_of, xor_address

FIRST_PORT, LAST_PORT = 49152, 65535  # RFC 8656 section 7.2; the guide's range for conferences
TRIES = 100
CHANNELS = range(0x4000, 0x7FFF)  # RFC 5766 section 11, which older clients follow; RFC 8656 has fewer
PERMISSION = 300.0  # seconds, RFC 8656 section 9
CHANNEL = 600.0  # seconds, RFC 8656 section 12

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The other end of a 5-tuple: where it is, at which of our ports it knocked, and how to answer it."""

    address: Peer
    port: int
    stream: bool
    send: Callable[[bytes], None]

    @property
    def key(self) -> tuple[Peer, int, bool]:
        """What tells this client from all others."""
        return self.address, self.port, self.stream


class Relay:
    """The relayed transport address of one client."""

    def __init__(
        self, client: Client, place: Loopback, *, even: bool, lets_in: Callable[[Peer], bool], clock: Clock
    ) -> None:
        """Relay for *client* on a random port of the range, an *even* one if it must be.

        Packets from and to a peer pass only if *lets_in* says so: the network between. Raises ``OSError`` if no port
        could be had.
        """
        self._socket = _on_random_port(place, self._receive, even=even)
        self._client = client
        self._lets_in = lets_in
        self._clock = clock
        self._permissions: dict[str, float] = {}
        self._channels: dict[int, tuple[Peer, float]] = {}

    @property
    def port(self) -> int:
        """The relayed port."""
        return self._socket.port

    def close(self) -> None:
        """Give the relayed address back."""
        self._socket.close()

    def permit(self, host: str) -> None:
        """Let the address *host* send, from any port, for the next five minutes."""
        self._permissions[host] = self._clock() + PERMISSION

    def bind(self, number: int, peer: Peer) -> bool:
        """Bind a channel to *peer*, or renew it. False if the number or the peer is bound otherwise."""
        bound = {channel: to for channel, (to, end) in self._channels.items() if end > self._clock()}
        if bound.get(number, peer) != peer or any(to == peer and channel != number for channel, to in bound.items()):
            return False
        self._channels[number] = (peer, self._clock() + CHANNEL)
        self.permit(peer[0])
        return True

    def send(self, data: bytes, peer: Peer) -> None:
        """Send *data* to *peer* from the relayed address, if it has permission and is on loopback."""
        if self._permitted(peer) and peer[0] == HOST and self._lets_in(peer):
            self._socket.send(data, peer)

    def send_channel(self, number: int, data: bytes) -> None:
        """Send *data* to the peer of a channel; nothing if it is not bound."""
        peer, end = self._channels.get(number, (("", 0), 0.0))
        if end > self._clock():
            self.send(data, peer)

    def _receive(self, _: Datagrams, data: bytes, peer: Peer) -> None:
        """Hand what a peer sent to the client, by its channel if there is one."""
        if not self._permitted(peer) or not self._lets_in(peer):
            return
        channels = (number for number, (to, end) in self._channels.items() if to == peer and end > self._clock())
        number = next(channels, None)
        self._client.send(_indication(data, peer) if number is None else self._channel_data(number, data))

    def _permitted(self, peer: Peer) -> bool:
        return self._permissions.get(peer[0], 0.0) > self._clock()

    def _channel_data(self, number: int, data: bytes) -> bytes:
        padding = -len(data) % 4 if self._client.stream else 0  # RFC 8656 section 12.5
        return struct.pack("!HH", number, len(data)) + data + bytes(padding)


def _on_random_port(place: Loopback, handle: Incoming, *, even: bool) -> Datagrams:
    for _ in range(TRIES):
        port = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT + 1)
        with contextlib.suppress(OSError):
            return place.udp(handle, port & ~1 if even else port)
    raise OSError(f"no free port after {TRIES} tries")


def channel_data(packet: bytes) -> tuple[int, bytes] | None:
    """Read ChannelData; None if the packet is none."""
    if len(packet) < 4:
        return None
    number, size = struct.unpack_from("!HH", packet)
    data = packet[4 : 4 + size]
    return (number, data) if number in CHANNELS and len(data) == size else None


def _indication(data: bytes, peer: Peer) -> bytes:
    transaction = secrets.token_bytes(12)
    peer_address = (Attr.XOR_PEER_ADDRESS.value, xor_address(*peer, transaction))
    return bytes(Message(kind_of(Method.DATA, Class.INDICATION), transaction, (peer_address, (Attr.DATA.value, data))))
