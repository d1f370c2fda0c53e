"""No suspicion, but something to know as soon as two TURN servers answer over UDP: how a NAT on the way maps ports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import Flow, Outcome, Phase, Result, Transport, Via

ENOUGH = 2  # addresses to compare


def behaviour(sofar: Sofar) -> Iterable[Flow]:
    """Ask the first two IPv4 addresses from one socket, when both have answered by themselves."""
    by_address: dict[str, tuple[str, Flow]] = {}
    for result in sofar.ended("turn"):
        for place in _alive(result):
            by_address.setdefault(place.rpartition(":")[0], (place, result.flow))
    found = sorted(list(by_address.values())[:ENOUGH], key=lambda pair: pair[0])
    if len(found) == ENOUGH:
        flow = found[0][1]
        ports = {spec.port for spec in sofar.guide.flows.values() if spec.kind == "turn" and spec.port}
        params = {
            "ask": " ".join(place for place, _ in found),
            "ports": " ".join(map(str, sorted(ports - {flow.target.port}))),
        }
        identity = f"nat/{flow.target}/{flow.transport}/{flow.via}"
        yield replace(flow, id=identity, kind="nat", source=None, params=params, control_of=flow.id)


def _alive(result: Result) -> Iterator[str]:
    """Yield the IPv4 addresses, with their port, where the server of *result* answered over UDP."""
    flow, verdict = result.flow, result.verdict
    if flow.transport is Transport.UDP and flow.via is Via.DIRECT and verdict.outcome is Outcome.PASS:
        for step in result.steps:
            place = step.subject
            if step.phase is Phase.CONNECT and place.count(":") == 1 and place not in verdict.dead:
                yield place
