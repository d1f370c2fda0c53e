"""Five hundred flows at once, live, refused and mute ones mixed: is any verdict lost or changed?"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.cloud import Cloud, cloud
from benchmarks.figures import Figure, table
from benchmarks.guide import Group, write
from benchmarks.processes import PROBE, Measured, measure

TIMEOUT = 6.0  # seconds one check has; the mute ones take five eighths of it
ANY_END = (0, 1, 3)
PEAK = 60.0  # megabytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """A group of flows and the loopback port that plays their server."""

    group: Group
    to: int


@contextmanager
def dead_ports() -> Generator[tuple[int, int]]:
    """Give a port that refuses, over TCP and UDP, and one that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as mute, socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: nobody else listens there, and it refuses
        yield held.getsockname()[1], mute.getsockname()[1]


def crowds(where: Cloud, refused: int, mute: int) -> list[Crowd]:
    """Five hundred flows in classes; all of a class must end alike."""
    ports = where["ports"]
    couriers = tuple(f"{n}-courier.push.apple.com" for n in range(1, 51))
    mtalk = ("mtalk.google.com", *(f"alt{n}-mtalk.google.com" for n in range(1, 9)))
    turn = "turn-gra1.openrainbow.health"
    apple = Group(id="apple", kind="push", hosts=couriers, port=443, transport="tls", issuer="apple")
    google = Group(id="google", kind="push", hosts=mtalk, port=5228, transport="tls")
    return [
        Crowd(group=apple, to=ports[f"{couriers[0]}:443/tcp"]),
        *(_google(google, port, ports[f"{mtalk[0]}:{port}/tcp"]) for port in (5228, 5229, 5230, 443)),
        _turn("live-udp", 150, "udp", ports[f"{turn}:3478/udp"]),
        _turn("live-tcp", 100, "tcp", ports[f"{turn}:80/tcp"]),
        _turn("refused-udp", 50, "udp", refused),
        _turn("refused-tcp", 60, "tcp", refused),
        _turn("mute-tcp", 54, "tcp", mute),
    ]


def _google(group: Group, port: int, to: int) -> Crowd:
    return Crowd(group=replace(group, id=f"google-{port}", port=port), to=to)


def _turn(name: str, count: int, transport: str, to: int) -> Crowd:
    hosts = tuple(f"{name}-{number}.example.org" for number in range(count))
    return Crowd(group=Group(id=name, kind="turn", hosts=hosts, port=3478, transport=transport), to=to)


def verdicts(crowd: Iterable[Crowd], where: Cloud, folder: Path) -> tuple[dict[str, str], Measured]:
    """Run the probe on *crowd*; give each check's outcome and failure, and what the run took."""
    chosen = list(crowd)
    maps = [f"{host}:{c.group.port}=127.0.0.1:{c.to}" for c in chosen for host in c.group.hosts]
    site = folder / "site.toml"
    site.write_text(f"map = {json.dumps(maps)}\npublic_ca = {json.dumps([where['public_ca']])}\nproxy = 'none'\n")
    guide, report = write(folder / "guide", [c.group for c in chosen]), folder / "report.json"
    command = [PROBE, "run", "--guide", str(guide), "--site", str(site), "--timeout", str(TIMEOUT), "--quiet"]
    measured = measure([*command, "--json", str(report)], accept=ANY_END)
    checks: list[dict[str, Any]] = json.loads(report.read_text())["checks"]
    return {_key(check): _ending(check) for check in checks if check["kind"] != "portal"}, measured


def _key(check: Mapping[str, Any]) -> str:
    return f"{check['target']['host']}:{check['target']['port']}/{check['target']['transport']}"


def _ending(check: Mapping[str, Any]) -> str:
    failure = check["failure"]
    return f"{check['outcome']} {failure['phase']} {failure['cause']}" if failure else str(check["outcome"])


def changed(crowd: Iterable[Crowd], alone: Mapping[str, str], together: Mapping[str, str]) -> list[str]:
    """List the checks of *crowd* that did not end as the first of their class did *alone*."""
    return [
        key
        for c in crowd
        for host in c.group.hosts
        if together.get(key := f"{host}:{c.group.port}/{c.group.transport}")
        != alone[f"{c.group.hosts[0]}:{c.group.port}/{c.group.transport}"]
    ]


def figures() -> Iterable[Figure]:
    """Run one flow of each class, then all together."""
    with tempfile.TemporaryDirectory() as name, cloud(Path(name)) as where, dead_ports() as (refused, mute):
        crowd = crowds(where, refused, mute)
        first = [replace(c, group=replace(c.group, hosts=c.group.hosts[:1])) for c in crowd]
        alone, small = verdicts(first, where, Path(name))
        together, large = verdicts(crowd, where, Path(name))
    count = sum(len(c.group.hosts) for c in crowd)
    lost = changed(crowd, alone, together)
    yield Figure(
        name=f"verdicts lost or changed, of {count} flows at once",
        value=len(lost), unit="", base=0, limit=0, goal="none",
        against="one flow of each class alone" + (f"; first: {lost[0]}" if lost else ""),
    )  # fmt: skip
    yield Figure(
        name=f"{count} flows at once, a tenth of them mute",
        value=large.seconds, unit="s", base=small.seconds, limit=float("inf"), goal="none",
        against=f"{len(crowd)} flows, one of each class",
    )  # fmt: skip
    yield Figure(
        name=f"peak memory with {count} flows", value=large.peak_mb, unit="MB", base=small.peak_mb,
        limit=PEAK, goal=f"at most {PEAK:g} MB", against=f"{len(crowd)} flows",
    )  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(table(figures()) + "\n")
