"""The checks against coturn, which shares no line with the servers of the other tests."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.measures import Bound, Ramp
from rainbow_probe.model import Cause, Credentials, Endpoint, Flow, Outcome, Phase, PortRange, Transport
from rainbow_probe.net import climb, voice
from rainbow_probe.net.links import Datagrams
from rainbow_probe.net.paths import Hop
from rainbow_probe.net.relay import Relay
from rainbow_probe.net.route import Route
from rainbow_probe.net.udp import local_of, open_udp
from tests.demo_clients import ask_tcp, ask_udp, binding, needs
from tests.ports import free_port
from tests.servers import HOST, a_flow, a_route, broke, facts, probe

USER, STRANGER = (Credentials(user="carol", password=secrets.token_hex(8)) for _ in range(2))
UDP, TCP = Transport.UDP, Transport.TCP
NOBODY = 1  # a port on which nothing listens

pytestmark = needs("turnserver")


@asynccontextmanager
async def coturn(folder: Path, *options: str) -> AsyncGenerator[int]:
    """Run coturn on loopback; gives its port, for UDP and TCP."""
    port = free_port(socket.SOCK_STREAM, socket.SOCK_DGRAM)
    command = (
        *("turnserver", "-n", "--no-cli", "--no-tls", "--no-dtls", "--lt-cred-mech", "--realm=coturn.test"),
        *(f"--user={USER.user}:{USER.password}", f"--listening-ip={HOST}", f"--listening-port={port}"),
        *(f"--relay-ip={HOST}", f"--userdb={folder / 'db'}", f"--pidfile={folder / 'pid'}", "--log-file=stdout"),
        *options,
    )
    pipe, none = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdin=none, stdout=pipe, stderr=none)
    try:
        await _listens(port)
        yield port
    finally:
        process.terminate()
        await process.communicate()


async def _listens(port: int) -> None:
    """Come back as soon as there is an answer over both; the listeners start one after the other."""
    async with asyncio.timeout(20):
        for ask in (ask_tcp, ask_udp):
            while not await _answers(ask, port):  # noqa: ASYNC110 - another program has no event for us
                await asyncio.sleep(0.02)


async def _answers(ask: Callable[[int, bytes, float], Awaitable[bytes | None]], port: int) -> bool:
    with contextlib.suppress(OSError):
        return bool(await ask(port, binding(), 1.0))
    return False


async def test_coturn_and_the_probe_understand_each_other(tmp_path: Path) -> None:
    """The challenge, the allocation, data that comes back, a call and the sampled ports, over UDP and TCP."""
    async with coturn(tmp_path, "--allow-loopback-peers") as port:
        for transport in (UDP, TCP):
            flow = a_flow("turn", port, transport)
            challenged = await probe(flow, a_route())
            assert "realm coturn.test" in challenged.verdict.reason
            relayed = await probe(flow, replace(a_route(), turn=USER))
            assert relayed.verdict.outcome is Outcome.PASS, relayed
            assert "10 of 10 packets back" in relayed.verdict.reason
            call = await probe(a_flow("call", port, transport), replace(a_route(), turn=USER))
            assert call.verdict.outcome is Outcome.PASS, call
            assert facts(call, Phase.TURN_ALLOCATE)["lifetime"] == 0  # given back
            wrong = await probe(flow, replace(a_route(), turn=STRANGER))
            assert broke(wrong) == (Phase.TURN_ALLOCATE, Cause.BAD_CREDENTIALS)
        ranged = a_flow("udp-range", 49152, UDP, {"udp_port": port, "tcp_port": port, "tls_port": NOBODY})
        result = await probe(ranged, replace(a_route(), turn=USER))
    assert result.verdict.outcome is Outcome.PASS, result
    assert facts(result, Phase.TURN_DATA)["open"] == 64


async def test_who_is_sent_to_another_server_goes_there(tmp_path: Path) -> None:
    """300 Try Alternate: clients follow it, so data that comes back by the other server is a pass, and evidence."""
    there, here = (tmp_path / name for name in ("there", "here"))
    there.mkdir()
    here.mkdir()
    async with (
        coturn(there, "--allow-loopback-peers") as other,
        coturn(here, f"--alternate-server={HOST}:{other}") as port,
    ):
        for transport in (UDP, TCP):
            result = await probe(a_flow("turn", port, transport), replace(a_route(), turn=USER))
            assert result.verdict.outcome is Outcome.PASS, result
            assert "10 of 10 packets back" in result.verdict.reason
            sent_on, allocated = [step for step in result.steps if step.phase is Phase.TURN_ALLOCATE][:2]
            assert (sent_on.facts["code"], sent_on.facts["alternate"]) == (300, f"{HOST}:{other}")
            assert allocated.subject == f"{HOST}:{other}"
            assert allocated.facts["relayed"]
        challenged = await probe(a_flow("turn", port, UDP), a_route())
        assert "realm coturn.test" in challenged.verdict.reason


async def test_a_small_quota_is_shared(tmp_path: Path) -> None:
    """The sampled ports leave the others room: none of them ends at a 486 that is only ours."""
    async with coturn(tmp_path, "--allow-loopback-peers", "--user-quota=6") as port:
        route = replace(a_route(), turn=USER, quality_seconds=0.5)
        ranged = a_flow("udp-range", 49152, UDP, {"udp_port": port, "tcp_port": port, "tls_port": NOBODY})
        flows = [a_flow("turn", port, UDP), ranged, a_flow("turn", port, TCP)]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(probe(flow, route)) for flow in flows]
        call = await probe(a_flow("call", port, UDP), route)
    over_udp, sampled, over_tcp = (task.result() for task in tasks)
    for found in (over_udp, over_tcp, call):
        assert found.verdict.outcome is Outcome.PASS, found
        assert "no second allocation" not in found.verdict.reason
    assert sampled.verdict.outcome is Outcome.PASS, sampled


async def test_a_port_whose_last_user_left_an_allocation_behind(tmp_path: Path) -> None:
    """The server says 437, and is asked from another port: chance picked ours, and it is nobody's fault."""
    async with coturn(tmp_path) as server:
        at = Endpoint(host=HOST, port=server)
        left = await open_udp(at)
        used = local_of(left)
        assert used
        here, flow, route = Hop(address=at, authority=at), a_flow("turn", server, UDP), replace(a_route(), turn=USER)
        await Relay(left, here, route, Recorder()).allocate()
        left.close()
        ports = [PortRange(first=used.port, last=used.port)]

        @asynccontextmanager
        async def links(*_: object) -> AsyncGenerator[Datagrams]:
            with contextlib.closing(await _opened_soon(at, ports.pop() if ports else None)) as link:
                yield link

        rec = Recorder()
        async with Relay.opened(here, flow, route, rec, links) as relay:
            assert await relay.allocate()
            assert relay.client.mapped
            assert relay.client.mapped[1] != used.port
    first, second = (step for step in rec.steps if step.phase is Phase.TURN_ALLOCATE)
    assert (first.facts["code"], first.failure, second.failure) == (437, None, None)


async def _opened_soon(at: Endpoint, source: PortRange | None) -> Datagrams:
    """Open a socket at a port that is about to be free."""
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(OSError):
                return await open_udp(at, source)
            await asyncio.sleep(0.01)


class Deaf:
    """A link on which one message comes too late: *heard* is set, and nothing is said of it."""

    reliable = False

    def __init__(self, link: Datagrams, till: Callable[[bytes], bool]) -> None:
        """Keep back the message of which *till* is true."""
        self._link, self._till, self.heard = link, till, asyncio.Event()

    async def send(self, data: bytes) -> None:
        """Send one message."""
        await self._link.send(data)

    async def receive(self) -> bytes:
        """Return one message, up to the one that is kept back."""
        data = await self._link.receive()
        if self._till(data):
            self.heard.set()
            await asyncio.Event().wait()
        return data

    def close(self) -> None:
        """Let go of the link."""
        self._link.close()


async def test_an_allocation_that_was_not_heard_of_is_given_back_too(tmp_path: Path) -> None:
    """Whoever gives up in the midst of it leaves nothing behind: with a quota of one, the next one would be refused."""
    async with coturn(tmp_path, "--user-quota=1") as server:
        at = Endpoint(host=HOST, port=server)
        here, flow, route = Hop(address=at, authority=at), a_flow("turn", server, UDP), replace(a_route(), turn=USER)
        deaf = Deaf(await open_udp(at), lambda packet: packet[:2] == b"\x01\x03")  # a success of Allocate

        @asynccontextmanager
        async def links(*_: object) -> AsyncGenerator[Datagrams]:
            with contextlib.closing(deaf):
                yield deaf

        async def given_up() -> None:
            async with Relay.opened(here, flow, route, Recorder(), links) as relay:
                await relay.allocate()

        async with asyncio.TaskGroup() as group:
            task = group.create_task(given_up())
            await deaf.heard.wait()
            task.cancel()
        async with asyncio.timeout(20):
            while not await _room(here, flow, route):  # noqa: ASYNC110 - another program has no event for us
                await asyncio.sleep(0.05)


async def _room(here: Hop, flow: Flow, route: Route) -> bool:
    try:
        async with Relay.opened(here, flow, route, Recorder()) as relay:
            return await relay.allocate()
    except StepError as exc:
        if exc.failure.cause is Cause.QUOTA:
            return False
        raise


async def test_a_coturn_that_relays_to_no_loopback(tmp_path: Path) -> None:
    """Its policy forbids our peers: a failure of TURN's, and for the range nothing that could be told."""
    async with coturn(tmp_path) as port:
        route = replace(a_route(), turn=USER)
        turn = await probe(a_flow("turn", port, UDP), route)
        ranged = a_flow("udp-range", 49152, UDP, {"udp_port": port, "tcp_port": port, "tls_port": NOBODY})
        result = await probe(ranged, route)
    assert broke(turn) == (Phase.TURN_PERMISSION, Cause.PERMISSION_DENIED)
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.TURN_PERMISSION, Cause.PERMISSION_DENIED)


async def test_a_coturn_with_a_quota(tmp_path: Path) -> None:
    """One allocation a user: enough for TURN, and for the range it is said."""
    async with coturn(tmp_path, "--allow-loopback-peers", "--user-quota=1") as port:
        result = await probe(a_flow("turn", port, UDP), replace(a_route(), turn=USER))
    assert result.verdict.outcome is Outcome.PASS, result
    assert "no second allocation" in result.verdict.reason


async def test_a_limit_of_each_session_is_none_of_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three sessions do not carry it, and six do: a site's calls have a session each."""
    monkeypatch.setattr(voice, "STRAGGLERS", 0.3)
    monkeypatch.setattr(climb, "STEPS", (1.0,))
    monkeypatch.setattr(climb, "LONG", 2.0)  # coturn counts second by second: in two, it refuses surely
    async with coturn(tmp_path, "--allow-loopback-peers", "--max-bps=30000") as port:
        route = replace(a_route(), turn=USER, quality_seconds=20.0, bandwidth_kbit_s=1300.0)
        found = await probe(a_flow("bandwidth", port, UDP), route)
    ramp = found.verdict.measured
    if ramp is None:  # a machine that had no time for it
        assert broke(found, Outcome.INCONCLUSIVE) == (Phase.MEDIA, Cause.BUDGET)
        return
    assert isinstance(ramp, Ramp)
    assert ramp.at_least, found.verdict
    if ramp.capacity_kbit_s == 1300:
        assert ramp.bound is Bound.SESSION
        assert "the TURN server limits each session to about" in found.verdict.reason
