"""The way through a SOCKS proxy, with real sockets: what it is asked for, and how its refusals are told."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import Handler, loopback, reach, relay
from rainbow_probe.demo.pages import Page, serving
from rainbow_probe.model import Cause, Credentials, Endpoint, Outcome, Phase, Proxy
from rainbow_probe.net.route import Route
from rainbow_probe.runner import Job, Progressing, run_all
from tests.proxies import many
from tests.servers import (
    DOOR,
    PUBLIC,
    QUICK,
    Watcher,
    a_flow,
    a_route,
    answers,
    broke,
    facts,
    hangs_up,
    mute,
    probe,
    resets,
    shows,
)

LOGIN = Credentials(user="bob", password="hush hush")  # noqa: S106 - made up, to look for it


class Socks:
    """A SOCKS proxy that tunnels to the same port of loopback, with a login if it *wants* one.

    It says so when as many as *all_there* have come.
    """

    def __init__(self, *, wants: Credentials | None = None, all_there: int = 1) -> None:
        """Nothing was asked yet."""
        self.asked: list[bytes] = []
        self.passwords = 0
        self._wants = wants
        self._missing = all_there
        self._all_there = asyncio.Event()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of version 5."""
        await reader.readexactly((await reader.readexactly(2))[1])
        self._missing -= 1
        if self._missing <= 0:
            self._all_there.set()
        await self._all_there.wait()
        writer.write(b"\x05\x02" if self._wants else b"\x05\x00")
        if self._wants:
            user = await reader.readexactly((await reader.readexactly(2))[1])
            password = await reader.readexactly((await reader.readexactly(1))[0])
            self.passwords += 1
            good = (user.decode(), password.decode()) == (self._wants.user, self._wants.password)
            writer.write(b"\x01\x00" if good else b"\x01\x01")
        kind = (await reader.readexactly(4))[3]
        size = (await reader.readexactly(1))[0] if kind == 3 else 4
        self.asked.append(await reader.readexactly(size))
        port = int.from_bytes(await reader.readexactly(2), "big")
        async with reach(port) as far:
            for byte in b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00":
                writer.write(bytes([byte]))  # a proxy may be slow to say even that
                await writer.drain()
            await relay((reader, writer), far)


def through(port: int, *, version: int = 5, user: Credentials | None = None) -> Route:
    """Give a route through the SOCKS proxy on *port*."""
    proxy = Proxy(endpoint=Endpoint(host=DOOR, port=port), socks=version, credentials=user)
    return replace(a_route(), proxy=proxy)


@pytest.mark.parametrize("login", [None, LOGIN])
async def test_https_through_socks(login: Credentials | None) -> None:
    """TLS and HTTP run in the tunnel as anywhere; the name is left to the proxy, the password to nobody else."""
    socks = Socks(wants=login)
    async with loopback() as place:
        origin = await place.tcp(serving(lambda _: Page()), shows(PUBLIC))
        result = await probe(a_flow("https", origin), through(await place.tcp(socks.handle), user=login))
    assert result.verdict.outcome is Outcome.PASS, result.verdict
    assert socks.asked == [b"probe.test"]
    assert facts(result, Phase.PROXY)["socks"] == 5
    assert "hush" not in repr(result)


async def test_version_four_is_given_addresses() -> None:
    """As Chromium, which resolves names itself for it."""
    async with loopback() as place:
        port = await place.tcp(answers(b"\x00\x5b" + bytes(6)))
        result = await probe(a_flow("turn", 443), through(port, version=4))
    assert broke(result) == (Phase.PROXY, Cause.PROXY_DENIED)
    assert facts(result, Phase.PROXY)["authority"] == "127.0.0.1:443"


REFUSALS: list[tuple[Handler, Cause]] = [
    (answers(b"\x05\xff"), Cause.PROXY_AUTH),
    (answers(b"\x05\x00", b"\x05\x02\x00\x01" + bytes(6)), Cause.PROXY_DENIED),
    (answers(b"\x05\x00", b"\x05\x05\x00\x01" + bytes(6)), Cause.PROXY_TARGET_FAILED),
    (answers(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Cause.NOT_SOCKS),
    (hangs_up, Cause.CLOSED),
    (resets, Cause.RESET),
    (mute, Cause.TIMEOUT),
]


@pytest.mark.parametrize(("handler", "cause"), REFUSALS)
async def test_the_proxy_says_no(handler: Handler, cause: Cause) -> None:
    """A refusal is the proxy's, in its own phase."""
    async with loopback() as place:
        route = replace(through(await place.tcp(handler)), limits=QUICK)
        result = await probe(a_flow("turn", 443), route)
    assert broke(result) == (Phase.PROXY, cause)


async def test_nobody_listens() -> None:
    """As with any proxy."""
    async with loopback() as place:
        result = await probe(a_flow("turn", 443), through(place.refusing()))
    assert broke(result) == (Phase.PROXY, Cause.PROXY_UNREACHABLE)


WRONG = Credentials(user="bob", password="hush now")  # noqa: S106 - made up as well


async def test_a_wrong_password_is_sent_once() -> None:
    """Whatever starts at once: who comes behind a refusal sends nothing, and says so."""
    socks = Socks(wants=LOGIN)
    async with loopback() as place:
        results = await many(place, through(await place.tcp(socks.handle), user=WRONG))
    assert {broke(result) for result in results} == {(Phase.PROXY, Cause.PROXY_AUTH)}
    assert socks.passwords == 1
    assert sum("no second attempt" in result.verdict.reason for result in results) == len(results) - 1


async def test_a_right_password_lets_all_go_at_once() -> None:
    """The first asks for all, and nobody is left waiting."""
    socks = Socks(wants=LOGIN)
    async with loopback() as place:
        route = through(await place.tcp(socks.handle), user=LOGIN)
        origins = [await place.tcp(serving(lambda _: Page()), shows(PUBLIC)) for _ in range(4)]
        run = Progressing()
        jobs = [Job(flow=a_flow("https", origin), route=route) for origin in origins]
        await run_all(jobs, run, Watcher(), budget=20, deadline=60)
    assert {result.verdict.outcome for result in run.results.values()} == {Outcome.PASS}
    assert socks.passwords == len(origins) == len(run.results)


async def test_a_proxy_that_is_slow_with_its_question() -> None:
    """All have asked before any hears what the proxy wants; the password goes one by one all the same."""
    socks = Socks(wants=LOGIN, all_there=3)
    async with loopback() as place:
        results = await many(place, through(await place.tcp(socks.handle), user=WRONG), count=3)
    assert {broke(result) for result in results} == {(Phase.PROXY, Cause.PROXY_AUTH)}
    assert socks.passwords == 1
