"""Calls through a real relay on loopback: what is lost there is measured, and what cannot be told is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from rainbow_probe.checks import quality
from rainbow_probe.demo.loopback import loopback
from rainbow_probe.demo.turn_relay import Client
from rainbow_probe.measures import Quality
from rainbow_probe.model import Cause, Credentials, Outcome, Phase, Result, Scalar, Transport
from rainbow_probe.net import voice
from rainbow_probe.protocols.channel import parse_channel_data
from rainbow_probe.protocols.stun import Message, Method
from tests.servers import ALICE, OddTurn, Rule, a_flow, a_route, broke, facts, listen, phases, probe, refuses

UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS
SHORT = 0.8  # seconds
LIMITS: dict[str, Scalar] = {"loss_percent": 1, "jitter_ms": 30, "latency_ms": 150}
LOOSE: dict[str, Scalar] = {"loss_percent": 100, "jitter_ms": 9999, "latency_ms": 9999}
"""Of a machine that is busy with other tests, only what it counts is asked."""


async def measured(
    *rules: Rule,
    transport: Transport = UDP,
    params: dict[str, Scalar] = LOOSE,
    credentials: Credentials | None = ALICE,
    seconds: float = SHORT,
    server: type[OddTurn] = OddTurn,
) -> Result:
    """Measure at a server that follows *rules*; the server is in this process, so its lag is no matter."""
    async with loopback() as place:
        port = await listen(server(place, *rules), place, transport)
        route = replace(a_route(), turn=credentials, quality_seconds=seconds)
        return await probe(a_flow("quality", port, transport, params), route)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Let this machine be as busy as it is, but for the test that is about that."""
    monkeypatch.setattr(voice, "STRAGGLERS", 0.3)
    if "busy" not in request.node.name:
        monkeypatch.setattr(voice, "MOST_LAG", 60.0)
        monkeypatch.setattr(voice, "MOST_LAG_UNSTAMPED", 60.0)


class Doubling(OddTurn):
    """A server that relays all data twice, and takes its time."""

    def handle(self, packet: bytes, client: Client) -> None:
        """Take one packet."""
        if parse_channel_data(packet) is None:
            super().handle(packet, client)
            return
        for _ in range(2):
            asyncio.get_running_loop().call_later(0.1, super().handle, packet, client)


async def test_what_comes_twice_stands_for_nothing_that_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repetitions were counted as if all had come, and what had not come yet was lost."""
    monkeypatch.setattr(voice, "STRAGGLERS", 20.0)
    result = await measured(server=Doubling)
    assert result.verdict.outcome is Outcome.PASS, result
    found = result.verdict.measured
    assert isinstance(found, Quality)
    assert (found.received, found.duplicates >= found.sent // 2) == (found.sent, True)


def loses(every: int) -> Rule:
    """Lose every so-manieth packet that is to be relayed."""
    count = 0

    def rule(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
        nonlocal count
        if message is not None or parse_channel_data(packet) is None:
            return None
        count += 1
        return () if count % every == 0 else None

    return rule


@pytest.mark.parametrize("transport", [UDP, TCP, TLS])
async def test_calls_are_measured(transport: Transport) -> None:
    """Five of them, by every way; each packet is counted and timed."""
    found = await measured(transport=transport)
    assert found.verdict.outcome is Outcome.PASS, found.verdict
    told = found.verdict.measured
    assert isinstance(told, Quality)
    assert (told.streams, told.sent, told.received) == (5, 200, 200)
    assert told.transport is transport
    assert told.delay_ms.value > 0
    assert facts(found, Phase.MEDIA)["received"] == 200
    assert facts(found, Phase.MEDIA)["kernel_times"] == (transport is UDP)
    assert phases(found).count(Phase.TURN_ALLOCATE) == 2  # of the first call; the others are alike


async def test_what_comes_while_this_machine_sleeps_is_not_lost() -> None:
    """It lies there unread when the time for the last ones is over; how busy the machine was, is told besides."""
    count = 0

    def stalls(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
        nonlocal count
        count += message is None and parse_channel_data(packet) is not None
        if count == 200 + 16:  # with those that bear marks
            time.sleep(2 * voice.STRAGGLERS)
        return None

    found = await measured(stalls)
    assert facts(found, Phase.MEDIA)["received"] == 200
    assert count == 216


async def test_what_is_lost_is_counted() -> None:
    """A tenth of it; the whole interval lies beyond the limit."""
    found = await measured(loses(10), params={**LOOSE, "loss_percent": 1})
    assert broke(found) == (Phase.MEDIA, Cause.LOSS)
    told = found.verdict.measured
    assert isinstance(told, Quality)
    assert 175 <= told.received <= 185  # of what is lost, some is marked, and not counted
    assert told.loss_percent.low < 10 < told.loss_percent.high
    assert "% (" in found.verdict.reason


async def test_when_nearly_nothing_comes_back_there_is_nothing_to_measure() -> None:
    """Then loss is all that can be said."""
    found = await measured(loses(1))
    assert broke(found) == (Phase.MEDIA, Cause.LOSS)
    assert found.verdict.measured is None
    assert "200 of 200 packets" in found.verdict.reason


async def test_a_few_packets_prove_no_small_limit() -> None:
    """Nothing was lost, and one per cent of so few would not have shown."""
    found = await measured(params=LIMITS, seconds=0.4)
    assert found.verdict.outcome in {Outcome.INCONCLUSIVE, Outcome.FAIL}  # a busy machine is late, too


async def test_the_share_of_the_time_is_the_flows() -> None:
    """What is only compared with takes less of it."""
    found = await measured(params={**LOOSE, "share": 0.5})
    assert facts(found, Phase.MEDIA)["sent"] == 100


async def test_without_credentials_nothing_is_tried() -> None:
    """And it says what is missing."""
    found = await measured(credentials=None)
    assert found.verdict.outcome is Outcome.SKIPPED
    assert "--turn-user" in found.verdict.reason


async def test_with_a_small_quota_calls_share_what_there_is() -> None:
    """All five pass through two allocations."""
    found = await measured(refuses(Method.ALLOCATE, 486, after=2))
    assert found.verdict.outcome is Outcome.PASS, found.verdict
    assert facts(found, Phase.MEDIA)["received"] == 200


async def test_with_no_quota_at_all_it_cannot_be_told() -> None:
    """It fails where it fails, and not as a bad line."""
    found = await measured(refuses(Method.ALLOCATE, 486, after=1))
    assert broke(found) == (Phase.TURN_ALLOCATE, Cause.QUOTA)


async def test_a_busy_machine_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it would measure is itself."""
    monkeypatch.setattr(voice, "MOST_LAG", -1.0)
    found = await measured()
    assert broke(found, Outcome.INCONCLUSIVE) == (Phase.MEDIA, Cause.BUDGET)
    assert "this machine was too busy" in found.verdict.reason


def test_what_makes_a_machine_too_busy() -> None:
    """Timers that are late, one in twenty or more, or packets that it could not read; one stall alone is none."""
    lively = voice.Own(lags=[0.001] * 100, late=[0.001] * 100, exact=True)
    assert lively.too_busy() == ""
    assert replace(lively, lags=[*[0.001] * 99, 0.5]).too_busy() == ""
    assert "100 ms late" in replace(lively, lags=[*[0.001] * 80, *[0.1] * 20]).too_busy()
    assert "3 packets" in replace(lively, dropped=3).too_busy()
    assert replace(lively, lags=[0.03] * 100).too_busy() == ""
    assert replace(lively, lags=[0.03] * 100, exact=False).too_busy()
    assert lively.facts()["late_p99_ms"] == 1.0


async def test_the_schedule_is_kept_as_well_as_the_machine_lets_it() -> None:
    """Packets leave at their times, also after a moment in which nobody had a turn: nothing is left out."""
    began = time.monotonic()
    found = await measured(seconds=1.0)
    assert facts(found, Phase.MEDIA)["sent"] == 250
    assert time.monotonic() - began >= 1.0


def test_the_calls_are_those_of_the_guide() -> None:
    """G.711 as gateways have it, and Opus."""
    rates = [(codec.name, round(codec.kbit_s)) for codec in quality.CALLS]
    assert rates == [("G.711", 64)] * 2 + [("Opus", 40), ("Opus", 100), ("Opus", 15)]


class LossyUp(OddTurn):
    """Every tenth packet of a call that comes up over UDP is lost before it is there."""

    def handle(self, packet: bytes, client: Client) -> None:
        """Take one packet, or not."""
        self.calls = getattr(self, "calls", 0)
        if not client.stream and parse_channel_data(packet):
            self.calls += 1
            if self.calls % 10 == 0:
                return
        super().handle(packet, client)


async def test_the_way_that_loses_is_told() -> None:
    """What goes out over UDP and comes in over TCP can only be lost on the way up."""
    async with loopback() as place:
        turn = LossyUp(place)
        port, tcp = await listen(turn, place, UDP), await listen(turn, place, TCP)
        params = {**LOOSE, "loss_percent": 1, "beside": f"tcp/{tcp}"}
        route = replace(a_route(), turn=ALICE, quality_seconds=SHORT)
        found = await probe(a_flow("quality", port, UDP, params), route)
    assert broke(found) == (Phase.MEDIA, Cause.LOSS)
    seen = facts(found, Phase.MEDIA)
    assert (seen["up"], seen["down"], seen["sent"]) == (10.0, 0.0, 400)
    assert "10 % (" in found.verdict.reason.partition(" lost on the way up, 0 % (")[0]


async def test_a_mark_that_does_not_come_back_is_told() -> None:
    """This relay sends all in one class: where the mark was lost cannot be known from one end."""
    found = await measured()
    seen = facts(found, Phase.MEDIA)
    told = "8 of 8 packets arrive, without the mark, which may be lost on the way up, in the relay or on the way down"
    assert {seen["dscp_EF"], seen["dscp_AF41"]} <= {told, "not testable here"}
    assert "dscp_EF" not in facts(await measured(transport=TCP), Phase.MEDIA)
