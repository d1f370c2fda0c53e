"""What the demo's TURN server relays, and what not: RFC 8656 sections 9 to 12."""

from __future__ import annotations

import pytest

from rainbow_probe.demo.loopback import Datagrams, Loopback, Peer
from rainbow_probe.demo.turn_relay import CHANNEL, PERMISSION
from rainbow_probe.protocols.stun import Attr, Method
from tests.demo_turn_talk import HOST, Clock, Talk, code, data_of, server

CHANNEL_4000 = (int(Attr.CHANNEL_NUMBER), b"\x40\x00\x00\x00")


@pytest.mark.parametrize(("hosts", "expected"), [([HOST], 0), ([HOST, "192.0.2.1"], 0), ([], 400), (["::1"], 443)])
async def test_permissions_are_for_ipv4(hosts: list[str], expected: int) -> None:
    """One request may name several peers; of another family than the allocation's, none."""
    async with server() as (turn, _):
        talk = Talk(turn)
        talk.allocate()
        assert code(talk.permit(*hosts)) == expected


@pytest.mark.parametrize(
    ("number", "port", "expected"),
    [
        (0x4000, 7000, 0),
        (0x4000, 7001, 400),
        (0x4001, 7000, 400),
        (0x4001, 7001, 0),
        (0x3FFF, 7001, 400),
        (0x7FFE, 7001, 0),
        (0x7FFF, 7001, 400),
    ],
)
async def test_a_channel_has_one_peer_and_a_peer_one_channel(number: int, port: int, expected: int) -> None:
    """RFC 8656 section 12.2, with 0x4000 bound to port 7000 already; the range is that of RFC 5766."""
    async with server() as (turn, _):
        talk = Talk(turn)
        talk.allocate()
        talk.bind((HOST, 7000))
        assert code(talk.bind((HOST, port), number)) == expected


@pytest.mark.parametrize("attributes", [[], [CHANNEL_4000], [(Attr.CHANNEL_NUMBER, b"")]])
async def test_a_channel_needs_number_and_peer(attributes: list[tuple[int, bytes]]) -> None:
    """Half a request is a bad one."""
    async with server() as (turn, _):
        talk = Talk(turn)
        talk.allocate()
        assert code(talk.ask(Method.CHANNEL_BIND, *attributes)) == 400


async def test_data_needs_a_permission_and_for_five_minutes_has_it() -> None:
    """Both ways, and the peer's address comes with it."""
    clock = Clock()
    async with server(clock=clock) as (turn, _):
        near, far = Talk(turn), Talk(turn, 5001)
        here, there = near.allocate(), far.allocate()
        far.permit(HOST)
        near.send(there, b"too early")
        assert await far.heard() == []
        near.permit(HOST)
        near.send(there, b"now")
        assert [data_of(packet) for packet in await far.heard()] == [(here, b"now")]
        clock.now += PERMISSION + 1
        near.send(there, b"too late")
        assert await far.heard() == []


async def test_who_did_not_permit_hears_nothing() -> None:
    """The relay filters what comes in as well as what goes out."""
    async with server() as (turn, _):
        near, far = Talk(turn), Talk(turn, 5001)
        near.allocate()
        there = far.allocate()
        near.permit(HOST)
        near.send(there, b"hello?")
        assert await far.heard() == []


@pytest.mark.parametrize(("stream", "padding"), [(False, b""), (True, b"\0\0\0")])
async def test_channels_carry_data_both_ways(stream: bool, padding: bytes) -> None:
    """Padded to four bytes on streams only (RFC 8656 section 12.5)."""
    async with server() as (turn, _):
        near, far = Talk(turn, stream=stream), Talk(turn, 5001)
        here, there = near.allocate(), far.allocate()
        near.bind(there)
        far.permit(HOST)
        turn.handle(b"\x40\x00\x00\x05hello" + padding, near.client)
        assert [data_of(packet) for packet in await far.heard()] == [(here, b"hello")]
        far.send(here, b"world")
        assert await near.heard() == [b"\x40\x00\x00\x05world" + padding]


async def test_a_channel_ends_after_ten_minutes() -> None:
    """Then its data goes nowhere, and what comes is an indication again once it is permitted."""
    clock = Clock()
    async with server(clock=clock) as (turn, _):
        near, far = Talk(turn), Talk(turn, 5001)
        here, there = near.allocate(), far.allocate()
        near.bind(there)
        clock.now += CHANNEL + 1
        for talk in (near, far):
            talk.permit(HOST)
        turn.handle(b"\x40\x00\x00\x05hello", near.client)
        assert await far.heard() == []
        far.send(here, b"world")
        assert [data_of(packet) for packet in await near.heard()] == [(there, b"world")]


@pytest.mark.parametrize("packet", [b"\x40\x01\x00\x01x", b"\x40\x00\x00\x01x"])
async def test_a_channel_nobody_bound_is_silent(packet: bytes) -> None:
    """With an allocation and without."""
    async with server() as (turn, _):
        talk = Talk(turn)
        turn.handle(packet, talk.client)
        talk.allocate()
        turn.handle(packet, talk.client)
        assert await talk.heard() == []


async def test_nothing_is_sent_beyond_loopback() -> None:
    """The demo must not touch any network, even if it is asked to relay there."""
    async with server() as (turn, _):
        talk = Talk(turn)
        talk.allocate()
        assert code(talk.permit("192.0.2.1")) == 0
        talk.send(("192.0.2.1", 9), b"out")
        talk.send(("127.0.0.2", 9), b"out")
        assert await talk.heard() == []


@pytest.mark.parametrize("range_open", [True, False])
async def test_a_closed_range_keeps_out_who_is_no_relay(range_open: bool) -> None:
    """The site cannot reach a relayed address directly, nor the relay the site; relays reach each other."""
    async with server(range_open=range_open) as (turn, place):
        near, far, outside = Talk(turn), Talk(turn, 5001), Outside(place)
        here, there = near.allocate(), far.allocate()
        for talk in (near, far):
            talk.permit(HOST)
        near.send(there, b"by relay")
        assert len(await far.heard()) == 1
        outside.socket.send(b"direct", here)
        near.send((HOST, outside.socket.port), b"to the site")
        assert len(await near.heard()) == range_open
        assert outside.got == [b"to the site"] * range_open


class Outside:
    """A plain socket somewhere in the site."""

    def __init__(self, place: Loopback) -> None:
        """Listen."""
        self.got: list[bytes] = []
        self.socket = place.udp(self._keep)

    def _keep(self, _datagrams: Datagrams, data: bytes, _peer: Peer) -> None:
        self.got.append(data)


async def test_a_client_that_leaves_takes_its_allocation_along() -> None:
    """As when a TCP connection ends."""
    async with server() as (turn, _):
        talk = Talk(turn)
        talk.allocate()
        turn.forget(talk.client)
        turn.forget(talk.client)
        assert code(talk.ask(Method.REFRESH)) == 437


async def test_clients_differ_by_address_port_and_transport() -> None:
    """The same address over UDP and over TCP is two clients, with an allocation each."""
    async with server() as (turn, _):
        assert Talk(turn).allocate() != Talk(turn, stream=True).allocate()
