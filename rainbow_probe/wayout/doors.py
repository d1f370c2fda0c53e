"""Which proxies of a list can be reached: each is tried once a run, all at the same time, as a client would find it.

Chromium goes on to the next entry when a proxy cannot be connected to, does not answer, cuts the connection, or shows a
certificate that is none; not when it refuses a target (403) or wants a password (407): ``CanFalloverToNextProxy`` in
net/http/proxy_fallback.cc. Of SOCKS it goes on after any failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Endpoint, Flow, Outcome, Phase, Proxy, Result, Transport, Verdict, Via
from rainbow_probe.net.paths import Hop, each_address, failed, open_stream, passed, together
from rainbow_probe.net.route import Route

KIND = "door"
MOST_TARGETS = 3  # a proxy is silent only if it is so for each: one may be waiting for a target that is down
GONE = frozenset({Cause.PROXY_UNREACHABLE, Cause.TIMEOUT, Cause.RESET})


async def knock(proxy: Proxy, targets: Sequence[Endpoint], route: Route) -> Result:
    """Ask *proxy* for tunnels to a few of *targets*; it passes if a client would stay with it, whatever it answers."""
    target = proxy.endpoint
    identity = f"{KIND}/{target}/tcp/proxy"
    flow = Flow(
        id=identity,
        spec=KIND,
        kind=KIND,
        target=target,
        transport=Transport.TCP,
        via=Via.PROXY,
        proxy=str(proxy),
        params={"proxy": str(proxy)},
    )
    rec = Recorder(budget=4 * route.limits.resolve)
    through = replace(route, proxy=proxy)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_asked(replace(flow, target=t), through, rec)) for t in targets[:MOST_TARGETS]]
    verdicts = [_as_a_client(task.result(), proxy) for task in tasks]
    verdict = together([(str(target), verdict) for verdict in verdicts])
    return Result(flow=flow, verdict=replace(verdict, alive=(), dead=()), steps=rec.steps, took=rec.elapsed)


async def _asked(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    async def attempt(hop: Hop) -> Verdict:
        async with open_stream(hop, flow, route, rec):
            return passed("the proxy opens a tunnel")

    try:
        return await each_address(flow, route, rec, attempt)
    except StepError as exc:
        return failed(exc.failure)


def _as_a_client(verdict: Verdict, proxy: Proxy) -> Verdict:
    """Return a pass where a client would not go on to the next entry; what is our own fault proves nothing either."""
    failure = verdict.failure
    if (
        verdict.outcome is Outcome.FAIL
        and failure
        and (proxy.socks or failure.phase is Phase.TLS or failure.cause in GONE)
    ):
        return verdict
    return verdict if verdict.outcome is Outcome.PASS else passed(f"the proxy answers: {verdict.reason}")
