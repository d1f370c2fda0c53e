"""What is worth a second try when the rest has ended: what had no time on this machine, or no room on this line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rainbow_probe.model import Cause, Flow, Outcome, Phase, Result, Step, Transport, Via

NOT_AGAIN = frozenset({"account", "xmpp-account"})  # a password is sent once a run: accounts get locked
AT_ONCE = 4  # of what this machine had no time for
SILENT = frozenset({Cause.TIMEOUT, Cause.NO_DATA_BACK, Cause.LARGE_LOST, Cause.WENT_SILENT})
"""How packets look that are lost in a queue which checks side by side have filled."""
SLOWER, LATE = 8.0, 400.0  # times as long as the fastest answer of the same host, and ms: a queue, and no way's length
REPEATED = 0.9  # seconds: a SYN without an answer is sent again after 1 s, RFC 6298 section 2.1
COUNTED = "pace"
"""The kind of check that counts what is lost, which beside others may be their doing."""
TRIP = "rtt_ms"


def worth_another_try(result: Result, results: Mapping[str, Result], budget: float) -> bool:
    """Return whether a second try may tell more than *result*; what takes long by itself is not repeated."""
    if result.took > 2 * budget or result.flow.kind in NOT_AGAIN:
        return False
    crowded = _is_silent(result) and is_full(result.flow.target.host, results)
    return _had_no_time(result) or crowded or _counted_losses(result) or _unheard(result, results)


def side_by_side(again: Iterable[Flow], results: Mapping[str, Result]) -> int:
    """Return how many of *again* are tried at once: where the line is full, or losses are counted, one by one."""
    return 1 if any(flow.kind == COUNTED or is_full(flow.target.host, results) for flow in again) else AT_ONCE


def is_full(host: str, results: Mapping[str, Result]) -> bool:
    """Return whether answers of *host* were as late as behind a queue, while others of its came soon."""
    trips = [trip for result in results.values() if result.flow.target.host == host for trip in _trips(result)]
    return bool(trips) and max(trips) >= max(LATE, SLOWER * min(trips))


def _had_no_time(result: Result) -> bool:
    failure = result.verdict.failure
    return result.verdict.outcome is Outcome.INCONCLUSIVE and failure is not None and failure.cause is Cause.BUDGET


def _is_silent(result: Result) -> bool:
    """Return whether silence came behind answers, as where the other checks have filled a queue."""
    failure = result.verdict.failure
    return failure is not None and failure.cause in SILENT and any(_trips(result))


def _counted_losses(result: Result) -> bool:
    """Return whether packets that were sent slowly got lost, which may be the doing of the checks beside."""
    facts = [step.facts for step in result.steps] if result.flow.kind == COUNTED else []
    return any(int(seen.get("slow_back") or 0) < int(seen.get("slow_sent") or 0) for seen in facts)


def _unheard(result: Result, results: Mapping[str, Result]) -> bool:
    """Return whether silence over TCP may be chance, or a limit of connections a second which this run itself met.

    It may where some connections came about only when they were asked for again, and no fewer than fell silent.
    """
    times = [took for one in results.values() for took in _openings(one)]
    repeated = bool(times) and min(times) < REPEATED / 2 and max(times) >= REPEATED
    return repeated and _fell_silent(result) and sum(map(_fell_silent, results.values())) <= len(times)


def _fell_silent(result: Result) -> bool:
    """Return whether a step of *result* heard nothing over TCP, and it did not pass for that, or lost an address."""
    own = result.flow.transport is not Transport.UDP and result.flow.via is Via.DIRECT
    missed = any(step.failure and step.failure.cause is Cause.TIMEOUT for step in result.steps)
    return own and missed and (result.verdict.outcome is not Outcome.PASS or bool(result.verdict.dead))


def _openings(result: Result) -> list[float]:
    """Return how long it took *result* to open TCP connections to its target, in seconds."""
    tcp = result.flow.transport is not Transport.UDP and result.flow.via is Via.DIRECT
    return [step.took for step in result.steps if tcp and step.phase is Phase.CONNECT and step.failure is None]


def _trips(result: Result) -> list[float]:
    """Return how long answers took in *result*, in ms."""
    return [trip for step in result.steps if (trip := _trip(step))]


def _trip(step: Step) -> float:
    value = step.facts.get(TRIP)
    return float(value) if isinstance(value, int | float) and step.failure is None else 0.0
