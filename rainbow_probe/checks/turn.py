"""Does TURN pass, and does data really come back through the relay (RFC 8656)?"""

from __future__ import annotations

from dataclasses import replace

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Flow, Outcome, Transport, Verdict
from rainbow_probe.net.call import Call, relayed
from rainbow_probe.net.names import is_address
from rainbow_probe.net.paths import Hop, each_address, passed
from rainbow_probe.net.relay import Relay
from rainbow_probe.net.route import Route
from rainbow_probe.protocols.turn import Address

BY_ADDRESS = "the server was given by address, which its certificate does not name: give its name"
FULL = frozenset({Cause.QUOTA, Cause.CAPACITY})


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Bind, allocate and, with credentials, send from one allocation to another what a call would.

    Of the handshake, with ``plain`` set, only as much as its packets weigh: that is the control for it.
    """
    route = replace(route, segment=int(flow.params.get("segment") or 0))

    async def attempt(hop: Hop) -> Verdict:
        async with Relay.opened(hop, flow, route, rec) as near:
            mapped = await near.bind()
            seen = f"seen from outside as {mapped[0]}" if mapped else "no mapped address"
            if not await near.allocate():
                asks = f"TURN answers and asks for credentials (realm {near.client.realm}); {seen}"
                return passed(asks + _rewritten(flow, mapped))
            verdict = await _there_and_back(near, hop, flow, route, rec)
            told = _rewritten(flow, mapped) if verdict.outcome is Outcome.PASS else ""
            return replace(verdict, reason=verdict.reason + told)

    verdict = await each_address(flow, route, rec, attempt)
    cause = verdict.failure.cause if verdict.failure else None
    if cause is Cause.TLS_WRONG_NAME and is_address(flow.target.host):
        return Verdict(outcome=Outcome.INCONCLUSIVE, reason=BY_ADDRESS, failure=verdict.failure, alive=verdict.alive)
    return verdict


def _rewritten(flow: Flow, mapped: Address | None) -> str:
    """Say that a NAT sends on from another port, where clients have ports of their own that a rule may ask for."""
    own = flow.source
    if own is None or mapped is None or flow.transport is not Transport.UDP or mapped[1] in own:
        return ""
    return f"; a NAT sends it on from port {mapped[1]}: beyond it, no rule must ask for source ports {own}"


async def _there_and_back(near: Relay, hop: Hop, flow: Flow, route: Route, rec: Recorder) -> Verdict:
    async with Relay.opened(hop, flow, route, rec) as far:
        try:
            await far.allocate()
        except StepError as exc:
            if exc.failure.cause in FULL:
                return passed(f"allocated; no second allocation to send data to: {exc.failure.detail}")
            raise
        here, there = relayed(near), relayed(far)
        await far.permit([here[0]])
        await near.permit([there[0]])
        return await Call(near, far, hop.label, route, rec).tried(plain=bool(flow.params.get("plain")))
