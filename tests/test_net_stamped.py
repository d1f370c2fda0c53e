"""Sockets that know when a datagram came in, on real loopback."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from rainbow_probe.model import Endpoint
from rainbow_probe.net.links import Datagrams
from rainbow_probe.net.stamped import Stamped, arrival, open_stamped
from rainbow_probe.net.udp import open_udp
from tests.servers import HOST

EF = 46 << 2  # expedited forwarding, RFC 3246, in the byte that carries it
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of its own times")


class Far:
    """The other end, a plain socket without any event loop."""

    def __init__(self, own: socket.socket) -> None:
        """Be *own*."""
        self.own = own
        self.near = ("", 0)

    def send(self, data: bytes) -> None:
        """Send to the near end: it is in its kernel when this returns."""
        self.own.sendto(data, self.near)


@asynccontextmanager
async def pair(tos: int = 0) -> AsyncGenerator[tuple[Datagrams, Far]]:
    """Open a link, and the other end of it, which has heard of it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((HOST, 0))
        link = await open_stamped(Endpoint(host=HOST, port=own.getsockname()[1]), tos)
        far = Far(own)
        try:
            await link.send(b"hello")
            data, far.near = own.recvfrom(100)
            assert data == b"hello"
            yield link, far
        finally:
            link.close()


async def test_messages_pass() -> None:
    """In order, whole, and not reliably."""
    async with pair() as (link, far):
        for data in (b"one", b"", b"x" * 1400):
            far.send(data)
            assert await link.receive() == data
        assert not link.reliable


@linux
async def test_a_datagram_that_was_read_late_came_in_before() -> None:
    """The kernel has stamped it while this process was asleep."""
    async with pair() as (link, far):
        far.send(b"early")
        sent = time.monotonic()
        time.sleep(0.3)  # noqa: ASYNC251 - the whole process is to sleep
        assert await link.receive() == b"early"
        assert arrival(link) < sent + 0.15


async def test_a_link_without_stamps_has_now() -> None:
    """Which is as good as can be told."""
    link = await open_udp(Endpoint(host=HOST, port=9))
    before = time.monotonic()
    assert before <= arrival(link) <= time.monotonic()
    link.close()


async def test_elsewhere_the_usual_socket_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that stamps nothing still passes messages."""
    monkeypatch.setattr(sys, "platform", "win32")
    async with pair() as (link, far):
        far.send(b"plain")
        assert await link.receive() == b"plain"
        assert not isinstance(link, Stamped)


@linux
async def test_a_refusal_arrives_as_an_error() -> None:
    """As of any connected socket."""
    async with pair() as (link, far):
        far.own.close()
        await link.send(b"anybody?")
        with pytest.raises(ConnectionRefusedError):
            await link.receive()


@linux
async def test_a_service_class_is_sent_and_seen() -> None:
    """Each end sees what the other one marks, as far as it comes."""
    async with pair(EF) as (link, far):
        assert isinstance(link, Stamped)
        far.own.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, EF)
        far.send(b"voice")
        await link.receive()
        assert (link.tos_asked, link.tos_seen) == (EF, {EF})


@linux
async def test_what_nobody_reads_in_time_is_counted() -> None:
    """The kernel drops what finds no room, and says how much with the next that it takes."""
    async with pair() as (link, far):
        assert isinstance(link, Stamped)
        for _ in range(5000):
            far.send(bytes(1400))
        while not link.dropped:
            await link.receive()
            far.send(b"there is room again")
        assert 0 < link.dropped < 5000


@linux
async def test_a_place_that_cannot_be_is_an_error() -> None:
    """Nothing is left open."""
    with pytest.raises(OSError, match="denied"):
        await open_stamped(Endpoint(host="255.255.255.255", port=9))
