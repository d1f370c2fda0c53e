"""NTP and SSH, in bytes."""

from __future__ import annotations

import struct

import pytest

from rainbow_probe.model import Cause, PeerError
from rainbow_probe.protocols.ntp import EPOCH, ERA, SIZE, offset, read, request
from rainbow_probe.protocols.ssh import MOST, Banner

NONCE = b"12345678"
NOW = 1_795_000_000.0


def stamp(seconds: float) -> bytes:
    """Write a time as NTP does."""
    whole = int(seconds) + EPOCH
    return struct.pack("!II", whole % ERA, int((seconds % 1) * ERA))


def answer(
    first: int = 0x24, stratum: int = 2, reference: bytes = b"\xc0\0\2\1", nonce: bytes = NONCE, at: float = NOW
) -> bytes:
    """Answer as a server does."""
    return (
        struct.pack("!BBbbII4s8s", first, stratum, 6, -20, 65536, 32768, reference, stamp(at)) + nonce + stamp(at) * 2
    )


NO_STAMP = bytes(8)


def test_the_question_tells_nothing() -> None:
    """Client mode, and a nonce in the place of our time."""
    packet = request(NONCE)
    assert len(packet) == SIZE
    assert packet[0] == 0x23
    assert packet[1:40] == bytes(39)
    assert packet[40:] == NONCE


@pytest.mark.parametrize("near", [NOW, 2_085_978_496.5, 4_000_000_000.0])
def test_an_answer_is_read_in_the_nearest_era(near: float) -> None:
    """The stamps begin anew in 2036."""
    found = read(answer(at=near), {NONCE}, near)
    assert found
    assert found.received == pytest.approx(near, abs=0.001)
    assert (found.stratum, found.reference, found.refusal) == (2, "192.0.2.1", "")
    assert found.root_distance == pytest.approx(1.0)


def test_the_offset_is_that_of_the_standard() -> None:
    """The way there and back is taken off, as if it were the same."""
    found = read(answer(at=NOW + 100), {NONCE}, NOW)
    assert found
    ahead, round_trip = offset(found, NOW, NOW + 0.2)
    assert ahead == pytest.approx(99.9, abs=0.001)
    assert round_trip == pytest.approx(0.2, abs=0.001)


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (answer(stratum=0, reference=b"RATE"), "it refuses with 'RATE'"),
        (answer(first=0xE4), "not synchronised"),
        (answer(stratum=16), "not synchronised"),
        (answer()[:40] + NO_STAMP, "no time in it"),
        (answer()[:32] + NO_STAMP + stamp(NOW), "no time in it"),
        (answer()[:32] + NO_STAMP * 2, "no time in it"),
        (answer()[:40] + stamp(NOW + 1_000_000), "1000000 s apart"),
        (answer()[:40] + stamp(NOW - 4000), "4000 s apart"),
    ],
)
def test_a_server_without_time_says_so(packet: bytes, words: str) -> None:
    """A kiss of death, a clock that was never set, or stamps that are none (RFC 5905 section 6) or absurd."""
    found = read(packet, {NONCE}, NOW)
    assert found
    assert words in found.refusal
    assert found.passing is ("RATE" in words)


def test_the_kind_of_clock_is_told() -> None:
    """Of a server that has one itself."""
    found = read(answer(stratum=1, reference=b"GPS\0"), {NONCE}, NOW)
    assert found
    assert found.reference == "GPS"


def test_anothers_answer_is_none() -> None:
    """It does not have our nonce."""
    assert read(answer(nonce=b"xxxxxxxx"), {NONCE}, NOW) is None


def test_an_answer_says_which_question_it_answers() -> None:
    """On a slow line that is an earlier one."""
    found = read(answer(), {b"87654321", NONCE}, NOW)
    assert found
    assert found.nonce == NONCE


@pytest.mark.parametrize(
    "packet", [b"", b"HTTP", answer()[:-1], answer(first=0x23), answer(first=0x04), answer(first=0x3C)]
)
def test_what_is_no_ntp_is_refused(packet: bytes) -> None:
    """Too short, another mode, another version."""
    with pytest.raises(PeerError) as caught:
        read(packet, {NONCE}, NOW)
    assert caught.value.cause is Cause.NOT_NTP


@pytest.mark.parametrize(
    "pieces",
    [
        [b"SSH-2.0-OpenSSH_9.2p1\r\n"],
        [b"SSH-2.0-Open", b"SSH_9.2p1\r", b"\n"],
        [b"Welcome\r\nto the gateway\r\nSSH-2.0-OpenSSH_9.2p1\nmore"],
    ],
)
def test_the_first_line_of_a_server_is_found(pieces: list[bytes]) -> None:
    """In pieces, and behind other lines."""
    banner = Banner()
    assert [banner.feed(piece) for piece in pieces][-1] == "SSH-2.0-OpenSSH_9.2p1"


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([b""], "ended without a word"),
        ([b"220 mail.example ESMTP\r\n", b""], "said '220 mail.example"),
        ([b"x" * (MOST + 1)], "said 'xxx"),
        ([b"NOT-SSH-2.0-x\r\n", b""], "said 'NOT-SSH"),
    ],
)
def test_what_is_no_ssh_is_refused(pieces: list[bytes], words: str) -> None:
    """Within bounds."""
    banner = Banner()
    assert [banner.feed(piece) for piece in pieces[:-1]] == [""] * (len(pieces) - 1)
    with pytest.raises(PeerError, match=words) as caught:
        banner.feed(pieces[-1])
    assert caught.value.cause is Cause.NOT_SSH


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (b"Welcome\r\nSSH-2.0-Op", Cause.CANNOT_TELL),
        (b"SS", Cause.CANNOT_TELL),
        (b"SSH-2.0-" + b"x" * 400, Cause.NOT_SSH),
        (b"SMTP", Cause.NOT_SSH),
        (b"SSH is off\r\n", Cause.NOT_SSH),
    ],
)
def test_who_began_the_line_and_is_late_may_be_slow(said: bytes, cause: Cause) -> None:
    """A drip of bytes that begin right is no other service."""
    banner = Banner()
    banner.feed(said)
    complaint = banner.complaint(late=True)
    assert complaint
    assert complaint.cause is cause
