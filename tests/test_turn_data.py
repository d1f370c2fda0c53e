"""Relayed data: indications, channels, and whatever else comes in on the same link."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.protocols import stun
from rainbow_probe.protocols.channel import channel_data
from rainbow_probe.protocols.stun import Attr, Class, Message, Method
from tests.test_stun import FUZZ, messages
from tests.turn_answers import PEER, error, logged_in, refusal, success


def test_data_goes_out_in_an_indication() -> None:
    """As long as no channel is bound."""
    message = Message.parse(logged_in().send(PEER, b"hello"))
    assert (message.method, message.cls) == (Method.SEND, Class.INDICATION)
    assert (message.address(Attr.XOR_PEER_ADDRESS), message.get(Attr.DATA)) == (PEER, b"hello")


@pytest.mark.parametrize(("reliable", "packet"), [(False, "40010005"), (True, "40010005")])
def test_data_goes_out_on_a_bound_channel(packet: str, *, reliable: bool) -> None:
    """Four bytes of header; padded on streams only, and only to the peer it is bound to."""
    client = logged_in(reliable=reliable)
    assert not client.again(success(client.channel(PEER, 0x4001)))
    assert client.send(PEER, b"hello") == bytes.fromhex(packet) + b"hello" + bytes(3 if reliable else 0)
    assert client.send(("192.0.2.1", 1235), b"hello")[0] == 0, "another port is another peer"


def test_a_channel_is_bound_by_the_answer() -> None:
    """Not by the request, and not by a refusal."""
    client = logged_in()
    binding = client.channel(PEER)
    assert client.send(PEER, b"")[0] == 0
    refusal(client, error(binding, 403))
    assert client.send(PEER, b"")[0] == 0
    assert client.receive(channel_data(0x4000, b"data")) is None


def test_a_bound_peer_is_known_in_any_spelling() -> None:
    """IPv6 has several."""
    client = logged_in()
    assert not client.again(success(client.channel(("2001:DB8:0::1", 7))))
    assert client.send(("2001:db8::1", 7), b"x")[:2] == b"\x40\0"
    assert client.receive(channel_data(0x4000, b"back")) == (("2001:db8::1", 7), b"back")


def indication(*attributes: tuple[int, bytes], method: int = Method.DATA, cls: Class = Class.INDICATION) -> bytes:
    """Relay something, as a server does."""
    return bytes(Message(stun.kind_of(method, cls), bytes(12), attributes))


FROM_PEER = (int(Attr.XOR_PEER_ADDRESS), stun.xor_address(*PEER, bytes(12)))


def test_data_comes_in() -> None:
    """In an indication, with who sent it."""
    assert logged_in().receive(indication(FROM_PEER, (Attr.DATA, b"pong"))) == (PEER, b"pong")
    assert logged_in().receive(indication(FROM_PEER, (Attr.DATA, b""))) == (PEER, b"")


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        channel_data(0x4000, b"nobody bound it"),
        indication(FROM_PEER),
        indication((Attr.DATA, b"x")),
        indication(FROM_PEER, (Attr.ICMP, b"\0\0\x0b\x00\0\0\0\0")),
        indication(FROM_PEER, (Attr.DATA, b"x"), method=Method.SEND),
        indication(FROM_PEER, (Attr.DATA, b"x"), cls=Class.REQUEST),
    ],
)
def test_what_is_not_relayed_data(packet: bytes) -> None:
    """Everything else that may come in on the same link."""
    assert logged_in().receive(packet) is None


@FUZZ
@given(st.one_of(st.binary(max_size=100), messages.map(bytes)))
def test_any_packet_may_come_in(packet: bytes) -> None:
    """Nothing but data or None comes out."""
    item = logged_in().receive(packet)
    assert item is None or isinstance(item[1], bytes)
