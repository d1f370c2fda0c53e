"""Keys, integrity and fingerprints against RFC 5769, and against tampering."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.protocols import stun_auth
from rainbow_probe.protocols.stun import Attr, Message
from tests.test_stun import FUZZ, REQUEST, RESPONSE_V4, RESPONSE_V6, messages

PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"  # of RFC 5769 sections 2.1 to 2.3
# RFC 5769 section 2.4: long-term credentials; user and password outside ASCII, before SASLprep.
LONG_TERM = bytes.fromhex(
    "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b90000"
    "0015001c662f2f3439396b39353464364f4c33346f4c39465354767936347341"
    "0014000b6578616d706c652e6f72670000080014f67024656dd64a3e02b8e0712e85c9a28ca89666"
)
USER = "\u30de\u30c8\u30ea\u30c3\u30af\u30b9"
UNPREPARED = "The\u00adM\u00aatr\u2168"
KEY = b"0123456789abcdef"


@pytest.mark.parametrize("packet", [REQUEST, RESPONSE_V4, RESPONSE_V6])
def test_the_vectors_of_rfc_5769(packet: bytes) -> None:
    """Integrity and fingerprint are right, and only with the right key."""
    assert stun_auth.verify(packet, PASSWORD)
    assert stun_auth.fingerprint(packet) is True
    assert not stun_auth.verify(packet, b"another")


def test_the_long_term_vector_of_rfc_5769() -> None:
    """User and password are prepared before they become the key."""
    assert stun_auth.verify(LONG_TERM, stun_auth.long_term_key(USER, "example.org", UNPREPARED))
    assert not stun_auth.verify(LONG_TERM, stun_auth.long_term_key(USER, "example.org", "TheMatrix"))
    assert not stun_auth.verify(LONG_TERM, stun_auth.long_term_key(USER, "example.com", UNPREPARED))


def test_signing_makes_the_vector() -> None:
    """What we sign is what the RFC signed, byte for byte."""
    message = Message.parse(LONG_TERM)
    unsigned = Message(message.kind, message.transaction, message.attributes[:-1])
    assert stun_auth.sign(unsigned, stun_auth.long_term_key(USER, "example.org", UNPREPARED)) == LONG_TERM


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("", ""),
        ("1700000000:alice", "1700000000:alice"),
        ("I\u00adX", "IX"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        (USER, USER),
        (UNPREPARED, "TheMatrIX"),
    ],
)
def test_preparation(text: str, out: str) -> None:
    """The examples of RFC 4013 section 3; ASCII stays as it is."""
    assert stun_auth.prepared(text) == out


def test_bytes_that_were_no_utf8_survive() -> None:
    """A realm in another encoding goes back as it came."""
    assert stun_auth.encoded(b"caf\xe9".decode("utf-8", "surrogateescape")) == b"caf\xe9"


@FUZZ
@given(
    message=messages.filter(lambda m: m.get(Attr.MESSAGE_INTEGRITY) is None),
    key=st.binary(max_size=40),
    fingerprint=st.booleans(),
)
def test_what_is_signed_verifies(message: Message, key: bytes, *, fingerprint: bool) -> None:
    """And still parses, as the same message with the signature at its end."""
    packet = stun_auth.sign(message, key, fingerprint=fingerprint)
    assert stun_auth.verify(packet, key)
    assert not stun_auth.verify(packet, key + b"x")
    assert Message.parse(packet).attributes[: len(message.attributes)] == message.attributes
    assert not fingerprint or stun_auth.fingerprint(packet) in (True, False)


@FUZZ
@given(st.integers(0, 79), st.integers(1, 255))
def test_one_changed_byte_breaks_the_signature(at: int, change: int) -> None:
    """Wherever it lies: header, attribute, signature. The length does not count: it is written anew for the digest."""
    packet = bytearray(RESPONSE_V4[:72] + b"\x80\x28\x00\x04" + RESPONSE_V4[-4:])
    packet[at] ^= change
    covered = not 2 <= at < 4 and at < 72
    assert not (covered and stun_auth.verify(bytes(packet), PASSWORD))


@FUZZ
@given(st.binary(max_size=120), st.binary(max_size=20))
def test_any_bytes_can_be_asked_for_their_signature(packet: bytes, key: bytes) -> None:
    """Nothing but True, False and None comes out."""
    assert not stun_auth.verify(packet, key)
    assert stun_auth.fingerprint(packet) in (None, False)


@pytest.mark.parametrize("tail", ["00", "000800", "00080014", "0008001400"])
def test_a_packet_cut_short_has_no_signature(tail: str) -> None:
    """Wherever it was cut."""
    assert not stun_auth.verify(bytes(Message(0x0101, bytes(12))) + bytes.fromhex(tail), KEY)


def test_no_signature_is_a_wrong_signature() -> None:
    """Leaving it out must not help."""
    assert not stun_auth.verify(bytes(Message(0x0101, bytes(12))), KEY)


def test_a_short_signature_is_wrong() -> None:
    """A prefix of the right digest is not the digest."""
    whole = stun_auth.sign(Message(0x0101, bytes(12)), KEY)
    cut = Message(0x0101, bytes(12), ((Attr.MESSAGE_INTEGRITY, whole[24:28]),))
    assert not stun_auth.verify(bytes(cut), KEY)


def test_fingerprints() -> None:
    """Right, wrong, missing, and not at the end."""
    plain = bytes(Message(0x0001, bytes(12)))
    packet = stun_auth.with_fingerprint(plain)
    assert stun_auth.fingerprint(packet) is True
    assert stun_auth.fingerprint(packet[:-1] + bytes([packet[-1] ^ 1])) is False
    assert stun_auth.fingerprint(plain) is None
    assert stun_auth.fingerprint(packet + bytes.fromhex("80220000")) is False
