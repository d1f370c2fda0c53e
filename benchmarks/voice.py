"""How right the quality of voice is measured, and at what price: against the same packets as seen on the cable.

Many short runs of the check, so that it can be counted how often its interval holds what was planted.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from math import comb
from statistics import fmean, median

from benchmarks.checking import Took
from benchmarks.figures import Figure, table
from benchmarks.ports import checked
from benchmarks.wire import listening
from rainbow_probe.model import Scalar
from rainbow_probe.protocols.streams import Trace, jitter, transit
from tests.lab import netns
from tests.lab.cloud import Cloud
from tests.lab.delay import Line
from tests.lab.scenario import Expected, Scenario
from tests.lab.site import Site

RUNS, LOSSY_RUNS = 10, 25
SECONDS = 2.0
AT_ONCE = 2  # sites, as this machine has cores
PLANTED: Mapping[str, Line] = {
    "nothing": Line(),
    "0.5 % of loss each way": Line(delay_ms=20, loss_percent=0.5),
    "1 % of loss each way": Line(delay_ms=20, loss_percent=1),
    "3 % of loss each way": Line(delay_ms=20, loss_percent=3),
    "10 % of loss each way": Line(delay_ms=20, loss_percent=10),
    "100 ms, jitter up to 10 ms each way": Line(delay_ms=100, jitter_ms=10),
    "300 ms, jitter up to 60 ms each way": Line(delay_ms=300, jitter_ms=60),
}
NUMBERS = count(60)  # of sites
WITHIN_MS, WITHIN_SHARE, FLOOR_MS = 1.0, 0.05, 1.0
LATE_MS, CPU_PER_CENT = 2.0, 6.0
MISSES = 0.05  # share of runs whose interval of 95 % may miss


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run: what the probe said, and what the cable has shown of the same packets."""

    loss: tuple[float, float, float]
    """With its interval, in per cent."""
    delay: float
    true_delay: float
    jitter: float
    true_jitter: float
    facts: Mapping[str, Scalar]

    @property
    def delay_error(self) -> float:
        """In milliseconds."""
        return abs(self.delay - self.true_delay)

    @property
    def jitter_error(self) -> float:
        """Share of what is allowed."""
        return abs(self.jitter - self.true_jitter) / max(FLOOR_MS, WITHIN_SHARE * self.true_jitter)


def runs(cloud: Cloud, line: Line, number: int) -> list[Measured]:
    """Measure so many times behind *line*; runs for which this machine had no time are left out, as they say so."""
    scenario = Scenario(title="a line", expect=Expected(exit=0, verdict="pass"), line=line)
    with Site(cloud, scenario, number=next(NUMBERS)) as site, listening(site.lan, "eth0") as wire:
        ahead = time.time() - time.monotonic()  # the cable's times are of the other clock
        found = checked(site, "quality", number, SECONDS)
    began = ((one, one["began"] + ahead) for one in found if one["quality"])
    return [measured(took, wire.streams(at, at + took["seconds"])) for took, at in began]


def measured(took: Took, seen: Sequence[Trace]) -> Measured:
    """Put what a run said beside what was seen on the cable meanwhile."""
    told = took["quality"]
    return Measured(
        loss=told["loss"],
        delay=told["delay"][0],
        true_delay=transit(seen).value / 2,
        jitter=told["jitter"][0],
        true_jitter=jitter(seen).value,
        facts=took["facts"],
    )


def exact(hits: int, tries: int) -> tuple[float, float]:
    """Return the exact interval (Clopper and Pearson) that a share lies in with 95 %, 0 to 1."""
    low = _root(lambda p: 1 - _at_most(hits - 1, tries, p) - 0.025) if hits else 0.0
    return low, _root(lambda p: 0.025 - _at_most(hits, tries, p)) if hits < tries else 1.0


def _at_most(hits: int, tries: int, share: float) -> float:
    return sum(comb(tries, k) * share**k * (1 - share) ** (tries - k) for k in range(hits + 1))


def _root(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return low


def figures() -> Iterable[Figure]:
    """Measure in the lab; nothing where the lab cannot be."""
    if reason := netns.why_not():
        print(f"no lab on this machine, so nothing is measured in it: {reason}")
        return
    with Cloud() as cloud, ThreadPoolExecutor(AT_ONCE) as pool:
        numbers = [LOSSY_RUNS if line.loss_percent else RUNS for line in PLANTED.values()]
        every = dict(
            zip(
                PLANTED,
                pool.map(lambda one: runs(cloud, *one), zip(PLANTED.values(), numbers, strict=True)),
                strict=True,
            )
        )
    for name, found in every.items():
        yield from _errors(name, found)
    held = {name: _held(PLANTED[name], found) for name, found in every.items() if PLANTED[name].loss_percent}
    for name, inside in held.items():
        yield _misses(name, inside)
    yield _misses("all losses", [one for inside in held.values() for one in inside])
    yield from _price([one for found in every.values() for one in found])


def _errors(name: str, found: Sequence[Measured]) -> Iterable[Figure]:
    delays, jitters = (tuple(one) for one in zip(*((m.delay_error, m.jitter_error) for m in found), strict=True))
    yield Figure(
        name=f"{name}: delay, worst error", unit="ms", limit=WITHIN_MS, goal=f"{WITHIN_MS:g} ms", samples=delays,
        value=max(delays), base=fmean(one.true_delay for one in found), against="the mean of one way, on the cable",
    )  # fmt: skip
    yield Figure(
        name=f"{name}: jitter, worst error, of what is allowed", unit="times", goal=f"5 %, or {FLOOR_MS:g} ms",
        value=max(jitters), samples=jitters, limit=1.0, base=fmean(one.true_jitter for one in found),
        against="the jitter on the cable, in ms",
    )  # fmt: skip


def _held(line: Line, found: Sequence[Measured]) -> list[bool]:
    """Tell of each run whether its interval holds what was planted, up and down together."""
    planted = 100 * (1 - (1 - line.loss_percent / 100) ** 2)
    return [one.loss[1] <= planted <= one.loss[2] for one in found]


def _misses(name: str, inside: Sequence[bool]) -> Figure:
    missed, tries = len(inside) - sum(inside), len(inside)
    low, high = exact(missed, tries)
    return Figure(
        name=f"{name}: intervals that miss what was planted", unit="", value=missed, base=tries,
        limit=missed if low <= MISSES else MISSES * tries, goal="5 in 100",
        against=f"all runs; {100 * low:.1f} to {100 * high:.1f} % of such runs do, with 95 % confidence",
    )  # fmt: skip


def _price(found: Sequence[Measured]) -> Iterable[Figure]:
    late = tuple(float(one.facts["late_p99_ms"] or 0) for one in found)
    used = tuple(float(one.facts["cpu_percent"] or 0) / 5 for one in found)
    yield Figure(
        name="a packet leaves after its time, 99th percentile", unit="ms", limit=LATE_MS, goal=f"{LATE_MS:g} ms, idle",
        value=median(late), samples=late, base=20.0, against="the time between two packets",
    )  # fmt: skip
    yield Figure(
        name="share of a core for one call", unit="%", limit=CPU_PER_CENT, goal=f"{CPU_PER_CENT:g} %",
        value=median(used), samples=used, base=100.0, against="a core",
    )  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(table(figures()) + "\n")
