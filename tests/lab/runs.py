"""One probe run at each of many sites, a few sites at a time: most of a run at a broken site is waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.commands import TRIES, starved
from tests.lab import scenario, truth
from tests.lab.cloud import Cloud
from tests.lab.expectation import expected_outcome, expected_verdict, is_one_of
from tests.lab.probe import Ended, run_probe
from tests.lab.scenario import Scenario
from tests.lab.site import Site

AT_ONCE = 3  # sites; more would load two cores enough to show in the times
GOOD = {"pass", "degraded"}


class Machine:
    """Who uses this machine: several runs, or a single one that shall not be disturbed."""

    def __init__(self) -> None:
        """Nobody does yet."""
        self._changed = threading.Condition()
        self._running = 0
        self._waiting = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Be one of several, when nobody is alone or waits to be."""
        with self._using(lambda: not self._waiting):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until the others have ended, and keep them from beginning."""
        with self._changed:
            self._waiting += 1
        try:
            with self._using(lambda: not self._running):
                yield
        finally:
            with self._changed:
                self._waiting -= 1
                self._changed.notify_all()

    @contextmanager
    def _using(self, may: Callable[[], bool]) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(may)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()


MACHINE = Machine()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the probe said at a site, and what the site's firewall saw of it."""

    scenario: Scenario
    ended: Ended
    hits: Mapping[str, int]
    seen: Mapping[str, str] = field(default_factory=dict[str, str])
    """What independent tools saw there then: the answers to the questions of the site's ``truth``."""


class Runs:
    """The runs at the sites *names*, begun in this order as soon as it is entered; ask for one by its name."""

    def __init__(self, cloud: Cloud, names: Sequence[str], *, observed: bool = False) -> None:
        """Plan the runs; if *observed*, independent tools look at each site when the probe has."""
        self._cloud = cloud
        self._names = names
        self._observed = observed
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE)
        self._runs: dict[str, Future[Run]] = {}

    def __enter__(self) -> Self:
        """Begin."""
        for number, name in enumerate(self._names, start=1):
            self._runs[name] = self._pool.submit(self._run, name, number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the sites that are up, and begin no more."""
        self._pool.shutdown(cancel_futures=True)

    def __getitem__(self, name: str) -> Run:
        """Return the run at site *name*, when it has ended."""
        return self._runs[name].result()

    def _run(self, name: str, number: int) -> Run:
        return probed(self._cloud, scenario.load(name), number, observed=self._observed)


def _seen(site: Site) -> Mapping[str, str]:
    """Observe *site*; what is not as its file says is asked a few times more, as other sites keep this machine busy."""
    wanted = site.scenario.truth
    seen = truth.observe(site, wanted)
    for _ in range(TRIES - 1):
        again = {asked: answer for asked, answer in wanted.items() if not is_one_of(seen[asked], answer)}
        if not again:
            break
        seen |= truth.observe(site, again)
    return seen


def probed(cloud: Cloud, plan: Scenario, number: int, *, observed: bool = False) -> Run:
    """Run the probe at a site; if this machine had no time for it, again at a new one, and with no other beside it.

    The site is new as servers remember: a proxy for a while what it could not reach, a firewall who has sent much.
    """
    with MACHINE.shared():
        run = _once(cloud, plan, number, observed=observed)
    for _ in range(TRIES - 1):
        if starved(run.ended.report):
            with MACHINE.alone():
                run = _once(cloud, plan, number, observed=observed)
    return run


def _once(cloud: Cloud, plan: Scenario, number: int, *, observed: bool) -> Run:
    with Site(cloud, plan, number=number) as site:
        ended, hits = run_probe(site), site.hits()
        return Run(scenario=plan, ended=ended, hits=hits, seen=_seen(site) if observed else {})


def unmet(run: Run) -> list[str]:
    """Name the faults of the site that the run never met: those would prove nothing."""
    firewall = run.scenario.firewall
    faults = [f"rule {number}" for number, rule in enumerate(firewall.rules) if rule.expect_hits]
    faults += [f"reroute {number}" for number in range(len(firewall.reroute))]
    faults += [f"lost {number}" for number in range(len(firewall.lost))]
    faults += ["forgets"] * bool(firewall.forgets)
    faults += ["udp-loss"] * bool(firewall.udp_loss) + ["dns"] * bool(run.scenario.dns.silent or run.scenario.dns.shut)
    faults += ["default"] * (firewall.default != "accept" and not run.scenario.dns.silent)
    return [fault for fault in faults if not run.hits.get(fault)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often the probe was wrong at a site."""

    verdicts: int
    false_passes: tuple[str, ...]
    false_failures: tuple[str, ...]


def tally(run: Run) -> Tally:
    """Count the verdicts on rows and checks, and name those that are false."""
    report, plan = run.ended.report, run.scenario
    told = [(row["id"], row["verdict"], expected_verdict(plan, row["id"])) for row in report["rows"]]
    told += [
        (check["id"], check["outcome"], expected_outcome(plan.expect.checks, check["id"]).outcome)
        for check in report["checks"]
        if not check.get("control_of")
    ]
    judged = [(key, verdict, set(wanted.split("|"))) for key, verdict, wanted in told]
    return Tally(
        verdicts=sum(verdict in {*GOOD, "fail"} for _, verdict, _ in judged),
        false_passes=tuple(key for key, verdict, wanted in judged if verdict in GOOD and not wanted & GOOD),
        false_failures=tuple(key for key, verdict, wanted in judged if verdict == "fail" and "fail" not in wanted),
    )
