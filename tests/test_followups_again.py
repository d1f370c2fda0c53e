"""What is tried a second time: what had no time, and what the run's own load may have drowned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.followups.again import side_by_side, worth_another_try
from rainbow_probe.model import Cause, Failure, Outcome, Phase, Result, Step, Transport, Verdict, Via
from rainbow_probe.net.paths import failed, passed
from tests.servers import a_flow

BUDGET = 8.0
SOON, QUEUED = 30.0, 700.0  # ms


def ended(verdict: Verdict, *trips: float, port: int = 1, kind: str = "turn", took: float = 9.0) -> Result:
    """Make a check that got answers after so many *trips*, and then ended."""
    steps = [
        Step(phase=Phase.STUN, subject="", at=0.0, took=0.1, failure=None, facts={"rtt_ms": trip}) for trip in trips
    ]
    return Result(flow=a_flow(kind, port, Transport.UDP), verdict=verdict, steps=tuple(steps), took=took)


def stopped(cause: Cause) -> Verdict:
    """Say that a check was stopped by *cause*."""
    return failed(Failure(phase=Phase.DTLS, cause=cause, detail=""))


def counted(*, slow_back: int) -> Result:
    """Make a count of what is lost, of twenty packets that were sent slowly."""
    step = Step(phase=Phase.STUN, subject="", at=0.0, took=3.0, facts={"slow_sent": 20, "slow_back": slow_back})
    return replace(ended(passed(""), kind="pace"), steps=(step,))


PASSED, LOST, NO_TIME = passed(""), stopped(Cause.TIMEOUT), stopped(Cause.BUDGET)
FULL = ended(PASSED, QUEUED, port=2)
"""Of the same host: an answer that took long."""


@pytest.mark.parametrize(
    ("found", "beside", "again"),
    [
        (ended(NO_TIME), (), True),
        (ended(NO_TIME, took=17.0), (), False),  # it takes long by itself
        (ended(NO_TIME, kind="account"), (), False),  # a password is sent once
        (ended(LOST, SOON), (), False),  # nothing was slow: what is lost is lost
        (ended(LOST, SOON), (FULL,), True),
        (ended(stopped(Cause.LARGE_LOST), SOON), (FULL,), True),
        (ended(LOST), (FULL,), False),  # it never had an answer
        (ended(stopped(Cause.REFUSED), SOON), (FULL,), False),  # that is no loss
        (ended(PASSED, SOON), (FULL,), False),
        (ended(LOST, 600.0), (FULL,), False),  # a long way, and no queue
        (ended(LOST, 2.0), (ended(PASSED, 60.0, port=2),), False),  # a short one, that was busy for a moment
        (counted(slow_back=19), (), True),  # the other checks may have used up what a limit lets through
        (counted(slow_back=20), (FULL,), False),
    ],
)
def test_what_is_worth_another_try(found: Result, beside: tuple[Result, ...], again: bool) -> None:
    """Silence behind answers proves nothing while answers wait in a queue, which may be the other checks' doing."""
    results = {one.flow.id: one for one in (found, *beside)}
    assert worth_another_try(found, results, BUDGET) is again


def test_on_a_full_line_second_tries_are_made_one_after_the_other() -> None:
    """A queue of another host is not theirs, and one answer of a failed step is none."""
    lost = ended(LOST, SOON)
    results = {one.flow.id: one for one in (lost, FULL)}
    elsewhere = replace(lost.flow, target=replace(lost.flow.target, host="another"))
    assert (side_by_side([lost.flow], results), side_by_side([elsewhere], results)) == (1, 4)
    assert side_by_side([elsewhere, counted(slow_back=19).flow], results) == 1
    late = replace(FULL.steps[0], failure=Failure(phase=Phase.STUN, cause=Cause.TIMEOUT, detail=""))
    results[FULL.flow.id] = replace(FULL, steps=(late,))
    assert side_by_side([lost.flow], results) == 4
    assert lost.verdict.outcome is Outcome.FAIL


def connected(*times: float, silent: Phase | None = None, port: int = 1, verdict: Verdict = PASSED) -> Result:
    """Make a check over TLS that connected after so many seconds each, and then heard nothing in phase *silent*."""
    steps = [Step(phase=Phase.CONNECT, subject="", at=0.0, took=took, failure=None) for took in times]
    if silent:
        nothing = Failure(phase=silent, cause=Cause.TIMEOUT, detail="")
        steps.append(Step(phase=silent, subject="", at=0.0, took=2.5, failure=nothing))
    return Result(flow=a_flow("https", port, Transport.TLS), verdict=verdict, steps=tuple(steps), took=3.0)


SPLENDID, REPEATED = connected(0.01, port=2), connected(1.02, port=3)
UNHEARD, SILENT = (connected(silent=Phase.CONNECT, port=port, verdict=LOST) for port in (1, 4))


@pytest.mark.parametrize(
    ("found", "beside", "again"),
    [
        (UNHEARD, (SPLENDID, REPEATED), True),  # a SYN was lost elsewhere, too
        (connected(0.01, silent=Phase.TLS, verdict=LOST), (REPEATED,), True),
        (connected(0.01, silent=Phase.CONNECT, verdict=replace(PASSED, dead=("x",))), (REPEATED,), True),
        (connected(0.01, silent=Phase.CONNECT), (REPEATED,), False),  # it passed, nevertheless
        (UNHEARD, (SPLENDID,), False),  # all others came through at once
        (UNHEARD, (REPEATED,), False),  # a long way
        (UNHEARD, (), False),
        (connected(0.01, verdict=stopped(Cause.REFUSED)), (REPEATED,), False),  # that is no silence
        (UNHEARD, (SPLENDID, REPEATED, SILENT), True),
        (UNHEARD, (SPLENDID, REPEATED, SILENT, replace(SILENT, flow=a_flow("https", 5, Transport.TLS))), False),
    ],
)
def test_a_silent_connection_beside_others_that_had_to_be_asked_for_twice(
    found: Result, beside: tuple[Result, ...], again: bool
) -> None:
    """The run's own many connections may have met a limit, or chance: alone it may come about."""
    results = {one.flow.id: one for one in (found, *beside)}
    assert worth_another_try(found, results, BUDGET) is again


def test_what_went_by_the_proxy_is_the_proxys_silence() -> None:
    """The connections that this machine made were to the proxy."""
    through = replace(UNHEARD, flow=replace(UNHEARD.flow, via=Via.PROXY))
    assert not worth_another_try(through, {"a": through, "b": SPLENDID, "c": REPEATED}, BUDGET)
