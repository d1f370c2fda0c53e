"""The checks against coturn, which shares no line with the servers of the other tests."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from rainbow_probe.demo.loopback import loopback
from rainbow_probe.model import Cause, Credentials, Outcome, Phase, Transport
from tests.demo_clients import ask_tcp, ask_udp, binding, needs
from tests.servers import HOST, a_flow, a_route, broke, facts, probe

USER, STRANGER = (Credentials(user="carol", password=secrets.token_hex(8)) for _ in range(2))
UDP, TCP = Transport.UDP, Transport.TCP
NOBODY = 1  # a port on which nothing listens

pytestmark = needs("turnserver")


@asynccontextmanager
async def coturn(folder: Path, *options: str) -> AsyncGenerator[int]:
    """Run coturn on loopback; gives its port, for UDP and TCP."""
    async with loopback() as place:
        port = place.refusing()  # a port that is free, for a moment
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
