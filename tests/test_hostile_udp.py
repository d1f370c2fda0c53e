"""Floods of datagrams, from strangers and from the server itself: the answer is found among them, if there is one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import Datagrams, Peer, loopback
from rainbow_probe.model import Cause, Outcome, Phase, Result, Transport
from rainbow_probe.protocols.stun import Message
from tests.hostile import SHORT, TERMINAL, bounded, fails
from tests.servers import HOST, OddTurn, a_flow, a_route, listen

UDP = Transport.UDP


async def flooded(datagram: bytes, *, strangers: bool = False) -> Result:
    """Check a sound server, while datagrams come without an end: from the server itself, or from *strangers*."""
    async with loopback() as place:
        turn = OddTurn(place)
        port = await listen(turn, place, UDP)
        peers: set[Peer] = set()
        other = place.udp(lambda *_: None)

        async def flood() -> None:
            while True:
                for peer in peers:
                    for _ in range(50):
                        other.send(datagram, peer)
                await asyncio.sleep(0)

        def pass_on(link: Datagrams, data: bytes, peer: Peer) -> None:
            peers.add(peer)
            for _ in range(0 if strangers else 200):
                link.send(datagram, peer)
            back.setdefault(peer, place.udp(lambda _link, said, _peer: link.send(said, peer))).send(data, (HOST, port))

        back: dict[Peer, Datagrams] = {}
        front = place.udp(pass_on)
        if strangers:
            place.start(flood())
        return await bounded(a_flow("turn", front.port, UDP), replace(a_route(), turn=None))


DATAGRAMS = [
    b"",
    b"\0" * 1400,
    b"\xff",
    TERMINAL.encode(),
    bytes(Message(0x0101, bytes(12))),
    b"\x40\0\0\4data",
    b"HTTP/1.1 400 no\r\n\r\n",
]


@pytest.mark.parametrize("datagram", DATAGRAMS, ids=ascii)
@pytest.mark.parametrize("strangers", [True, False])
async def test_a_flood_of_datagrams(datagram: bytes, *, strangers: bool) -> None:
    """Between two hundred others, or while strangers send without an end, the answer is found."""
    result = await flooded(datagram, strangers=strangers)
    assert result.verdict.outcome is Outcome.PASS, result.verdict


async def test_a_flood_without_an_answer() -> None:
    """It fills no memory, and is told for what it is."""
    async with loopback() as place:

        async def flood(peer: Peer) -> None:
            while True:
                for _ in range(50):
                    front.send(b"\xff" * 1400, peer)
                await asyncio.sleep(0)

        peers: set[Peer] = set()

        def begin(_link: Datagrams, _data: bytes, peer: Peer) -> None:
            if peer not in peers:
                peers.add(peer)
                place.start(flood(peer))

        front = place.udp(begin)
        result = await bounded(a_flow("turn", front.port, UDP), replace(a_route(), limits=SHORT))
    fails(result, Phase.STUN, Cause.NOT_STUN)
