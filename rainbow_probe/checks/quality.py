"""How well voice passes: calls side by side through the relay, counted and timed, against the guide's limits.

Every packet goes up to the relay and down again, from one allocation of ours to another. What is lost or late is so on
one of the two ways: a limit for each way is surely kept if both together keep it, and surely broken if both together
exceed what two ways may have.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from rainbow_probe.checks.udp_range import NO_CREDENTIALS
from rainbow_probe.evidence import Recorder
from rainbow_probe.measures import Direction, Quality
from rainbow_probe.model import Cause, Failure, Flow, Outcome, Phase, Scalar, Transport, Verdict
from rainbow_probe.net.paths import Hop, failed, one_address, passed, resolve
from rainbow_probe.net.route import Route
from rainbow_probe.net.voice import (
    STRAGGLERS,
    End,
    Stream,
    Talk,
    anew,
    marked_stream,
    opened_apart,
    opened_streams,
    service_classes,
)
from rainbow_probe.protocols.grades import FEWEST, EachWay, Limits, graded, quality_of, scored
from rainbow_probe.protocols.speech import G711, OPUS, OPUS_LEAST, OPUS_MOST
from rainbow_probe.protocols.streams import surely_lost

CALLS = (G711, G711, OPUS, OPUS_MOST, OPUS_LEAST)  # at the guide's rates, sections 6.1 and 6.2
SPARSE = replace(G711, interval=0.1)  # beside the calls, to see what becomes of marks and not to be a load
CLASSES = {"EF": 46 << 2, "AF41": 34 << 2}  # DSCP in the upper six bits: RFC 3246 for voice, RFC 2597 for video
SLACK = 5.0  # seconds beside those of the talk itself
ALONE, SHORTEST = 0.3, 0.6  # of the time, and seconds: for one call, to see whether it was their number
BETTER = 0.9  # of what many had, at most: no small difference is a load's


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Talk for as long as asked, and compare; where loss is in doubt, measure it of each way by itself."""
    if route.turn is None:
        return Verdict(outcome=Outcome.SKIPPED, reason=NO_CREDENTIALS)
    seconds = route.quality_seconds * float(flow.params.get("share") or 1.0)

    async def attempt(hop: Hop) -> Verdict:
        async with AsyncExitStack() as stack:
            streams = await opened_streams(CALLS, stack, hop, flow, route, rec)
            marked = await _marked(stack, End(hop, flow), route, rec)
            talk = await _talked(hop, streams, marked, seconds, rec)
            verdict = _judged(talk, streams, flow, seconds)
            if alone := await _relieved(hop, streams, flow, seconds, rec, verdict):
                return alone
        if not _doubtful(verdict) or not flow.params.get("beside"):
            return verdict
        each = await _each_way(hop, flow, route, rec, seconds)
        return _judged(talk, streams, flow, seconds, each) if each and _fits(each, verdict) else verdict

    return await one_address(flow, route, rec, attempt)


async def _talked(
    hop: Hop, streams: Sequence[Stream], marked: Mapping[str, Stream], seconds: float, rec: Recorder
) -> Talk:
    talk = Talk([*streams, *marked.values()])
    async with _talking(hop, seconds, rec) as facts:
        await talk.run(seconds)
        facts.update(_facts(talk, streams), **service_classes(marked))
    return talk


async def _relieved(
    hop: Hop, streams: Sequence[Stream], flow: Flow, seconds: float, rec: Recorder, together: Verdict
) -> Verdict | None:
    """Return what one call comes to by itself, where that is surely better than many *together*: these are a load.

    How many fit is another question, and another check's; here it is how well they pass.
    """
    if together.outcome is not Outcome.FAIL or flow.control_of:
        return None
    trial = await _talked(hop, one := [anew(streams[0], G711)], {}, max(SHORTEST, seconds * ALONE), rec)
    if not _better(_judged(trial, one, flow, seconds), together):
        return None
    talk = await _talked(hop, one := [anew(streams[0], G711)], {}, seconds, rec)
    verdict = _judged(talk, one, flow, seconds)
    said = f"{verdict.reason}; {len(streams)} at once are more than this way carries: {together.reason}"
    return replace(verdict, reason=said)


def _better(one: Verdict, together: Verdict) -> bool:
    """Tell whether *one* call surely lost less, or waited less, in what many *together* failed by."""
    few, many = one.measured, together.measured
    if not isinstance(few, Quality) or not isinstance(many, Quality) or together.failure is None:
        return False
    pairs = {
        Cause.LOSS: (few.loss_percent, many.loss_percent),
        Cause.LATENCY: (few.delay_ms, many.delay_ms),
        Cause.JITTER: (few.jitter_ms, many.jitter_ms),
    }
    mine, theirs = pairs[together.failure.cause]
    return mine.high < theirs.low * BETTER


def _fits(each: EachWay, together: Verdict) -> bool:
    return isinstance(together.measured, Quality) and each.fits(together.measured.loss_percent)


def _doubtful(verdict: Verdict) -> bool:
    """Tell whether it is worth to know which way loses packets."""
    measured = verdict.measured
    return isinstance(measured, Quality) and verdict.outcome is not Outcome.PASS and measured.loss_percent.value > 0


async def _each_way(hop: Hop, flow: Flow, route: Route, rec: Recorder, seconds: float) -> EachWay | None:
    transport, _, port = str(flow.params["beside"]).partition("/")
    tcp = replace(flow, transport=Transport(transport), target=replace(flow.target, port=int(port)))
    door, *_ = await resolve(tcp.target, route, rec)
    far = End(Hop(address=door, authority=tcp.target), tcp)
    async with AsyncExitStack() as stack:
        out, into = await opened_apart(CALLS, stack, End(hop, flow), far, route, rec)
        talk = Talk([*out, *into])
        async with _talking(hop, seconds, rec) as facts:
            await talk.run(seconds)
            each = EachWay.of([one.trace for one in out], [one.trace for one in into])
            facts.update(_facts(talk, [*out, *into]), up=each.out.value, down=each.into.value)
    return None if talk.own.too_busy() else each


async def _marked(stack: AsyncExitStack, end: End, route: Route, rec: Recorder) -> dict[str, Stream]:
    """Open a way for each service class that may be treated otherwise."""
    if end.flow.transport is not Transport.UDP or end.flow.control_of:
        return {}
    found = {name: await marked_stream(SPARSE, tos, stack, end, route, rec) for name, tos in CLASSES.items()}
    return {name: stream for name, stream in found.items() if stream}


@asynccontextmanager
async def _talking(hop: Hop, seconds: float, rec: Recorder) -> AsyncGenerator[dict[str, Scalar]]:
    limit = seconds + STRAGGLERS + SLACK
    rec.restart_budget(extra=limit)
    async with rec.step(Phase.MEDIA, hop.label, limit=limit) as facts:
        yield facts


def _judged(talk: Talk, streams: Sequence[Stream], flow: Flow, seconds: float, each: EachWay | None = None) -> Verdict:
    traces = [stream.trace for stream in streams]
    received = sum(len(trace.firsts()) for trace in traces)
    if busy := talk.own.too_busy():
        return failed(Failure(phase=Phase.MEDIA, cause=Cause.BUDGET, detail=f"this machine was too busy: {busy}"))
    if received < FEWEST:
        sent = sum(len(trace.sent) for trace in traces)
        said = f"{sent - received} of {sent} packets are lost"
        return failed(Failure(phase=Phase.MEDIA, cause=Cause.LOSS, detail=said))
    names = " and ".join(dict.fromkeys(stream.sender.codec.name for stream in streams))
    measured = quality_of(
        traces,
        codec=names,
        transport=flow.transport,
        via=flow.via,
        direction=Direction.ROUND_TRIP,
        seconds=seconds,
        scores=scored([(stream.sender.codec, stream.trace) for stream in streams]),
    )
    grade = graded(measured, _limits(flow), surely_lost(traces), each)
    if grade.cause is None:
        return replace(passed(grade.said), measured=measured)
    verdict = failed(Failure(phase=Phase.MEDIA, cause=grade.cause, detail=grade.said))
    return replace(verdict, reason=grade.said, measured=measured)


def _limits(flow: Flow) -> Limits:
    return Limits(
        loss_percent=float(flow.params.get("loss_percent") or 0),
        jitter_ms=float(flow.params.get("jitter_ms") or 0),
        latency_ms=float(flow.params.get("latency_ms") or 0),
    )


def _facts(talk: Talk, streams: Sequence[Stream]) -> dict[str, Scalar]:
    traces = [stream.trace for stream in streams]
    sent, received = sum(len(trace.sent) for trace in traces), sum(len(trace.firsts()) for trace in traces)
    return {"sent": sent, "received": received, **talk.own.facts()}
