"""How many tunnels a proxy holds at once: found by opening them, and blamed on nobody without a control."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rainbow_probe.capacity import Load
from rainbow_probe.demo.loopback import discard, loopback
from rainbow_probe.model import Cause, Endpoint, Outcome, Phase, Proxy, Result, Transport
from tests.servers import DOOR, ESTABLISHED, a_flow, a_route, broke, facts, page, probe

BUSY = page("503 Service Unavailable")
CONTROL = "control.test"


class Narrow:
    """A proxy that holds *most* tunnels at once, of all or only of its first target."""

    def __init__(self, most: int, *, of_one: bool = False, keeps: bool = False, silent: bool = False) -> None:
        """Hold *most*; *of_one*: to other targets as many as you like; *keeps*: never lets one go."""
        self.most, self.of_one, self.keeps, self.silent = most, of_one, keeps, silent
        self.now, self.peak = 0, 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        counted = not (self.of_one and CONTROL.encode() in head)
        if counted and self.now >= self.most:
            writer.write(b"" if self.silent else BUSY)
            await discard(reader, writer)
            return
        self.now += counted
        self.peak = max(self.peak, self.now)
        writer.write(ESTABLISHED)
        try:
            await discard(reader, writer)
        finally:
            self.now -= counted and not self.keeps


async def tried(proxy: Narrow, most: int, load: Load) -> Result:
    """Ask for *most* tunnels, where the site has that *load*."""
    async with loopback() as place:
        door = Proxy(endpoint=Endpoint(host=DOOR, port=await place.tcp(proxy.handle)))
        flow = a_flow("proxy-capacity", 443, Transport.TCP, {"control": CONTROL})
        route = replace(a_route(), proxy=door, capacity=most, load=load)
        limits = replace(route.limits, handshake=0.5) if proxy.silent else route.limits
        return await probe(flow, replace(route, limits=limits))


async def test_without_being_asked_nothing_is_opened() -> None:
    """And the numbers are still worked out."""
    proxy = Narrow(10)
    result = await tried(proxy, 0, Load(users=5))
    assert result.verdict.outcome is Outcome.SKIPPED
    assert "--proxy-capacity" in result.verdict.reason
    assert "= 15 ports" in result.verdict.reason
    assert proxy.peak == 0


async def test_a_proxy_that_holds_enough() -> None:
    """Exactly as many as were asked for are open at once."""
    proxy = Narrow(1000)
    result = await tried(proxy, 30, Load(users=10))
    assert result.verdict.outcome is Outcome.PASS
    assert (proxy.peak, facts(result, Phase.PROXY)["open_at_once"]) == (30, 30)


@pytest.mark.parametrize("silent", [True, False])
async def test_a_proxy_that_holds_too_few(silent: bool) -> None:
    """It opens one again when the others are gone, to either host: so it is their number."""
    result = await tried(Narrow(12, silent=silent), 40, Load(users=20))
    assert broke(result) == (Phase.PROXY, Cause.PROXY_CAPACITY)
    assert facts(result, Phase.PROXY)["open_at_once"] == 12
    assert ("timeout" if silent else "503 Service Unavailable") in result.verdict.reason


async def test_a_limit_beyond_what_is_needed_does_no_harm() -> None:
    """The number is told."""
    result = await tried(Narrow(12), 40, Load(users=4))
    assert result.verdict.outcome is Outcome.PASS
    assert result.verdict.reason.startswith("12 tunnels open at once")


async def test_between_the_certain_and_the_assumed_it_cannot_be_told() -> None:
    """How many HTTPS requests clients make at once is our guess: no failure stands on it."""
    result = await tried(Narrow(12), 40, Load(users=10))
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.PROXY, Cause.CANNOT_TELL)


async def test_fewer_were_asked_for_than_are_needed() -> None:
    """Then it is not known whether the proxy has more."""
    result = await tried(Narrow(1000), 8, Load(users=10))
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.PROXY, Cause.CANNOT_TELL)


async def test_without_numbers_there_is_nothing_to_compare_with() -> None:
    """What was found is told all the same."""
    result = await tried(Narrow(12), 40, Load())
    assert result.verdict.outcome is Outcome.SKIPPED
    assert "12 tunnels open at once" in result.verdict.reason


async def test_a_limit_of_the_target_is_not_the_proxys() -> None:
    """Another host's tunnel opens while all of these are held."""
    result = await tried(Narrow(12, of_one=True), 40, Load(users=20))
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.PROXY, Cause.CANNOT_TELL)
    assert "the limit is the target's" in result.verdict.reason


async def test_a_proxy_that_refuses_from_then_on_may_count_something_else() -> None:
    """A rate, for example."""
    result = await tried(Narrow(12, keeps=True), 40, Load(users=20))
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.PROXY, Cause.CANNOT_TELL)


async def test_a_proxy_that_opens_none_is_told_by_its_own_words() -> None:
    """That is no matter of numbers."""
    assert broke(await tried(Narrow(0), 40, Load(users=20)))[1] is Cause.PROXY_TARGET_FAILED
