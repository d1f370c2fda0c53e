"""Does a real call pass through the relay: ICE, DTLS-SRTP, a channel, and voice that the other side authenticates?"""

from __future__ import annotations

from rainbow_probe.checks.udp_range import NO_CREDENTIALS
from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Flow, Outcome, Verdict
from rainbow_probe.net.call import relayed
from rainbow_probe.net.paths import Hop, each_address
from rainbow_probe.net.relay import Relay
from rainbow_probe.net.route import Route

FULL = frozenset({Cause.QUOTA, Cause.CAPACITY})


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Call from one allocation to another, each on a link of its own, as the flow's client would reach the server."""
    if route.turn is None:
        return Verdict(outcome=Outcome.SKIPPED, reason=NO_CREDENTIALS)

    alive = str(flow.params.get("addresses") or "").split()

    async def attempt(hop: Hop) -> Verdict:
        if alive and hop.label not in alive:
            return Verdict(outcome=Outcome.SKIPPED, reason="TURN did not pass there")
        async with Relay.opened(hop, flow, route, rec) as near, Relay.opened(hop, flow, route, rec) as far:
            try:
                for relay in (near, far):
                    await relay.allocate()
                await far.permit([relayed(near)[0]])
                await near.permit([relayed(far)[0]])
            except StepError as exc:
                return _no_room(exc)
            return await _call(near, far, hop, route, rec)

    return await each_address(flow, route, rec, attempt)


def _no_room(exc: StepError) -> Verdict:
    """Say that the server has no room for both ends of a call. Raises what is no such refusal."""
    if exc.failure.cause not in FULL:
        raise exc
    reason = f"a call to ourselves takes two allocations, and the server has no room: {exc.failure.detail}"
    return Verdict(outcome=Outcome.INCONCLUSIVE, reason=reason, failure=exc.failure)


async def _call(near: Relay, far: Relay, hop: Hop, route: Route, rec: Recorder) -> Verdict:
    from rainbow_probe.net.real_call import RealCall

    return await RealCall.between(near, far, hop.label, route, rec).made()
