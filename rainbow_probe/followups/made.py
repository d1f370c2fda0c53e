"""Whether a call is worth making, by what TURN came to on the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rainbow_probe.model import Cause, Flow, Outcome, Phase, Result, Step, Transport

CALL = "call"
ADDRESSES = "addresses"
LIMITED = "no call was tried, as only so many packets a second pass on this way, fewer than a call sends"
FEW = 0.25  # of them; a line that loses three in ten each way has twice as many
QUICK = "left out by --quick, which makes the call over UDP only"


def why_no_call(call: Flow, results: Mapping[str, Result], *, quick: bool) -> str:
    """Say why *call* is not made; empty if it is."""
    if quick and call.transport is not Transport.UDP:
        return QUICK
    if any(_limited(call, one) for one in results.values()):
        return LIMITED
    turn = turn_beside(call, results)
    if turn is None or turn.verdict.outcome is Outcome.PASS or fails_at_dtls(turn):
        return ""
    return f"no call was tried, as TURN did not pass on this way: {turn.verdict.reason}"


def _limited(call: Flow, control: Result) -> bool:
    """Return whether *control* shows that fewer packets pass by the door of *call* than any call sends."""
    seen = control.verdict.failure
    doors = [(flow.target.port, flow.transport, flow.via) for flow in (call, control.flow)]
    few = (seen is not None and seen.cause is Cause.RATE_LIMITED) or any(map(_few_back, control.steps))
    return doors[0] == doors[1] and few


def _few_back(step: Step) -> bool:
    """Return whether of packets sent at the pace of a call next to none came back: what passes is chance."""
    sent, back = (int(step.facts.get(name) or 0) for name in ("fast_sent", "fast_back"))
    return back < FEW * sent


def turn_beside(call: Flow, results: Mapping[str, Result]) -> Result | None:
    """Return what became of TURN on the way of *call*, if it was tried."""
    return results.get(call.id.replace(f"{CALL}/", "turn/", 1))


def over_addresses(call: Flow, turn: Result | None) -> Flow:
    """Return *call* as it goes over the addresses where *turn* passed, if it passed: others are told by TURN."""
    alive = turn.verdict.alive if turn is not None else ()
    return replace(call, params={**call.params, ADDRESSES: " ".join(alive)}) if alive else call


def fails_at_dtls(turn: Result) -> bool:
    """Return whether TURN itself passes and a handshake through it does not: a call must show the same."""
    return turn.verdict.failure is not None and turn.verdict.failure.phase is Phase.DTLS
