"""The demo's TURN server as coturn's own clients see it, and its behaviour on streams."""

from __future__ import annotations

import asyncio
import re

import pytest

from rainbow_probe.demo import DemoSite, demo_cloud
from rainbow_probe.demo.services import TURN, Door
from rainbow_probe.protocols.stun import Class, Message, Method, request
from tests.demo_clients import HOST, ask_tcp, ask_udp, binding, connected, mapped, needs, run, trusting

UDP: Door = (TURN[0], 3478, "udp")
TLS: Door = (TURN[0], 443, "tcp")
TCP: Door = (TURN[0], 80, "tcp")
PACKETS = 20


async def uclient(site: DemoSite, door: Door, *options: str) -> tuple[int, str]:
    """Allocate on *door* and relay between allocations, by coturn's client; it verifies no certificate."""
    user = ("-u", site.credentials.user, "-w", site.credentials.password)
    port = str(site.ports[door])
    return await run("turnutils_uclient", "-y", "-c", *user, "-p", port, "-n", str(PACKETS), *options, HOST)


@needs("turnutils_uclient")
async def test_coturns_client_gets_its_data_back() -> None:
    """Over UDP, TCP and TLS, by channels and (-s) by indications: all that was sent was received."""
    ways = [(UDP, ()), (TCP, ("-t",)), (TLS, ("-t", "-S")), (UDP, ("-s",)), (UDP, ("-m", "5"))]
    async with demo_cloud() as site, asyncio.TaskGroup() as group:
        tasks = [group.create_task(uclient(site, door, *options)) for door, options in ways]
    for task in tasks:
        _, said = task.result()
        counts = re.search(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)\s*$", said, re.MULTILINE)
        assert counts, said
        sent, received = map(int, counts.groups())
        assert sent == received >= PACKETS, said


@needs("turnutils_uclient")
async def test_coturns_client_is_refused_with_a_wrong_password() -> None:
    """It says so itself."""
    async with demo_cloud(["turn-bad-credentials"]) as site:
        _, said = await uclient(site, UDP)
        assert "Cannot complete Allocation" in said


@needs("turnutils_stunclient")
async def test_coturns_client_learns_its_address() -> None:
    """By Binding."""
    async with demo_cloud() as site:
        _, said = await run("turnutils_stunclient", "-p", str(site.ports[UDP]), HOST)
        assert f"UDP reflexive addr: {HOST}:" in said


@pytest.mark.parametrize("host", TURN)
async def test_every_turn_host_answers_on_every_transport(host: str) -> None:
    """The demo has more than one, as the service does."""
    async with demo_cloud() as site:
        assert mapped(await ask_udp(site.ports[host, 3478, "udp"], binding()))
        assert mapped(await ask_tcp(site.ports[host, 80, "tcp"], binding()))
        async with connected(site.ports[host, 443, "tcp"], trusting(site.public_ca), host) as (reader, writer):
            writer.write(binding())
            assert mapped(await reader.read(1000))


async def test_messages_on_a_stream_may_come_in_any_pieces() -> None:
    """Two at once, and one byte by byte."""
    async with demo_cloud() as site, connected(site.ports[TCP]) as (reader, writer):
        one = binding()
        writer.write(one + one)
        answers = await reader.readexactly(2 * len(await answered(site)))
        assert answers[:20] == answers[len(answers) // 2 :][:20]
        for byte in one:
            writer.write(bytes([byte]))
            await writer.drain()
        assert (await reader.read(1000))[8:20] == one[8:20]


async def answered(site: DemoSite) -> bytes:
    """Return some answer to Binding, for its size."""
    return await ask_tcp(site.ports[TCP], binding()) or b""


@pytest.mark.parametrize("junk", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 40, b"\x00\x01\x00\x04" + bytes(16)])
async def test_a_stream_of_junk_is_closed(junk: bytes) -> None:
    """Nobody can find the next message in it; over UDP the same is passed over."""
    async with demo_cloud() as site:
        assert await ask_tcp(site.ports[TCP], junk) == b""
        assert await ask_udp(site.ports[UDP], junk, 0.1) is None
        assert mapped(await ask_udp(site.ports[UDP], binding()))


async def test_allocate_without_credentials_is_challenged_on_the_wire() -> None:
    """What the probe takes as proof when it has no account."""
    async with demo_cloud() as site:
        packet = await ask_udp(site.ports[UDP], bytes(request(Method.ALLOCATE, (0x0019, b"\x11\0\0\0"))))
        answer = Message.parse(packet or b"")
        assert answer.cls is Class.ERROR
        assert (answer.error() or (0, ""))[0] == 401
