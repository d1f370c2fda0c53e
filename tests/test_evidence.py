"""The recorder: what it times, how it classifies, and whose fault a time-out is."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl

import pytest

from rainbow_probe.evidence import FACT_SIZE, MOST_STEPS, Facts, Recorder, SilenceError, StepError, cause_of, printable
from rainbow_probe.model import Cause, PeerError, Phase


async def _fails_with(error: BaseException, phase: Phase = Phase.CONNECT) -> Cause:
    rec = Recorder()
    with pytest.raises(StepError) as caught:
        async with rec.step(phase, "there", limit=5):
            raise error
    assert rec.steps[-1].failure == caught.value.failure
    assert caught.value.failure.phase is phase
    return caught.value.failure.cause


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError(errno.ECONNREFUSED, "no"), Cause.REFUSED),
        (OSError(errno.ECONNRESET, "no"), Cause.RESET),
        (OSError(errno.EHOSTUNREACH, "no"), Cause.UNREACHABLE),
        (OSError(errno.EACCES, "no"), Cause.PROHIBITED),
        (OSError(errno.EIO, "odd"), Cause.UNREACHABLE),
        (OSError(errno.ETIMEDOUT, "the system gave up"), Cause.TIMEOUT),
        (TimeoutError("long before the limit"), Cause.BUDGET),
        (EOFError(), Cause.CLOSED),
        (ssl.SSLEOFError(8, "eof"), Cause.CLOSED),
        (ssl.SSLError(1, "alert"), Cause.TLS_ALERT),
        (socket.gaierror(socket.EAI_AGAIN, "later"), Cause.NO_ANSWER),
        (PeerError(Cause.NOT_STUN, "odd bytes"), Cause.NOT_STUN),
        (ExceptionGroup("two", [OSError(errno.ECONNREFUSED, "no")]), Cause.REFUSED),
    ],
)
async def test_the_networks_errors_become_causes(error: BaseException, cause: Cause) -> None:
    """Each error is told by its type and its number."""
    assert await _fails_with(error) is cause


@pytest.mark.parametrize(
    ("code", "cause"),
    [(10, Cause.TLS_EXPIRED), (9, Cause.TLS_NOT_YET_VALID), (62, Cause.TLS_WRONG_NAME), (20, Cause.TLS_UNTRUSTED)],
)
def test_a_refused_certificate_says_why(code: int, cause: Cause) -> None:
    """The verification code counts, not the English text."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    assert cause_of(error) is cause


async def test_silence_for_the_whole_limit_is_the_networks() -> None:
    """A step that had its limit and heard nothing has timed out."""
    rec = Recorder(budget=5)
    with pytest.raises(StepError) as caught:
        async with rec.step(Phase.CONNECT, "there", limit=0.05):
            await asyncio.Event().wait()
    assert caught.value.failure.cause is Cause.TIMEOUT


@pytest.mark.parametrize(("budget", "cause"), [(5.0, Cause.NOT_STUN), (0.01, Cause.BUDGET)])
async def test_what_came_instead_is_told_though_the_limit_was_first(budget: float, cause: Cause) -> None:
    """A machine that is busy as the step ends is late to say so itself; with too little time it is still ``budget``."""

    async def hear(facts: Facts) -> None:
        facts.complaint = lambda: PeerError(Cause.NOT_STUN, "answered with 'HTTP'")
        await asyncio.Event().wait()

    with pytest.raises(StepError) as caught:
        async with Recorder(budget=budget).step(Phase.STUN, "there", limit=0.05) as facts:
            await hear(facts)
    assert caught.value.failure.cause is cause


async def test_a_silent_resolver_gives_no_answer() -> None:
    """Silence while a name is looked up is called by the resolver's word for it."""
    with pytest.raises(StepError) as caught:
        async with Recorder().step(Phase.RESOLVE, "name", limit=0.05):
            await asyncio.Event().wait()
    assert caught.value.failure.cause is Cause.NO_ANSWER


async def test_our_own_haste_is_not_the_networks_silence() -> None:
    """A step that our budget cut short proves nothing."""
    rec = Recorder(budget=0.05)
    with pytest.raises(StepError) as caught:
        async with rec.step(Phase.CONNECT, "there", limit=60):
            await asyncio.Event().wait()
    assert caught.value.failure.cause is Cause.BUDGET


async def test_what_this_machine_slept_through_is_not_the_networks_silence() -> None:
    """A process that did not come to its turn cannot say that nothing came."""
    stalls = iter([0.0, 0.04])
    rec = Recorder(budget=5, stalled=lambda: next(stalls))
    with pytest.raises(StepError) as caught:
        async with rec.step(Phase.CONNECT, "there", limit=0.05):
            await asyncio.Event().wait()
    assert caught.value.failure.cause is Cause.BUDGET


@pytest.mark.parametrize(("slept", "cause"), [(0.0, Cause.NO_DATA_BACK), (60.0, Cause.BUDGET)])
async def test_a_silence_with_a_meaning_is_the_networks_only_if_we_listened(slept: float, cause: Cause) -> None:
    """Whatever it would mean."""
    stalls = iter([0.0, slept])
    rec = Recorder(stalled=lambda: next(stalls))
    with pytest.raises(StepError) as caught:
        async with rec.step(Phase.TURN_DATA, "there", limit=5):
            raise SilenceError(Cause.NO_DATA_BACK, "0 of 10 packets came back")
    assert caught.value.failure.cause is cause


async def test_the_budget_can_begin_anew() -> None:
    """Waiting for a look-up that others share is not the flow's own work."""
    rec = Recorder(budget=0.05)
    await asyncio.sleep(0)
    rec.restart_budget(extra=5)
    with pytest.raises(StepError) as caught:
        async with rec.step(Phase.CONNECT, "there", limit=0.06):
            await asyncio.Event().wait()
    assert caught.value.failure.cause is Cause.TIMEOUT


async def test_a_bug_is_recorded_and_passes_on() -> None:
    """An error of ours is no StepError."""
    rec = Recorder()
    with pytest.raises(KeyError):
        async with rec.step(Phase.STUN, "there", limit=1):
            raise KeyError("oops")
    failure = rec.steps[-1].failure
    assert failure is not None
    assert failure.cause is Cause.UNKNOWN


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_what_this_machine_lacks_is_no_network_failure(number: int) -> None:
    """Too many open sockets, or no memory, say nothing of the path."""
    rec = Recorder()
    with pytest.raises(OSError, match="full"):
        async with rec.step(Phase.CONNECT, "there", limit=1):
            raise OSError(number, "full")
    failure = rec.steps[-1].failure
    assert failure is not None
    assert failure.cause is Cause.UNKNOWN


async def test_a_bug_inside_a_group_of_tasks_is_no_network_failure() -> None:
    """A group of tasks that failed on a bug stays a bug."""
    rec = Recorder()
    with pytest.raises(ExceptionGroup):
        async with rec.step(Phase.STUN, "there", limit=1):
            raise ExceptionGroup("two", [KeyError("oops")])


async def test_a_stopped_step_keeps_its_facts() -> None:
    """Cancellation passes, and what was known is still there."""
    rec = Recorder()
    begun = asyncio.Event()

    async def work() -> None:
        async with rec.step(Phase.TLS, "there", limit=60) as facts:
            facts["known"] = "this"
            begun.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(work())
        await begun.wait()
        task.cancel()
    step = rec.steps[-1]
    assert step.failure is not None
    assert (step.failure.cause, step.facts["known"]) == (Cause.INTERRUPTED, "this")


async def test_steps_are_told_in_the_order_they_began() -> None:
    """Steps of several addresses overlap; the report reads by time."""
    rec = Recorder()
    async with rec.step(Phase.CONNECT, "outer", limit=1):
        async with rec.step(Phase.TLS, "inner", limit=1):
            pass
    assert [step.subject for step in rec.steps] == ["outer", "inner"]


def test_evidence_is_bounded_and_printable() -> None:
    """What a hostile peer says can neither fill the memory nor drive the terminal."""
    rec = Recorder()
    for _ in range(MOST_STEPS + 10):
        rec.note(Phase.HTTP, "there", body="\x1b[31m" + "x" * 10_000)
    assert len(rec.steps) == MOST_STEPS
    body = str(rec.steps[0].facts["body"])
    assert len(body) <= FACT_SIZE
    assert "\x1b" not in body
    assert body.startswith("\\x1b[31m")


def test_printable_keeps_what_people_can_read() -> None:
    """Letters of every script stay as they are."""
    assert printable("Éclair ≤ 3\n") == "Éclair ≤ 3\\x0a"
