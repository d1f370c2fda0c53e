"""Flows to results: everything at once, bounded by kind; the one broad except; partial answers kept."""

from __future__ import annotations

import asyncio
import contextlib
import time
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from rainbow_probe.checks import Run, load
from rainbow_probe.evidence import Recorder, StepError, cause_of, leaf, printable
from rainbow_probe.followups.again import side_by_side, worth_another_try
from rainbow_probe.model import Cause, Failure, Flow, Outcome, PeerError, Phase, Result, Scalar, Verdict
from rainbow_probe.net.paths import failed
from rainbow_probe.net.route import Route

AT_ONCE = 512  # of one kind; dead targets must not queue behind each other
AT_ONCE_OF = {
    "udp-range": 4,
    "sweep": 1,
}  # many allocations each: be polite to the server; and many datagrams
ONE_AFTER_THE_OTHER = {"sweep-in": "sweep"}
"""Kinds that wait for another one's turn, too: what a LAN lets through a second would be shared, and told as half."""
PATIENCE = 4  # times its time-out: a check's last resort, as it may begin anew with each answer it gets
TICK = 0.05  # seconds between looks at our own lag
LATE = 0.02  # of lag that are a stall: a clock that ticks 64 times a second, as that of Windows does, makes less


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One flow and the way it goes."""

    flow: Flow
    route: Route


class Events(Protocol):
    """Who wants to know how the run goes on."""

    def expect(self, more: int) -> None:
        """Count on *more* flows."""
        ...

    def started(self, flow: Flow) -> None:
        """Take note that *flow* begins."""
        ...

    def finished(self, result: Result) -> None:
        """Take note of how a flow ended."""
        ...


More = Callable[[Mapping[str, Result]], Sequence[Job]]
"""Given all results so far, by id, after each new one: what to run besides, each job once."""


def no_more(results: Mapping[str, Result]) -> Sequence[Job]:
    """Follow nothing up."""
    del results
    return ()


@dataclass
class Progressing:
    """What a run has found so far; it may be stopped at any moment and is still worth reading."""

    results: dict[str, Result] = field(default_factory=dict[str, Result])
    self_check: dict[str, Scalar] = field(default_factory=dict[str, Scalar])
    stalled: float = 0.0
    """Seconds in which this process did not come to its turn."""

    def stood(self) -> float:
        """Return ``stalled`` as it is now, for who compares it later."""
        return self.stalled


async def run_all(jobs: Sequence[Job], run: Progressing, events: Events, *, budget: float, deadline: float) -> None:
    """Run every job and put its result into *run*; after *deadline* seconds the rest is inconclusive."""
    load({job.flow.kind for job in jobs})  # an unknown kind is a mistake, told at once

    async def at_once() -> Sequence[Job]:
        return jobs

    await run_waves([at_once()], run, events, budget=budget, deadline=deadline)


async def run_waves(
    waves: Sequence[Awaitable[Sequence[Job]]],
    run: Progressing,
    events: Events,
    *,
    budget: float,
    deadline: float,
    more: More = no_more,
) -> None:
    """Run jobs as ``run_all`` does, each wave as soon as it is known: nobody waits for what others must look up.

    *more* is asked after each result what it makes necessary. What this machine had no time for, or the line no room
    beside all the rest, is tried once more when that has ended.
    """
    gates: dict[str, asyncio.Semaphore] = {}
    begun: list[Job] = []

    async def one(job: Job, check: Run) -> None:
        gate = _gate(job)
        async with gates.setdefault(gate, asyncio.Semaphore(AT_ONCE_OF.get(gate, AT_ONCE))):
            events.started(job.flow)
            try:
                await _record(job, check, run, budget)
            finally:
                events.finished(run.results[job.flow.id])
        begin(_followed_up(run, more))

    def begin(jobs: Sequence[Job]) -> None:
        begun.extend(jobs)
        events.expect(len(jobs))
        checks = load({job.flow.kind for job in jobs})
        for job in jobs:
            group.create_task(one(job, checks[job.flow.kind]), name=job.flow.id)

    async def await_wave(wave: Awaitable[Sequence[Job]]) -> None:
        begin(await wave)

    async with _watch_own_lag(run):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline):
                async with asyncio.TaskGroup() as group:
                    for wave in waves:
                        group.create_task(await_wave(wave))
                known = run.results
                if again := [job for job in begun if worth_another_try(known[job.flow.id], known, budget)]:
                    run.self_check["tried_again"] = int(run.self_check.get("tried_again") or 0) + len(again)
                    few = asyncio.Semaphore(side_by_side((job.flow for job in again), known))
                    gates = dict.fromkeys((_gate(job) for job in again), few)
                    async with asyncio.TaskGroup() as group:
                        begin(again)


def _gate(job: Job) -> str:
    return ONE_AFTER_THE_OTHER.get(job.flow.kind, job.flow.kind)


def _followed_up(run: Progressing, more: More) -> Sequence[Job]:
    """Ask *more*; a bug in it costs the follow-up and not the run, and is told."""
    try:
        return more(run.results)
    except Exception as exc:  # noqa: BLE001 - as with checks: a bug of ours must not end the run
        run.self_check["fault"] = f"a fault of the probe itself: {type(exc).__name__} in a follow-up"
        return ()


def complete(jobs: Sequence[Job], run: Progressing, why: str) -> list[Result]:
    """Return one result for each job, in order; what did not come to its end is inconclusive and says *why*."""
    return [run.results.get(job.flow.id) or Result(flow=job.flow, verdict=_cut(why)) for job in jobs]


async def _record(job: Job, check: Run, run: Progressing, budget: float) -> None:
    rec = Recorder(budget, run.stood)
    verdict: Verdict | None = None
    try:
        verdict = await _verdict(job, check, rec, budget)
    finally:
        took = rec.elapsed  # by the clock of its steps, which lie within it
        if verdict is None and job.flow.id not in run.results:  # else its second try is stopped, and the first counts
            verdict = rec.so_far or _cut("stopped before its end, by Ctrl-C or by the deadline of the run")
        if verdict is not None:
            run.results[job.flow.id] = Result(flow=job.flow, verdict=_fit_to_show(verdict), steps=rec.steps, took=took)


def _fit_to_show(verdict: Verdict) -> Verdict:
    """Make its words safe, as those of steps are: a check may have quoted a peer (a realm, a page) in them."""
    failure = verdict.failure and replace(verdict.failure, detail=printable(verdict.failure.detail))
    return replace(verdict, reason=printable(verdict.reason), failure=failure)


async def _verdict(job: Job, check: Run, rec: Recorder, budget: float) -> Verdict:
    waits = (job.route.idle_hold, *job.route.idle_waits, *job.route.push_waits, job.route.quality_seconds)
    now = asyncio.get_running_loop().time
    began = now()
    clock = asyncio.timeout_at(began + PATIENCE * budget + max(waits))

    def prolong(extra: float) -> None:
        if not clock.expired():
            clock.reschedule(max(clock.when() or 0.0, now() + PATIENCE * budget + extra))

    rec.on_more = prolong
    try:
        async with clock:
            return await check(job.flow, job.route, rec)
    except StepError as exc:
        return failed(exc.failure)
    except Exception as exc:  # noqa: BLE001 - a bug in one check must not end the run, nor look like the network
        if isinstance(exc, TimeoutError) and clock.expired():
            return _cut(f"no verdict in {(clock.when() or 0.0) - began:.4g} s")
        return _bug(exc)


def _bug(exc: Exception) -> Verdict:
    first = leaf(exc)
    if isinstance(first, StepError):
        return failed(first.failure)
    detail = _spent(first) or f"a fault of the probe itself: {type(first).__name__}{_where(first)}"
    return Verdict(
        outcome=Outcome.INCONCLUSIVE,
        reason=detail,
        failure=Failure(phase=Phase.CONNECT, cause=Cause.UNKNOWN, detail=detail),
    )


def _spent(exc: BaseException) -> str:
    """Say what this machine ran out of, if that is all that went wrong; its words are the system's, not a peer's."""
    if not isinstance(exc, OSError | PeerError) or cause_of(exc) is not Cause.UNKNOWN:
        return ""
    return f"this machine could not try it: {exc}; close programs, or raise the limit on open files (ulimit -n)"


def _where(exc: BaseException) -> str:
    last = traceback.extract_tb(exc.__traceback__)[-1:]
    return "".join(f" ({frame.name}, line {frame.lineno})" for frame in last)


def _cut(why: str) -> Verdict:
    failure = Failure(phase=Phase.CONNECT, cause=Cause.INTERRUPTED, detail=why)
    return Verdict(outcome=Outcome.INCONCLUSIVE, reason=why, failure=failure)


@asynccontextmanager
async def _watch_own_lag(run: Progressing) -> AsyncGenerator[None]:
    """Note how late our own timers were: a slow laptop must not fail a network."""
    facts = run.self_check
    facts.setdefault("max_lag_ms", 0.0)  # what runs alone, behind the rest, belongs to the same run

    async def watch() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(TICK)
            lag = time.monotonic() - before - TICK
            run.stalled += lag if lag > LATE else 0.0
            facts["max_lag_ms"] = round(max(float(facts["max_lag_ms"] or 0), lag * 1000), 1)

    cpu = time.process_time() - float(facts.get("cpu_s") or 0)
    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(watch())
        try:
            yield
        finally:
            facts["stalled_s"] = round(run.stalled, 2)
            facts["cpu_s"] = round(time.process_time() - cpu, 3)
            watcher.cancel()
