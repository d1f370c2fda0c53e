"""How right the quality of voice is measured, and at what price: against a line that writes down what it did.

Beside it, on the same server in the same run: coturn's own client. ``python -m benchmarks.voice FILE`` puts the
table of errors into a page.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import fmean, median
from typing import Any

from benchmarks.figures import Figure, table
from benchmarks.processes import measure
from rainbow_probe.protocols.streams import Trace, jitter, transit
from tests.lab import names, netns, probe
from tests.lab.cloud import Cloud
from tests.lab.delay import Line
from tests.lab.scenario import Expected, Scenario
from tests.lab.site import Site

RUNS = 10
SECONDS = 5.0
TRIES = 3  # of a run for which this machine had no time
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
ROW = "bandwidth/voice-quality"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run: what the probe said, and what the line did to the same packets."""

    loss: float
    low: float
    high: float
    true_loss: float
    delay: float
    true_delay: float
    jitter: float
    true_jitter: float
    facts: Mapping[str, Any]
    seconds: float

    @property
    def jitter_error(self) -> float:
        """Share of the truth, where that is more than the floor; of the floor where it is less."""
        return abs(self.jitter - self.true_jitter) / max(self.true_jitter, FLOOR_MS / WITHIN_SHARE * WITHIN_SHARE)


def truth(log: Path) -> tuple[float, float, float]:
    """Return loss in per cent, delay of one way and jitter in milliseconds, of the calls of which *log* tells.

    A packet goes up to the relay and comes down again; what the line did to it both times is what a measurement sees.
    """
    traces: dict[int, dict[int, list[tuple[float, float]]]] = {}
    for line in log.read_text("ascii").splitlines():
        way, source, sequence, came, went = line.split()
        passes = traces.setdefault(int(source), {}).setdefault(int(sequence), [(0.0, -1.0)] * 2)
        passes[way == "down"] = float(came), float(went)
    whole = [packets for packets in traces.values() if _both_ways(packets)]
    most = max(len(packets) for packets in whole)
    found = [_trace(packets) for packets in whole if len(packets) > most / 2]  # the calls, and not what is marked
    sent, there = sum(len(one.sent) for one in found), sum(len(one.arrived) for one in found)
    return 100 * (1 - there / sent), transit(found).value / 2, jitter(found).value


def _both_ways(packets: Mapping[int, list[tuple[float, float]]]) -> bool:
    """Tell whether a stream went up and down as datagrams; what goes one way over TCP is not seen there."""
    passes = list(packets.values())
    return all(up[0] for up, _ in passes) and any(down[0] for _, down in passes)


def _trace(packets: Mapping[int, list[tuple[float, float]]]) -> Trace:
    """Make a stream of what the line did: the sum of both passes is the transit of a packet."""
    ordered = sorted(packets.values(), key=lambda passes: passes[0][0])
    trace = Trace(sent=[up[0] for up, _ in ordered])
    took = [(n, up[0] + (up[1] - up[0]) + (down[1] - down[0])) for n, (up, down) in enumerate(ordered) if down[1] >= 0]
    trace.arrived = sorted(took, key=lambda one: one[1])
    return trace


def run(site: Site, log: Path) -> Measured | None:
    """Measure once at *site*, whose line writes *log*; None if this machine had no time."""
    log.write_text("", "ascii")
    report = site.folder / "voice.json"
    command = probe.command(site, "--only", ROW, "--quality-seconds", f"{SECONDS:g}", "--quiet", "--json", str(report))
    took = measure(command, inside=site.enter(), accept=(0, 1, 3), environment=probe.environment(site))
    checks = json.loads(report.read_text("utf-8"))["checks"]
    check = next(one for one in checks if one["kind"] == "quality" and one["target"]["transport"] == "udp")
    told = check.get("measured")
    if told is None:
        return None
    loss, delay, jit = truth(log)
    return Measured(
        loss=told["loss_percent"]["value"],
        low=told["loss_percent"]["low"],
        high=told["loss_percent"]["high"],
        true_loss=loss,
        delay=told["delay_ms"]["value"],
        true_delay=delay,
        jitter=told["jitter_ms"]["value"],
        true_jitter=jit,
        facts=next(step["facts"] for step in check["steps"] if step["phase"] == "media"),
        seconds=took.seconds,
    )


def runs(cloud: Cloud, line: Line, number: int) -> list[Measured]:
    """Measure so many times behind *line*."""
    scenario = Scenario(title="a line", expect=Expected(exit=0, verdict="pass"), line=line)
    with Site(cloud, scenario, number=next(NUMBERS)) as site:
        log = site.folder / "line.log"
        found = (run(site, log) for _ in range(number * TRIES))
        return [one for one, _ in zip((one for one in found if one), range(number), strict=False)]


def beside(cloud: Cloud) -> dict[str, float]:
    """Let coturn's own client do the same: five pairs of clients, as many packets, as large and as fast."""
    with Site(cloud, Scenario(title="open", expect=Expected(exit=0, verdict="pass")), number=next(NUMBERS)) as site:
        packets, size = round(SECONDS / 0.02), 182
        command = ["turnutils_uclient", "-y", "-m", "10", "-n", str(packets), "-l", str(size), "-z", "20", "-c"]
        command += ["-u", names.TURN_USER, "-w", names.TURN_PASSWORD, names.TURN[0].v4]
        done = subprocess.run(  # noqa: S603 - a program of the lab's
            site.enter(*command), capture_output=True, text=True, check=False, timeout=120
        )
    text = done.stdout + done.stderr
    return {
        "lost": _number(r"Total lost packets \d+ \(([\d.]+)%\)", text),
        "round trip": _number(r"Average round trip delay ([\d.]+) ms", text),
        "jitter": _number(r"Average jitter ([\d.]+) ms", text),
    }


def _number(pattern: str, text: str) -> float:
    found = re.findall(pattern, text)
    return float(found[-1]) if found else float("nan")


def figures(number: int = RUNS) -> Iterable[Figure]:
    """Measure in the lab; nothing where the lab cannot be."""
    if reason := netns.why_not():
        print(f"no lab on this machine, so nothing is measured in it: {reason}")
        return
    with Cloud() as cloud:
        every = {name: runs(cloud, line, number) for name, line in PLANTED.items()}
        theirs = beside(cloud)
    for name, found in every.items():
        yield from _errors(name, PLANTED[name], found)
    yield from _price(every["nothing"], theirs)


def _errors(name: str, line: Line, found: list[Measured]) -> Iterable[Figure]:
    planted = 100 * (1 - (1 - line.loss_percent / 100) ** 2)
    held = sum(one.low <= planted <= one.high for one in found)
    yield Figure(
        name=f"{name}: delay, worst error of {len(found)}", unit="ms", limit=WITHIN_MS, goal=f"{WITHIN_MS:g} ms",
        value=max(abs(one.delay - one.true_delay) for one in found), base=fmean(one.true_delay for one in found),
        against="the line's own log, the mean of one way",
    )  # fmt: skip
    yield Figure(
        name=f"{name}: jitter, worst error of {len(found)}", unit="ms", goal=f"5 %, or {FLOOR_MS:g} ms",
        value=max(abs(one.jitter - one.true_jitter) for one in found), base=fmean(one.true_jitter for one in found),
        limit=max(FLOOR_MS, WITHIN_SHARE * fmean(one.true_jitter for one in found)),
        against="the line's own log",
    )  # fmt: skip
    yield Figure(
        name=f"{name}: intervals that miss what was planted", unit="", value=len(found) - held, base=len(found),
        limit=max(1, len(found) // 5), goal="5 in 100; so few runs may have more by chance",
        against=f"all runs; planted {planted:.2g} % up and down, measured {fmean(one.loss for one in found):.2g} %",
    )  # fmt: skip


def _price(found: list[Measured], theirs: Mapping[str, float]) -> Iterable[Figure]:
    yield Figure(
        name="a packet leaves after its time, 99th percentile", unit="ms", limit=LATE_MS, goal=f"{LATE_MS:g} ms",
        value=median(one.facts["late_p99_ms"] for one in found), base=20.0, against="the time between two packets",
    )  # fmt: skip
    yield Figure(
        name="share of a core for one call", unit="%", limit=CPU_PER_CENT, goal=f"{CPU_PER_CENT:g} %",
        value=median(one.facts["cpu_percent"] for one in found) / 5, base=100.0, against="a core",
    )  # fmt: skip
    yield Figure(
        name="round trip through the relay", unit="ms", limit=float("inf"), goal="none",
        value=2 * median(one.delay for one in found), base=theirs["round trip"],
        against=f"turnutils_uclient on the same server: jitter {theirs['jitter']:.2g} ms, lost {theirs['lost']:g} %",
    )  # fmt: skip


def main(arguments: list[str]) -> int:
    """Print the figures, or write them into a page below its last heading."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.voice", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("page", nargs="?", type=Path, metavar="FILE", help="a page to put the table into")
    options = parser.parse_args(arguments)
    found = list(figures(options.runs))
    print(table(found))
    if options.page and found:
        page = options.page.read_text("utf-8").partition("\n<!-- measured -->\n")[0]
        lines = [f"| {f.name} | {f.value:.2g} {f.unit} | {f.base:.3g} | {f.goal} |".replace("  ", " ") for f in found]
        head = "| what | measured | beside it | goal |\n|---|---|---|---|\n"
        options.page.write_text(f"{page}\n<!-- measured -->\n\n{head}" + "\n".join(lines) + "\n", "utf-8")
    return 1 if any(not one.met for one in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
