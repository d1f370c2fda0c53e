"""The relay: the probe beside coturn's own client, on the same coturn, at the same site.

What both do is seen on the cable as well, with the kernel's times: that is the truth that each one's own report is held
against. Once on a line without faults, once on one that loses packets.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import Any

from benchmarks.figures import Figure, table
from benchmarks.processes import PYTHON, measure
from benchmarks.wire import Relayed, listening
from tests.lab import names, netns, probe
from tests.lab.cloud import Cloud
from tests.lab.delay import Line
from tests.lab.scenario import Expected, Scenario
from tests.lab.site import Site

REPEATS, TALKS = 5, 3
ALLOCATIONS = 40
TIMES_C = 2.0
SECONDS, SIZE, PAIRS = 5.0, 182, 5  # as the calls that the probe measures with
PACE_MS = 20
LOSS = 2.0  # per cent, each way
LINES: Mapping[str, Line | None] = {"no fault": None, f"{LOSS:g} % lost each way": Line(delay_ms=20, loss_percent=LOSS)}
NUMBERS = count(40)  # of sites
CLIENT = "turnutils_uclient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Talked:
    """What a program says of the packets it had relayed, and what was seen on the cable."""

    lost_percent: float
    round_trip: float
    """Seconds."""
    seen: Relayed
    busy: bool = False
    """Whether the program says itself that this machine had no time for it."""


def figures() -> Iterable[Figure]:
    """Measure in the lab; nothing where the lab or the other client cannot be."""
    if reason := netns.why_not() or ("" if shutil.which(CLIENT) else f"{CLIENT} is not installed"):
        print(f"nothing is compared with coturn's own client: {reason}")
        return
    with Cloud() as cloud:
        with _site(cloud, None) as site:
            yield from _allocations(site)
        for what, line in LINES.items():
            with _site(cloud, line) as site:
                yield from _relayed(site, what)


def _site(cloud: Cloud, line: Line | None) -> Site:
    return Site(
        cloud, Scenario(title="a line", expect=Expected(exit=0, verdict="pass"), line=line), number=next(NUMBERS)
    )


def _allocations(site: Site) -> Iterable[Figure]:
    ours: list[float] = []
    theirs: list[float] = []
    whole: list[float] = []
    for _ in range(REPEATS):
        with listening(site.lan, "eth0") as wire:
            told = _run(
                site, PYTHON, "-m", "benchmarks.allocating", names.TURN[0].v4, names.TURN_USER, str(ALLOCATIONS)
            )
        whole += json.loads(told)
        ours.append(median(wire.allocations()))
        with listening(site.lan, "eth0") as wire:
            _run(site, *uclient(packets=1, clients=ALLOCATIONS))
        theirs.append(median(wire.allocations()))
    yield Figure(
        name="one allocation, on the cable", value=1000 * median(ours), unit="ms", base=1000 * median(theirs),
        samples=tuple(1000 * one for one in ours), against=f"{CLIENT}: from the first request to the success",
        limit=2000 * median(theirs), goal=f"at most {TIMES_C:g} times",
    )  # fmt: skip
    yield Figure(
        name="the same with its socket, as the probe's user waits", value=1000 * median(whole), unit="ms",
        base=1000 * median(ours), against="that on the cable", limit=float("inf"), goal="none",
    )  # fmt: skip


def uclient(*, packets: int, clients: int) -> list[str]:
    """Give the command of coturn's client: pairs of clients that send each other packets like those of voice."""
    command = [CLIENT, "-y", "-c", "-m", str(clients), "-n", str(packets), "-l", str(SIZE), "-z", str(PACE_MS)]
    return [*command, "-u", names.TURN_USER, "-w", names.TURN_PASSWORD, names.TURN[0].v4]


def _run(site: Site, *command: str) -> str:
    done = subprocess.run(  # noqa: S603 - programs of ours and of the lab's
        site.enter(*command), env=probe.environment(site), capture_output=True, text=True, check=False, timeout=180
    )
    return done.stdout


def _relayed(site: Site, what: str) -> Iterable[Figure]:
    ours, theirs = ([talk(site) for _ in range(TALKS)] for talk in (_ours, _theirs))
    ours = [one for one in ours if not one.busy] or ours
    seen = [(one.seen.round_trip * 1000, one.seen.lost_percent) for one in (ours[0], theirs[0])]
    yield Figure(
        name=f"{what}: round trip as told, error", unit="ms", limit=float("inf"), goal="none",
        value=median(map(_off, ours)), samples=tuple(map(_off, ours)), base=median(map(_off, theirs)),
        against=f"{CLIENT}'s error; {seen[0][0]:.2g} and {seen[1][0]:.2g} ms on the cable in the first runs",
    )  # fmt: skip
    yield Figure(
        name=f"{what}: packets lost as told, worst error", unit="%", limit=0.0, goal="none",
        value=max(map(_missed, ours)), samples=tuple(map(_missed, ours)), base=max(map(_missed, theirs)),
        against=f"{CLIENT}'s; {seen[0][1]:.2g} and {seen[1][1]:.2g} % lost on the cable in the first runs",
    )  # fmt: skip


def _off(talked: Talked) -> float:
    return 1000 * abs(talked.round_trip - talked.seen.round_trip)


def _missed(talked: Talked) -> float:
    return round(abs(talked.lost_percent - talked.seen.lost_percent), 6)


def _ours(site: Site) -> Talked:
    report = site.folder / "turn.json"
    more = ["--only", "bandwidth/voice-quality", "--quality-seconds", f"{SECONDS:g}", "--quiet", "--json", str(report)]
    with listening(site.lan, "eth0") as wire:
        measure(probe.command(site, *more), inside=site.enter(), accept=(0, 1, 3), environment=probe.environment(site))
    checks: list[dict[str, Any]] = json.loads(report.read_text("utf-8"))["checks"]
    check = next(one for one in checks if one["kind"] == "quality" and one["target"]["transport"] == "udp")
    told = check["measured"]
    if not told:
        return Talked(lost_percent=float("nan"), round_trip=float("nan"), seen=wire.relayed(), busy=True)
    return Talked(
        lost_percent=told["loss_percent"]["value"], round_trip=2 * told["delay_ms"]["value"] / 1000, seen=wire.relayed()
    )


def _theirs(site: Site) -> Talked:
    with listening(site.lan, "eth0") as wire:
        text = _run(site, *uclient(packets=round(SECONDS * 1000 / PACE_MS), clients=2 * PAIRS))
    return Talked(
        lost_percent=number(r"Total lost packets \d+ \(([\d.]+)%\)", text),
        round_trip=number(r"Average round trip delay ([\d.]+) ms", text) / 1000,
        seen=wire.relayed(),
    )


def number(pattern: str, text: str) -> float:
    """Return the last number in *text* that *pattern* finds; not a number if there is none."""
    found = re.findall(pattern, text)
    return float(found[-1]) if found else float("nan")


if __name__ == "__main__":
    sys.stdout.write(table(figures()) + "\n")
