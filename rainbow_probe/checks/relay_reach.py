"""A control, not a row: another TURN server's relay sends to relayed ports of this one, and they answer it.

What packets from here do not reach, and those from there do, is closed on this side.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace

from rainbow_probe.evidence import Recorder, SilenceError, StepError
from rainbow_probe.model import Cause, Endpoint, Flow, Outcome, PeerError, Phase, Scalar, Verdict
from rainbow_probe.net.paths import passed
from rainbow_probe.net.port_trial import ONE_PASS, Trial
from rainbow_probe.net.relayed_ports import Port, allot, permit
from rainbow_probe.net.route import Route
from rainbow_probe.net.turn_ways import Way, Ways

PORTS = 16  # if all are reached, less than 17 % of them are not, with 95 % confidence


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Count how many relayed ports are reached from the relay of the server ``beside``, and how many answer it."""
    other = replace(
        flow, target=Endpoint(host=str(flow.params.get("beside")), port=flow.target.port), params=_its(flow)
    )
    async with Ways.tried(flow, route, rec) as here, Ways.tried(other, route, rec) as there, AsyncExitStack() as stack:
        try:
            ear, ports = await _allotted(stack, await here.quickest(), await there.quickest(), rec)
        except StepError as exc:
            return Verdict(outcome=Outcome.INCONCLUSIVE, reason=str(exc.failure), failure=exc.failure)
        return await _crossed(flow, ear, ports, rec)


def _its(flow: Flow) -> dict[str, Scalar]:
    """Return where the other server listens."""
    return {key.removeprefix("beside_"): value for key, value in flow.params.items() if key.startswith("beside_")}


async def _allotted(stack: AsyncExitStack, way: Way, beside: Way, rec: Recorder) -> tuple[Port, list[Port]]:
    """Get a relay of the other server and ports of this one that may send to each other. Raises ``StepError``."""
    limit = way.route.limits.exchange
    rec.restart_budget(extra=3 * limit)
    async with rec.step(Phase.TURN_ALLOCATE, way.hop.label, limit=4 * limit) as facts:
        ears = await allot(stack, beside, 1, [], rec)
        if not ears.ports:
            raise StepError(ears.refused[0])
        ear = ears.ports[0]
        found = await allot(stack, way, PORTS, [ear.at.host], rec)
        facts |= {"asked": PORTS, "allocated": len(found.ports)}
        if not found.ports:
            raise StepError(found.refused[0])
        if (":" in ear.at.host) != (":" in found.ports[0].at.host):
            raise PeerError(Cause.CANNOT_TELL, "the two servers relay over different versions of IP")
        await permit(ear, [found.ports[0].at.host])
    return ear, found.ports


async def _crossed(flow: Flow, ear: Port, ports: list[Port], rec: Recorder) -> Verdict:
    rec.restart_budget(extra=ONE_PASS)
    async with rec.step(Phase.TURN_DATA, flow.target, limit=2 * ONE_PASS) as facts:
        async with Trial.with_ear(ear) as trial:
            await trial.crossed(ports)
        reached, answered = sum(port.handed > 0 for port in ports), sum(port.taken > 0 for port in ports)
        facts |= {"tried": len(ports), "reached": reached, "answered": answered, "from": ear.at.host}
        if not reached:
            raise SilenceError(Cause.NO_DATA_BACK, f"none of {len(ports)} relayed ports is reached from {ear.at.host}")
    return passed(f"{reached} of {len(ports)} relayed ports are reached from {ear.at.host}, and {answered} answer it")
