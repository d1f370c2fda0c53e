"""The whole run at simulated sites: with 50 ms of round trip, and where everything is dropped.

Beside it, on the same targets at the same site, what a user would take instead: curl and blackbox_exporter.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from benchmarks import others
from benchmarks.chains import longest
from benchmarks.figures import Figure, table
from benchmarks.guide import Group, write
from benchmarks.processes import PYTHON, CommandError, Measured, measure
from tests.lab import names, netns, probe
from tests.lab.cloud import Cloud
from tests.lab.scenario import Dns, Expected, Firewall, Scenario
from tests.lab.site import Site

ROUND_TRIP = 50.0  # milliseconds
REPEATS = 5
BUDGET = 8.0  # seconds: --timeout
SPARE = 0.5  # seconds allowed beside what the network takes
TIMES_CHAIN = 1.3
PEAK = 60.0  # megabytes
OPEN = Scenario(title="open", expect=Expected(exit=0, verdict="pass"))
DROPPED = Scenario(
    title="everything dropped",
    expect=Expected(exit=1, verdict="fail"),
    firewall=Firewall(default="drop"),
    dns=Dns(silent=True),
)


def figures() -> Iterable[Figure]:
    """Measure in the lab; nothing where the lab cannot be."""
    if reason := netns.why_not():
        print(f"no lab on this machine, so nothing is measured in it: {reason}")
        return
    with Cloud() as cloud:
        with Site(cloud, OPEN, delay_ms=ROUND_TRIP) as site:
            yield from _open(site)
            yield from _beside_others(site)
        with Site(cloud, DROPPED) as site:
            yield _dropped(site)


def _open(site: Site) -> Iterable[Figure]:
    runs = [_run(site, accept=(0,)) for _ in range(REPEATS)]
    took = median(measured.seconds for measured, _ in runs)
    chain = median(seconds for _, seconds in runs)
    yield Figure(
        name=f"a whole run, {ROUND_TRIP:g} ms round trip",
        value=took,
        unit="s",
        base=chain,
        against="the longest dependent chain of its steps",
        limit=TIMES_CHAIN * chain + SPARE,
        goal=f"at most {TIMES_CHAIN:g} times and {SPARE:g} s",
    )
    yield Figure(
        name="peak memory of a whole run",
        value=max(measured.peak_mb for measured, _ in runs),
        unit="MB",
        base=measure([PYTHON, "-c", "import asyncio, ssl, argparse, json, dataclasses"]).peak_mb,
        against="python with asyncio, ssl, argparse, json, dataclasses",
        limit=PEAK,
        goal=f"at most {PEAK:g} MB",
    )


def _dropped(site: Site) -> Figure:
    took = median(_run(site, accept=(1, 3))[0].seconds for _ in range(3))
    return Figure(
        name="a whole run where everything is dropped",
        value=took,
        unit="s",
        base=BUDGET,
        against="the time one check has (--timeout)",
        limit=BUDGET + SPARE,
        goal=f"at most that and {SPARE:g} s",
    )


def _run(site: Site, *, accept: Sequence[int]) -> tuple[Measured, float]:
    """Run the probe once at *site*; give what it took and its longest chain."""
    report = site.folder / "benchmark.json"
    command = probe.command(site, "--timeout", f"{BUDGET:g}", "--quiet", "--json", str(report))
    measured = measure(command, inside=site.enter(), accept=accept, environment=probe.environment(site))
    return measured, longest(json.loads(report.read_text("utf-8")))


def _groups() -> list[tuple[Group, str]]:
    """List what all three tools can do, pages over HTTPS and TLS from the first byte, with the CA that signs them."""
    any_page = '{ expect = "any" }'
    pages = Group(
        id="pages", kind="https", hosts=_named(names.REST, *names.WEB), port=443, transport="tls", params=any_page
    )
    agent = Group(
        id="agent",
        kind="https",
        hosts=_named(names.AGENT),
        port=443,
        transport="tls",
        issuer="operator",
        params=any_page,
    )
    turn = Group(id="turn", kind="push", hosts=_named(*names.TURN), port=443, transport="tls")
    fcm, apns = _named(*names.FCM), _named(*names.APNS)
    return [
        *((group, "public") for group in (pages, turn)),
        (agent, "operator"),
        *((_push(fcm, port, "public"), "public") for port in names.FCM_PORTS),
        *((_push(apns, port, "apple"), "apple") for port in names.APNS_PORTS),
    ]


def _named(*hosts: names.Host) -> tuple[str, ...]:
    return tuple(host.name for host in hosts)


def _push(hosts: tuple[str, ...], port: int, issuer: str) -> Group:
    return Group(id=f"{issuer}-{port}", kind="push", hosts=hosts, port=port, transport="tls", issuer=issuer)


def _targets(site: Site) -> list[others.Target]:
    schemes = {"https": "https", "push": "tls"}
    return [
        others.Target(url=f"{schemes[group.kind]}://{host}:{group.port}", ca=str(site.cloud.pki.ca(ca)))
        for group, ca in _groups()
        for host in group.hosts
    ]


def _beside_others(site: Site) -> Iterable[Figure]:
    if lacking := others.missing():
        print(f"not installed, so not compared with: {', '.join(lacking)}")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = [_ours(site, folder) for _ in range(REPEATS)]
        curl = [_theirs("curl", site, folder) for _ in range(3)]
        blackbox = [_theirs("blackbox", site, folder) for _ in range(REPEATS)]
    whole, probing = (median(run[n] for run in ours) for n in (0, 1))
    sequential = median(result["seconds"] for _, result in curl)
    parallel = median(result["seconds"] for _, result in blackbox)
    started = median(seconds for seconds, _ in blackbox)
    yield Figure(
        name=f"{len(_targets(site))} probes all can do, start to exit",
        value=whole,
        unit="s",
        base=sequential,
        against="curl and openssl, one after the other",
        limit=sequential / 8,
        goal="at most an eighth",
    )
    yield Figure(
        name="the same, without the start of the program",
        value=probing,
        unit="s",
        base=parallel,
        against="blackbox_exporter, running already and asked for all at once",
        limit=parallel,
        goal="not slower",
    )
    yield Figure(
        name="the same, start to exit",
        value=whole,
        unit="s",
        base=started,
        against="blackbox_exporter, started, asked for all at once by a Python program, and stopped",
        limit=float("inf"),
        goal="none",
    )


def _ours(site: Site, folder: Path) -> tuple[float, float]:
    """Give the seconds from start to exit, and those of the run itself, as it reports them."""
    guide, report = write(folder / "guide", [group for group, _ in _groups()]), folder / "report.json"
    command = probe.command(site, "--guide", str(guide), "--quiet", "--json", str(report))
    measured = measure(command, inside=site.enter(), environment=probe.environment(site))
    return measured.seconds, float(json.loads(report.read_text("utf-8"))["duration_s"])


def _theirs(tool: str, site: Site, folder: Path) -> tuple[float, others.Result]:
    targets, file = folder / "targets.json", folder / "result.json"
    targets.write_text(json.dumps(_targets(site)))
    command = [PYTHON, "-m", "benchmarks.others", tool, str(targets), str(file)]
    measured = measure(command, inside=site.enter(), environment=probe.environment(site))
    result: others.Result = json.loads(file.read_text())
    if result["worked"] != len(_targets(site)):
        raise CommandError(f"{tool}: only {result['worked']} of {len(_targets(site))} probes worked")
    return measured.seconds, result


if __name__ == "__main__":
    sys.stdout.write(table(figures()) + "\n")
