"""The demo's sockets: what refuses, what is silent, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from rainbow_probe.demo.loopback import Datagrams, Handler, Peer, discard, loopback, reach, relay
from tests.demo_clients import HOST, ask_tcp, ask_udp, connected

SHORT = 0.2


async def test_a_refusing_port_refuses_at_once() -> None:
    """A firewall that rejects is told from one that drops."""
    async with loopback() as place:
        with pytest.raises(ConnectionRefusedError):
            await ask_tcp(place.refusing(), b"")


async def test_a_refusing_port_belongs_to_nobody_else() -> None:
    """No other program may come to listen where the demo says that nothing does."""
    async with loopback() as place:
        with socket.socket() as sock, pytest.raises(OSError, match="in use"):
            sock.bind((HOST, place.refusing()))


async def test_a_silent_port_swallows_datagrams() -> None:
    """No answer, and no ICMP refusal either, however many come."""
    async with loopback() as place:
        port = place.silent()
        for _ in range(3):
            assert await ask_udp(port, b"hello", SHORT) is None


async def test_a_rejecting_port_refuses_datagrams_and_belongs_to_nobody_else() -> None:
    """A port that was closed again could be another program's a moment later, and would be silent."""
    async with loopback() as place:
        port = place.rejecting()
        with pytest.raises(ConnectionRefusedError):
            await ask_udp(port, b"hello")
        with pytest.raises(OSError, match="in use"):
            place.udp(echo, port)


async def test_a_taken_udp_port_is_told() -> None:
    """Whoever asks for a certain port must learn that it is taken, and nothing is left open."""
    async with loopback() as place:
        with pytest.raises(OSError, match="in use"):
            place.udp(echo, place.silent())


def echo(datagrams: Datagrams, data: bytes, peer: Peer) -> None:
    """Send a datagram back."""
    datagrams.send(data, peer)


async def test_datagrams_survive_a_client_that_is_gone() -> None:
    """An answer to a closed socket brings a refusal by ICMP, and the next client must not suffer from it."""
    async with loopback() as place:
        served = place.udp(echo)
        for _ in range(3):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
                gone.sendto(b"bye", (HOST, served.port))
        assert await ask_udp(served.port, b"hello") == b"hello"


async def test_a_datagram_that_cannot_be_sent_is_lost() -> None:
    """As on any network, and not an exception in a server."""
    async with loopback() as place:
        served = place.udp(echo)
        served.send(bytes(70000), (HOST, 9))
        served.send(b"", (HOST, 0))
        assert await ask_udp(served.port, b"hello") == b"hello"


async def test_a_closed_socket_gives_its_port_back() -> None:
    """Closing one socket needs no end of the block."""
    async with loopback() as place:
        served = place.udp(echo)
        served.close()
        for _ in range(5):  # turns of the loop: the task that reads must end first
            await asyncio.sleep(0)
        assert free(served.port, socket.SOCK_DGRAM)


def free(port: int, kind: socket.SocketKind) -> bool:
    """Tell whether *port* can be bound."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1 if kind is socket.SOCK_STREAM else 0)
        try:
            sock.bind((HOST, port))
        except OSError:
            return False
        return True


async def test_all_ports_are_free_after_the_block() -> None:
    """Listeners, reserved ports and datagram sockets alike."""
    async with loopback() as place:
        streams = [await place.tcp(discard), place.refusing()]
        datagrams = [place.udp(echo).port, place.silent(), place.rejecting()]
    assert all(free(port, socket.SOCK_STREAM) for port in streams)
    assert all(free(port, socket.SOCK_DGRAM) for port in datagrams)


async def test_leaving_waits_for_no_client() -> None:
    """A client that never ends must not hold up the exit, and sees its connection end."""
    async with loopback() as place:
        reader, writer = await asyncio.open_connection(HOST, await place.tcp(discard))
        writer.write(b"I stay")
        await asyncio.sleep(0)
        start = time.monotonic()
    assert time.monotonic() - start < 10  # asyncio itself would wait for thirty seconds, or for ever
    with pytest.raises(ConnectionResetError):
        await still_open(reader)
    writer.transport.abort()


async def still_open(reader: asyncio.StreamReader) -> None:
    """Read to the end; a clean end counts as a reset, both mean that the server is gone."""
    if not await reader.read():
        raise ConnectionResetError


async def test_an_exception_of_the_block_passes_as_it_is() -> None:
    """A task group would wrap it in a group, and the caller's ``except`` would miss it."""
    with pytest.raises(KeyError, match="mine"):
        await break_down()


async def break_down() -> None:
    """Fail inside a block."""
    async with loopback() as place:
        await place.tcp(discard)
        raise KeyError("mine")


async def test_a_cancellation_of_the_block_passes() -> None:
    """Ctrl-C must end the demo too."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(stay())
        await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()


async def stay() -> None:
    """Hold a block open for ever."""
    async with loopback() as place:
        await place.tcp(discard)
        await asyncio.Event().wait()


async def test_a_relay_carries_both_ways_and_ends_with_either_side() -> None:
    """What the proxy and the boxes on the way do with a connection."""
    async with loopback() as place:
        middle = await place.tcp(towards(await place.tcp(shout)))
        async with connected(middle) as (reader, writer):
            writer.write(b"hello\n")
            assert await reader.readline() == b"HELLO\n"
            writer.write_eof()
            assert await reader.read() == b""


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send every line back in capitals."""
    while line := await reader.readline():
        writer.write(line.upper())


def towards(port: int) -> Handler:
    """Return a handler that carries a connection on to *port*."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with reach(port) as far:
            await relay((reader, writer), far)

    return handle


async def test_a_client_that_resets_is_no_fault_of_the_server() -> None:
    """Nothing of it may reach the task group, which would end the whole demo."""
    async with loopback() as place:
        port = await place.tcp(towards(place.refusing()))
        for _ in range(3):
            async with connected(port) as (reader, writer):
                writer.write(b"x")
                assert await reader.read() == b""
