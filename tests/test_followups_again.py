"""What is tried a second time: what had no time, and what the run's own load may have drowned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.followups.again import side_by_side, worth_another_try
from rainbow_probe.model import Cause, Failure, Outcome, Phase, Result, Step, Transport, Verdict
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
