"""NTP, client side (RFC 5905): one question, and what a server's answer says of its time. No clock here."""

from __future__ import annotations

import struct
from collections.abc import Container
from dataclasses import dataclass

from rainbow_probe.model import Cause, PeerError
from rainbow_probe.protocols.excerpt import excerpt

PORT = 123
SIZE = 48  # bytes, RFC 5905 section 7.3
CLIENT = 0x23  # no leap warning, version 4, mode 3
SERVER_MODE = 4
UNSYNCHRONISED = 3  # of the leap indicator: the clock was never set
MOST_STRATUM = 15  # 16 means unsynchronised
EPOCH = 2_208_988_800  # seconds from 1900 to 1970
ERA = 1 << 32  # seconds after which the stamps begin anew
NO_TIME = bytes(8)  # a stamp of nothing but zeros is none, RFC 5905 section 6
MOST_HELD = 60.0  # seconds between a server's two stamps; it answers at once, and clocks are set back by less
TOO_OFTEN = "RATE"  # the kiss code of a server that is asked too much, RFC 5905 section 7.4
_HEADER = struct.Struct("!BBbbII4s8s8s8s8s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server says: its own two stamps, and how good it thinks they are."""

    stratum: int
    leap: int
    reference: str
    """Of stratum 0 and 1 four letters (a kiss code, or the kind of clock), else an address."""
    root_distance: float
    """Seconds by which it may be wrong against the source of its time, as it says."""
    received: float
    sent: float
    """Both in seconds since 1970, of the era that is nearest to the asker's time."""
    nonce: bytes
    """Of the question that it answers."""
    stamped: bool = True
    """Whether both stamps are there."""

    @property
    def passing(self) -> bool:
        """Whether it refuses for now only, as too many questions came to it."""
        return self.stratum == 0 and self.reference == TOO_OFTEN

    @property
    def refusal(self) -> str:
        """Why its time is not to be used, as it says itself; empty if it is."""
        if self.stratum == 0:
            return f"it refuses with '{self.reference}'"
        if self.leap == UNSYNCHRONISED or self.stratum > MOST_STRATUM:
            return "its own clock is not synchronised"
        if not self.stamped:
            return "its answer has no time in it"
        if abs(self.sent - self.received) > MOST_HELD:
            return f"the two times in its answer are {abs(self.sent - self.received):.0f} s apart"
        return ""


def request(nonce: bytes) -> bytes:
    """Return a question; *nonce*, 8 bytes, comes back in its answer, and tells nobody our time."""
    return bytes([CLIENT]) + bytes(SIZE - 9) + nonce


def read(packet: bytes, nonces: Container[bytes], near: float) -> Answer | None:
    """Return the answer to a question with one of *nonces*; None if *packet* is another's.

    *near* is the asker's time, in seconds since 1970: the era of the stamps is the nearest. Raises ``PeerError`` for
    what is no NTP.
    """
    if len(packet) < SIZE:
        raise PeerError(Cause.NOT_NTP, f"answered with '{excerpt(packet)}'")
    first, stratum, _, _, delay, dispersion, reference, _, origin, received, sent = _HEADER.unpack_from(packet)
    if first & 7 != SERVER_MODE or not 1 <= first >> 3 & 7 <= 4:
        raise PeerError(Cause.NOT_NTP, f"answered with '{excerpt(packet)}'")
    if origin not in nonces:
        return None
    return Answer(
        stratum=stratum,
        leap=first >> 6,
        reference=_reference(stratum, reference),
        root_distance=delay / 2 / 65536 + dispersion / 65536,
        received=_seconds(received, near),
        sent=_seconds(sent, near),
        nonce=origin,
        stamped=NO_TIME not in {received, sent},
    )


def offset(answer: Answer, asked: float, heard: float) -> tuple[float, float]:
    """Return by how many seconds the server is ahead of us, and the round trip, RFC 5905 section 8."""
    return (
        (answer.received - asked + answer.sent - heard) / 2,
        max(0.0, (heard - asked) - (answer.sent - answer.received)),
    )


def _reference(stratum: int, value: bytes) -> str:
    if stratum > 1:
        return ".".join(str(octet) for octet in value)
    return excerpt(value.rstrip(b"\0"))


def _seconds(stamp: bytes, near: float) -> float:
    whole, part = struct.unpack("!II", stamp)
    seconds = whole - EPOCH + part / ERA
    return float(seconds + ERA * round((near - seconds) / ERA))
