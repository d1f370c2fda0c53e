"""All UDP ports of a range, one by one: the probe at its own responder, beside nmap and a plain C loop.

In a network namespace of its own, where a packet filter drops what is said here. What is planted, what the probe finds
and what nmap finds are compared port by port. nmap gets the same question as payload: empty ones are not answered.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import xml.etree.ElementTree as Xml
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, table
from benchmarks.processes import PROBE, CommandError, measure
from rainbow_probe.protocols.binding import question
from tests.lab import netns, servers
from tests.lab.cloud_servers import PROGRAM
from tests.lab.netns import Namespace

FIRST, LAST = 49152, 65535
HERE = "127.0.0.1"
WHOLE = frozenset(range(FIRST, LAST + 1))
REPEATS = 5
TIMES_C, SHARE_OF_NMAP, WITHIN_S = 4.0, 0.1, 10.0
SOURCE = Path(__file__).with_name("floor.c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """What the packet filter does to datagrams that come in."""

    closed: tuple[tuple[int, int], ...] = ()
    """Intervals whose ports are dropped."""
    loss_percent: int = 0
    """Of all datagrams, questions and answers."""

    @property
    def open(self) -> frozenset[int]:
        """The ports that are open."""
        return WHOLE - {port for first, last in self.closed for port in range(first, last + 1)}

    @property
    def rules(self) -> str:
        """As nft reads it; of packets that come in, so that the sender does not learn of it."""
        drops = [f"udp dport {first}-{last} drop" for first, last in self.closed]
        drops += [f"meta l4proto udp numgen random mod 100 < {self.loss_percent} drop"] if self.loss_percent else []
        return (
            "table inet planted {\nchain inward {\ntype filter hook input priority 0\n" + "\n".join(drops) + "\n}\n}\n"
        )


PLANTED: Mapping[str, Planted] = {
    "a quarter dropped": Planted(closed=((52000, 56089), (60000, 60005))),
    "half of it dropped": Planted(closed=((50000, 50000), (55000, 63190))),
}
LOSSY = Planted(loss_percent=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One sweep: start to exit, the sweep itself, and which ports it calls open."""

    whole: float
    seconds: float
    open: frozenset[int]


@contextmanager
def place(planted: Planted) -> Generator[Namespace]:
    """Make a namespace in which nobody has ports of the range, with a filter that does what is *planted*."""
    space = Namespace("sweep")
    try:
        space.sysctl(f"net.ipv4.ip_local_port_range=32768 {FIRST - 1}")
        space.run("nft", "-f", "-", given=planted.rules)
        yield space
    finally:
        space.delete()


@contextmanager
def serving(space: Namespace, command: Iterable[str], folder: Path) -> Generator[None]:
    """Run *command*, which answers on the range, until the block ends."""
    server = servers.start(space, "answers", [*command], folder=folder, ports=["log/ready"], environment=PROGRAM)
    try:
        server.wait()
        yield
    finally:
        server.stop()


def responder() -> list[str]:
    """Give the command of the probe's own responder."""
    more = ["--udp", f"{FIRST}-{LAST}", "--bind", HERE, "--rate", "100000", "--for", "10m"]
    return [sys.executable, "-m", "rainbow_probe", "responder", *more]


def ours(space: Namespace, folder: Path) -> Swept:
    """Sweep with the probe, as its user does."""
    report = folder / "report.json"
    command = [PROBE, "run", "--only", "desktop/p2p-lan", "--peer", f"client={HERE}", "--proxy", "none", "--no-store"]
    took = measure([*command, "--quiet", "--json", str(report)], inside=space.enter(), accept=(0, 1, 3))
    check = next(one for one in json.loads(report.read_text("utf-8"))["checks"] if one["kind"] == "sweep")
    if check["measured"] is None:
        raise CommandError(f"the sweep came to nothing: {check['reason']}")
    found = {
        port
        for one in check["measured"]["intervals"]
        for port in range(one["first"], one["last"] + 1)
        if one["state"] == "open"
    }
    return Swept(whole=took.seconds, seconds=check["took_ms"] / 1000, open=frozenset(found))


def nmap(space: Namespace, folder: Path) -> Swept:
    """Sweep with nmap, which believes in no port that did not answer; the seconds are its own count."""
    result = folder / "nmap.xml"
    asked = question("", transaction=b"not a secret").hex()
    command = ["nmap", "-sU", "-T4", "-n", "-Pn", "-p", f"{FIRST}-{LAST}", "--data", asked, "-oX", str(result), HERE]
    took = measure(command, inside=space.enter())
    run = Xml.parse(result).getroot()  # noqa: S314 - written by a program that we have started
    seconds = run.find("runstats/finished")
    states = {
        int(port.get("portid", "0")): state.get("state")
        for port in run.iter("port")
        if (state := port.find("state")) is not None
    }
    found = frozenset(port for port, state in states.items() if state == "open")
    return Swept(
        whole=took.seconds, seconds=float(seconds.get("elapsed", "nan") if seconds is not None else "nan"), open=found
    )


def figures() -> Iterable[Figure]:
    """Measure in namespaces; nothing where there can be none."""
    if reason := netns.why_not():
        print(f"no namespaces on this machine, so nothing is measured in them: {reason}")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _beside_c(folder)
        yield from _whole("open", Planted(), folder)
        yield from _whole("10 % of all datagrams lost", LOSSY, folder)
        if shutil.which("nmap") is None:
            print("nmap is not installed, so nothing is compared with it")
            return
        for what, planted in PLANTED.items():
            yield from _beside_nmap(what, planted, folder)


def _beside_c(folder: Path) -> Iterable[Figure]:
    floor = folder / "floor"
    if shutil.which("cc") is None:
        print("no C compiler (cc) on this machine, so nothing is compared with a plain C loop")
        return
    measure(["cc", "-O2", "-o", str(floor), str(SOURCE)])
    span = [str(FIRST), str(LAST)]
    with ExitStack() as stack:
        space = stack.enter_context(place(Planted()))
        stack.enter_context(serving(space, [str(floor), "serve", *span], folder))
        runs = [(ours(space, folder), space.run(str(floor), "ask", *span).split()) for _ in range(REPEATS)]
    theirs = [float(seconds) for _, (_, seconds) in runs]
    took = tuple(one.seconds for one, _ in runs)
    if any(int(count) != len(WHOLE) for _, (count, _) in runs):
        print("the C loop, which asks once only, has missed ports: this machine had no time for it")
    yield Figure(
        name="a sweep of 16,384 open ports", value=median(took), unit="s", samples=took, base=median(theirs),
        against="a plain C loop, once through, at the same responder in C",
        limit=TIMES_C * median(theirs), goal=f"at most {TIMES_C:g} times",
    )  # fmt: skip


def _whole(what: str, planted: Planted, folder: Path) -> Iterable[Figure]:
    with place(planted) as space, serving(space, responder(), folder):
        runs = [ours(space, folder) for _ in range(REPEATS)]
    took = tuple(one.whole for one in runs)
    yield Figure(
        name=f"start to exit at our responder, {what}", value=median(took), unit="s", samples=took,
        base=median(one.seconds for one in runs), against="the sweep itself", limit=WITHIN_S, goal=f"{WITHIN_S:g} s",
    )  # fmt: skip
    yield _wrong(f"ports judged wrongly, {what}", planted, runs, [])


def _beside_nmap(what: str, planted: Planted, folder: Path) -> Iterable[Figure]:
    with place(planted) as space, serving(space, responder(), folder):
        runs = [(ours(space, folder), nmap(space, folder)) for _ in range(3)]
    theirs = median(one.seconds for _, one in runs)
    took = tuple(one.seconds for one, _ in runs)
    yield Figure(
        name=f"a sweep, {what}", value=median(took), unit="s", samples=took, base=theirs, against="nmap -sU -T4",
        limit=SHARE_OF_NMAP * theirs, goal="at most a tenth",
    )  # fmt: skip
    whole = tuple(one.whole for one, _ in runs)
    yield Figure(
        name=f"start to exit, {what}", value=median(whole), unit="s", samples=whole,
        base=median(one.whole for _, one in runs), against="nmap -sU -T4", limit=float("inf"), goal="none",
    )  # fmt: skip
    yield _wrong(f"ports judged wrongly, {what}", planted, [one for one, _ in runs], [one for _, one in runs])


def _wrong(name: str, planted: Planted, runs: list[Swept], theirs: list[Swept]) -> Figure:
    """Count the ports, of all runs, that are open and were not called so, or the other way round."""
    wrong, nmaps = (sum(len(one.open ^ planted.open) for one in some) for some in (runs, theirs))
    agreed = sum(one.open == other.open for one, other in zip(runs, theirs, strict=False))
    beside = f"nmap, which agrees in {agreed} of {len(theirs)} runs to the port" if theirs else "none is allowed"
    return Figure(name=name, value=wrong, unit="", base=nmaps, against=beside, limit=0, goal="none")


if __name__ == "__main__":
    sys.stdout.write(table(figures()) + "\n")
