"""What the benchmarks compute from what they measure."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import allocating, checking, pages, sweep, turn, voice
from benchmarks.chains import chain, longest
from benchmarks.figures import Figure, markdown, table
from benchmarks.guide import Group, write
from benchmarks.processes import CommandError, measure, medians
from benchmarks.scale import Crowd, changed
from benchmarks.wire import Packet, Wire
from rainbow_probe.catalogue import load
from rainbow_probe.demo.loopback import loopback
from rainbow_probe.model import Transport
from tests.servers import ALICE, HOST, OddTurn, listen


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


def test_figures_of_several_runs_show_their_spread() -> None:
    """On the screen and in the table of a page; a goal that is missed is marked there."""
    figure = Figure(
        name="it", value=3.0, unit="s", against="that", base=2.0, limit=2.5, goal="less", samples=(2.0, 3.0, 14.0)
    )
    assert "2 to 14.0, 3 runs" in table([figure])
    assert (
        markdown([figure]).splitlines()[-1] == "| it | 3 s | 2 to 14.0, 3 runs | 2 s: that | 1.50 | **missed**: less |"
    )


def test_figures_go_into_their_place_of_a_page(tmp_path: Path) -> None:
    """What stands around it stays, and a page without that place is left alone."""
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- turn -->\nold\n<!-- end of turn -->\nafter\n", "utf-8")
    assert pages.put(page, "turn", f"new, {pages.where()}")
    assert not pages.put(page, "sweep", "of another part")
    text = page.read_text("utf-8")
    assert text.startswith("before\n<!-- turn -->\n\nnew, 20")
    assert text.endswith("<!-- end of turn -->\nafter\n")
    assert "old" not in text


def test_every_part_can_be_run() -> None:
    """Each has its module with figures, and what is no part is refused."""
    assert benchmarks.main(["nothing-such"]) == 2
    modules = [__import__(f"benchmarks.{name}", fromlist=["figures"]) for name in benchmarks.PARTS]
    assert all(callable(module.figures) for module in modules)


@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [(0, 100, 0.0, 0.0362), (5, 100, 0.0164, 0.1128), (4, 99, 0.0111, 0.1002), (3, 3, 0.2924, 1.0)],
)
def test_the_interval_of_a_count_is_exact(hits: int, tries: int, low: float, high: float) -> None:
    """As the tables of Clopper and Pearson's have it."""
    assert voice.exact(hits, tries) == pytest.approx((low, high), abs=1e-4)


def packet(at: float, port: int, data: bytes, *, outward: bool = True) -> Packet:
    """Give one datagram on the cable."""
    return Packet(at=at, port=port, data=data, outward=outward)


def test_what_passes_on_the_cable_is_told_apart() -> None:
    """Allocations by client port, what came back of what was sent, and a sparse control that does not count."""
    asked, challenge, granted = b"\x00\x03", b"\x01\x13", b"\x01\x03"
    wire = Wire(
        packets=[
            packet(1.0, 7, asked),
            packet(1.1, 7, challenge, outward=False),
            packet(1.3, 7, asked),
            packet(1.5, 7, granted, outward=False),
            *(packet(2.0 + n, 7, b"@\x01\x00\x01" + bytes([n])) for n in range(4)),
            packet(2.0, 8, b"A\x01\x00\x01sparse"),
            *(packet(2.5 + n, 9, b"p\x01\x00\x01" + bytes([n]), outward=False) for n in (0, 1, 3)),
        ]
    )
    assert wire.allocations() == pytest.approx([0.5])
    assert wire.turnarounds() == pytest.approx([0.2])
    relayed = wire.relayed()
    assert (relayed.sent, relayed.back, relayed.round_trip, relayed.lost_percent) == (4, 3, 0.5, 25.0)
    [trace] = wire.streams(1.9, 9.0)
    assert trace.lost == [False, False, True, False]


def test_the_other_clients_words_are_read() -> None:
    """The last of several, and not a number where there is none."""
    text = "Total lost packets 3 (0.2%), x\nTotal lost packets 30 (1.5%)"
    assert turn.number(r"Total lost packets \d+ \(([\d.]+)%\)", text) == 1.5
    assert turn.number(r"jitter ([\d.]+)", text) != turn.number(r"jitter ([\d.]+)", text)


async def test_allocations_and_checks_are_run_by_themselves() -> None:
    """As the benchmarks do it in the lab, here at the demo's TURN server; so they still run."""
    async with loopback() as place:
        port = await listen(OddTurn(place), place, Transport.UDP)
        assert len(await allocating.allocate(HOST, ALICE, 3, port=port)) == 3
        took = await checking.took(checking.job("quality", HOST, ALICE, 0.4, port=port))
    assert took["outcome"] in {"pass", "inconclusive"}, took
    if took["quality"]:  # else this machine was too busy, and says so
        assert set(took["quality"]) == {"loss", "delay", "jitter"}
        assert "late_p99_ms" in took["facts"]


def test_what_is_planted_in_a_sweep() -> None:
    """The rules drop what is not open."""
    planted = sweep.Planted(closed=((50000, 50001),), loss_percent=10)
    assert len(planted.open) == 16384 - 2
    assert "udp dport 50000-50001 drop" in planted.rules
    assert "numgen random mod 100 < 10 drop" in planted.rules


CC = shutil.which("cc") or ""


@pytest.mark.skipif(not CC, reason="platform: no C compiler (cc); the benchmark that wants it says so and goes on")
def test_the_floor_of_a_sweep_answers_itself(tmp_path: Path) -> None:
    """Compiled without a warning; each port of the range answers the plain C loop."""
    floor, first, last = str(tmp_path / "floor"), "20100", "20139"
    measure([CC, "-Wall", "-Wextra", "-Werror", "-o", floor, str(sweep.SOURCE)])
    with subprocess.Popen(  # noqa: S603 - compiled just now
        [floor, "serve", first, last], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as served:
        try:
            if not served.stdout or served.stdout.readline() != b"ready\n":
                return  # somebody else has one of these ports
            asked = subprocess.run(  # noqa: S603 - compiled just now
                [floor, "ask", first, last], capture_output=True, text=True, check=True
            )
        finally:
            served.terminate()
    assert asked.stdout.split()[0] == "40"
