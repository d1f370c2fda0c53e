"""The demo: the main job, unchanged, at a site that lives on loopback."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from rainbow_probe.demo import DemoSite, demo_cloud
from rainbow_probe.model import Report
from rainbow_probe.options import Options, TurnServer, seconds
from rainbow_probe.readiness import Assessment
from rainbow_probe.runner import Events
from rainbow_probe.session import perform, read_guide
from rainbow_probe.site import read_site

SHORT_TALK = 1.6  # seconds: 400 packets of which none is lost prove that a way loses less than 1 %


def demonstrate(arguments: argparse.Namespace) -> int:
    """Start the cloud with the faults asked for, test it as any other, and stop it."""
    guide = read_guide(Options().guide, tuple(arguments.client))

    def assess(events: Events) -> Report:
        begun: list[Assessment] = []

        async def run() -> None:
            async with at_the_demo(arguments) as assessment:
                begun.append(assessment)
                await assessment.run(events)

        try:
            asyncio.run(run())
        except KeyboardInterrupt:
            if not begun:
                raise
            return begun[0].report(interrupted=True)
        return begun[0].report()

    return perform(arguments, guide, assess)


@asynccontextmanager
async def at_the_demo(arguments: argparse.Namespace) -> AsyncGenerator[Assessment]:
    """Give a run at the demo site that the *arguments* of the command name; its cloud lives as long as the block."""
    clients = tuple(arguments.client)
    guide = read_guide(Options().guide, clients)
    timeout = seconds(Options().timeout if arguments.timeout is None else arguments.timeout, "--timeout")
    talk = SHORT_TALK if arguments.quality_seconds is None else max(0.0, arguments.quality_seconds)
    async with demo_cloud(arguments.fault) as cloud:
        options = _options(cloud, clients, timeout, talk)
        site = read_site(proxy=options.proxy, environ={}, resolvers=options.resolvers)
        yield Assessment(options=options, guide=guide, site=site)


def _options(cloud: DemoSite, clients: tuple[str, ...], timeout: float, talk: float) -> Options:
    """Tell the probe what a user would have to tell it at such a site."""
    return Options(
        clients=clients,
        proxy=cloud.proxy or "none",
        turn=tuple(TurnServer(host=host) for host in cloud.turn_hosts),
        credentials=cloud.credentials,
        account=cloud.account,
        account_xmpp=True,
        ca_files=(str(cloud.machine_ca),) if cloud.machine_ca else (),
        public_ca=(str(cloud.public_ca),),
        maps=cloud.maps,
        resolvers=(cloud.resolver,),
        timeout=timeout,
        quality_seconds=talk,
    )
