"""The main job's own needs of the machine it runs on."""

from __future__ import annotations

from tests.commands import rainbow_probe


def test_a_low_limit_of_open_files_costs_no_verdict() -> None:
    """Some systems let a process begin with 256 open files; a run needs more, and takes them."""
    ended = rainbow_probe("demo", "--json", "-", "--quiet", prefix=["sh", "-c", 'ulimit -S -n 128; exec "$@"', "sh"])
    assert ended.status == 0, ended.err
    assert {check["outcome"] for check in ended.report["checks"]} <= {"pass", "skipped"}


def test_a_hard_limit_of_open_files_is_no_network_failure() -> None:
    """Where more cannot be had, what could not be tried is inconclusive, and nothing is blamed on the network."""
    ended = rainbow_probe("demo", "--json", "-", "--quiet", prefix=["sh", "-c", 'ulimit -n 100; exec "$@"', "sh"])
    outcomes = {check["outcome"] for check in ended.report["checks"]}
    assert "fail" not in outcomes
    assert "inconclusive" in outcomes
    assert ended.status == 3
