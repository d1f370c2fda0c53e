"""How much the way of calls carries, up to what this site needs; whether that is enough, each row says for itself."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

from rainbow_probe.checks.udp_range import NO_CREDENTIALS
from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Endpoint, Failure, Flow, Outcome, Phase, Verdict
from rainbow_probe.net.climb import LONG, STEPS, TRIES, Climb
from rainbow_probe.net.load import PACKET
from rainbow_probe.net.paths import Hop, failed, one_address, passed, resolve
from rainbow_probe.net.route import Route
from rainbow_probe.net.voice import STRAGGLERS, Stream, more_streams, opened_streams

WAYS = 3  # streams side by side, as a site has several calls
SHARE, SHORTEST = 0.1, 0.3  # of the time for quality, and seconds: one step
SLACK = 5.0  # seconds
COMPARED = 6 * len(STEPS)  # loads at most beside the steps, where a limit is met: few, many, few again, two servers


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Climb, and hand on the ramp; a limit that was met while this machine was busy is none."""
    if route.turn is None:
        return Verdict(outcome=Outcome.SKIPPED, reason=NO_CREDENTIALS)
    seconds = max(SHORTEST, SHARE * route.quality_seconds)

    async def attempt(hop: Hop) -> Verdict:
        async with AsyncExitStack() as stack:
            more = partial(more_streams, PACKET, stack=stack, hop=hop, flow=flow, route=route, rec=rec)
            other = partial(_at_another_server, stack=stack, hop=hop, flow=flow, route=route, rec=rec)
            climb = Climb(await opened_streams((PACKET,) * WAYS, stack, hop, flow, route, rec), more, other)
            limit = ((len(STEPS) + 1) * TRIES + 1) * (seconds + STRAGGLERS) + SLACK
            limit += COMPARED * (max(LONG, seconds) + STRAGGLERS + SLACK)
            rec.restart_budget(extra=limit)
            async with rec.step(Phase.MEDIA, hop.label, limit=limit) as facts:
                await climb.run(route.bandwidth_kbit_s, seconds)
                facts.update(steps=len(climb.steps), wanted_kbit_s=round(route.bandwidth_kbit_s))
        return _judged(climb, flow)

    return await one_address(flow, route, rec, attempt)


async def _at_another_server(
    count: int, stack: AsyncExitStack, hop: Hop, flow: Flow, route: Route, rec: Recorder
) -> list[Stream]:
    """Open ways at the server that *flow* names beside its own, up to ``WAYS``; none where there is no other.

    Behind a proxy two names may be one server, which only their addresses would tell.
    """
    host, _, port = str(flow.params.get("other") or "").rpartition(":")
    if not host or route.proxy:
        return []
    own = replace(flow, target=Endpoint(host=host, port=int(port)))
    try:
        door, *_ = await resolve(own.target, route, rec.aside())
    except StepError:
        return []
    there = Hop(address=door, authority=own.target)
    if door == hop.address:
        return []
    return await more_streams(PACKET, min(count, WAYS), stack=stack, hop=there, flow=own, route=route, rec=rec)


def _judged(climb: Climb, flow: Flow) -> Verdict:
    if climb.busy:
        detail = f"this machine was too busy: {climb.busy}"
        return failed(Failure(phase=Phase.MEDIA, cause=Cause.BUDGET, detail=detail))
    ramp = climb.ramp(flow)
    much = f"at least {ramp.capacity_kbit_s:.0f} kbit/s pass" if ramp.at_least else ""
    limit = f"{ramp.capacity_kbit_s:.0f} kbit/s pass, and more do not"
    queue = f"; packets are {ramp.added_delay_ms:.0f} ms later under load" if ramp.added_delay_ms >= 1 else ""
    each = f"; {ramp.told}" if ramp.told else ""
    return replace(passed(f"{much or limit}, each way{queue}{each}"), measured=ramp)
