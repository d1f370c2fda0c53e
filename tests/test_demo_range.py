"""UDP 49152-65535 in the demo: whether a plain socket of the site reaches a relayed address, and is heard."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial

import pytest

from rainbow_probe.demo import DemoSite, demo_cloud
from rainbow_probe.demo.services import TURN
from rainbow_probe.protocols.stun import Message, frame_size
from rainbow_probe.protocols.transaction import Transaction
from rainbow_probe.protocols.turn import Client
from tests.demo_clients import HOST, Streams, connected, trusting

SILENCE = 0.2  # seconds after which a datagram on loopback has not come


class Allocation:
    """An allocation over a stream, made with the credentials of a site."""

    def __init__(self, site: DemoSite, streams: Streams) -> None:
        """Speak on *streams*."""
        self.client = Client(site.credentials, reliable=True)
        self._reader, self._writer = streams
        self._buffer = b""

    async def settle(self, make: Callable[[], Transaction]) -> None:
        """Make a request until it is settled."""
        answer: Message | None = None
        while answer is None or self.client.again(answer):
            self._writer.write(make().request)
            answer = Message.parse(await self.packet())

    async def packet(self) -> bytes:
        """Return the next message of the stream."""
        while (size := frame_size(self._buffer)) is None:
            self._buffer += await self._reader.read(65536)
        packet, self._buffer = self._buffer[:size], self._buffer[size:]
        return packet

    async def hears(self, data: bytes) -> bool:
        """Tell whether *data* comes through the relay."""
        try:
            async with asyncio.timeout(SILENCE):
                received = self.client.receive(await self.packet())
        except TimeoutError:
            return False
        return received is not None and received[1] == data


async def direct_reach(site: DemoSite, streams: Streams) -> bool:
    """Tell whether a plain socket reaches an allocation made over *streams*, by what comes out of the relay."""
    allocation = Allocation(site, streams)
    await allocation.settle(allocation.client.allocate)
    await allocation.settle(lambda: allocation.client.permission([HOST]))
    assert allocation.client.relayed is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.sendto(b"straight", allocation.client.relayed)
        return await allocation.hears(b"straight")


@pytest.mark.parametrize(
    ("fault", "reached"),
    [("", True), ("fcm-blocked", True), ("dns-nxdomain", True), ("udp-blocked", False), ("udp-range-blocked", False)],
)
async def test_the_range_is_open_unless_udp_is_blocked(fault: str, reached: bool) -> None:
    """The allocation itself is made over TCP, and works in any case."""
    async with demo_cloud([fault] if fault else []) as site, connected(site.ports[TURN[0], 80, "tcp"]) as streams:
        assert await direct_reach(site, streams) is reached


async def test_the_range_is_closed_where_only_443_is_open() -> None:
    """The allocation is made over TLS."""
    async with demo_cloud(["only-443"]) as site:
        tls = trusting(site.public_ca)
        async with connected(site.ports[TURN[0], 443, "tcp"], tls, TURN[0]) as streams:
            assert not await direct_reach(site, streams)


@pytest.mark.parametrize("fault", ["proxy-only", "proxy-denies-80"])
async def test_the_range_is_closed_behind_a_proxy(fault: str) -> None:
    """The allocation is made through it."""
    async with demo_cloud([fault]) as site:
        async with connected(int(str(site.proxy).rpartition(":")[2])) as (reader, writer):
            writer.write(f"CONNECT {TURN[0]}:443 HTTP/1.1\r\nHost: {TURN[0]}\r\n\r\n".encode())
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            await writer.start_tls(trusting(site.public_ca), server_hostname=TURN[0])
            assert not await direct_reach(site, (reader, writer))


async def test_relays_reach_each_other_in_any_case() -> None:
    """They are in the cloud: what the site's firewall drops does not concern them."""
    async with demo_cloud(["udp-blocked"]) as site:
        port = site.ports[TURN[0], 80, "tcp"]
        async with connected(port) as here, connected(port) as there:
            near, far = Allocation(site, here), Allocation(site, there)
            for one in (near, far):
                await one.settle(one.client.allocate)
                await one.settle(partial(one.client.permission, [HOST]))
            assert far.client.relayed is not None
            here[1].write(near.client.send(far.client.relayed, b"by relay"))
            assert await far.hears(b"by relay")
