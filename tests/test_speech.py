"""Packets that look as those of a call, by bytes."""

from __future__ import annotations

import pytest

from rainbow_probe.protocols.rtp import HEADER
from rainbow_probe.protocols.speech import G711, OPUS, TAG, Codec, Sender, source_of


def test_a_packet_reads_as_rfc_3550_draws_it() -> None:
    """Version 2, no padding, no extension, no sources; then type, number, time and source."""
    sender = Sender(G711, source=0x0A0B0C0D, first=0x1233)
    assert sender.packet(1) == bytes.fromhex("8008 1234 000000a0 0a0b0c0d") + bytes(160 + TAG)


@pytest.mark.parametrize(("codec", "size", "rate"), [(G711, 160, 84), (OPUS, 100, 60)])
def test_a_stream_has_the_sizes_of_srtp(codec: Codec, size: int, rate: float) -> None:
    """The payload has the tag behind it that SRTP adds; on the line there are the headers, too."""
    assert len(Sender(codec, source=7).packet(0)) == HEADER.size + size + TAG
    assert codec.wire_kbit_s == pytest.approx(rate)


@pytest.mark.parametrize("first", [0, 1, 65_000, 65_535])
def test_numbers_that_count_round_are_told_apart(first: int) -> None:
    """By what was sent about then."""
    sender = Sender(OPUS, source=7, first=first)
    for index in (0, 1, 700, 65_536, 200_000):
        packet = sender.packet(index)
        assert [sender.index(packet, latest) for latest in (max(0, index - 500), index, index + 500)] == [index] * 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(182),
        Sender(G711, source=8).packet(0),
        Sender(OPUS, source=7).packet(0),
        Sender(G711, source=7).packet(0)[:-1],
        Sender(G711, source=7, first=99).packet(0),
    ],
    ids=["nothing", "zeros", "another source", "another codec", "cut off", "never sent"],
)
def test_a_packet_of_somebody_else_is_none_of_ours(data: bytes) -> None:
    """Whatever it is, it is passed over."""
    assert Sender(G711, source=7, first=100).index(data, 0) is None


def test_whose_a_packet_is() -> None:
    """As far as it is one."""
    assert source_of(Sender(G711, source=77).packet(3)) == 77
    assert source_of(b"short") is None
