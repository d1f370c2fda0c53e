"""Who sent a STUN message: long-term keys, MESSAGE-INTEGRITY and FINGERPRINT (RFC 8489 sections 9.2 and 14)."""

from __future__ import annotations

import hashlib
import hmac
import stringprep
import struct
import unicodedata
import zlib

from rainbow_probe.protocols.stun import HEADER_SIZE, MalformedError, Message, attributes_of
from rainbow_probe.protocols.stun_numbers import FINGERPRINT_XOR, Attr

INTEGRITY_SIZE = 24  # header and HMAC-SHA1, RFC 8489 section 14.5
FINGERPRINT_SIZE = 8  # header and CRC-32, RFC 8489 section 14.7


def long_term_key(user: str, realm: str, password: str) -> bytes:
    """Return the key of the long-term mechanism (RFC 8489 section 9.2.2).

    MD5, because that is what coturn and browsers use; the newer SHA-256 must be announced by both sides.
    """
    parts = (encoded(prepared(user)), encoded(realm), encoded(prepared(password)))
    return hashlib.md5(b":".join(parts), usedforsecurity=False).digest()


def prepared(text: str) -> str:
    """Return *text* as SASLprep maps it (RFC 4013 sections 2.1 and 2.2); ASCII stays as it is.

    Of the two profiles in use (RFC 5389 SASLprep, RFC 8489 OpaqueString) this is the older one, which has published
    test vectors. They differ outside ASCII only, and generated TURN credentials are ASCII.
    """
    if text.isascii():
        return text
    kept = (c for c in text if not stringprep.in_table_b1(c))
    return unicodedata.normalize("NFKC", "".join(" " if stringprep.in_table_c12(c) else c for c in kept))


def encoded(text: str) -> bytes:
    """Return *text* in UTF-8; bytes that were no UTF-8 when they were read come out as they were."""
    return text.encode("utf-8", "surrogateescape")


def sign(message: Message, key: bytes, *, fingerprint: bool = False) -> bytes:
    """Return *message* as a packet, with MESSAGE-INTEGRITY under *key* and, if asked for, FINGERPRINT."""
    packet = bytes(message)
    digest = _hmac(packet, len(packet), key)
    packet = _lengthened(packet, INTEGRITY_SIZE) + struct.pack("!HH", Attr.MESSAGE_INTEGRITY, len(digest)) + digest
    return with_fingerprint(packet) if fingerprint else packet


def with_fingerprint(packet: bytes) -> bytes:
    """Return *packet* with a FINGERPRINT at its end (RFC 8489 section 14.7)."""
    longer = _lengthened(packet, FINGERPRINT_SIZE)
    return longer + struct.pack("!HHI", Attr.FINGERPRINT, 4, _crc(longer))


def verify(packet: bytes, key: bytes) -> bool:
    """Tell whether *packet* carries a MESSAGE-INTEGRITY made with *key*."""
    found = _find(packet, Attr.MESSAGE_INTEGRITY)
    if found is None:
        return False
    value, at = found
    return hmac.compare_digest(value, _hmac(packet[:at], at, key))


def fingerprint(packet: bytes) -> bool | None:
    """Tell whether the FINGERPRINT of *packet* is right; None if it has none."""
    found = _find(packet, Attr.FINGERPRINT)
    if found is None:
        return None
    value, at = found
    return at + FINGERPRINT_SIZE == len(packet) and value == _crc(packet[:at]).to_bytes(4, "big")


def _find(packet: bytes, attr: Attr) -> tuple[bytes, int] | None:
    try:
        return next(((value, at) for kind, value, at in attributes_of(packet) if kind == attr), None)
    except MalformedError:
        return None


def _hmac(covered: bytes, at: int, key: bytes) -> bytes:
    """Sign the bytes before the attribute; the length in the header counts the attribute, but nothing after it."""
    length = at - HEADER_SIZE + INTEGRITY_SIZE
    return hmac.digest(key, covered[:2] + length.to_bytes(2, "big") + covered[4:], "sha1")


def _lengthened(packet: bytes, more: int) -> bytes:
    length = int.from_bytes(packet[2:4], "big") + more
    return packet[:2] + length.to_bytes(2, "big") + packet[4:]


def _crc(packet: bytes) -> int:
    return zlib.crc32(packet) ^ FINGERPRINT_XOR
