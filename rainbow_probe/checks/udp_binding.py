"""No row: how long a UDP flow lives without traffic, on the way through NATs and firewalls; with ``--full``.

Clients keep their own alive: ICE sends something every 15 seconds (RFC 8445 section 11). A flow that is forgotten
sooner loses what comes in between. RFC 4787 asks NATs for two minutes (REQ-5).
"""

from __future__ import annotations

from contextlib import AsyncExitStack

from rainbow_probe.evidence import Recorder, SilenceError, StepError
from rainbow_probe.model import Cause, Flow, Outcome, PeerError, Phase, Verdict
from rainbow_probe.net.bindings import AROUND, Bindings, Lifetimes
from rainbow_probe.net.paths import passed
from rainbow_probe.net.relayed_ports import allot
from rainbow_probe.net.route import Route
from rainbow_probe.net.turn_ways import Ways


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Find how long flows to a relayed port of ours live; a pass says it, however long that is."""
    async with Ways.tried(flow, route, rec) as ways, AsyncExitStack() as stack:
        try:
            way = await ways.first()
        except StepError as exc:
            return Verdict(outcome=Outcome.INCONCLUSIVE, reason=str(exc.failure), failure=exc.failure)
        rec.restart_budget(extra=3 * route.limits.exchange)
        found = await allot(stack, way, 1, [way.mapped], rec)
        if not found.ports:
            first = found.refused[0]
            rec.note(first.phase, way.hop.label, first)
            return Verdict(outcome=Outcome.INCONCLUSIVE, reason=str(first), failure=first)
        limit = AROUND + max(route.udp_waits) + route.limits.exchange
        rec.restart_budget(extra=limit)
        async with rec.step(Phase.TURN_DATA, flow.target, limit=limit) as facts:
            seen = await Bindings(found.ports[0]).lifetimes(route.udp_waits)
            facts |= {**seen.facts(), "needed_s": route.udp_needed}
            return passed(_lasted(seen, route.udp_needed))


def _lasted(seen: Lifetimes, needed: float) -> str:
    """Say how long flows last. Raises ``PeerError`` if clients would lose theirs, or if it cannot be told."""
    if seen.most is None:
        return f"a UDP flow without traffic is kept for {seen.least:g} s or more"
    between = f"between {seen.least:g} s and {seen.most:g} s"
    if not seen.kept:
        raise PeerError(Cause.CANNOT_TELL, f"cut {between} without traffic, and one with traffic was cut, too")
    if seen.most <= needed:
        how = f"with traffic it lives on, and clients send some every {needed:g} s only"
        raise SilenceError(Cause.CUT_AFTER_IDLE, f"forgotten {between} without traffic; {how}")
    return f"a UDP flow without traffic is forgotten {between}, later than clients send something"
