"""Losses told apart: by chance, or because datagrams come too fast."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

import pytest

from rainbow_probe.checks import pace
from rainbow_probe.checks.pace import policed
from rainbow_probe.demo.loopback import Datagrams, Peer, loopback
from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.model import Cause, Flow, Outcome, Phase, Result, Scalar, Transport, Verdict
from rainbow_probe.net.pace import STRAGGLERS, Pace
from rainbow_probe.protocols.stun import Class, Message, reply
from tests.judge_samples import OPEN_SITE, Fault, case, guide, ids, result, udp
from tests.servers import a_flow, a_route, broke, facts, probe


@pytest.mark.parametrize(("keeps", "slow", "fast"), [(1, 20, 150), (2, 10, 75)])
async def test_what_comes_back_is_counted(monkeypatch: pytest.MonkeyPatch, keeps: int, slow: int, fast: int) -> None:
    """Slowly and fast, each by itself; here without the waiting."""
    monkeypatch.setattr(pace, "SLOW", Pace(sent=20, per_second=1000))
    monkeypatch.setattr(pace, "FAST", Pace(sent=150, per_second=3000))
    heard: list[bytes] = []

    def answer(own: Datagrams, data: bytes, peer: Peer) -> None:
        heard.append(data)
        if len(heard) % keeps == 0:
            own.send(b"noise", peer)
            own.send(bytes(reply(Message.parse(data), Class.SUCCESS)), peer)

    async with loopback() as place:
        found = await probe(a_flow("pace", place.udp(answer).port, Transport.UDP), a_route())
    seen = facts(found, Phase.STUN)
    assert (seen["slow_back"], seen["fast_back"]) == (slow, fast)
    assert found.verdict.outcome is Outcome.PASS


async def test_what_is_late_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow line answers come when the last question is long gone."""
    monkeypatch.setattr(pace, "SLOW", Pace(sent=20, per_second=20))
    monkeypatch.setattr(pace, "FAST", Pace(sent=150, per_second=150))

    def answer(own: Datagrams, data: bytes, peer: Peer) -> None:
        late = bytes(reply(Message.parse(data), Class.SUCCESS))
        asyncio.get_running_loop().call_later(2 * STRAGGLERS - 0.2, own.send, late, peer)

    async with loopback() as place:
        found = await probe(a_flow("pace", place.udp(answer).port, Transport.UDP), a_route())
    seen = facts(found, Phase.STUN)
    assert (seen["slow_back"], seen["fast_back"]) == (20, 150)


async def test_what_comes_while_this_machine_sleeps_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read when the time for the last ones is over; and what was due meanwhile is not sent in a hurry."""
    monkeypatch.setattr(pace, "SLOW", Pace(sent=20, per_second=1000))
    monkeypatch.setattr(pace, "FAST", Pace(sent=150, per_second=300))
    came: list[float] = []

    def answer(own: Datagrams, data: bytes, peer: Peer) -> None:
        came.append(time.monotonic())
        later = bytes(reply(Message.parse(data), Class.SUCCESS))
        asyncio.get_running_loop().call_later(0.1, own.send, later, peer)
        if len(came) in {70, 170}:
            asyncio.get_running_loop().call_soon(time.sleep, 3 * STRAGGLERS)

    async with loopback() as place:
        found = await probe(a_flow("pace", place.udp(answer).port, Transport.UDP), a_route(), tries=1)
    seen = facts(found, Phase.STUN)
    assert (seen["slow_back"], seen["fast_back"]) == (20, 150)
    assert came[169] - came[70] > 50 / 300


async def test_what_is_lost_only_in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a moment of silence, packets pass again: it is their pace that is limited."""
    found = await _at_a_guard(monkeypatch, lets=40, again=True)
    assert broke(found) == (Phase.STUN, Cause.RATE_LIMITED)
    assert "20 of 20 come back when sent slowly, 20 of 150 when sent fast" in found.verdict.reason


@pytest.mark.parametrize("lets", [12, 20, 40])
async def test_a_limit_on_packets_is_none_on_their_pace(monkeypatch: pytest.MonkeyPatch, lets: int) -> None:
    """Somebody counts: after the first so many none is let through, however slowly they come."""
    found = await _at_a_guard(monkeypatch, lets=lets, again=False)
    assert broke(found) == (Phase.STUN, Cause.WENT_SILENT)
    seen = facts(found, Phase.STUN)
    assert (seen["slow_back"], seen["again_sent"], seen["again_back"]) == (min(lets, 20), 10, 0)


async def _at_a_guard(monkeypatch: pytest.MonkeyPatch, *, lets: int, again: bool) -> Result:
    """Ask a server behind somebody who lets so many packets pass, and *again* as many after a moment of silence.

    He counts each socket's, so that a second try, where this machine had no time for the first, is a first one to him.
    """
    monkeypatch.setattr(pace, "SLOW", Pace(sent=20, per_second=1000))
    monkeypatch.setattr(pace, "FAST", Pace(sent=150, per_second=3000))
    monkeypatch.setattr(pace, "AGAIN", Pace(sent=10, per_second=1000))
    seen: dict[Peer, tuple[int, float]] = {}

    def answer(own: Datagrams, data: bytes, peer: Peer) -> None:
        now = time.monotonic()
        left, last = seen.get(peer, (lets, now))
        left = lets if again and now - last > STRAGGLERS / 2 else left - 1
        seen[peer] = (left, now)
        if left >= 0:
            own.send(bytes(reply(Message.parse(data), Class.SUCCESS)), peer)

    async with loopback() as place:
        return await probe(a_flow("pace", place.udp(answer).port, Transport.UDP), a_route())


async def test_nothing_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing can be told of a pace."""
    monkeypatch.setattr(pace, "SLOW", Pace(sent=2, per_second=1000))
    monkeypatch.setattr(pace, "FAST", Pace(sent=2, per_second=1000))
    async with loopback() as place:
        found = await probe(a_flow("pace", place.silent(), Transport.UDP), a_route())
    assert broke(found, Outcome.INCONCLUSIVE) == (Phase.STUN, Cause.CANNOT_TELL)


def test_the_pace_is_polite() -> None:
    """Under 200 packets a second, for under two seconds."""
    assert pace.FAST.per_second < 200
    assert pace.FAST.sent / pace.FAST.per_second < 2


LOSSY: Mapping[str, Scalar] = {"sent": 20, "received": 3, "rtt_ms": 1.0}


def told(slow: int, fast: int, *beside: str) -> tuple[str, ...]:
    """Judge a site whose TURN checks over UDP pass and lose much, where so many come back of 20 and of 150.

    *beside* are kinds of checks that passed over UDP, too.
    """
    found = case(Fault(match=udp, outcome=Outcome.PASS, facts=LOSSY))
    asked = follow_up(Sofar(guide=guide(), site=OPEN_SITE, results={one.flow.id: one for one in found.results}))
    asked = [flow for flow in asked if flow.kind == "pace"]  # which NAT it is, is asked where all is well, too
    assert len(asked) == 1
    counts: Mapping[str, Scalar] = {"slow_sent": 20, "slow_back": slow, "fast_sent": 150, "fast_back": fast}
    controls = [_counted(flow, counts) for flow in asked]
    turn = next(one for one in found.results if one.flow.kind == "turn" and udp(one.flow))
    flows = [replace(turn.flow, id=turn.flow.id.replace("turn/", f"{kind}/"), kind=kind) for kind in beside]
    others = [Result(flow=flow, verdict=Verdict(outcome=Outcome.PASS, reason="well")) for flow in flows]
    judged = replace(found, results=(*found.results, *controls, *others)).judged()
    limited = [one for one in judged.results if one.flow.kind == "turn" and udp(one.flow) and broken(one)]
    assert bool(limited) is (policed(slow / 20, fast / 150))
    return tuple(ids(judged))


def broken(one: Result) -> bool:
    """Return whether a check that passed by itself was taken back."""
    return one.verdict.outcome is Outcome.FAIL and not one.flow.control_of


def _counted(flow: Flow, counts: Mapping[str, Scalar]) -> Result:
    hurried = policed(int(counts["slow_back"] or 0) / 20, int(counts["fast_back"] or 0) / 150)
    outcome = Outcome.FAIL if hurried else Outcome.PASS
    fault = Fault(match=udp, outcome=outcome, phase=Phase.STUN, cause=Cause.RATE_LIMITED, facts=counts)
    ended = result(replace(flow, kind="turn"), fault)
    return replace(ended, flow=flow)


@pytest.mark.parametrize(
    ("slow", "fast", "named"),
    [
        (20, 20, ("udp-rate-limited",)),
        (17, 29, ("udp-rate-limited",)),
        (6, 18, ("udp-rate-limited",)),
        (14, 105, ("packet-loss",)),
        (18, 130, ("packet-loss",)),
        (20, 150, ()),
        (19, 150, ()),  # one packet
        (18, 150, ()),
        (18, 145, ()),
        (20, 140, ("packet-loss",)),
    ],
)
def test_a_limit_and_a_bad_line(slow: int, fast: int, named: tuple[str, ...]) -> None:
    """What is lost only when it comes fast is limited; what is lost either way is lost by chance."""
    assert told(slow, fast) == named


def test_what_voice_was_measured_to_bear_is_not_called_loss() -> None:
    """A few hundred packets say less than the thousands of calls."""
    assert told(18, 130, "quality") == ()
    assert told(18, 130, "bandwidth") == ("packet-loss",)
