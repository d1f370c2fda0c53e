"""STUN messages (RFC 8489): the codec. Signing is in ``stun_auth``, one request's life in ``transaction``."""

from __future__ import annotations

import ipaddress
import secrets
import struct
from dataclasses import dataclass

from rainbow_probe.protocols.excerpt import excerpt
from rainbow_probe.protocols.stun_framing import (
    ATTRIBUTE,
    FIRST_WAIT,
    HEADER,
    HEADER_SIZE,
    RELIABLE_WAIT,
    MalformedError,
    attributes_of,
    frame_size,
    looks_like,
    waits,
)
from rainbow_probe.protocols.stun_numbers import (
    AFTER_INTEGRITY,
    CHANNELS,
    COMPREHENSION_OPTIONAL,
    COOKIE,
    COOKIE_BYTES,
    XORED,
    Attr,
    Class,
    Method,
)

__all__ = [
    "CHANNELS",
    "COOKIE",
    "FIRST_WAIT",
    "HEADER_SIZE",
    "RELIABLE_WAIT",
    "Attr",
    "Class",
    "MalformedError",
    "Message",
    "Method",
    "attributes_of",
    "error_code",
    "frame_size",
    "kind_of",
    "looks_like",
    "plain_address",
    "reply",
    "request",
    "waits",
    "xor_address",
]

FAMILY_SIZE = {0x01: 4, 0x02: 16}  # RFC 8489 section 14.1
REASON_SIZE = 127  # characters, RFC 8489 section 14.8


@dataclass(frozen=True, slots=True)
class Message:
    """One STUN message; attributes in their order, unknown ones and repeated ones kept."""

    kind: int
    transaction: bytes
    attributes: tuple[tuple[int, bytes], ...] = ()

    def __bytes__(self) -> bytes:
        body = b"".join(
            ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4) for kind, value in self.attributes
        )
        return HEADER.pack(self.kind, len(body), COOKIE, self.transaction) + body

    @classmethod
    def parse(cls, packet: bytes) -> Message:
        """Read one whole message. Raises ``MalformedError``, and nothing else, if it is none."""
        if len(packet) < HEADER_SIZE:
            raise MalformedError("shorter than a header")
        kind, length, cookie, transaction = HEADER.unpack_from(packet)
        if kind >> 14 or cookie != COOKIE:
            raise MalformedError("no magic cookie")
        if length % 4 or len(packet) != HEADER_SIZE + length:
            raise MalformedError("wrong length")
        return cls(kind, transaction, tuple((kind, value) for kind, value, _ in attributes_of(packet)))

    @property
    def method(self) -> int:
        """The method, as in ``Method``; other numbers are possible."""
        return self.kind & 0x000F | self.kind >> 1 & 0x0070 | self.kind >> 2 & 0x0F80

    @property
    def cls(self) -> Class:
        """Whether it is a request, an indication, a success or an error."""
        return Class(self.kind >> 4 & 1 | self.kind >> 7 & 2)

    def get(self, attr: int) -> bytes | None:
        """Return the first value of *attr* that counts: what follows MESSAGE-INTEGRITY is not covered by it."""
        covered = True
        for kind, value in self.attributes:
            if kind == attr and (covered or kind in AFTER_INTEGRITY):
                return value
            covered = covered and kind != Attr.MESSAGE_INTEGRITY
        return None

    def text(self, attr: int) -> str | None:
        """Return *attr* as printable, bounded text, for evidence: SOFTWARE, REALM."""
        value = self.get(attr)
        return None if value is None else excerpt(value)

    def error(self) -> tuple[int, str] | None:
        """Return the code and the reason of ERROR-CODE (RFC 8489 section 14.8), or None if there is none."""
        value = self.get(Attr.ERROR_CODE)
        if value is None or len(value) < 4:
            return None
        reason = value[4:].rstrip(b"\0")  # coturn sends C strings
        return (value[2] & 0b111) * 100 + value[3], excerpt(reason, REASON_SIZE)

    def mapped_address(self) -> tuple[str, int] | None:
        """Return the address the server saw, or None if it named none."""
        return self.address(Attr.XOR_MAPPED_ADDRESS) or self.address(Attr.MAPPED_ADDRESS)

    def address(self, attr: int) -> tuple[str, int] | None:
        """Return the address in *attr*, or None if it is missing or malformed."""
        value = self.get(attr)
        if value is None or len(value) < 4 or FAMILY_SIZE.get(value[1]) != len(value) - 4:
            return None
        pad = COOKIE_BYTES + self.transaction if attr in XORED else bytes(16)
        port = int.from_bytes(value[2:4], "big") ^ int.from_bytes(pad[:2], "big")
        return str(ipaddress.ip_address(_xor(value[4:], pad))), port

    def unknown(self) -> tuple[str, ...]:
        """Return the numbers of the attributes that are not known here, for evidence."""
        return tuple(f"0x{kind:04x}" for kind, _ in self.attributes if kind not in _KNOWN)

    def not_understood(self) -> tuple[str, ...]:
        """Return the unknown attributes that make a response a failure (RFC 8489 section 6.3.3)."""
        return tuple(
            f"0x{kind:04x}" for kind, _ in self.attributes if kind < COMPREHENSION_OPTIONAL and kind not in _KNOWN
        )


_KNOWN = frozenset(Attr)


def kind_of(method: int, cls: Class) -> int:
    """Return the message type of a method and a class, RFC 8489 section 5."""
    bits = method & 0x000F | (method & 0x0070) << 1 | (method & 0x0F80) << 2
    return bits | (cls & 1) << 4 | (cls & 2) << 7


def request(method: int, *attributes: tuple[int, bytes], transaction: bytes | None = None) -> Message:
    """Build a request; its transaction is random unless given."""
    return Message(kind_of(method, Class.REQUEST), transaction or secrets.token_bytes(12), attributes)


def reply(to: Message, cls: Class, *attributes: tuple[int, bytes]) -> Message:
    """Build the answer of a server *to* a request."""
    return Message(kind_of(to.method, cls), to.transaction, attributes)


def error_code(code: int, reason: str) -> bytes:
    """Return the value of an ERROR-CODE attribute, RFC 8489 section 14.8."""
    return struct.pack("!xxBB", code // 100, code % 100) + reason.encode()


def plain_address(host: str, port: int) -> bytes:
    """Return the value of MAPPED-ADDRESS and its like. Raises ``ValueError`` if *host* is no address."""
    packed = ipaddress.ip_address(host).packed
    return struct.pack("!xBH", 1 if len(packed) == 4 else 2, port) + packed


def xor_address(host: str, port: int, transaction: bytes) -> bytes:
    """Return the value of an XOR- address attribute. Raises ``ValueError`` if *host* is no address."""
    value = plain_address(host, port)
    pad = COOKIE_BYTES + transaction
    return value[:2] + _xor(value[2:4], pad) + _xor(value[4:], pad)


def _xor(data: bytes, pad: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(data, pad, strict=False))
