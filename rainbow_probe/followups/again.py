"""What is worth a second try when the rest has ended: what had no time on this machine, or no room on this line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rainbow_probe.model import Cause, Outcome, Result, Step

NOT_AGAIN = frozenset({"account", "xmpp-account"})  # a password is sent once a run: accounts get locked
AT_ONCE = 4  # of what this machine had no time for
SILENT = frozenset({Cause.TIMEOUT, Cause.NO_DATA_BACK, Cause.LARGE_LOST, Cause.WENT_SILENT})
"""How packets look that are lost in a queue which checks side by side have filled."""
SLOWER, LATE = 8.0, 400.0  # times as long as the fastest answer of the same host, and ms: a queue, and no way's length
COUNTED = "pace"
"""The kind of check that counts what is lost, which beside others may be their doing."""
TRIP = "rtt_ms"


def worth_another_try(result: Result, results: Mapping[str, Result], budget: float) -> bool:
    """Return whether a second try may tell more than *result*; what takes long by itself is not repeated."""
    if result.took > 2 * budget or result.flow.kind in NOT_AGAIN:
        return False
    return _had_no_time(result) or (_may_be_crowded_out(result) and is_full(result.flow.target.host, results))


def side_by_side(hosts: Iterable[str], results: Mapping[str, Result]) -> int:
    """Return how many second tries at *hosts* are made at once: on a line that is full, one after the other."""
    return 1 if any(is_full(host, results) for host in hosts) else AT_ONCE


def is_full(host: str, results: Mapping[str, Result]) -> bool:
    """Return whether answers of *host* were as late as behind a queue, while others of its came soon."""
    trips = [trip for result in results.values() if result.flow.target.host == host for trip in _trips(result)]
    return bool(trips) and max(trips) >= max(LATE, SLOWER * min(trips))


def _had_no_time(result: Result) -> bool:
    failure = result.verdict.failure
    return result.verdict.outcome is Outcome.INCONCLUSIVE and failure is not None and failure.cause is Cause.BUDGET


def _may_be_crowded_out(result: Result) -> bool:
    """Return whether *result* may be the doing of the other checks: silence behind answers, or packets lost."""
    failure = result.verdict.failure
    silent = failure is not None and failure.cause in SILENT and any(_trips(result))
    return silent or result.flow.kind == COUNTED


def _trips(result: Result) -> list[float]:
    """Return how long answers took in *result*, in ms."""
    return [trip for step in result.steps if (trip := _trip(step))]


def _trip(step: Step) -> float:
    value = step.facts.get(TRIP)
    return float(value) if isinstance(value, int | float) and step.failure is None else 0.0
