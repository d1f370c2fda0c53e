"""How much comes in from the service's own web host, over the way that HTTPS takes: of the way in alone.

What goes through a relay goes out as well, and where the way out is the narrow one, as on most lines, nothing wider is
ever seen of the way in. It is not fast by itself: the host may be slow, so that what came is a least value and no more.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

from rainbow_probe.checks.https import decrypted_by
from rainbow_probe.evidence import Recorder
from rainbow_probe.measures import Direction, Ramp
from rainbow_probe.model import Cause, Failure, Flow, Outcome, Phase, Verdict
from rainbow_probe.net.download import Download
from rainbow_probe.net.http import authority
from rainbow_probe.net.links import ByteStream
from rainbow_probe.net.paths import HTTP1, Hop, failed, one_address, open_stream, passed
from rainbow_probe.net.route import Route

CONNECTIONS = 4  # side by side; browsers open six
SHARE, LONGEST = 0.2, 2.0  # of the time for quality, and seconds: so much comes as is wanted in that time, and no more
PATIENCE = 2.0  # times as long, for a line that carries less
FEWEST = 4000  # bytes; of fewer no rate is worth the name
SLACK = 5.0  # seconds


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Fetch, and hand on the rate; what goes wrong is told by the checks of HTTPS, and here nothing is known then."""
    seconds = min(LONGEST, SHARE * route.quality_seconds)
    most = int(route.bandwidth_kbit_s * 125 * seconds)

    async def attempt(hop: Hop) -> Verdict:
        found = Download(host=authority(flow.target), path=str(flow.params["path"]), most=most)
        async with AsyncExitStack() as stack:
            streams = await _opened(stack, hop, flow, route, rec)
            if box := decrypted_by(rec, hop):
                detail = f"TLS is decrypted on the way by {box}, and whose bytes come from there is not known"
                return failed(Failure(phase=Phase.HTTP, cause=Cause.CANNOT_TELL, detail=detail))
            rec.restart_budget(extra=PATIENCE * seconds + SLACK)
            async with rec.step(Phase.HTTP, found.path, limit=PATIENCE * seconds + SLACK) as facts:
                try:
                    await found.run(streams, PATIENCE * seconds)
                finally:
                    facts.update(bytes=found.body, requests=found.requests, kbit_s=round(found.kbit_s))
        return _judged(found, flow, route)

    return _told(await one_address(flow, route, rec, attempt))


async def _opened(stack: AsyncExitStack, hop: Hop, flow: Flow, route: Route, rec: Recorder) -> list[ByteStream]:
    """Open one connection, whose steps are kept, and then the others."""

    async def one(rec: Recorder) -> ByteStream:
        return await stack.enter_async_context(open_stream(hop, flow, route, rec, alpn=HTTP1))

    first = await one(rec)
    async with asyncio.TaskGroup() as group:
        more = [group.create_task(one(rec.aside())) for _ in range(CONNECTIONS - 1)]
    return [first, *(task.result() for task in more)]


def _judged(found: Download, flow: Flow, route: Route) -> Verdict:
    """Claim no more than was wanted: it came for so long and not for longer."""
    if found.body < FEWEST:
        detail = f"{found.body} bytes are too few to tell how fast they come"
        return failed(Failure(phase=Phase.HTTP, cause=Cause.CANNOT_TELL, detail=detail))
    rate = min(found.kbit_s, route.bandwidth_kbit_s)
    ramp = Ramp(
        transport=flow.transport,
        via=flow.via,
        direction=Direction.IN,
        steps=(),
        capacity_kbit_s=rate,
        at_least=True,
        added_delay_ms=0.0,
    )
    return replace(passed(f"at least {rate:.0f} kbit/s come in over HTTPS"), measured=ramp)


def _told(verdict: Verdict) -> Verdict:
    return replace(verdict, outcome=Outcome.INCONCLUSIVE) if verdict.outcome is Outcome.FAIL else verdict
