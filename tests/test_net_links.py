"""The lowest links: TCP to one address, UDP on a connected socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import Datagrams, Peer, loopback
from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Credentials, Endpoint, Phase, PortRange, Proxy
from rainbow_probe.net.links import Acknowledged
from rainbow_probe.net.route import Limits
from rainbow_probe.net.tcp import connect, repeats
from rainbow_probe.net.udp import INBOX, open_udp
from tests.servers import HOST, SIX, a_route, answers, last_failure, mute, on_six


@pytest.mark.parametrize("six", [False, True])
async def test_tcp_carries_bytes_both_ways(six: bool) -> None:
    """And notes where it came from."""
    rec = Recorder()
    handle = answers(b"pong")
    async with loopback() as place:
        port = await place.tcp(handle)
        await on_six(place, handle, port)
        stream = await connect(Endpoint(host=SIX if six else HOST, port=port), rec, limit=5)
        await stream.send(b"ping")
        assert await stream.receive() == b"pong"
        stream.close()
    assert str(rec.steps[0].facts["local"]).startswith(f"[{SIX}]:" if six else f"{HOST}:")


async def test_a_server_that_hangs_acknowledges_what_it_gets() -> None:
    """Its system does: only what does not arrive is sent again, and again."""
    async with loopback() as place:
        stream = await connect(Endpoint(host=HOST, port=await place.tcp(mute)), Recorder(), limit=5)
        assert isinstance(stream, Acknowledged)
        await stream.send(b"ping")
        assert stream.sent_again() == 0
        stream.close()
        assert stream.sent_again() == 0


def test_what_linux_tells_of_a_connection() -> None:
    """The third byte of ``struct tcp_info`` (linux/tcp.h): how often the oldest segment was sent again."""
    assert repeats(bytes([1, 0, 4, 0, 4, 6, 0, 0])) == 4
    assert repeats(b"") == 0


@pytest.mark.parametrize(
    ("host", "cause"),
    [(HOST, Cause.REFUSED), (SIX, Cause.REFUSED), ("255.255.255.255", Cause.UNREACHABLE)],
)
async def test_no_connection(host: str, cause: Cause) -> None:
    """Refused by the machine, or no way there at all."""
    rec = Recorder()
    async with loopback() as place:
        with pytest.raises(StepError):
            await connect(Endpoint(host=host, port=place.refusing()), rec, limit=5)
    assert last_failure(rec) == (Phase.CONNECT, cause)


@pytest.mark.skipif(sys.platform != "linux", reason="platform: only Linux drops what does not fit a listener's queue")
async def test_a_dropped_syn_is_silence() -> None:
    """As behind a firewall that drops: it takes the whole limit, and is no refusal."""
    rec = Recorder()
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind((HOST, 0))
        full.listen(0)
        address = full.getsockname()
        for waiting in (first, second):
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(address)
        with pytest.raises(StepError):
            await connect(Endpoint(host=HOST, port=address[1]), rec, limit=0.2)
    assert last_failure(rec) == (Phase.CONNECT, Cause.TIMEOUT)
    assert rec.steps[0].took >= 0.2


async def test_udp_carries_datagrams_both_ways() -> None:
    """Each as a whole, in order."""
    async with loopback() as place:
        echo = place.udp(lambda own, data, peer: own.send(data[::-1], peer))
        link = await open_udp(Endpoint(host=HOST, port=echo.port))
        await link.send(b"abc")
        await link.send(b"def")
        assert [await link.receive() for _ in range(2)] == [b"cba", b"fed"]
        assert not link.reliable
        link.close()


async def test_udp_takes_nothing_from_strangers() -> None:
    """The socket is connected: only the peer's datagrams come in."""
    async with loopback() as place:
        stranger = place.udp(lambda *_: None)

        def echo(own: Datagrams, data: bytes, peer: Peer) -> None:
            stranger.send(b"spoof", peer)
            own.send(data, peer)

        link = await open_udp(Endpoint(host=HOST, port=place.udp(echo).port))
        await link.send(b"real")
        assert await link.receive() == b"real"
        link.close()


async def test_a_flood_does_not_fill_the_memory() -> None:
    """Only so many datagrams are kept until somebody takes them."""

    def hundred(own: Datagrams, _data: bytes, peer: Peer) -> None:
        for _ in range(100):
            own.send(b"x", peer)

    async with loopback() as place:
        link = await open_udp(Endpoint(host=HOST, port=place.udp(hundred).port))
        for _ in range(INBOX // 100 + 5):
            await link.send(b"more")
            for _ in range(300):  # turns of the loop: all hundred come in
                await asyncio.sleep(0)
        for _ in range(INBOX):
            assert await link.receive() == b"x"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await link.receive()
        link.close()


async def test_an_icmp_refusal_is_an_error() -> None:
    """It comes with the next receive, once for each."""
    async with loopback() as place:
        gone = place.udp(lambda *_: None)
        link = await open_udp(Endpoint(host=HOST, port=gone.port))
        gone.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await link.send(b"anybody?")
        with pytest.raises(ConnectionRefusedError):
            await link.receive()
        link.close()


async def test_a_port_of_the_range_is_used() -> None:
    """And another of them when one is taken; with none left, that is told."""
    async with loopback() as place:
        sink = Endpoint(host=HOST, port=place.silent())
        taken = place.silent()
        for _ in range(10):  # which port is tried first is left to chance
            link = await open_udp(sink, PortRange(first=taken, last=taken + 2))
            link.close()
            await asyncio.sleep(0)
        with pytest.raises(OSError, match="in use"):
            await open_udp(sink, PortRange(first=taken, last=taken))


async def test_there_is_no_way_to_some_addresses() -> None:
    """A broadcast address is nobody's."""
    with pytest.raises(OSError, match=r"."):
        await open_udp(Endpoint(host="255.255.255.255", port=9))


@pytest.mark.parametrize(("timeout", "connect_limit", "datagrams"), [(8.0, 5.0, 8.0), (0.4, 0.25, 0.4)])
def test_a_time_out_is_shared_out(timeout: float, connect_limit: float, datagrams: float) -> None:
    """A dropped SYN is proven by its own step, before the check's time is up."""
    limits = Limits.within(timeout)
    assert (limits.connect, limits.handshake, limits.exchange) == (connect_limit,) * 3
    assert (limits.datagrams, limits.resolve) == (datagrams, timeout)


def test_a_route_shows_no_password() -> None:
    """Neither the proxy's nor the TURN server's."""
    user = Credentials(user="bob", password="hush")  # noqa: S106 - made up, to look for it
    proxy = Proxy(endpoint=Endpoint(host="p", port=1), credentials=user)
    assert "hush" not in repr(replace(a_route(), proxy=proxy, turn=user, site_proxy=proxy))
