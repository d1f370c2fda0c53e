"""Second thoughts on TURN where a call was made: a relay through which no call passes is of no use to anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rainbow_probe.judge.traces import beside, passes
from rainbow_probe.model import Endpoint, Outcome, Phase, Result, Transport, Via

CALL, TURN = "call", "turn"
OF_A_CALL = frozenset({Phase.TURN_CHANNEL, Phase.ICE, Phase.DTLS, Phase.MEDIA})
"""Phases of a call that a check of TURN does not come to, or tries in another way."""

Way = tuple[Endpoint, Transport, Via]


def by_calls(results: Sequence[Result]) -> tuple[Result, ...]:
    """Fail TURN where a call on the same way fails; leave open calls that TURN contradicts."""
    judged = [_contradicted(one) if _contradicts(one, results) else one for one in results]
    failed = {_way(one): one for one in judged if one.flow.kind == CALL and one.verdict.outcome is Outcome.FAIL}
    return tuple(_no_use(one, failed[_way(one)]) if _way(one) in failed and _is_use(one) else one for one in judged)


def _way(result: Result) -> Way:
    return result.flow.target, result.flow.transport, result.flow.via


def _is_use(result: Result) -> bool:
    return result.flow.kind == TURN and passes(result) and not result.flow.control_of


def _no_use(turn: Result, call: Result) -> Result:
    """Take back a pass of *turn*: all that it tried came back, and *call* tried what calls are made of."""
    return replace(turn, verdict=replace(call.verdict, alive=(), dead=turn.verdict.alive))


def _contradicts(result: Result, results: Sequence[Result]) -> bool:
    """Return whether a call met before it was one what TURN did not meet a moment before: it is not always so."""
    seen = result.verdict.failure
    early = result.verdict.outcome is Outcome.FAIL and seen is not None and seen.phase not in OF_A_CALL
    return early and any(map(passes, beside(result, results)))


def _contradicted(call: Result) -> Result:
    told = f"TURN passed on this way a moment before, and then did not: {call.verdict.reason}"
    return replace(call, verdict=replace(call.verdict, outcome=Outcome.INCONCLUSIVE, reason=told))
