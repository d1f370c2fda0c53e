"""STUN packets from outside (RFC 8489): where they end on a stream, where their attributes lie, when to send again."""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator

from rainbow_probe.protocols.stun_numbers import CHANNELS, COOKIE_BYTES

HEADER = struct.Struct("!HHI12s")  # RFC 8489 section 5
HEADER_SIZE = HEADER.size
ATTRIBUTE = struct.Struct("!HH")  # RFC 8489 section 14

FIRST_WAIT = 0.5  # RTO, RFC 8489 section 6.2.1
SENDS = 7  # Rc
LAST_FACTOR = 16  # Rm
RELIABLE_WAIT = 39.5  # Ti, RFC 8489 section 6.2.2


class MalformedError(ValueError):
    """The bytes are not a STUN message."""


def attributes_of(packet: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield type, value and offset of each attribute of *packet*. Raises ``MalformedError`` if one is cut short."""
    at = HEADER_SIZE
    while at < len(packet):
        if at + ATTRIBUTE.size > len(packet):
            raise MalformedError("attribute header cut short")
        kind, length = ATTRIBUTE.unpack_from(packet, at)
        value = packet[at + ATTRIBUTE.size : at + ATTRIBUTE.size + length]
        if len(value) != length:
            raise MalformedError("attribute value cut short")
        yield kind, value, at
        at += ATTRIBUTE.size + length + -length % 4


def frame_size(buffer: bytes, channels: Container[int] = CHANNELS) -> int | None:
    """Return the size of the STUN message or padded ChannelData at the head of a stream, once it is whole.

    Raises ``MalformedError`` as soon as the bytes can be neither, so that nobody waits for the rest of an HTTP page:
    "HT" is a valid channel number. ChannelData counts only on the *channels* given.
    """
    if len(buffer) < 4:
        return None
    first, length = ATTRIBUTE.unpack_from(buffer)
    if first in channels and not buffer.startswith(b"HTTP"):
        size = ATTRIBUTE.size + length + -length % 4  # RFC 8656 section 12.5
    else:
        size = _message_size(first, length, buffer)
    return size if len(buffer) >= size else None


def _message_size(kind: int, length: int, buffer: bytes) -> int:
    cookie = buffer[4:8]
    if kind >> 14 or length % 4 or not COOKIE_BYTES.startswith(cookie):
        raise MalformedError("neither STUN nor ChannelData")
    return HEADER_SIZE + length


def looks_like(packet: bytes) -> str:
    """Guess what an answer that is not STUN is: ``http``, ``tls``, ``empty`` or ``bytes``."""
    if not packet:
        return "empty"
    if packet[:5].upper() == b"HTTP/" or packet[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "http"
    # A TLS record: alert or handshake, version 3.x (RFC 8446 section 5.1).
    return "tls" if packet[0] in (0x15, 0x16) and packet[1:2] == b"\x03" else "bytes"


def waits(*, reliable: bool, first: float = FIRST_WAIT) -> Iterator[float]:
    """Yield, for each time the request is to be sent, the seconds to wait for the answer (RFC 8489 section 6.2)."""
    if reliable:
        yield RELIABLE_WAIT
        return
    for n in range(SENDS - 1):
        yield first * 2**n
    yield first * LAST_FACTOR
