"""A run: everything at once, nothing lost, and faults of our own never look like the network's."""

from __future__ import annotations

import asyncio
import errno
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import ModuleType

import pytest

from rainbow_probe import runner
from rainbow_probe.checks import Run
from rainbow_probe.demo.loopback import loopback
from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Cause, Failure, Flow, Outcome, PeerError, Phase, Result, Transport, Verdict
from rainbow_probe.net.paths import passed
from rainbow_probe.net.route import Limits, Route
from rainbow_probe.runner import Job, Progressing, complete, run_all, run_waves
from tests.servers import OddTurn, Watcher, a_flow, a_route, broke, listen, mute, probe

KIND = "made-for-this-test"


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Kind:
    """Give a place for a check of a new kind."""
    return Kind(monkeypatch)


class Kind:
    """Makes a function the check of the new kind, as one new file would."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Until the test ends."""
        self._monkeypatch = monkeypatch

    def __call__(self, check: Run) -> Run:
        """Run *check* for flows of this kind."""
        module = ModuleType(KIND)
        module.__dict__["run"] = check
        self._monkeypatch.setitem(sys.modules, f"rainbow_probe.checks.{KIND.replace('-', '_')}", module)
        return check


def jobs_of(*ports: int, kind: str = KIND, route: Route | None = None) -> list[Job]:
    """Give one job a port."""
    return [Job(flow=a_flow(kind, port, Transport.TCP), route=route or a_route()) for port in ports]


async def ran(
    jobs: Sequence[Job], *, budget: float = 8, deadline: float = 60
) -> tuple[list[Result], Watcher, Progressing]:
    """Run *jobs*; return all results, what was told meanwhile, and what else was found."""
    run, watcher = Progressing(), Watcher()
    await run_all(jobs, run, watcher, budget=budget, deadline=deadline)
    return complete(jobs, run, "cut"), watcher, run


# Faults of our own.


async def test_a_bug_ends_neither_the_run_nor_in_a_failure(kind: Kind) -> None:
    """It is inconclusive, says that it is ours and where, and the other flows go on."""

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        rec.note(Phase.STUN, "before", None)
        if flow.target.port == 1:
            raise KeyError("oops")
        return passed(f"yes, {route.platform}")

    (broken, sound), watcher, _ = await ran(jobs_of(1, 2))
    assert broke(broken, Outcome.INCONCLUSIVE)[1] is Cause.UNKNOWN
    assert "a fault of the probe itself: KeyError (check, line " in broken.verdict.reason
    assert "oops" not in broken.verdict.reason
    assert [step.subject for step in broken.steps] == ["before"]
    assert sound.verdict.outcome is Outcome.PASS
    assert sorted(watcher.ended) == sorted([broken.flow.id, sound.flow.id])


@pytest.mark.parametrize("exc", [OSError(errno.EMFILE, "Too many open files"), PeerError(Cause.UNKNOWN, "no more")])
async def test_what_this_machine_ran_out_of_is_no_bug(kind: Kind, exc: Exception) -> None:
    """It is as inconclusive, and says what to do."""

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        del flow, route
        async with rec.step(Phase.CONNECT, "somewhere", limit=5):
            raise exc

    [result], _, _ = await ran(jobs_of(1))
    assert broke(result, Outcome.INCONCLUSIVE)[1] is Cause.UNKNOWN
    assert str(exc) in result.verdict.reason
    assert "ulimit -n" in result.verdict.reason
    assert "fault of the probe" not in result.verdict.reason


async def test_a_bug_within_a_group_of_tasks_is_named(kind: Kind) -> None:
    """By its own name, not by the group's."""

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        async def divide() -> float:
            return flow.target.port / 0

        async with asyncio.TaskGroup() as group:
            group.create_task(divide())
        return passed(f"{route} {rec}")

    [result], _, _ = await ran(jobs_of(1))
    assert "ZeroDivisionError (divide, line " in result.verdict.reason


async def test_a_time_out_of_our_own_making_is_a_bug(kind: Kind) -> None:
    """A stray TimeoutError is not the end of the flow's time."""

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        raise TimeoutError(f"{flow} {route} {rec}")

    [result], _, _ = await ran(jobs_of(1))
    assert broke(result, Outcome.INCONCLUSIVE)[1] is Cause.UNKNOWN


@pytest.mark.parametrize("grouped", [True, False])
async def test_a_recorded_failure_is_the_networks(kind: Kind, grouped: bool) -> None:
    """However it comes up."""

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        async def step() -> None:
            async with rec.step(Phase.TLS, flow.target, limit=route.limits.connect):
                raise PeerError(Cause.NOT_TLS, "no")

        if not grouped:
            await step()
        async with asyncio.TaskGroup() as group:
            group.create_task(step())
        return passed("no")

    [result], _, _ = await ran(jobs_of(1))
    assert broke(result) == (Phase.TLS, Cause.NOT_TLS)


async def test_a_check_that_never_ends_is_ended(kind: Kind) -> None:
    """The last resort behind the limits of its steps."""

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        rec.note(Phase.STUN, flow.target, None)
        await asyncio.Event().wait()
        return passed(str(route))

    [result], _, _ = await ran(jobs_of(1, route=replace(a_route(), quality_seconds=0)), budget=0.05)
    assert broke(result, Outcome.INCONCLUSIVE)[1] is Cause.INTERRUPTED
    assert "no verdict in 0.25 s" in result.verdict.reason


async def test_a_check_that_takes_longer_by_right_is_not_ended(kind: Kind) -> None:
    """It says how much more it takes, as a sweep does at a given rate: the last resort waits for that, too."""

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        rec.restart_budget(extra=60)
        async with rec.step(Phase.STUN, flow.target, limit=0.5):
            await asyncio.Event().wait()
        return passed(str(route))

    [result], _, _ = await ran(jobs_of(1, route=replace(a_route(), quality_seconds=0)), budget=0.05)
    assert broke(result, result.verdict.outcome) in {(Phase.STUN, Cause.TIMEOUT), (Phase.STUN, Cause.BUDGET)}
    assert len(result.steps) == 1


async def test_a_flow_has_its_budget() -> None:
    """What our own haste cut short is inconclusive."""
    async with loopback() as place:
        jobs = jobs_of(await place.tcp(mute), kind="https", route=replace(a_route(), limits=Limits(exchange=60)))
        [result], _, _ = await ran(jobs, budget=0.1)
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.HTTP, Cause.BUDGET)


# Many, and not to the end.


async def test_many_flows_at_once_lose_nothing() -> None:
    """Three hundred flows, each with its own verdict, and every one told of."""
    async with loopback() as place:
        port = await listen(OddTurn(place), place, Transport.UDP)
        flow = a_flow("turn", port, Transport.UDP)
        route = a_route()
        jobs = [Job(flow=replace(flow, id=f"{n}"), route=route) for n in range(300)]
        results, watcher, run = await ran(jobs)
    assert [result.flow.id for result in results] == [str(n) for n in range(300)]
    lost = [result for result in results if result.verdict.outcome is not Outcome.PASS]
    assert {broke(result, Outcome.INCONCLUSIVE)[1] for result in lost} <= {Cause.BUDGET}, "or this machine had no time"
    assert {len(result.steps) for result in results if result not in lost} <= {4}
    assert watcher.expected == 300
    assert sorted(watcher.begun) == sorted(watcher.ended) == sorted(run.results)


class Crowd(Watcher):
    """Knows how many flows were under way at once."""

    most = 0

    def started(self, flow: Flow) -> None:
        """Count *flow* with those that have not ended."""
        super().started(flow)
        self.most = max(self.most, len(self.begun) - len(self.ended))


async def test_dead_targets_do_not_queue() -> None:
    """A hundred silent targets take as long as one: all are tried before the first has ended."""
    async with loopback() as place:
        port = await place.tcp(mute)
        flow = a_flow("https", port, Transport.TCP)
        route = replace(a_route(), limits=Limits.within(3.2))
        jobs = [Job(flow=replace(flow, id=f"{n}"), route=route) for n in range(100)]
        run, watcher = Progressing(), Crowd()
        await run_all(jobs, run, watcher, budget=8, deadline=60)
    results = complete(jobs, run, "cut")
    told = {(result.verdict.outcome, broke(result, result.verdict.outcome)[1]) for result in results}
    silence, no_time = (Outcome.FAIL, Cause.TIMEOUT), (Outcome.INCONCLUSIVE, Cause.BUDGET)
    assert told <= {silence, no_time}, "silence, or this machine had no time"
    assert watcher.most == 100


async def test_some_kinds_are_polite(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many of them run at once; the others begin when these have ended."""
    monkeypatch.setitem(runner.AT_ONCE_OF, KIND, 2)
    running: list[int] = []
    most: list[int] = []

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        running.append(flow.target.port)
        most.append(len(running))
        await asyncio.sleep(0)
        running.remove(flow.target.port)
        return passed(f"{route} {rec}")

    results, _, _ = await ran(jobs_of(*range(1, 20)))
    assert len(results) == 19
    assert max(most) == 2


async def test_the_deadline_keeps_what_was_found(kind: Kind) -> None:
    """Finished flows keep their verdicts; the others say that they were stopped, and what they had seen."""

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        async with rec.step(Phase.STUN, flow.target, limit=route.limits.exchange) as facts:
            facts["seen"] = "this"
            if flow.target.port > 1:
                await asyncio.Event().wait()
        return passed("done")

    (done, *cut), watcher, _ = await ran(jobs_of(1, 2, 3), deadline=0.5)
    assert done.verdict.reason == "done"
    for result in cut:
        assert broke(result, Outcome.INCONCLUSIVE)[1] is Cause.INTERRUPTED
        assert result.steps[0].facts == {"seen": "this"}
        assert result.steps[0].failure == Failure(
            phase=Phase.STUN, cause=Cause.INTERRUPTED, detail="stopped before its end"
        )
    assert len(watcher.ended) == 3


async def test_what_never_began_is_told(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason of whoever stopped the run."""
    monkeypatch.setitem(runner.AT_ONCE_OF, KIND, 1)

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        await asyncio.Event().wait()
        return passed(f"{flow} {route} {rec}")

    (first, second), watcher, _ = await ran(jobs_of(1, 2), deadline=0.5)
    assert (first.verdict.reason, second.verdict.reason) == (
        "stopped before its end, by Ctrl-C or by the deadline of the run",
        "cut",
    )
    assert broke(second, Outcome.INCONCLUSIVE)[1] is Cause.INTERRUPTED
    assert (watcher.begun, watcher.expected) == ([first.flow.id], 2)


async def test_an_interruption_keeps_what_was_found(kind: Kind) -> None:
    """Ctrl-C ends the run at once; what was found is still there."""
    waiting = asyncio.Event()

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        if flow.target.port > 1:
            waiting.set()
            await asyncio.Event().wait()
        return passed(f"{route.platform} {rec.elapsed}")

    run, jobs = Progressing(), jobs_of(1, 2)
    async with asyncio.TaskGroup() as group:
        whole = group.create_task(run_all(jobs, run, Watcher(), budget=8, deadline=60))
        await waiting.wait()
        whole.cancel()
    assert whole.cancelled()
    done, cut = complete(jobs, run, "interrupted")
    assert (done.verdict.outcome, cut.verdict.outcome) == (Outcome.PASS, Outcome.INCONCLUSIVE)
    assert "cpu_s" in run.self_check


# In waves.


async def test_nobody_waits_for_what_others_must_look_up(kind: Kind) -> None:
    """A wave that is known later is tried later, and holds up nobody."""
    first_is_done = asyncio.Event()

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        first_is_done.set()
        return passed(f"{flow} {route} {rec}")

    early, late = jobs_of(1), jobs_of(2, 3)
    watcher, run = Watcher(), Progressing()

    async def now() -> Sequence[Job]:
        return early

    async def then() -> Sequence[Job]:
        await first_is_done.wait()
        assert watcher.expected == 1
        return late

    await run_waves([then(), now()], run, watcher, budget=8, deadline=60)
    results = complete([*early, *late], run, "cut")
    assert {result.verdict.outcome for result in results} == {Outcome.PASS}
    assert (watcher.expected, len(watcher.ended)) == (3, 3)


async def test_a_wave_that_is_never_known_ends_with_the_deadline(kind: Kind) -> None:
    """What was found until then is kept."""

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        return passed(f"{flow} {route} {rec}")

    async def now() -> Sequence[Job]:
        return jobs_of(1)

    async def never() -> Sequence[Job]:
        await asyncio.Event().wait()
        return []

    run = Progressing()
    await run_waves([now(), never()], run, Watcher(), budget=8, deadline=0.5)
    [result] = run.results.values()
    assert result.verdict.outcome is Outcome.PASS


# What a result makes necessary.


async def test_a_result_may_ask_for_more(kind: Kind) -> None:
    """The more runs at once, beside what still runs, and is counted and reported as the rest."""
    followed = asyncio.Event()

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        if flow.target.port == 1:
            await followed.wait()
        if flow.target.port == 3:
            followed.set()
        return passed(f"{flow} {route} {rec}")

    jobs, more, watcher, run = jobs_of(1, 2), jobs_of(3), Watcher(), Progressing()
    left = list(more)

    def after(results: Mapping[str, Result]) -> Sequence[Job]:
        return [left.pop()] if left and jobs[1].flow.id in results else []

    async def now() -> Sequence[Job]:
        return jobs

    await run_waves([now()], run, watcher, budget=8, deadline=60, more=after)
    assert [r.verdict.outcome for r in complete([*jobs, *more], run, "cut")] == [Outcome.PASS] * 3
    assert (watcher.expected, len(watcher.ended)) == (3, 3)


async def test_a_bug_in_a_follow_up_costs_no_result(kind: Kind) -> None:
    """The run goes on and says that the probe is at fault."""

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        return passed(f"{flow} {route} {rec}")

    def broken(results: Mapping[str, Result]) -> Sequence[Job]:
        raise KeyError(len(results))

    async def now() -> Sequence[Job]:
        return jobs_of(1, 2)

    run = Progressing()
    await run_waves([now()], run, Watcher(), budget=8, deadline=60, more=broken)
    assert len(run.results) == 2
    assert run.self_check["fault"] == "a fault of the probe itself: KeyError in a follow-up"


# The run's own health.


async def test_our_own_lag_is_measured(kind: Kind) -> None:
    """A machine that stalls must not fail a network without anybody knowing."""

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        await asyncio.sleep(0)  # the watch has begun
        time.sleep(0.2)  # noqa: ASYNC251 - the stall is what is tested
        await asyncio.sleep(0.06)
        return passed(f"{flow} {route} {rec}")

    _, _, run = await ran(jobs_of(1))
    assert float(run.self_check["max_lag_ms"] or 0) > 100
    assert float(run.self_check["cpu_s"] or 0) >= 0


async def test_what_we_slept_through_is_not_silence(kind: Kind) -> None:
    """A step whose time passed while this process stood still has not listened."""

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        async with rec.step(Phase.STUN, flow.target, limit=0.3):
            await asyncio.sleep(0)
            time.sleep(0.5)  # noqa: ASYNC251 - the stall is what is tested
            await asyncio.Event().wait()
        return passed(str(route))

    [result], _, run = await ran(jobs_of(1))
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.STUN, Cause.BUDGET)
    assert run.stalled > 0.3


def starved_at_first(tries: list[str], *, then: asyncio.Event | None = None) -> Run:
    """Return a check for which this machine has no time when it is first tried; it says *then*, and hangs."""

    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        tries.append(flow.id)
        async with rec.step(Phase.STUN, flow.target, limit=0.3):
            if tries.count(flow.id) == 1:
                await asyncio.sleep(0)
                time.sleep(0.5)  # noqa: ASYNC251 - the stall is what is tested
                await asyncio.Event().wait()
        if then is not None:
            then.set()
            await asyncio.Event().wait()
        return passed(str(route))

    return check


async def test_what_we_had_no_time_for_is_tried_once_more(kind: Kind) -> None:
    """A machine that is busy for a moment costs a second try and no verdict; what had its time is not repeated."""
    tries: list[str] = []
    kind(starved_at_first(tries))
    [result], watcher, run = await ran(jobs_of(1))
    assert (result.verdict.outcome, len(tries), watcher.expected) == (Outcome.PASS, 2, 2)
    assert run.self_check["tried_again"] == 1


async def test_a_password_is_not_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some servers lock an account after few log-ins."""
    tries: list[str] = []
    module = ModuleType("account")
    module.__dict__["run"] = starved_at_first(tries)
    monkeypatch.setitem(sys.modules, "rainbow_probe.checks.account", module)
    [result], _, _ = await ran(jobs_of(1, kind="account"))
    assert (broke(result, Outcome.INCONCLUSIVE), len(tries)) == ((Phase.STUN, Cause.BUDGET), 1)


async def test_a_second_try_that_is_stopped_leaves_the_first_ones_answer(kind: Kind) -> None:
    """With Ctrl-C, what is known is kept."""
    second, run, jobs = asyncio.Event(), Progressing(), jobs_of(1)
    kind(starved_at_first([], then=second))
    running = asyncio.ensure_future(run_all(jobs, run, Watcher(), budget=8, deadline=60))
    await second.wait()
    running.cancel()
    await asyncio.wait({running})
    [result] = complete(jobs, run, "cut")
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.STUN, Cause.BUDGET)


async def test_an_idle_run_shows_no_lag() -> None:
    """Nothing to do, nothing found."""
    results, watcher, run = await ran([])
    assert (results, watcher.expected) == ([], 0)
    assert run.self_check["max_lag_ms"] == 0


async def test_an_unknown_kind_is_a_mistake() -> None:
    """The catalogue refuses it long before; here it ends the run at once."""
    with pytest.raises(ModuleNotFoundError):
        await ran(jobs_of(1, kind="telepathy"))


async def test_a_result_has_its_duration() -> None:
    """In seconds, and its steps lie within it."""
    async with loopback() as place:
        result = await probe(a_flow("https", place.refusing(), Transport.TCP), a_route())
    assert result.took > 0
    assert all(0 <= step.at <= step.at + step.took <= result.took for step in result.steps)


async def test_what_runs_behind_the_rest_hides_no_lag(kind: Kind) -> None:
    """The self-check is that of the whole run, however many parts it has."""

    @kind
    async def check(flow: Flow, route: Route, rec: Recorder) -> Verdict:
        await asyncio.sleep(0)
        if flow.target.port == 1:
            time.sleep(0.2)  # noqa: ASYNC251 - the stall is what is tested
            await asyncio.sleep(0.06)
        return passed(f"{flow} {route} {rec}")

    run = Progressing()
    await run_all(jobs_of(1), run, Watcher(), budget=8, deadline=60)
    spent = float(run.self_check["cpu_s"] or 0)
    await run_all(jobs_of(2), run, Watcher(), budget=8, deadline=60)
    assert float(run.self_check["max_lag_ms"] or 0) > 100
    assert float(run.self_check["cpu_s"] or 0) >= spent
