"""The numbers of STUN and TURN: IANA "STUN Parameters", RFC 8489 section 18, RFC 8656 section 18."""

from __future__ import annotations

from enum import IntEnum

COOKIE = 0x2112A442  # RFC 8489 section 5
COOKIE_BYTES = COOKIE.to_bytes(4, "big")
FINGERPRINT_XOR = 0x5354554E  # RFC 8489 section 14.7
CHANNELS = range(0x4000, 0x5000)  # RFC 8656 section 12
COMPREHENSION_OPTIONAL = 0x8000  # RFC 8489 section 14: attributes from here on may be ignored


class Method(IntEnum):
    """What a message asks for or reports."""

    BINDING = 0x001
    ALLOCATE = 0x003
    REFRESH = 0x004
    SEND = 0x006
    DATA = 0x007
    CREATE_PERMISSION = 0x008
    CHANNEL_BIND = 0x009


class Class(IntEnum):
    """The two class bits of a message type, RFC 8489 section 5."""

    REQUEST = 0b00
    INDICATION = 0b01
    SUCCESS = 0b10
    ERROR = 0b11


class Attr(IntEnum):
    """Attribute types that are known here; others are kept and named by number."""

    MAPPED_ADDRESS = 0x0001
    CHANGE_REQUEST = 0x0003
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    CHANNEL_NUMBER = 0x000C
    LIFETIME = 0x000D
    XOR_PEER_ADDRESS = 0x0012
    DATA = 0x0013
    REALM = 0x0014
    NONCE = 0x0015
    XOR_RELAYED_ADDRESS = 0x0016
    REQUESTED_ADDRESS_FAMILY = 0x0017
    EVEN_PORT = 0x0018
    REQUESTED_TRANSPORT = 0x0019
    DONT_FRAGMENT = 0x001A
    MESSAGE_INTEGRITY_SHA256 = 0x001C
    PASSWORD_ALGORITHM = 0x001D
    USERHASH = 0x001E
    XOR_MAPPED_ADDRESS = 0x0020
    RESERVATION_TOKEN = 0x0022
    RESPONSE_PORT = 0x0027
    ADDITIONAL_ADDRESS_FAMILY = 0x8000
    ADDRESS_ERROR_CODE = 0x8001
    PASSWORD_ALGORITHMS = 0x8002
    ALTERNATE_DOMAIN = 0x8003
    ICMP = 0x8004
    SOFTWARE = 0x8022
    ALTERNATE_SERVER = 0x8023
    FINGERPRINT = 0x8028
    RESPONSE_ORIGIN = 0x802B
    OTHER_ADDRESS = 0x802C
    SERVED_PORTS = 0xC0D5
    """Our own, from the part that whoever does not know it ignores: which ports a responder has open."""
    LEAVE_BY = 0xC0D6
    """Our own too: from which of them the answer shall come."""


XORED = frozenset({Attr.XOR_MAPPED_ADDRESS, Attr.XOR_PEER_ADDRESS, Attr.XOR_RELAYED_ADDRESS})
"""Address attributes that are obfuscated with the cookie and the transaction, RFC 8489 section 14.2."""

AFTER_INTEGRITY = frozenset({Attr.MESSAGE_INTEGRITY_SHA256, Attr.FINGERPRINT})
"""All that counts after MESSAGE-INTEGRITY; the rest is not covered by it, RFC 8489 section 14.5."""
