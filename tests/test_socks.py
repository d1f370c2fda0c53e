"""SOCKS, byte by byte: what is asked, what the answers mean, and what is no SOCKS at all."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.model import Cause, Credentials, Endpoint, PeerError
from rainbow_probe.protocols.socks import Tunnel, Tunnel4

NAMED = Endpoint(host="turn.example", port=443)
ALICE = Credentials(user="alice", password="Xq7-s3cr3t")  # noqa: S106 - made up, to look for it
OPENED = b"\x05\x00\x00\x01\x0a\x00\x00\x01\x12\x34"


def talk(machine: Tunnel, *answers: bytes) -> bytes:
    """Give *answers* to *machine* byte by byte; return all that it sends."""
    sent = machine.request()
    for answer in answers:
        for byte in answer:
            sent += machine.feed(bytes([byte]))
    return sent


@pytest.mark.parametrize(
    ("host", "written"),
    [
        ("turn.example", b"\x03\x0cturn.example"),
        ("198.18.0.21", b"\x01\xc6\x12\x00\x15"),
        ("2001:db8::7", b"\x04\x20\x01\x0d\xb8" + bytes(11) + b"\x07"),
    ],
)
def test_a_name_is_left_to_the_proxy(host: str, written: bytes) -> None:
    """An address goes as one (RFC 1928 section 5)."""
    machine = Tunnel(Endpoint(host=host, port=443))
    assert talk(machine, b"\x05\x00", OPENED) == b"\x05\x01\x00" + b"\x05\x01\x00" + written + b"\x01\xbb"
    assert machine.open


@pytest.mark.parametrize("bound", [b"\x01" + bytes(4), b"\x03\x03abc", b"\x04" + bytes(16)])
def test_what_follows_the_answer_is_the_tunnels(bound: bytes) -> None:
    """Whatever kind of address the proxy says that it uses."""
    machine = Tunnel(NAMED)
    machine.request()
    machine.feed(b"\x05\x00\x05\x00\x00" + bound + b"\x00\x00" + b"hello")
    assert (machine.open, machine.leftover) == (True, b"hello")


def test_user_and_password_are_given_when_asked_for() -> None:
    """RFC 1929; and they are in no fact."""
    machine = Tunnel(NAMED, ALICE)
    sent = talk(machine, b"\x05\x02", b"\x01\x00", OPENED)
    assert sent.startswith(b"\x05\x02\x00\x02\x01\x05alice\x0aXq7-s3cr3t\x05\x01\x00")
    assert machine.facts() == {"authority": "turn.example:443", "socks": 5, "method": 2, "reply": 0}


def test_user_and_password_are_kept_where_nobody_asks() -> None:
    """The proxy chose to let anybody in."""
    assert b"alice" not in talk(Tunnel(NAMED, ALICE), b"\x05\x00", OPENED)


REFUSALS = [
    (None, [b"\x05\xff"], Cause.PROXY_AUTH),
    (None, [b"\x05\x02"], Cause.PROXY_AUTH),
    (ALICE, [b"\x05\xff"], Cause.PROXY_AUTH),
    (ALICE, [b"\x05\x01"], Cause.PROXY_AUTH),
    (ALICE, [b"\x05\x02", b"\x01\x01"], Cause.PROXY_AUTH),
    (None, [b"\x05\x00", b"\x05\x01"], Cause.PROXY_TARGET_FAILED),
    (None, [b"\x05\x00", b"\x05\x02"], Cause.PROXY_DENIED),
    (None, [b"\x05\x00", b"\x05\x03"], Cause.PROXY_TARGET_FAILED),
    (None, [b"\x05\x00", b"\x05\x04"], Cause.PROXY_TARGET_FAILED),
    (None, [b"\x05\x00", b"\x05\x05"], Cause.PROXY_TARGET_FAILED),
    (None, [b"\x05\x00", b"\x05\x06"], Cause.PROXY_TARGET_FAILED),
    (None, [b"\x05\x00", b"\x05\x07"], Cause.PROXY_DENIED),
    (None, [b"\x05\x00", b"\x05\x08"], Cause.PROXY_DENIED),
    (None, [b"\x05\x00", b"\x05\x63"], Cause.PROXY_DENIED),
    (None, [b"HTTP/1.1 400 Bad Request"], Cause.NOT_SOCKS),
    (None, [b"\x00\x5b"], Cause.NOT_SOCKS),
    (None, [b"\x05\x00", b"HTTP/1.1"], Cause.NOT_SOCKS),
    (None, [b"\x05\x00", b"\x05\x00\x00\x07\x01\x01"], Cause.NOT_SOCKS),
]


@pytest.mark.parametrize(("login", "answers", "cause"), REFUSALS)
def test_the_proxy_says_no(login: Credentials | None, answers: list[bytes], cause: Cause) -> None:
    """At once, as soon as it is clear, and in the proxy's own words."""
    with pytest.raises(PeerError) as caught:
        talk(Tunnel(NAMED, login), *answers)
    assert caught.value.cause is cause
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("said", [b"", b"\x05", b"\x05\x00\x05"])
def test_an_end_in_the_middle(said: bytes) -> None:
    """Nothing whole was said."""
    machine = Tunnel(NAMED)
    machine.request()
    if said:
        machine.feed(said)
    with pytest.raises(EOFError):
        machine.feed(b"")


def test_version_four() -> None:
    """Address, port and user in one message; the answer is eight bytes."""
    machine = Tunnel4(Endpoint(host="198.18.0.21", port=80), ALICE)
    assert talk(machine, b"\x00\x5a" + bytes(6)) == b"\x04\x01\x00\x50\xc6\x12\x00\x15alice\x00"
    assert machine.open
    machine = Tunnel4(Endpoint(host="198.18.0.21", port=80))
    machine.request()
    machine.feed(b"\x00\x5a" + bytes(6) + b"more")
    assert machine.leftover == b"more"


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"\x00\x5b", Cause.PROXY_DENIED),
        (b"\x04\x5c", Cause.PROXY_AUTH),
        (b"\x00\x5d", Cause.PROXY_AUTH),
        (b"\x00\x01", Cause.PROXY_DENIED),
        (b"\x05\x00", Cause.NOT_SOCKS),
        (b"HTTP", Cause.NOT_SOCKS),
    ],
)
def test_version_four_says_no(answer: bytes, cause: Cause) -> None:
    """It has one word for most of it."""
    with pytest.raises(PeerError) as caught:
        talk(Tunnel4(Endpoint(host="198.18.0.21", port=80)), answer)
    assert caught.value.cause is cause


@pytest.mark.parametrize("host", ["turn.example", "2001:db8::7"])
def test_version_four_has_ipv4_only(host: str) -> None:
    """What it cannot name is not sent as something else."""
    with pytest.raises(PeerError) as caught:
        Tunnel4(Endpoint(host=host, port=80)).request()
    assert caught.value.cause is Cause.PROXY_TARGET_FAILED


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.sampled_from([Tunnel, Tunnel4]))
def test_any_bytes_open_or_say_why_not(pieces: list[bytes], version: type[Tunnel]) -> None:
    """Nothing but ``PeerError`` is raised, and never more than was given is kept."""
    machine = version(Endpoint(host="198.18.0.21", port=80), ALICE)
    machine.request()
    with suppress(PeerError):
        for piece in pieces:
            machine.feed(piece)
    assert len(machine.leftover) <= sum(map(len, pieces))
