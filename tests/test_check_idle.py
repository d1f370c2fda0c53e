"""How long links live without traffic: cut by something on the way, by the server, or not at all."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import CHUNK, Handler, loopback
from rainbow_probe.model import Cause, Endpoint, Outcome, PeerError, Phase, Proxy, Result, Transport
from rainbow_probe.net.idle import GOODBYE, SILENCE, Ended, Survival, lasted, summed
from tests.servers import HOST, Middle, a_flow, a_route, broke, facts, good_bye, probe, resets, shows, xmpp

WAITS = (0.1, 0.2, 1.6)
CUT = 0.8  # seconds; between the second and the third


def alive(*seconds: float) -> list[Ended]:
    """Links that outlived these times."""
    return [Ended(seconds=one) for one in seconds]


LIVES = Ended(seconds=110)


def test_a_cut_counts_beyond_what_was_survived() -> None:
    """The first of them; one before a longer idleness that was survived is something else."""
    odd, first, later = (Ended(seconds=n, shows="closed", wait=n) for n in (10, 40, 60))
    assert summed([*alive(20, 30), later, first, odd], LIVES) == Survival(lived=30, cut=first, kept=LIVES)
    assert summed([*alive(20), odd], LIVES) == Survival(lived=20, cut=None, kept=LIVES)
    early = Ended(seconds=29, shows="closed", wait=45)
    assert summed([*alive(30), early], LIVES).cut == Ended(seconds=30, shows="closed", wait=45)
    assert summed([], LIVES) == Survival(lived=0, cut=None, kept=LIVES)


@pytest.mark.parametrize(
    ("lived", "cut", "kept", "cause"),
    [
        (110, None, LIVES, None),
        (75, Ended(seconds=90, shows="closed"), LIVES, None),
        (30, Ended(seconds=45, shows=SILENCE), LIVES, Cause.CUT_AFTER_IDLE),
        (45, Ended(seconds=60, shows=GOODBYE), LIVES, Cause.CUT_AFTER_IDLE),
        (20, Ended(seconds=30, shows="closed"), Ended(seconds=30, shows="closed"), Cause.CUT_AFTER_TIME),
        (20, Ended(seconds=30, shows="closed"), Ended(seconds=31, shows="reset"), Cause.CUT_AFTER_TIME),
        (30, Ended(seconds=45, shows="closed"), Ended(seconds=100, shows="closed"), Cause.CUT_AFTER_IDLE),
        (75, Ended(seconds=90, shows="closed"), Ended(seconds=90, shows="closed"), None),
        (30, Ended(seconds=30.1, shows=GOODBYE), Ended(seconds=30.1, shows=GOODBYE), Cause.CANNOT_TELL),
        (0, None, LIVES, Cause.CANNOT_TELL),
    ],
)
def test_what_it_means_for_clients(lived: float, cut: Ended | None, kept: Ended, cause: Cause | None) -> None:
    """They ping within 60 s. A server may end what nobody logs in to; nobody else may cut a link that is in use."""
    seen = Survival(lived=lived, cut=cut, kept=kept)
    if cause is None:
        assert f"survives {lived:g} s idle" in lasted(seen, 60)
        return
    with pytest.raises(PeerError) as caught:
        lasted(seen, 60)
    assert caught.value.cause is cause


def test_what_this_machine_had_no_time_for_is_said_to_be_that() -> None:
    """Then it is tried once more; where a client would be well anyway, it does not matter."""
    seen = Survival(lived=30, cut=None, kept=LIVES, unwatched=True)
    with pytest.raises(PeerError) as caught:
        lasted(seen, 60)
    assert caught.value.cause is Cause.BUDGET
    assert "survives 30 s idle" in lasted(seen, 30)


# On the wire


def forgetful(port: int, how: Handler | None) -> Handler:
    """Pass everything to *port*, and end a connection that is idle for ``CUT`` by *how*; None swallows the rest."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, port)

        async def back() -> None:
            while data := await far_reader.read(CHUNK):
                writer.write(data)

        async with asyncio.TaskGroup() as group:
            pouring = group.create_task(back())
            try:
                while True:
                    async with asyncio.timeout(CUT):
                        data = await reader.read(CHUNK)
                    if not data:
                        break
                    far_writer.write(data)
            except TimeoutError:
                await (how or _swallow)(reader, writer)
            pouring.cancel()
            far_writer.close()

    return handle


async def _swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del writer
    while await reader.read(CHUNK):
        pass


async def _closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    writer.close()


async def _resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(good_bye("idle too long"))
    await _swallow(reader, writer)


async def tried(how: Handler | None, *, needed: float = 1.0, through: bool = True) -> Result:
    """Probe a stream with links that are left idle, with something on the way that forgets idle ones."""
    route = replace(a_route(), idle_waits=WAITS, idle_needed=needed)
    async with loopback() as place:
        server = await place.tcp(xmpp())
        port = await place.tcp(forgetful(server, how)) if through else server
        flow = a_flow("xmpp", port, Transport.TCP, {"path": "/websocket"})
        return await probe(flow, replace(route, limits=replace(route.limits, exchange=2.0)))


@pytest.mark.parametrize(
    ("how", "shown"), [(_closes, "closed"), (_resets, "reset"), (None, SILENCE), (_leaves, GOODBYE)]
)
async def test_a_cut_shows_when_and_how(how: Handler | None, shown: str) -> None:
    """One wait tells between which times; a link with traffic lives on."""
    result = await tried(how)
    assert broke(result) == (Phase.XMPP, Cause.CUT_AFTER_IDLE)
    seen = facts(result, Phase.XMPP)
    assert (seen["survived_s"], seen["cut_shows"]) == (0.2, shown)
    assert "kept" not in seen
    assert "cut between 0.2 s and " in result.verdict.reason


async def test_a_late_cut_hurts_no_client() -> None:
    """It is told all the same."""
    result = await tried(_closes, needed=0.2)
    assert result.verdict.outcome is Outcome.PASS
    assert "survives 0.2 s idle; it is cut between" in result.verdict.reason


async def test_links_that_live() -> None:
    """As long as was tried."""
    result = await tried(None, through=False)
    assert result.verdict.outcome is Outcome.PASS
    assert "survives 1.6 s idle" in result.verdict.reason


async def test_a_server_that_takes_no_second_link_tells_nothing() -> None:
    """What could not be opened was not cut."""
    taken: list[int] = []
    serve = xmpp()

    async def one_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(1)
        await (serve if len(taken) == 1 else resets)(reader, writer)

    async with loopback() as place:
        flow = a_flow("xmpp", await place.tcp(one_only), Transport.TCP, {"path": "/websocket"})
        result = await probe(flow, replace(a_route(), idle_waits=WAITS, idle_needed=1.0))
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.XMPP, Cause.CANNOT_TELL)


async def test_inside_tls_the_servers_own_end_is_told_from_a_cut() -> None:
    """It says so in TLS; who only carries the tunnel cannot."""
    async with loopback() as place:
        server = await place.tcp(xmpp(), shows())
        middle = await place.tcp(forgetful(server, _closes))
        flow = a_flow("xmpp", middle, Transport.TLS, {"path": "/websocket"})
        route = replace(a_route(), idle_waits=WAITS, idle_needed=1.0)
        result = await probe(flow, replace(route, limits=replace(route.limits, exchange=2.0)))
    assert facts(result, Phase.XMPP)["cut_shows"] == "closed"


async def test_through_a_proxy_each_link_has_its_tunnel() -> None:
    """As many as there are waits, and one with traffic."""
    middle = Middle()
    async with loopback() as place:
        target = await place.tcp(xmpp())
        flow = a_flow("xmpp", target, Transport.TCP, {"path": "/websocket"})
        proxy = Endpoint(host=HOST, port=await place.tcp(middle.handle))
        route = replace(a_route(), proxy=Proxy(endpoint=proxy), idle_waits=WAITS, idle_needed=0.1)
        result = await probe(flow, route)
    assert result.verdict.outcome is Outcome.PASS
    assert len(middle.heads) == len(WAITS) + 1


class Carried:
    """Passes everything to a port, counts what comes from there, and ends a connection that has carried *most*."""

    def __init__(self, port: int) -> None:
        """Count only, to begin with."""
        self.port, self.most, self.count, self.links = port, 0, 0, 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        self.links += 1
        far_reader, far_writer = await asyncio.open_connection(HOST, self.port)

        async def there() -> None:
            while data := await reader.read(CHUNK):
                far_writer.write(data)
            far_writer.close()

        carried = 0
        async with asyncio.TaskGroup() as group:
            pouring = group.create_task(there())
            while data := await far_reader.read(CHUNK):
                carried += len(data)
                if self.most and carried > self.most:
                    break
                writer.write(data)
            self.count = carried
            pouring.cancel()
        far_writer.close()
        writer.close()


@pytest.mark.parametrize(("only_first", "cause"), [(False, Cause.CUT_AFTER_TIME), (True, Cause.CUT_AFTER_IDLE)])
async def test_a_link_that_is_dead_after_a_moment_need_not_have_been_idle(only_first: bool, cause: Cause) -> None:
    """Another one in use tells: where it is cut after as many bytes, it is no matter of traffic."""
    async with loopback() as place:
        carried = Carried(await place.tcp(xmpp()))
        count = carried.handle

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            carried.most = carried.most if not only_first or carried.links < 2 else 0
            await count(reader, writer)

        flow = a_flow("xmpp", await place.tcp(handle), Transport.TCP, {"path": "/websocket"})
        assert (await probe(flow, replace(a_route(), idle_hold=0.0))).verdict.outcome is Outcome.PASS
        carried.most = carried.count
        result = await probe(flow, replace(a_route(), idle_hold=0.05))
    assert broke(result) == (Phase.XMPP, cause)
    assert carried.links == 3
