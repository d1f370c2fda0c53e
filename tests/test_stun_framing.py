"""Where STUN messages end on a stream, what came instead of them, and when they are sent again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.protocols import stun
from rainbow_probe.protocols.channel import channel_data, parse_channel_data
from rainbow_probe.protocols.stun import MalformedError, Message
from tests.test_stun import FUZZ, REQUEST, RESPONSE_V4, messages

TLS_ALERT = bytes.fromhex("15030100020228")


@FUZZ
@given(
    st.lists(st.one_of(messages.map(bytes), st.binary(max_size=50).map(lambda d: channel_data(0x4001, d, padded=True))))
)
def test_a_stream_is_cut_where_messages_end(packets: list[bytes]) -> None:
    """STUN and padded ChannelData, mixed, one after the other."""
    assert cut(b"".join(packets)) == packets


def cut(stream: bytes) -> list[bytes]:
    """Cut *stream* into frames, giving it byte by byte."""
    frames: list[bytes] = []
    buffer = b""
    for byte in stream:
        buffer += bytes([byte])
        if (size := stun.frame_size(buffer)) is not None:
            frames.append(buffer[:size])
            buffer = buffer[size:]
    assert not buffer
    return frames


@FUZZ
@given(st.binary(max_size=100))
def test_any_stream_is_cut_or_malformed(buffer: bytes) -> None:
    """A frame is never longer than the buffer, and never empty."""
    try:
        size = stun.frame_size(buffer)
    except MalformedError:
        return
    assert size is None or 4 <= size <= len(buffer)


@pytest.mark.parametrize("size", range(len(REQUEST)))
def test_half_a_message_is_waited_for(size: int) -> None:
    """However little of it has come."""
    assert stun.frame_size(REQUEST[:size]) is None


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"HTTP",
        b"<html>12",
        b"SSH-2.0-x\r\n",
        b"220 smtp",
        TLS_ALERT,
        b"\xff\xff\xff\xff",
        b"\x00\x01\x00\x01\x21\x12\xa4\x42",  # a length that is no multiple of four
        b"\x01\x01\x00\x08\x21\x13",  # half a cookie, and wrong already
        b"\x60\x00\x00\x04",  # a channel nobody may use
    ],
)
def test_foreign_bytes_are_told_at_once(data: bytes) -> None:
    """Nobody waits for 21 KB of ChannelData because a page begins with "HT"."""
    with pytest.raises(MalformedError):
        stun.frame_size(data)


def test_only_bound_channels_are_frames() -> None:
    """A client that bound none takes no ChannelData."""
    framed = channel_data(0x4000, b"data")
    assert stun.frame_size(framed, range(0x4000, 0x4001)) == 8
    with pytest.raises(MalformedError):
        stun.frame_size(framed, ())


@pytest.mark.parametrize(
    ("packet", "guess"),
    [
        (b"", "empty"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "http"),
        (b"HTTP/1.0 200 OK\r\n", "http"),
        (b"<!DOCTYPE html PUBLIC>", "http"),
        (b"<html><body>blocked</body>", "http"),
        (TLS_ALERT, "tls"),
        (bytes.fromhex("160303"), "tls"),
        (b"\x16", "bytes"),
        (b"SSH-2.0-OpenSSH_9\r\n", "bytes"),
        (RESPONSE_V4, "bytes"),
    ],
)
def test_what_else_it_looks_like(packet: bytes, guess: str) -> None:
    """The box that answers betrays itself by its own protocol."""
    assert stun.looks_like(packet) == guess


def test_the_schedule_over_udp() -> None:
    """Seven sends at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s, given up at 39.5 s (RFC 8489 section 6.2.1)."""
    waits = list(stun.waits(reliable=False))
    assert waits == [0.5, 1, 2, 4, 8, 16, 8]
    assert sum(waits) == stun.RELIABLE_WAIT


def test_the_schedule_follows_the_first_wait() -> None:
    """A known round trip makes all of it shorter."""
    assert list(stun.waits(reliable=False, first=0.1)) == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 1.6])


def test_a_reliable_link_gets_one_request() -> None:
    """Retransmitting is the stream's work (RFC 8489 section 6.2.2)."""
    assert list(stun.waits(reliable=True)) == [39.5]


@FUZZ
@given(number=st.integers(0x4000, 0x4FFF), data=st.binary(max_size=1500), padded=st.booleans())
def test_channel_data_comes_back(number: int, data: bytes, *, padded: bool) -> None:
    """With padding or without."""
    packet = channel_data(number, data, padded=padded)
    assert parse_channel_data(packet) == (number, data)
    assert not padded or len(packet) % 4 == 0


@pytest.mark.parametrize("packet", [b"", b"\x40\x00\x00", b"\x40\x00\x00\x05abcd", b"\x50\x00\x00\x00", REQUEST])
def test_what_is_not_channel_data(packet: bytes) -> None:
    """Too short for its length, a number out of range, STUN."""
    assert parse_channel_data(packet) is None


def test_a_message_is_a_whole_frame() -> None:
    """The smallest one has a header only."""
    assert stun.frame_size(bytes(Message(1, bytes(12)))) == stun.HEADER_SIZE
