"""Logging in at a proxy: asked first, once for all, and a wrong password one time only."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import discard, loopback
from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Outcome, Phase, Result, Transport
from rainbow_probe.net.paths import open_stream
from rainbow_probe.net.proxy_auth import Logins
from rainbow_probe.net.route import Route
from tests.proxies import ALICE, BASIC, WRONG, Doorkeeper, Opinion, basic, digest, many, through
from tests.servers import ESTABLISHED, QUICK, a_flow, a_hop, broke, facts, page

ASKS = (f"Proxy-Authenticate: {BASIC}",)
STARVED = (Outcome.INCONCLUSIVE, Cause.BUDGET)
"""How it ends on a machine that has no time to listen."""


def passed(results: Sequence[Result]) -> bool:
    """Return whether all *results* passed."""
    return all(result.verdict.outcome is Outcome.PASS for result in results)


def causes(results: Sequence[Result]) -> set[tuple[Phase, Cause]]:
    """Return where and why *results* broke."""
    return {broke(result) for result in results}


def ends(results: Sequence[Result]) -> set[tuple[Outcome, Cause]]:
    """Return how *results* ended, none of which passed."""
    return {(one.verdict.outcome, one.verdict.failure.cause) for one in results if one.verdict.failure}


async def test_nobody_sends_a_password_unasked() -> None:
    """A proxy that lets everybody in never sees it."""
    door = Doorkeeper(lambda _given, _head: None)
    async with loopback() as place:
        assert passed(await many(place, through(await place.tcp(door.handle), ALICE)))
    assert door.passwords == []


async def test_what_was_refused_is_not_sent_in_a_second_look_either() -> None:
    """Rows that changed are tried again within the run: without the password that the proxy did not take."""
    door = Doorkeeper(basic())
    async with loopback() as place:
        route = through(await place.tcp(door.handle), WRONG)
        await many(place, route)
        again = await many(place, replace(route, logins=Logins(route.logins)))
    assert causes(again) == {(Phase.PROXY, Cause.PROXY_AUTH)}
    assert len(door.passwords) == 1


async def test_one_asks_for_all() -> None:
    """The first flow meets the 407 alone; all others know what is wanted: one request more in the whole run."""
    door = Doorkeeper(basic())
    async with loopback() as place:
        results = await many(place, through(await place.tcp(door.handle), ALICE))
    assert passed(results)
    assert (len(door.heads), len(door.passwords), door.connections) == (9, 8, 8)
    assert b"Proxy-Authorization" not in door.heads[0]
    assert {facts(result, Phase.PROXY)["offered"] for result in results} == {"Basic"}
    assert {facts(result, Phase.PROXY)["scheme"] for result in results} == {"Basic"}
    assert sum("requests" in facts(result, Phase.PROXY) for result in results) == 1


@pytest.mark.parametrize("opinion", [basic(), digest("n")], ids=["basic", "digest"])
async def test_a_wrong_password_is_tried_once(opinion: Opinion) -> None:
    """In the whole run, whatever starts at once; the others say that they did not try."""
    door = Doorkeeper(opinion)
    async with loopback() as place:
        results = await many(place, through(await place.tcp(door.handle), WRONG))
    assert causes(results) == {(Phase.PROXY, Cause.PROXY_AUTH)}
    assert len(door.passwords) == 1
    assert sum("did not accept the credentials" in result.verdict.reason for result in results) == 8
    assert sum("no second attempt is made" in result.verdict.reason for result in results) == 7
    assert WRONG.password not in repr(results)


@pytest.mark.parametrize("opinion", [basic(), digest("n")], ids=["basic", "digest"])
async def test_a_proxy_that_closes_with_its_question(opinion: Opinion) -> None:
    """Clients come back over a new connection, with the answer."""
    door = Doorkeeper(opinion, closes=True)
    async with loopback() as place:
        assert passed(await many(place, through(await place.tcp(door.handle), ALICE)))
    assert (len(door.passwords), door.connections) == (8, 9)


async def test_a_proxy_that_promises_to_stay_and_leaves() -> None:
    """It says nothing of closing, and closes in the middle of its page."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"Proxy-Authorization" in head:
            writer.write(page("503 Out of order"))
            await discard(reader, writer)
            return
        writer.write(page("407 No", b"x" * 50, *ASKS)[:-9])

    async with loopback() as place:
        results = await many(place, through(await place.tcp(handle), ALICE), count=2)
    assert causes(results) == {(Phase.PROXY, Cause.PROXY_TARGET_FAILED)}


async def test_a_nonce_that_is_too_old() -> None:
    """It is no refusal: the answer to the new one opens."""
    door = Doorkeeper(digest("old", "new"))
    async with loopback() as place:
        results = await many(place, through(await place.tcp(door.handle), ALICE), count=1)
    assert passed(results)
    assert [given.split('nonce="')[1][:3] for given in door.passwords] == ["old", "new"]


async def test_a_proxy_that_finds_every_nonce_too_old() -> None:
    """Once is enough: the second time counts as a refusal, and the account is left alone."""
    door = Doorkeeper(digest("a", "b", "c", "d"))
    async with loopback() as place:
        results = await many(place, through(await place.tcp(door.handle), ALICE))
    assert causes(results) == {(Phase.PROXY, Cause.PROXY_AUTH)}
    assert len(door.passwords) == 2


async def test_the_strongest_scheme_is_taken() -> None:
    """Whatever the order in which the proxy offers them."""
    wanted = digest("n")

    def opinion(given: str, head: bytes) -> Sequence[str] | None:
        told = wanted(given, head)
        return told if told is None else (*ASKS, *told)

    door = Doorkeeper(opinion)
    async with loopback() as place:
        results = await many(place, through(await place.tcp(door.handle), ALICE), count=2)
    assert passed(results)
    assert {given.split()[0] for given in door.passwords} == {"Digest"}
    assert {facts(result, Phase.PROXY)["offered"] for result in results} == {"Basic, Digest"}


async def test_a_scheme_that_cannot_be_answered_is_passed_over() -> None:
    """Digest with an algorithm of its own, and Basic beside it."""
    odd = 'Proxy-Authenticate: Digest realm="x", nonce="n", algorithm=SHA-512-256'
    plain = basic()

    def opinion(given: str, head: bytes) -> Sequence[str] | None:
        told = plain(given, head)
        return told if told is None else (odd, *told)

    door = Doorkeeper(opinion)
    async with loopback() as place:
        assert passed(await many(place, through(await place.tcp(door.handle), ALICE), count=2))


async def test_a_silent_proxy_keeps_nobody_waiting() -> None:
    """One that says nothing until all have asked is asked by all, and nobody has sent it a password."""
    asked: list[bytes] = []
    all_there = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if len(asked) == 8:
            all_there.set()
        await all_there.wait()
        writer.write(ESTABLISHED)
        await discard(reader, writer)

    async with loopback() as place:
        assert passed(await many(place, through(await place.tcp(handle), ALICE)))
    assert [head for head in asked if b"Authorization" in head] == []


async def test_silence_to_the_password_keeps_nobody_waiting_for_long() -> None:
    """The target of the first is dead, not the password wrong: when its time is over, all others go at once."""
    first: list[bytes] = []
    plain = basic()

    def opinion(given: str, head: bytes) -> Sequence[str] | None:
        told = plain(given, head)
        if told is None:
            first.append(head)
        return told

    door = Doorkeeper(opinion)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if door.connections:
            await door.handle(reader, writer)
            return
        door.connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(page("407 Who are you?", b"", *ASKS))
        await discard(reader, writer)

    async with loopback() as place:
        results = await many(place, through(await place.tcp(handle), ALICE, limits=QUICK))
    assert [broke(results[0])] == [(Phase.PROXY, Cause.TIMEOUT)]
    assert passed(results[1:])


async def test_a_proxy_that_is_slow_to_refuse_gets_the_password_once() -> None:
    """Its directory takes longer than any other answer may: nobody sends a second one in the meantime."""
    plain, slow = basic(), 2 * QUICK.handshake
    door = Doorkeeper(plain)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        door.heads.append(head)
        if b"Authorization" in head:
            await asyncio.sleep(slow)  # what its directory takes
        writer.write(page("407 Who are you?", b"", *ASKS))
        with contextlib.suppress(asyncio.IncompleteReadError):
            await handle(reader, writer)

    async with loopback() as place:
        results = await many(place, through(await place.tcp(handle), WRONG, limits=QUICK))
    assert ends(results) <= {(Outcome.FAIL, Cause.PROXY_AUTH), STARVED}
    assert len(door.passwords) == 1


async def test_a_proxy_that_never_answers_a_password_gets_two_at_most() -> None:
    """One target may be dead; if another one is as mute, nobody knows whether the password is right."""
    door = Doorkeeper(lambda _given, _head: None)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        door.heads.append(head)
        if b"Authorization" not in head:
            writer.write(page("407 Who are you?", b"", *ASKS))
            await handle(reader, writer)
        await discard(reader, writer)

    async with loopback() as place:
        limits = replace(QUICK, handshake=QUICK.handshake / 2)
        results = await many(place, through(await place.tcp(handle), WRONG, limits=limits))
    assert len(door.passwords) <= 2
    mute, untried = (Outcome.FAIL, Cause.TIMEOUT), (Outcome.INCONCLUSIVE, Cause.PROXY_AUTH_UNTRIED)
    assert ends(results) in ({mute, untried}, {mute, STARVED}, {STARVED})


async def test_who_hangs_up_on_the_password_gets_it_no_more() -> None:
    """Twice might be chance; then nobody sends it, and all say so."""
    door: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(page("407 Who are you?", b"", *ASKS))
        door.append(await reader.readuntil(b"\r\n\r\n"))
        door.append(await reader.readuntil(b"\r\n\r\n"))

    async with loopback() as place:
        results = await many(place, through(await place.tcp(handle), ALICE))
    assert len([head for head in door if b"Authorization" in head]) == 2
    ends = [broke(result)[1] for result in results]
    assert (ends.count(Cause.CLOSED), ends.count(Cause.PROXY_AUTH)) == (2, 6)
    assert sum("hangs up" in result.verdict.reason for result in results) == 6


async def test_an_answer_that_was_missed_may_have_been_a_refusal() -> None:
    """A machine without time sends no password twice either, and says that it cannot tell."""
    door: list[bytes] = []
    stalled = [0.0]

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        door.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(page("407 Who are you?", b"", *ASKS))
        door.append(await reader.readuntil(b"\r\n\r\n"))
        stalled[0] += 60  # as if the process had not come to its turn since
        await discard(reader, writer)

    async with loopback() as place:
        route = through(await place.tcp(handle), ALICE, limits=QUICK)
        flow = a_flow("proxy", 443, Transport.TCP)
        first, second = Recorder(20, lambda: stalled[0]), Recorder(20)
        with pytest.raises(StepError) as missed:
            async with open_stream(a_hop(route_port(route)), flow, route, first):
                pass
        with pytest.raises(StepError) as spared:
            async with open_stream(a_hop(route_port(route)), flow, route, second):
                pass
    assert (missed.value.failure.cause, spared.value.failure.cause) == (Cause.BUDGET, Cause.BUDGET)
    assert "no second attempt" in spared.value.failure.detail
    assert len([head for head in door if b"Authorization" in head]) == 1


def route_port(route: Route) -> int:
    """Return the port of the proxy of *route*."""
    assert route.proxy is not None
    return route.proxy.endpoint.port


async def test_the_next_takes_the_turn_of_one_that_was_stopped() -> None:
    """Who is cancelled while logging in leaves nobody waiting."""
    door = Doorkeeper(basic())
    sent = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if sent.is_set():
            await door.handle(reader, writer)
            return
        await reader.readuntil(b"\r\n\r\n")
        writer.write(page("407 Who are you?", b"", *ASKS))
        await reader.readuntil(b"\r\n\r\n")
        sent.set()
        await discard(reader, writer)

    async with loopback() as place:
        route = through(await place.tcp(handle), ALICE)
        async with asyncio.TaskGroup() as group:
            stopped = group.create_task(many(place, route, count=1))
            await asyncio.sleep(0)
            others = group.create_task(many(place, route))
            await sent.wait()
            stopped.cancel()
    assert passed(others.result())


async def test_one_target_refused_in_the_form_of_a_question() -> None:
    """Squid asks again where it denies somebody it knows: that is no wrong password, others went through with it."""
    plain, refused = basic(), [False]

    def opinion(given: str, head: bytes) -> Sequence[str] | None:
        told = plain(given, head)
        if told is None and refused[0]:
            return ASKS
        refused[0] = told is None
        return told

    door = Doorkeeper(opinion)
    async with loopback() as place:
        results = await many(place, through(await place.tcp(door.handle), ALICE))
    assert results[0].verdict.outcome is Outcome.PASS
    assert causes(results[1:]) == {(Phase.PROXY, Cause.PROXY_DENIED)}


async def test_each_proxy_has_its_own_question_and_one_account_is_one() -> None:
    """What one proxy has refused is not sent to another one."""
    doors = [Doorkeeper(basic()), Doorkeeper(basic())]
    async with loopback() as place:
        first = through(await place.tcp(doors[0].handle), WRONG)
        other = through(await place.tcp(doors[1].handle), WRONG)
        await many(place, first, count=2)
        results = await many(place, replace(other, logins=first.logins), count=2)
    assert causes(results) == {(Phase.PROXY, Cause.PROXY_AUTH)}
    assert [len(door.passwords) for door in doors] == [1, 0]
