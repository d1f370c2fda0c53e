"""RTP and SRTP as bytes: streams count on, only their own packets are theirs, and only the other end's key will do."""

from __future__ import annotations

import pytest

from rainbow_probe.protocols.rtp import SILENCE, Packet, Voice, looks_like
from rainbow_probe.protocols.srtp import MATERIAL, Keys, Srtp
from rainbow_probe.protocols.stun import MalformedError

SIMPLE = Packet(sequence=65535, timestamp=4294967295, ssrc=0x01020304, payload=b"voice", marker=True)


def test_a_packet_is_what_the_rfc_draws() -> None:
    """Version 2, no padding, no extension, no contributors; marker and payload type in the second byte."""
    assert bytes(SIMPLE).hex() == "8080ffffffffffff01020304" + b"voice".hex()
    assert Packet.parse(bytes(SIMPLE)) == SIMPLE
    assert looks_like(bytes(SIMPLE))


def test_what_others_put_into_a_header_is_taken_off() -> None:
    """Two contributors, an extension of one word, and three bytes of padding."""
    plain = bytes(SIMPLE)
    odd = bytes([plain[0] | 0x32]) + plain[1:12] + bytes(8) + b"\xbe\xde\x00\x01" + bytes(4) + b"voice\x00\x00\x03"
    assert Packet.parse(odd) == SIMPLE


@pytest.mark.parametrize(
    "data",
    [b"", b"\x80" * 11, b"\x40" + bytes(20), b"\x8f" + bytes(20), b"\x90" + bytes(11), b"\xa0" + bytes(19) + b"\xff"],
    ids=["empty", "short", "version 1", "contributors missing", "extension missing", "padding longer than all"],
)
def test_what_is_no_packet_is_refused(data: bytes) -> None:
    """Lengths come from whoever sent it."""
    with pytest.raises(MalformedError):
        Packet.parse(data)


def test_a_stream_counts_on_over_the_turn_of_its_counters() -> None:
    """Sequence number and timestamp begin anywhere, and 160 ticks are 20 ms."""
    voice = Voice(ssrc=7, first=65535, start=4294967295)
    packets = [voice.packet() for _ in range(3)]
    assert [packet.sequence for packet in packets] == [65535, 0, 1]
    assert [packet.timestamp for packet in packets] == [4294967295, 159, 319]
    assert [packet.marker for packet in packets] == [True, False, False]
    assert [voice.number_of(packet) for packet in packets] == [0, 1, 2]


@pytest.mark.parametrize(
    "other",
    [
        Packet(sequence=12, timestamp=320, ssrc=8, payload=SILENCE),
        Packet(sequence=13, timestamp=480, ssrc=7, payload=SILENCE),
        Packet(sequence=12, timestamp=321, ssrc=7, payload=SILENCE),
    ],
    ids=["another stream", "not sent yet", "another time"],
)
def test_a_packet_of_nobody_is_not_counted(other: Packet) -> None:
    """Stream, number and time must all be those of a packet that was sent."""
    voice = Voice(ssrc=7, first=10, start=0)
    for _ in range(3):
        voice.packet()
    assert voice.number_of(other) is None


def test_only_the_other_ends_key_will_do() -> None:
    """What it made is read once; repeated, altered, in clear or one's own it is nothing."""
    material = bytes(range(MATERIAL))
    client, server = (Srtp(Keys.of(material, server=end)) for end in (False, True))
    rtp = bytes(Voice().packet())
    sent = client.protect(rtp)
    assert rtp[12:] not in sent
    assert len(sent) == len(rtp) + 10  # 80 bits of authentication
    altered = sent[:-1] + bytes([sent[-1] ^ 1])
    assert [server.unprotect(each) for each in (altered, rtp, bytes(2000))] == [None, None, None]
    assert client.unprotect(sent) is None
    assert server.unprotect(sent) == rtp
    assert server.unprotect(sent) is None
    assert client.unprotect(server.protect(rtp)) == rtp
    assert str(material[:16]) not in repr(Keys.of(material, server=False))
