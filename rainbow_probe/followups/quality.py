"""When all else has ended: over which way calls would go here, and so over which their quality is measured.

Clients take the first of the guide's ways on which TURN passes data, whatever its quality. That one is judged, and
loaded; the others are measured for what a fallback would cost, for a shorter time, and no row stands on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from rainbow_probe.catalogue import FlowSpec
from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.measures import Ramp
from rainbow_probe.model import Assignment, Cause, Flow, Outcome, Phase, Result, Scalar, Transport, Via

QUALITY, BANDWIDTH = "quality", "bandwidth"
SHARE = 0.3  # of the time, for what is only compared with
SEVERAL = 5.0  # seconds from which on there is time for ways that calls do not take
LEFT_OUT = "left out, as it takes time (--quick)"
NOTHING = "no relay passes data from here, so there is nothing to measure"
NO_DATA = "TURN answers, and no data could be sent through it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to measure, in this order, and what becomes of the guide's flows."""

    flows: tuple[Flow, ...] = ()
    assignments: Mapping[str, Assignment] = field(default_factory=dict[str, Assignment])


def choose(sofar: Sofar, assignments: Mapping[str, Assignment], *, seconds: float) -> Choice:
    """Return what *sofar* shows to be worth measuring, of the flows in *assignments*: quality first, and then load."""
    quality, bandwidth = (_of_kind(kind, sofar, assignments, seconds) for kind in (QUALITY, BANDWIDTH))
    judged = tuple(flow for flow in bandwidth.flows if not flow.control_of)
    return Choice(flows=(*quality.flows, *judged), assignments={**quality.assignments, **bandwidth.assignments})


def _of_kind(kind: str, sofar: Sofar, assignments: Mapping[str, Assignment], seconds: float) -> Choice:
    specs = [spec for spec in sofar.guide.flows.values() if spec.kind == kind and spec.id in assignments]
    known = [spec for spec in specs if sofar.guide.turn_beside(spec)]
    if not seconds:
        return Choice(assignments={spec.id: Assignment(not_tested=LEFT_OUT) for spec in known})
    usable = {spec.id: list(_usable(spec, sofar, assignments)) for spec in known}
    used = next((spec for spec in known if usable[spec.id]), None)
    if used is None:
        return Choice(
            assignments={spec.id: Assignment(not_tested=NOTHING) for spec in known if _tried(spec, sofar, assignments)}
        )
    first = _measure(used, usable[used.id][0])
    place = known.index(used)
    first = _with_tcp(first, [one for spec in known for one in usable[spec.id]])
    first = _with_other(first, usable[used.id])
    spare = (
        []
        if seconds < SEVERAL
        else [_beside(_measure(s, usable[s.id][0]), first) for s in known[place + 1 :] if usable[s.id]]
    )
    not_used = Assignment(not_applicable=f"calls go by {_door(used)} here")
    found = {spec.id: _instead(spec, sofar, assignments) for spec in known[:place]}
    found |= {used.id: Assignment(flows=(first.id,))} | {spec.id: not_used for spec in known[place + 1 :]}
    return Choice(flows=(first, *spare), assignments=found)


def beside_load(sofar: Sofar, assignments: Mapping[str, Assignment]) -> Choice:
    """Load the next way over TCP, too, where the limit of UDP was met: is it the line's, or one of UDP alone?"""
    specs = [spec for spec in sofar.guide.flows.values() if spec.kind == BANDWIDTH and spec.id in assignments]
    tcp = [spec for spec in specs if spec.transport is not Transport.UDP and sofar.guide.turn_beside(spec)]
    limited = [one for one in sofar.ended(BANDWIDTH) if one.flow.transport is Transport.UDP and _limit_met(one)]
    ways = ((spec, turn) for spec in tcp for turn in _usable(spec, sofar, assignments))
    flows = (replace(_measure(*way), control_of=one.flow.id) for one, way in zip(limited, ways, strict=False))
    return Choice(flows=tuple(flows))


def _limit_met(result: Result) -> bool:
    return isinstance(result.verdict.measured, Ramp) and not result.verdict.measured.at_least


def _tried(spec: FlowSpec, sofar: Sofar, assignments: Mapping[str, Assignment]) -> list[Result]:
    """Return what became of TURN by the way of *spec*, server for server in the order in which they were given."""
    turn = sofar.guide.turn_beside(spec)
    planned = assignments[turn.id].flows if turn and turn.id in assignments else ()
    return [sofar.results[flow] for flow in planned if flow in sofar.results]


def _usable(spec: FlowSpec, sofar: Sofar, assignments: Mapping[str, Assignment]) -> Iterator[Result]:
    for result in _tried(spec, sofar, assignments):
        passed = result.verdict.outcome is Outcome.PASS and not _limited(result, sofar)
        if passed and any(step.phase is Phase.TURN_DATA and step.failure is None for step in result.steps):
            yield result


def _limited(result: Result, sofar: Sofar) -> bool:
    """Return whether packets were counted by somebody on the way of *result*."""
    limits = (one.flow for one in sofar.results.values() if _cause(one) is Cause.RATE_LIMITED)
    return any((flow.transport, flow.via) == (result.flow.transport, result.flow.via) for flow in limits)


def _cause(result: Result) -> Cause | None:
    return result.verdict.failure.cause if result.verdict.failure else None


def _measure(spec: FlowSpec, turn: Result) -> Flow:
    """Measure where *turn* passed, as *spec* says."""
    identity = turn.flow.id.replace("turn/", f"{spec.kind}/", 1)
    return replace(turn.flow, id=identity, spec=spec.id, kind=spec.kind, params=spec.params)


def _with_tcp(flow: Flow, usable: Iterable[Result]) -> Flow:
    """Tell *flow*, if it is over UDP, by which TCP port the same server is reached directly: that loses nothing."""
    alike = [one.flow for one in usable if one.flow.target.host == flow.target.host and one.flow.via is Via.DIRECT]
    tcp = next((one for one in reversed(alike) if one.transport is not Transport.UDP), None)
    if flow.transport is not Transport.UDP or flow.kind != QUALITY or tcp is None:
        return flow
    return replace(flow, params={**flow.params, "beside": f"{tcp.transport}/{tcp.target.port}"})


def _with_other(flow: Flow, usable: Iterable[Result]) -> Flow:
    """Tell *flow*, if it is a load, of another server reached the same way: is a limit that of the line to both?"""
    doors = [one.flow.target for one in usable]
    other = next((door for door in doors if door.host != flow.target.host and door.port == flow.target.port), None)
    if flow.kind != BANDWIDTH or other is None:
        return flow
    return replace(flow, params={**flow.params, "other": f"{other.host}:{other.port}"})


def _beside(flow: Flow, judged: Flow) -> Flow:
    params: dict[str, Scalar] = {**flow.params, "share": SHARE}
    return replace(flow, params=params, control_of=judged.id)


def _instead(spec: FlowSpec, sofar: Sofar, assignments: Mapping[str, Assignment]) -> Assignment:
    """Judge a way on which nothing could be measured by TURN's own checks, if these say why."""
    tried = _tried(spec, sofar, assignments)
    if any(one.verdict.outcome is Outcome.PASS and not _limited(one, sofar) for one in tried) or not tried:
        return Assignment(not_tested=NO_DATA if tried else assignments[spec.id].not_tested or NOTHING)
    return Assignment(flows=tuple(result.flow.id for result in tried))


def _door(spec: FlowSpec) -> str:
    return f"{spec.transport.upper()}/{spec.port}"


def turn_of(flow: Flow, results: Iterable[Result]) -> Result | None:
    """Return the check of TURN on whose way *flow* is measured."""
    identity = flow.id.replace(f"{flow.kind}/", "turn/", 1)
    return next((result for result in results if result.flow.id == identity), None)
