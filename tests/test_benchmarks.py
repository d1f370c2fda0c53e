"""What the benchmarks compute from what they measure."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.chains import chain, longest
from benchmarks.figures import Figure, table
from benchmarks.guide import Group, write
from benchmarks.processes import CommandError, measure, medians
from benchmarks.scale import Crowd, changed
from rainbow_probe.catalogue import load


def step(at: float, took: float) -> dict[str, float]:
    """One step of a report."""
    return {"at_ms": at, "took_ms": took}


@pytest.mark.parametrize(
    ("steps", "seconds"),
    [
        ([], 0.0),
        ([step(0, 50), step(50, 100)], 0.15),
        ([step(0, 50), step(60, 100)], 0.15),
        ([step(0, 50), step(50, 100), step(50, 80)], 0.15),
        ([step(50, 100), step(0, 200)], 0.2),
    ],
)
def test_a_chain_is_the_time_in_which_a_step_went_on(steps: list[dict[str, float]], seconds: float) -> None:
    """One after the other adds up, at the same time counts once, and a gap is not counted."""
    assert chain(steps) == pytest.approx(seconds)


def test_the_longest_chain_is_that_of_the_slowest_check() -> None:
    """Checks run at the same time; a run without checks has none."""
    checks = [{"steps": [step(0, 50)]}, {"steps": [step(0, 50), step(50, 70)]}]
    assert longest({"checks": checks}) == pytest.approx(0.12)
    assert longest({"checks": []}) == 0.0


@pytest.mark.parametrize(("value", "mark"), [(2.9, "ok"), (3.0, "ok"), (3.1, "MISS")])
def test_a_missed_goal_is_told(value: float, mark: str) -> None:
    """The goal itself is still reached; the ratio stands beside it."""
    figure = Figure(name="it", value=value, unit="s", against="that", base=1.0, limit=3.0, goal="3 times")
    assert figure.met is (mark == "ok")
    line = table([figure]).splitlines()[1]
    assert line.startswith(mark)
    assert f"{value:.2f}" in line


def test_a_command_is_measured() -> None:
    """Its wall time, its peak memory and its exit status."""
    idle = measure([sys.executable, "-c", "pass"])
    heavy = measure([sys.executable, "-c", "x = b'x' * 100_000_000; raise SystemExit(3)"], accept=[3])
    assert idle.seconds > 0
    assert heavy.status == 3
    assert heavy.peak_mb > idle.peak_mb + 90


def test_a_command_that_fails_is_no_measurement() -> None:
    """It says which command, and what it printed."""
    with pytest.raises(CommandError, match="some words"):
        measure([sys.executable, "-c", "print('some words'); raise SystemExit(1)"])


def test_medians_keep_their_names() -> None:
    """One median a command."""
    took = medians({"a": [sys.executable, "-c", "pass"], "b": [sys.executable, "-c", "pass"]}, repeats=1)
    assert set(took) == {"a", "b"}


def test_a_benchmark_guide_is_a_guide(tmp_path: Path) -> None:
    """The catalogue reads what the benchmarks write."""
    group = Group(id="push", kind="push", hosts=("a.example", "b.example"), port=443, transport="tls", issuer="apple")
    guide = load(write(tmp_path / "guide", [group]), {"push"})
    assert guide.hosts["push"].names == group.hosts
    assert [row.id for row in guide.rows] == ["all/flows"]


def test_a_changed_or_lost_verdict_is_seen() -> None:
    """Every flow must end as the first of its class did alone."""
    group = Group(id="turn", kind="turn", hosts=("a", "b", "c"), port=3478, transport="udp")
    together = {"a:3478/udp": "pass", "b:3478/udp": "fail stun timeout"}
    assert changed([Crowd(group=group, to=1)], {"a:3478/udp": "pass"}, together) == ["b:3478/udp", "c:3478/udp"]


def test_the_stopwatch_writes_json(tmp_path: Path) -> None:
    """One file, that a benchmark inside a namespace can leave for one outside."""
    from benchmarks import stopwatch

    file = tmp_path / "took.json"
    assert stopwatch.main(str(file), sys.executable, "-c", "raise SystemExit(4)") == 4
    assert json.loads(file.read_text())["status"] == 4
