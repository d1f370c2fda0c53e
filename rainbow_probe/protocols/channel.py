"""ChannelData (RFC 8656 section 12.4): relayed data with a header of four bytes."""

from __future__ import annotations

import struct

from rainbow_probe.protocols.stun_numbers import CHANNELS


def channel_data(number: int, data: bytes, *, padded: bool = False) -> bytes:
    """Frame *data*; on streams it is *padded* to a multiple of four (RFC 8656 section 12.5)."""
    return struct.pack("!HH", number, len(data)) + data + bytes(-len(data) % 4 if padded else 0)


def parse_channel_data(packet: bytes) -> tuple[int, bytes] | None:
    """Return channel and data of a ChannelData message, padded or not; None if *packet* is none."""
    if len(packet) < 4:
        return None
    number, length = struct.unpack_from("!HH", packet)
    data = packet[4 : 4 + length]
    return (number, data) if number in CHANNELS and len(data) == length else None
