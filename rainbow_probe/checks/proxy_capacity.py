"""How many tunnels the proxy holds open at once, against what the site's numbers need (guide, section 8.2)."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Endpoint, Failure, Flow, Outcome, PeerError, Phase, Verdict
from rainbow_probe.net.links import ByteStream
from rainbow_probe.net.paths import Hop, each_address, open_stream, passed
from rainbow_probe.net.ramp import Held, ramp
from rainbow_probe.net.route import Route

WANTED = "needs --proxy-capacity N, which opens up to N tunnels through the proxy at once, and lets go of them"
NUMBERS = "needs the site's numbers (--users, --calls, --gateway-calls and so on) to be compared with"
LONGEST = 30  # times the limit of a tunnel: a ramp that goes on for longer is stopped


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Open tunnels until there are as many as asked for or one is refused; nothing is sent through them."""
    if not route.capacity:
        needed = f"; this site: {route.load.formula()}" if route.load.known else ""
        return Verdict(outcome=Outcome.SKIPPED, reason=WANTED + needed)

    async def attempt(hop: Hop) -> Verdict:
        limit = LONGEST * route.limits.handshake
        rec.restart_budget(extra=limit)
        async with rec.step(Phase.PROXY, f"up to {route.capacity} tunnels", limit=limit) as facts:
            held = await ramp(
                lambda: _tunnel(flow, hop, route, rec),
                lambda: _tunnel(flow, _other(hop, flow), route, rec),
                route.capacity,
            )
            facts |= {"address": str(hop.address), "open_at_once": held.open, "lost": held.lost}
            facts["needed"] = route.load.busy
            if held.refused:
                facts["refused"] = str(held.refused)
            await _judge(held, flow, hop, route, rec)
        return _compared(held.open, route)

    return await each_address(flow, route, rec, attempt)


def _tunnel(flow: Flow, hop: Hop, route: Route, rec: Recorder) -> AbstractAsyncContextManager[ByteStream]:
    return open_stream(hop, flow, route, rec.aside())


async def _judge(held: Held, flow: Flow, hop: Hop, route: Route, rec: Recorder) -> None:
    """Raise what keeps the number from being the proxy's, or from being enough."""
    if not held.open and held.refused:
        raise StepError(held.refused)
    if held.our_own:
        raise PeerError(Cause.CANNOT_TELL, f"this machine itself had no more than {held.open} tunnels to give")
    if held.refused is None and not held.lost:
        return
    if held.open >= route.load.busy:
        return
    told = _limit(held)
    if held.elsewhere:
        raise PeerError(Cause.CANNOT_TELL, f"{told}; one more to another host opened still: the limit is the target's")
    if not (await _opens(flow, hop, route, rec) and await _opens(flow, _other(hop, flow), route, rec)):
        raise PeerError(Cause.CANNOT_TELL, f"{told}; with all of them gone, none opens: it may not be the number")
    if held.open < route.load.least:
        raise PeerError(Cause.PROXY_CAPACITY, f"{told}; this site needs {route.load.formula()}")


def _other(hop: Hop, flow: Flow) -> Hop:
    """Return the way to a host that has nothing to do with the target."""
    return replace(hop, authority=Endpoint(host=str(flow.params["control"]), port=hop.authority.port))


def _limit(held: Held) -> str:
    how = f"then {held.refused.cause} ({held.refused.detail})" if held.refused else f"it closed {held.lost} others"
    return f"{held.open} tunnels open at once, {how}"


async def _opens(flow: Flow, hop: Hop, route: Route, rec: Recorder) -> bool:
    """Show that one tunnel opens again when the others are gone."""
    try:
        async with _tunnel(flow, hop, route, rec):
            return True
    except StepError:
        return False


def _compared(opened: int, route: Route) -> Verdict:
    told = f"{opened} tunnels open at once"
    if not route.load.known:
        return Verdict(outcome=Outcome.SKIPPED, reason=f"{told}; {NUMBERS}")
    if opened >= route.load.busy:
        return passed(f"{told}; this site needs {route.load.formula()}")
    reason = f"{told}, which may do or not; this site needs {route.load.formula()}"
    failure = Failure(phase=Phase.PROXY, cause=Cause.CANNOT_TELL, detail=reason)
    return Verdict(outcome=Outcome.INCONCLUSIVE, reason=reason, failure=failure)
