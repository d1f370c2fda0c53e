"""The main job's own needs of the machine it runs on."""

from __future__ import annotations

import asyncio
from functools import partial

from rainbow_probe.demo import DemoSite, demo_cloud
from rainbow_probe.model import Report
from rainbow_probe.options import Options
from rainbow_probe.outputs import Unseen
from rainbow_probe.readiness import Assessment
from rainbow_probe.second_look import together
from rainbow_probe.session import read_guide
from rainbow_probe.site import read_site
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


async def test_a_second_look_stands_in_the_place_of_the_first_with_its_controls() -> None:
    """Judged is one set of evidence: the controls of a failure that was not seen again go, those of a new one come."""
    rows, guide = ("desktop/wss",), read_guide(Options().guide, ())

    async def at(cloud: DemoSite) -> tuple[Assessment, Report]:
        options = Options(
            rows=rows,
            proxy="none",
            public_ca=(str(cloud.public_ca),),
            maps=cloud.maps,
            resolvers=(cloud.resolver,),
            quality_seconds=0,
        )
        site = read_site(proxy=options.proxy, environ={}, resolvers=options.resolvers)
        made = Assessment(options=options, guide=guide, site=site)
        await made.run(Unseen())
        return made, made.report()

    async with demo_cloud(["tls-untrusted"]) as inspected, demo_cloud() as sound:
        for first, second in ((inspected, sound), (sound, inspected)):
            (one, seen), (other, found) = await at(first), await at(second)
            joined = together(one, seen, other, found, rows, rows)
            told, wanted = ({result.flow.id for result in report.results} for report in (joined, found))
            assert told == wanted
            assert [finding.id for finding in joined.findings] == [finding.id for finding in found.findings]
            assert any(result.flow.control_of for result in joined.results) is (second is inspected)
