"""How long idle links to the push service hold: on loopback a server forgets them, as a firewall would."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import CHUNK, Handler, discard, loopback
from rainbow_probe.followups import Sofar
from rainbow_probe.followups.pushes import idle_links
from rainbow_probe.model import Cause, Outcome, Phase, Result, Severity
from rainbow_probe.options import UsageError, duration
from rainbow_probe.runner import Job, Progressing, run_all
from tests.judge_samples import case, guide
from tests.servers import QUICK, Watcher, a_flow, a_route, broke, facts, hangs_up, mute, probe, resets, shows

SHORT, LONG = 0.05, 4.0  # seconds of idleness
MEMORY = 2.0  # seconds of what forgets


async def forgets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End a link that says something, but not one that was idle for long."""
    began = time.monotonic()
    await reader.read(CHUNK)
    if time.monotonic() - began > MEMORY:
        await discard(reader, writer)


async def ends_soon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End a link by itself, whether it says something or not."""
    del writer
    try:
        async with asyncio.timeout(MEMORY):
            await reader.read(CHUNK)
    except TimeoutError:
        return


async def held(handler: Handler, *waits: float) -> Result:
    """Run the check."""
    async with loopback() as place:
        flow = a_flow("push-idle", await place.tcp(handler, shows()))
        return await probe(flow, replace(a_route(), push_waits=waits))


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """Run all side by side: most of it is waiting."""

    async def run_all_of_them() -> dict[str, Result]:
        handlers = {"answers": hangs_up, "forgets": forgets, "ends": ends_soon, "mute": mute, "resets": resets}
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(held(one, SHORT, LONG)) for name, one in handlers.items()}
        return {name: task.result() for name, task in tasks.items()}

    return asyncio.run(run_all_of_them())


def test_links_that_hold(results: dict[str, Result]) -> None:
    """All the time; what wakes them is answered, if only by an end."""
    assert (results["answers"].verdict.outcome, results["answers"].verdict.reason) == (
        Outcome.PASS,
        "idle links hold for 4 s",
    )


def test_links_that_go_dead(results: dict[str, Result]) -> None:
    """Nothing comes, while a fresh one is answered."""
    assert broke(results["forgets"]) == (Phase.TLS, Cause.CUT_AFTER_IDLE)
    seen = facts(results["forgets"], Phase.TLS)
    assert (seen["survived_s"], seen["cut_s"], seen["cut_shows"]) == (SHORT, LONG, "silence")


@pytest.mark.parametrize(("name", "words"), [
    ("ends", "perhaps by the service itself"), ("mute", "does not answer"), ("resets", "does not answer"),
])  # fmt: skip
def test_what_cannot_be_told(results: dict[str, Result], name: str, words: str) -> None:
    """A service that ends idle links of strangers itself, or says nothing to them, is no firewall."""
    assert broke(results[name], Outcome.INCONCLUSIVE) == (Phase.TLS, Cause.CANNOT_TELL)
    assert words in results[name].verdict.reason


async def test_what_this_machine_slept_through_is_no_dead_link() -> None:
    """The answer came while nobody of this process was awake: it lies there and is read."""
    links = 0

    async def stalls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal links
        del writer
        links += 1
        woken = links == 2  # the one that was idle; before and after it, there is a fresh one
        await reader.read(CHUNK)
        if woken:
            time.sleep(3 * QUICK.exchange)  # noqa: ASYNC251 - the stall is what is tested

    async with loopback() as place:
        flow = a_flow("push-idle", await place.tcp(stalls, shows()))
        result = await probe(flow, replace(a_route(), push_waits=(SHORT,), limits=QUICK), tries=1)
    assert result.verdict.outcome is Outcome.PASS, result


async def test_stopped_half_way_it_says_what_is_known() -> None:
    """As with Ctrl-C, or at the end of the run's time."""
    async with loopback() as place:
        flow = a_flow("push-idle", await place.tcp(hangs_up, shows()))
        run = Progressing()
        job = Job(flow=flow, route=replace(a_route(), push_waits=(SHORT, 600.0)))
        await run_all([job], run, Watcher(), budget=20, deadline=3.0)
    result = run.results[flow.id]
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.TLS, Cause.INTERRUPTED)
    assert result.verdict.reason.startswith("idle links had held for ")


def test_one_host_a_port_is_asked(results: dict[str, Result]) -> None:
    """Of FCM, where the first one answers; and the finding rests on no row."""
    found = case()
    sofar = Sofar(guide=guide(), site=found.site, results={one.flow.id: one for one in found.results})
    asked = list(idle_links(sofar))
    assert [flow.target.port for flow in asked] == [5228, 5229, 5230]
    controls = [replace(results["forgets"], flow=flow) for flow in asked]
    judged = replace(found, results=(*found.results, *controls)).judged()
    (named,) = [one for one in judged.findings if one.id == "push-idle-cut"]
    assert (named.severity, named.rows, len(named.proof)) == (Severity.DEGRADING, (), 3)
    assert "TCP/5228, TCP/5229, TCP/5230" in named.title


@pytest.mark.parametrize(("text", "value"), [("30m", 1800), ("90s", 90), ("1h", 3600), ("45", 45)])
def test_a_time_is_read(text: str, value: float) -> None:
    """With its unit, or in seconds."""
    assert duration(text, "--push-idle") == value


@pytest.mark.parametrize("text", ["", "0", "3h", "-5m", "half an hour", "99999999m"])
def test_no_time(text: str) -> None:
    """It is said what would be one."""
    with pytest.raises(UsageError, match="30m, 90s or 1h"):
        duration(text, "--push-idle")
