"""The proxy judged for itself: does it open tunnels, and in which version of HTTP?"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import loopback
from rainbow_probe.model import Cause, Endpoint, Outcome, Phase, Proxy, Transport
from rainbow_probe.net.route import Route
from tests.servers import (
    DOOR,
    EASY,
    ESTABLISHED,
    HOST,
    QUICK,
    SIX,
    Middle,
    a_flow,
    a_route,
    broke,
    mute,
    names,
    on_six,
    page,
    phases,
    probe,
    shows,
)

OLD = b"HTTP/1.0 200 Connection established\r\n\r\n"


def through(port: int) -> Route:
    """Give a route through the proxy on *port*."""
    return replace(a_route(), proxy=Proxy(endpoint=Endpoint(host=DOOR, port=port)))


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
async def test_a_tunnel_opens(transport: Transport) -> None:
    """To a target that need not say anything; with TLS it must be the target's."""
    async with loopback() as place:
        target = await place.tcp(mute)
        flow = a_flow("proxy", target, Transport.TCP)
        if transport is Transport.TLS:
            flow = a_flow("proxy", await place.tcp(mute, shows()))
        result = await probe(flow, through(await place.tcp(Middle().handle)))
    assert (result.verdict.outcome, result.verdict.reason) == (
        Outcome.PASS,
        "the proxy answers CONNECT with HTTP/1.1",
    )


async def test_an_old_proxy_is_told() -> None:
    """Browsers take HTTP/1.0, the WebRTC gateway does not: the tunnel opens, and that is not enough."""
    async with loopback() as place:
        target = await place.tcp(mute)
        result = await probe(a_flow("proxy", target, Transport.TCP), through(await place.tcp(Middle(OLD).handle)))
    assert broke(result) == (Phase.PROXY, Cause.PROXY_HTTP10)
    assert all(step.failure is None for step in result.steps)


@pytest.mark.parametrize("old_first", [True, False])
async def test_each_address_of_the_proxy_is_judged_by_its_own_answer(old_first: bool) -> None:
    """Two machines behind one name need not be of one age, nor equally fast."""
    answered = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answered.wait()
        await Middle(OLD if old_first else ESTABLISHED).handle(reader, writer)

    async def fast(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asyncio.get_running_loop().call_later(0.02, answered.set)
        await Middle(ESTABLISHED if old_first else OLD).handle(reader, writer)

    async with loopback() as place:
        target = await place.tcp(mute)
        door = await place.tcp(slow)
        await on_six(place, fast, door)
        route = replace(through(door), names=names(proxy_test=(HOST, SIX)))
        result = await probe(a_flow("proxy", target, Transport.TCP), route)
    assert result.verdict.outcome is Outcome.PASS
    ends = (f"[{SIX}]:{door}",), (f"{HOST}:{door}",)
    assert (result.verdict.alive, result.verdict.dead) == (ends if old_first else ends[::-1])


@pytest.mark.parametrize(
    ("reply", "cause"),
    [(page("403 Forbidden"), Cause.PROXY_DENIED), (b"", Cause.TIMEOUT), (b"nonsense\r\n\r\n", Cause.NOT_HTTP)],
)
async def test_a_tunnel_that_does_not_open(reply: bytes, cause: Cause) -> None:
    """As for every other flow."""
    async with loopback() as place:
        limits = EASY if reply else QUICK
        route = replace(through(await place.tcp(Middle(reply, tunnels=False).handle)), limits=limits)
        result = await probe(a_flow("proxy", 443, Transport.TCP), route)
    assert broke(result) == (Phase.PROXY, cause)
    assert phases(result)[-1] is Phase.PROXY
