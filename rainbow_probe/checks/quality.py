"""How well voice passes: calls side by side through the relay, counted and timed, against the guide's limits.

Every packet goes up to the relay and down again, from one allocation of ours to another. What is lost or late is so on
one of the two ways: a limit for each way is surely kept if both together keep it, and surely broken if both together
exceed what two ways may have.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace

from rainbow_probe.checks.udp_range import NO_CREDENTIALS
from rainbow_probe.evidence import Recorder
from rainbow_probe.measures import Direction
from rainbow_probe.model import Cause, Failure, Flow, Outcome, Phase, Scalar, Verdict
from rainbow_probe.net.paths import Hop, failed, one_address, passed
from rainbow_probe.net.route import Route
from rainbow_probe.net.voice import STRAGGLERS, Talk, opened_streams
from rainbow_probe.protocols.grades import FEWEST, Limits, graded, quality_of
from rainbow_probe.protocols.speech import G711, OPUS

CALLS = (G711, G711, G711, OPUS, OPUS)
SLACK = 5.0  # seconds beside those of the talk itself


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Talk for as long as asked, and compare."""
    if route.turn is None:
        return Verdict(outcome=Outcome.SKIPPED, reason=NO_CREDENTIALS)
    seconds = route.quality_seconds * float(flow.params.get("share") or 1.0)

    async def attempt(hop: Hop) -> Verdict:
        async with AsyncExitStack() as stack:
            talk = Talk(await opened_streams(CALLS, stack, hop, flow, route, rec))
            limit = seconds + STRAGGLERS + SLACK
            rec.restart_budget(extra=limit)
            async with rec.step(Phase.MEDIA, hop.label, limit=limit) as facts:
                await talk.run(seconds)
                facts.update(_facts(talk))
        return _judged(talk, flow, seconds)

    return await one_address(flow, route, rec, attempt)


def _judged(talk: Talk, flow: Flow, seconds: float) -> Verdict:
    traces = [stream.trace for stream in talk.streams]
    received = sum(len(trace.firsts()) for trace in traces)
    if busy := talk.own.too_busy():
        return failed(Failure(phase=Phase.MEDIA, cause=Cause.BUDGET, detail=f"this machine was too busy: {busy}"))
    if received < FEWEST:
        sent = sum(len(trace.sent) for trace in traces)
        said = f"{sent - received} of {sent} packets are lost"
        return failed(Failure(phase=Phase.MEDIA, cause=Cause.LOSS, detail=said))
    names = " and ".join(dict.fromkeys(stream.sender.codec.name for stream in talk.streams))
    measured = quality_of(
        traces, codec=names, transport=flow.transport, via=flow.via, direction=Direction.ROUND_TRIP, seconds=seconds
    )
    limits = Limits(
        loss_percent=float(flow.params.get("loss_percent") or 0),
        jitter_ms=float(flow.params.get("jitter_ms") or 0),
        latency_ms=float(flow.params.get("latency_ms") or 0),
    )
    grade = graded(measured, limits)
    if grade.cause is None:
        return replace(passed(grade.said), measured=measured)
    verdict = failed(Failure(phase=Phase.MEDIA, cause=grade.cause, detail=grade.said))
    return replace(verdict, reason=grade.said, measured=measured)


def _facts(talk: Talk) -> dict[str, Scalar]:
    traces = [stream.trace for stream in talk.streams]
    sent, received = sum(len(trace.sent) for trace in traces), sum(len(trace.firsts()) for trace in traces)
    return {"sent": sent, "received": received, **talk.own.facts()}
