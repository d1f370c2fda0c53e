"""Sixty-four ports of the conference's range, behind a line with a long way: in round trips of that line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from itertools import count
from statistics import median

from benchmarks.checking import Took
from benchmarks.figures import Figure, table
from benchmarks.processes import PYTHON
from tests.lab import names, netns, probe
from tests.lab.cloud import Cloud
from tests.lab.scenario import Expected, Scenario
from tests.lab.site import Site

ROUND_TRIPS_MS = (100.0, 200.0)
REPEATS = 5
WITHIN = 8.0  # round trips
PORTS = 64
NUMBERS = count(50)  # of sites


def figures() -> Iterable[Figure]:
    """Measure in the lab; nothing where the lab cannot be."""
    if reason := netns.why_not():
        print(f"no lab on this machine, so nothing is measured in it: {reason}")
        return
    with Cloud() as cloud:
        for round_trip in ROUND_TRIPS_MS:
            scenario = Scenario(title="a long line", expect=Expected(exit=0, verdict="pass"))
            with Site(cloud, scenario, number=next(NUMBERS), delay_ms=round_trip) as site:
                runs = passed(checked(site, "udp-range", REPEATS))
            yield from _figures(runs, round_trip)


def checked(site: Site, kind: str, count: int, seconds: float = 0.0) -> list[Took]:
    """Run one check of *kind* by itself at *site*, so many times after a first one, which imports and is not told."""
    command = [PYTHON, "-m", "benchmarks.checking", kind, names.TURN[0].v4, names.TURN_USER, str(count + 1)]
    done = subprocess.run(  # noqa: S603 - a program of our own
        site.enter(*command, f"{seconds:g}"),
        env=probe.environment(site),
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    found: list[Took] = json.loads(done.stdout)
    return found[1:]


def passed(found: list[Took]) -> list[Took]:
    """Return those that passed, and say how many did not."""
    if strange := [one["reason"] for one in found if one["outcome"] != "pass"]:
        print(f"{len(strange)} of {len(found)} runs did not pass and are left out: {strange[0]}")
    return [one for one in found if one["outcome"] == "pass"]


def _figures(runs: list[Took], round_trip: float) -> Iterable[Figure]:
    for what, known, best in (("ports asked for, tried both ways", "ports", 5), ("the whole check", "seconds", 7)):
        found = tuple(1000 * (one["ports"] if known == "ports" else one["seconds"]) / round_trip for one in runs)
        yield Figure(
            name=f"{PORTS} open ports, {round_trip:g} ms round trip: {what}", value=median(found), unit="round trips",
            base=best, samples=found, against="what TURN needs if nothing takes time but the line",
            limit=WITHIN if known == "ports" else float("inf"), goal=f"{WITHIN:g}" if known == "ports" else "none",
        )  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(table(figures()) + "\n")
