"""Whether a call is worth making, by what TURN came to on the same way."""

from __future__ import annotations

from collections.abc import Mapping

from rainbow_probe.model import Flow, Outcome, Phase, Result, Transport

CALL = "call"
QUICK = "left out by --quick, which makes the call over UDP only"


def why_no_call(call: Flow, results: Mapping[str, Result], *, quick: bool) -> str:
    """Say why *call* is not made; empty if it is."""
    if quick and call.transport is not Transport.UDP:
        return QUICK
    turn = turn_beside(call, results)
    if turn is None or turn.verdict.outcome is Outcome.PASS or fails_at_dtls(turn):
        return ""
    return f"no call was tried, as TURN did not pass on this way: {turn.verdict.reason}"


def turn_beside(call: Flow, results: Mapping[str, Result]) -> Result | None:
    """Return what became of TURN on the way of *call*, if it was tried."""
    own = (call.target, call.transport, call.via)
    turns = (one for one in results.values() if one.flow.kind == "turn" and not one.flow.control_of)
    return next((one for one in turns if (one.flow.target, one.flow.transport, one.flow.via) == own), None)


def fails_at_dtls(turn: Result) -> bool:
    """Return whether TURN itself passes and a handshake through it does not: a call must show the same."""
    return turn.verdict.failure is not None and turn.verdict.failure.phase is Phase.DTLS
