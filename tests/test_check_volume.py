"""Connections that are cut after a number of bytes, and those that are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import Loopback, loopback, reach
from rainbow_probe.model import Cause, Endpoint, Outcome, Phase, Proxy, Result, Scalar, Transport
from rainbow_probe.net.route import Route
from tests.servers import ALICE, DOOR, ESTABLISHED, QUICK, OddTurn, a_flow, a_route, broke, listen, page, probe, shows

RELAY: dict[str, Scalar] = {"over": "relay"}
REQUESTS: dict[str, Scalar] = {"over": "requests"}
SMALL = 100_000  # bytes


class Cutter:
    """A proxy whose tunnels carry so many bytes, each time as many as is said; then it closes, or falls silent."""

    def __init__(self, *limits: int, silent: bool = False) -> None:
        """Give the first two tunnels the first limit, the next two the second one, and so on."""
        self.opened = 0
        self._limits, self._silent = limits, silent

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one tunnel."""
        head = await reader.readuntil(b"\r\n\r\n")
        left = [self._limits[min(self.opened // 2, len(self._limits) - 1)]]
        self.opened += 1
        async with reach(int(head.split()[1].rpartition(b":")[2])) as far, asyncio.TaskGroup() as group:
            writer.write(ESTABLISHED)
            ways = ((reader, far[1]), (far[0], writer))
            tasks = [group.create_task(self._carry(source, sink, left)) for source, sink in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            writer.transport.abort()
            for task in tasks:
                task.cancel()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, left: list[int]) -> None:
        with suppress(OSError):
            while data := await source.read(4096):
                left[0] -= len(data)
                if left[0] > 0:
                    sink.write(data)
                    await sink.drain()
                elif not self._silent:
                    return


async def by_relay(cutter: Cutter | None, route: Route | None = None) -> Result:
    """Carry data over the demo's relay, through *cutter* if there is one."""
    async with loopback() as place:
        turn = await listen(OddTurn(place), place, Transport.TCP)
        return await probe(a_flow("volume", turn, Transport.TCP, RELAY), await way(place, cutter, route))


async def way(place: Loopback, cutter: Cutter | None, route: Route | None = None) -> Route:
    """Give the way out, with credentials."""
    known = replace(route or a_route(), turn=ALICE)
    if cutter is None:
        return known
    return replace(known, proxy=Proxy(endpoint=Endpoint(host=DOOR, port=await place.tcp(cutter.handle))))


@pytest.mark.parametrize("cutter", [None, Cutter(10**9)])
async def test_what_is_not_cut_passes(cutter: Cutter | None) -> None:
    """A megabyte and a half, with and without a proxy."""
    result = await by_relay(cutter)
    assert (result.verdict.outcome, result.verdict.reason) == (Outcome.PASS, "1517 KB pass on one connection")


async def test_a_tunnel_that_is_cut_twice_after_as_much() -> None:
    """It was cut by its size, and the verdict says by which."""
    cutter = Cutter(SMALL)
    result = await by_relay(cutter)
    assert broke(result) == (Phase.TURN_DATA, Cause.CUT_AFTER_BYTES)
    assert cutter.opened == 4
    assert "KB (" in result.verdict.reason


async def test_a_tunnel_that_falls_silent_after_as_much() -> None:
    """It need not be closed."""
    result = await by_relay(Cutter(SMALL, silent=True), replace(a_route(), limits=QUICK))
    assert broke(result) == (Phase.TURN_DATA, Cause.CUT_AFTER_BYTES)
    assert "timeout" in result.verdict.reason


async def test_two_cuts_that_differ_are_no_limit() -> None:
    """Chance, or a time: it cannot be told."""
    assert broke(await by_relay(Cutter(SMALL, 5 * SMALL)), Outcome.INCONCLUSIVE) == (
        Phase.TURN_DATA,
        Cause.CANNOT_TELL,
    )


async def test_one_cut_alone_is_none() -> None:
    """The second try carries all."""
    assert (await by_relay(Cutter(SMALL, 10**9))).verdict.outcome is Outcome.PASS


async def test_without_a_relay_nothing_is_known() -> None:
    """What breaks before the first byte is others' to tell."""
    async with loopback() as place:
        cutter = Cutter(10)
        result = await probe(a_flow("volume", await listen(OddTurn(place), place, Transport.TCP), Transport.TCP, RELAY),
                             replace(await way(place, cutter), limits=QUICK))  # fmt: skip
    assert result.verdict.outcome is Outcome.INCONCLUSIVE


class Web:
    """A web server that keeps a connection for so many answers."""

    def __init__(self, answers: int = 10**9) -> None:
        """Say so with the last one."""
        self._answers = answers

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        for number in range(self._answers):
            await reader.readuntil(b"\r\n\r\n")
            last = ("Connection: close",) if number == self._answers - 1 else ()
            writer.write(page("200 OK", b'{"status":"OK"}', *last))
            await writer.drain()


@asynccontextmanager
async def web(server: Web) -> AsyncGenerator[tuple[Loopback, int]]:
    """Run *server* over TLS."""
    async with loopback() as place:
        yield place, await place.tcp(server.handle, shows())


@pytest.mark.parametrize(
    ("server", "cutter", "outcome", "cause"),
    [
        (Web(), None, Outcome.PASS, None),
        (Web(), Cutter(10**9), Outcome.PASS, None),
        (Web(), Cutter(SMALL), Outcome.FAIL, Cause.CUT_AFTER_BYTES),
        (Web(10), None, Outcome.INCONCLUSIVE, Cause.CANNOT_TELL),
        (Web(10), Cutter(10**9), Outcome.INCONCLUSIVE, Cause.CANNOT_TELL),
    ],
)
async def test_requests_on_one_connection(
    server: Web, cutter: Cutter | None, outcome: Outcome, cause: Cause | None
) -> None:
    """A server that says that it ends the connection is no limit on bytes."""
    async with web(server) as (place, port):
        result = await probe(a_flow("volume", port, Transport.TLS, REQUESTS), await way(place, cutter))
    failure = result.verdict.failure
    assert (result.verdict.outcome, failure and failure.cause) == (outcome, cause)
