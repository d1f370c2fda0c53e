"""Streams that look on the wire as those of a call: the sizes and the pace of its codecs in SRTP packets, no sound."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rainbow_probe.protocols.rtp import HEADER, VERSION

FLAGS = VERSION << 6  # no padding, no extension, no contributors
TAG = 10  # bytes that SRTP adds behind the payload, HMAC-SHA1-80 of RFC 3711 section 4.2.1
SEQUENCES, TIMES = 1 << 16, 1 << 32  # where their numbers count round
FAR = SEQUENCES // 2  # packets: what is further away was counted round, RFC 3550 appendix A.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """What one direction of a medium sends."""

    name: str
    payload_type: int
    """RFC 3551 section 6, or of the dynamic ones."""
    clock: int
    """Ticks of the time stamp a second."""
    payload: int
    """Bytes a packet, without any header."""
    interval: float = 0.02
    """Seconds between two packets."""

    @property
    def kbit_s(self) -> float:
        """What the medium itself takes."""
        return self.payload * 8 / self.interval / 1000

    @property
    def wire_kbit_s(self) -> float:
        """What it takes of a line with the headers of IPv4, UDP and SRTP."""
        return (self.payload + TAG + HEADER.size + 28) * 8 / self.interval / 1000


G711 = Codec(name="G.711", payload_type=8, clock=8000, payload=160)  # 64 kbit/s
OPUS = Codec(name="Opus", payload_type=111, clock=48000, payload=100)  # 40 kbit/s: the guide's average, section 6.1
OPUS_MOST = replace(OPUS, payload=250)  # 100 kbit/s
OPUS_LEAST = replace(OPUS, payload=38)  # 15 kbit/s


class Sender:
    """The packets of one stream, numbered from any number on, as RFC 3550 section 5.1 asks for."""

    def __init__(self, codec: Codec, source: int, first: int = 0) -> None:
        """Send as *codec* does, for the SSRC *source*, beginning with the sequence number *first*."""
        self.codec, self.source, self._first = codec, source, first
        self._step = round(codec.clock * codec.interval)
        self._payload = bytes(codec.payload + TAG)

    def packet(self, index: int) -> bytes:
        """Return the packet with *index*, counted from 0."""
        sequence, time = (self._first + index) % SEQUENCES, index * self._step % TIMES
        return HEADER.pack(FLAGS, self.codec.payload_type, sequence, time, self.source) + self._payload

    def index(self, data: bytes, latest: int) -> int | None:
        """Return which of our packets *data* is, if the one with *latest* was sent about then; None if it is none."""
        if len(data) != HEADER.size + len(self._payload):
            return None
        first, kind, sequence, _, source = HEADER.unpack_from(data)
        if (first, kind, source) != (FLAGS, self.codec.payload_type, self.source):
            return None
        near = (sequence - self._first - latest + FAR) % SEQUENCES - FAR + latest
        return near if near >= 0 else None


def source_of(data: bytes) -> int | None:
    """Return the SSRC of the stream that *data* belongs to; None if it is too short to say so."""
    return HEADER.unpack_from(data)[4] if len(data) >= HEADER.size else None
