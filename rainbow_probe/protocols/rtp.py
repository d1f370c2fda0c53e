"""RTP packets (RFC 3550 section 5.1) and streams of voice made of them: bytes in, bytes out, no clock."""

from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass, field

from rainbow_probe.protocols.stun import MalformedError

HEADER = struct.Struct("!BBHII")  # flags, marker and payload type, sequence number, timestamp, SSRC
VERSION = 2
PCMU = 0  # payload type of G.711 mu-law, RFC 3551 section 6
RATE = 8000  # ticks of its timestamp a second
PACKET_TIME = 0.02  # seconds of voice in a packet, RFC 3551 section 4.2
TICKS = int(RATE * PACKET_TIME)
SILENCE = b"\xff" * TICKS  # of G.711 mu-law, one byte a tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One RTP packet without extensions."""

    sequence: int
    """16 bits, one more with each packet."""
    timestamp: int
    """32 bits, in ticks of the payload's clock."""
    ssrc: int
    """Which stream it belongs to."""
    payload: bytes
    payload_type: int = PCMU
    marker: bool = False

    def __bytes__(self) -> bytes:
        second = self.payload_type | (0x80 if self.marker else 0)
        return HEADER.pack(VERSION << 6, second, self.sequence, self.timestamp, self.ssrc) + self.payload

    @classmethod
    def parse(cls, data: bytes) -> Packet:
        """Read a packet, its contributors and extension taken off. Raises ``MalformedError``."""
        if len(data) < HEADER.size or data[0] >> 6 != VERSION:
            raise MalformedError("not RTP")
        flags, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
        begin = HEADER.size + 4 * (flags & 0x0F)
        if flags & 0x10:  # an extension: two bytes of profile, two of its length in words
            begin += 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4], "big")
        end = len(data) - (data[-1] if flags & 0x20 else 0)
        if begin > end:
            raise MalformedError("an RTP header longer than its packet")
        return cls(
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=data[begin:end],
            payload_type=second & 0x7F,
            marker=bool(second & 0x80),
        )


@dataclass
class Voice:
    """A stream of voice as a telephone sends it: it begins anywhere, and counts on (RFC 3550 section 5.1)."""

    ssrc: int = field(default_factory=lambda: secrets.randbits(32))
    first: int = field(default_factory=lambda: secrets.randbits(15))
    """Its first sequence number, low enough to be told from what follows a turn of the counter (RFC 3711, 3.3.1)."""
    start: int = field(default_factory=lambda: secrets.randbits(32))
    """Its first timestamp."""
    sent: int = 0

    def packet(self, payload: bytes = SILENCE) -> Packet:
        """Make the next packet."""
        number, self.sent = self.sent, self.sent + 1
        return Packet(
            sequence=(self.first + number) & 0xFFFF,
            timestamp=(self.start + number * TICKS) & 0xFFFFFFFF,
            ssrc=self.ssrc,
            payload=payload,
            marker=number == 0,  # the beginning of talk, RFC 3551 section 4.1
        )

    def number_of(self, packet: Packet) -> int | None:
        """Return which packet of this stream *packet* is, from 0; None if it was never sent."""
        number = (packet.sequence - self.first) & 0xFFFF
        ours = packet.ssrc == self.ssrc and number < self.sent
        return number if ours and packet.timestamp == (self.start + number * TICKS) & 0xFFFFFFFF else None


def looks_like(datagram: bytes) -> bool:
    """Return whether *datagram* begins as RTP or RTCP do (RFC 7983 section 7)."""
    return len(datagram) >= HEADER.size and 128 <= datagram[0] <= 191
