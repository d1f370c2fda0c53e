"""Load in steps through a real relay on loopback, which a rule makes narrow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from rainbow_probe.checks.bandwidth import WAYS
from rainbow_probe.demo.loopback import loopback
from rainbow_probe.measures import Bound, Load, Ramp
from rainbow_probe.model import Cause, Outcome, Phase, Result, Transport
from rainbow_probe.net import climb, voice
from rainbow_probe.net.climb import TRIES
from rainbow_probe.net.load import FILLS, LOST, PACKET, QUEUED, Step, on_the_wire
from rainbow_probe.protocols.channel import parse_channel_data
from rainbow_probe.protocols.speech import source_of
from rainbow_probe.protocols.stun import Message
from rainbow_probe.protocols.stun_numbers import Method
from tests.servers import ALICE, HOST, OddTurn, Rule, a_flow, a_route, broke, facts, listen, probe, refuses

WIRE = on_the_wire(PACKET.payload)


async def climbed(*rules: Rule, wanted: float = 1500.0, transport: Transport = Transport.UDP) -> Result:
    """Load the way to a server that follows *rules* up to *wanted* kbit/s."""
    async with loopback() as place:
        port = await listen(OddTurn(place, *rules), place, transport)
        route = replace(a_route(), turn=ALICE, quality_seconds=1.0, bandwidth_kbit_s=wanted)
        return await probe(a_flow("bandwidth", port, transport), route)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Let this machine be as busy as it is, but for the test that is about that."""
    monkeypatch.setattr(voice, "STRAGGLERS", 0.3)
    monkeypatch.setattr(climb, "LONG", 0.6)
    if "busy" not in request.node.name:
        monkeypatch.setattr(voice, "MOST_LAG", 60.0)
        monkeypatch.setattr(voice, "MOST_LAG_UNSTAMPED", 60.0)


def narrow(kbit_s: float) -> Rule:
    """Let so much pass and lose the rest, as a policer does."""
    last, credit = time.monotonic(), WIRE * 3.0

    def rule(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
        nonlocal last, credit
        if message is not None or parse_channel_data(packet) is None:
            return None
        now = time.monotonic()
        last, credit = now, min(WIRE * 3.0, credit + (now - last) * kbit_s * 125)
        if credit < len(packet):
            return ()
        credit -= len(packet)
        return None

    return rule


def bursts(most: int) -> Rule:
    """Let the first *most* large packets of each load pass, and of the others one in ten."""
    known: set[int] = set()
    came = 0

    def rule(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
        nonlocal came
        found = None if message is not None else parse_channel_data(packet)
        if found is None or len(packet) < PACKET.payload:
            return None
        source = source_of(found[1]) or 0
        came = came + 1 if source in known else 0
        known.add(source)
        return None if came <= most or came % 10 == 0 else ()

    return rule


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TLS])
async def test_what_is_wanted_passes(transport: Transport) -> None:
    """Then nobody knows how much more would, and nobody tries; a machine that is too slow for it says so."""
    found = await climbed(transport=transport)
    assert found.verdict.outcome is Outcome.PASS, found.verdict
    ramp = found.verdict.measured
    assert isinstance(ramp, Ramp), found.verdict
    assert max(step.offered_kbit_s for step in ramp.steps) <= 1500
    if ramp.at_least:
        assert ramp.capacity_kbit_s == 1500
        assert facts(found, Phase.MEDIA)["steps"] == 6


async def test_a_narrow_way_is_found() -> None:
    """The climb stops behind its limit, having met it twice."""
    found = await climbed(narrow(600), wanted=3000)
    ramp = found.verdict.measured
    assert isinstance(ramp, Ramp), found.verdict
    assert not ramp.at_least
    assert ramp.capacity_kbit_s < 1300
    assert ramp.steps[-1].offered_kbit_s < 3000
    assert "and more do not" in found.verdict.reason
    assert (ramp.bound, ramp.shared) == (None, None)  # as much was refused to twice as many streams, of one server


async def test_trouble_before_the_load_hides_no_limit() -> None:
    """What is lost in a row while there is no load tells little of the line: it is looked at again."""
    count = iter(range(1_000_000))

    def glitch(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
        return () if message is None and parse_channel_data(packet) and 20 <= next(count) < 60 else None

    ramp = (await climbed(glitch, narrow(600), wanted=3000)).verdict.measured
    assert isinstance(ramp, Ramp)
    assert (ramp.at_least, ramp.capacity_kbit_s < 1300) == (False, True), ramp


async def test_without_more_streams_no_limit_is_proven() -> None:
    """It may be one of each session: no more allocations, no control."""
    found = await climbed(refuses(Method.ALLOCATE, 486, after=6), narrow(600), wanted=3000)
    ramp = found.verdict.measured
    assert isinstance(ramp, Ramp), found.verdict
    assert (ramp.at_least, ramp.bound, ramp.ended_early) == (True, Bound.UNKNOWN, True)
    assert "could not be tried" in found.verdict.reason


@pytest.mark.parametrize("line", [True, False])
async def test_another_server_tells_whose_limit_it_is(monkeypatch: pytest.MonkeyPatch, *, line: bool) -> None:
    """Half of what was refused passes at each, or it does not: then both share what is narrow."""
    monkeypatch.setattr(climb, "STEPS", (0.55, 1.0))
    limit = narrow(900)
    async with loopback() as place:
        port = await listen(OddTurn(place, limit), place, Transport.UDP)
        other = await listen(OddTurn(place, *[limit] * line), place, Transport.UDP)
        route = replace(a_route(), turn=ALICE, quality_seconds=1.0, bandwidth_kbit_s=1500.0)
        flow = a_flow("bandwidth", port, Transport.UDP, {"other": f"{HOST}:{other}"})
        found = await probe(flow, route)
    ramp = found.verdict.measured
    assert isinstance(ramp, Ramp), found.verdict
    if line:
        assert (ramp.at_least, ramp.bound, ramp.shared) == (False, None, True)
        assert ramp.capacity_kbit_s < 1300
    else:
        assert (ramp.at_least, ramp.bound, ramp.ended_early) == (True, Bound.SERVER, True)
        assert "it is this server that carries no more" in found.verdict.reason


def by_stream(rules: Callable[[int], Rule | None]) -> Rule:
    """Treat each stream by the rule that is made for it when it is first seen, by how many were before it."""
    known: dict[int, Rule | None] = {}

    def rule(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
        found = None if message is not None else parse_channel_data(packet)
        if found is None:
            return None
        source = source_of(found[1]) or 0
        if source not in known:
            known[source] = rules(len(known))
        own = known[source]
        return own(message, packet) if own else None

    return rule


async def test_a_limit_of_each_stream_is_followed_up_to_twelve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice as many streams carry more, and twelve not yet enough: whose limit the rest is, nobody knows."""
    monkeypatch.setattr(climb, "STEPS", (1.0,))
    found = await climbed(by_stream(lambda _: narrow(75)), wanted=3000)
    ramp = found.verdict.measured
    assert isinstance(ramp, Ramp), found.verdict
    assert (ramp.at_least, ramp.bound, ramp.ended_early) == (True, Bound.SESSION, True)
    assert "limits each session to about" in found.verdict.reason


async def test_trouble_that_goes_by_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """More streams carry it, and then as few as before do, too."""
    monkeypatch.setattr(climb, "STEPS", (1.0,))
    bad = range(WAYS, WAYS + WAYS * TRIES)  # behind the one without a load: each try, as long as streams are compared
    found = await climbed(by_stream(lambda before: narrow(50) if before in bad else None), wanted=3000)
    ramp = found.verdict.measured
    assert isinstance(ramp, Ramp), found.verdict
    if not ramp.ended_early:  # as on a machine that has time
        assert (ramp.at_least, ramp.bound, ramp.capacity_kbit_s) == (True, None, 3000)


async def test_few_streams_that_were_slow_for_a_while_have_no_limit_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three times as much came by twice as many, and then by as few as before: the line is full, for all of them."""
    monkeypatch.setattr(climb, "STEPS", (1.0,))
    monkeypatch.setattr(climb, "TRIES", 1)
    bad, line = range(WAYS, 2 * WAYS), narrow(900)
    worse = by_stream(lambda before: narrow(30) if before in bad else None)

    def rule(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
        said = worse(message, packet)
        return line(message, packet) if said is None else said

    found = await climbed(rule, wanted=3000)
    ramp = found.verdict.measured
    assert isinstance(ramp, Ramp), found.verdict
    assert (ramp.at_least, ramp.bound) == (False, None)
    assert "and more do not" in found.verdict.reason


async def test_what_passed_for_a_moment_is_no_capacity(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policer that bears bursts lets each short load through: what passed must pass as long as what was refused."""
    monkeypatch.setattr(climb, "STEPS", (0.5, 1.0))
    monkeypatch.setattr(climb, "TRIES", 1)
    found = await climbed(bursts(42), wanted=2400)
    ramp = found.verdict.measured
    assert isinstance(ramp, Ramp), found.verdict
    assert not ramp.at_least
    assert ramp.capacity_kbit_s < 1200
    assert [round(one.offered_kbit_s) for one in ramp.steps][1] == round(ramp.steps[-1].offered_kbit_s) == 1200


async def test_a_busy_machine_has_met_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be its own."""
    monkeypatch.setattr(voice, "MOST_LAG", -1.0)
    found = await climbed(narrow(300), wanted=3000)
    assert broke(found, Outcome.INCONCLUSIVE) == (Phase.MEDIA, Cause.BUDGET)


async def test_without_credentials_nothing_is_loaded() -> None:
    """And it says what is missing."""
    async with loopback() as place:
        port = await listen(OddTurn(place), place, Transport.UDP)
        found = await probe(a_flow("bandwidth", port, Transport.UDP), replace(a_route(), bandwidth_kbit_s=1500))
    assert found.verdict.outcome is Outcome.SKIPPED


def step(
    *,
    last: float = 20.0,
    lost: float = 0.0,
    surely: float = 0.0,
    delay: float = 10.0,
    grows: float = 0.0,
    around: tuple[float, float] = (19.0, 21.0),
) -> Step:
    """Make a step of 1000 kbit/s, whose packets took *around* so many ms up and down, and *delay* one way."""
    load = Load(offered_kbit_s=1000.0, carried_kbit_s=1000.0, loss_percent=lost, delay_ms=delay)
    least, most = around
    return Step(
        load=load,
        surely_lost=surely,
        most_lost=lost,
        least_ms=least,
        most_ms=most,
        usual_ms=25.0,
        last_ms=last,
        grows=grows,
        busy="",
    )


def test_packets_are_later_under_load_only_where_it_is_no_chance() -> None:
    """On a line with jitter a few packets are now later and now sooner; too many to be chance are a queue."""
    found = climb.Climb((), lambda _: asyncio.sleep(0, []))
    found.steps = [step(), step(delay=70.0, around=(18.0, 250.0)), step(delay=30.0, around=(50.0, 70.0))]
    assert found.ramp(a_flow("bandwidth", 1, Transport.UDP)).added_delay_ms == 20.0
    del found.steps[2]
    assert found.ramp(a_flow("bandwidth", 1, Transport.UDP)).added_delay_ms == 0.0


def test_what_a_step_must_keep() -> None:
    """Its time, and its packets; on a line that loses some anyway, as many."""
    base = step()
    assert step(last=25 + QUEUED, surely=LOST).passes(base)
    assert not step(last=26 + QUEUED).passes(base)
    assert not step(surely=LOST + 0.1).passes(base)
    assert step(lost=9, surely=5).passes(step(lost=6))
    assert step(grows=FILLS).passes(base)
    assert not step(grows=FILLS + 0.01).passes(base)  # a deep queue that fills has not been full yet


async def test_a_line_that_loses_by_chance_is_not_narrow() -> None:
    """As much is lost without a load."""
    count = 0

    def every_tenth(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
        nonlocal count
        if message is not None or parse_channel_data(packet) is None:
            return None
        count += 1
        return () if count % 10 == 0 else None

    found = await climbed(every_tenth)
    ramp = found.verdict.measured
    assert isinstance(ramp, Ramp), found.verdict
    assert ramp.capacity_kbit_s > 200
