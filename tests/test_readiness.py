"""The main job's own needs of the machine it runs on."""

from __future__ import annotations

import asyncio
from functools import partial

from rainbow_probe.demo import demo_cloud
from tests.commands import rainbow_probe


def test_a_low_limit_of_open_files_costs_no_verdict() -> None:
    """Some systems let a process begin with 256 open files; a run needs more, and takes them."""
    ended = rainbow_probe(
        "demo",
        "--quality-seconds",
        "0",
        "--json",
        "-",
        "--quiet",
        prefix=["sh", "-c", 'ulimit -S -n 128; exec "$@"', "sh"],
    )
    told = {(check["outcome"], (check["failure"] or {}).get("cause")) for check in ended.report["checks"]}
    assert told <= {("pass", None), ("skipped", None), ("inconclusive", "budget")}, "or this machine had no time"
    assert ended.status in {0, 3}, ended.err


async def test_a_hard_limit_of_open_files_is_no_network_failure() -> None:
    """Where more cannot be had, what could not be tried is inconclusive, and nothing is blamed on the network.

    The cloud is another process: it has files enough.
    """
    async with demo_cloud() as cloud:
        maps = [f"--map={asked}={instead}" for asked, instead in cloud.maps.items()]
        servers = [f"--turn=turn:{host}" for host in cloud.turn_hosts]
        where = ["--proxy=none", f"--resolver={cloud.resolver}", f"--public-ca={cloud.public_ca}"]
        limited = partial(rainbow_probe, prefix=["sh", "-c", 'ulimit -n 40; exec "$@"', "sh"])
        ended = await asyncio.to_thread(limited, "run", *maps, *servers, *where, "--json", "-", "--quiet")
    outcomes = {check["outcome"] for check in ended.report["checks"]}
    assert "fail" not in outcomes
    assert "inconclusive" in outcomes
    assert ended.status == 3
