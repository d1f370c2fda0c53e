"""UDP to the TURN servers and to the conference servers' range: dropped, rejected, or partly open."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.findings.servers import rejecter
from rainbow_probe.judge.rules import firewall_rule, port_of
from rainbow_probe.judge.scene import Found, Scene, alive_elsewhere, distinct
from rainbow_probe.judge.traces import answered_turn, cause, over_udp, passes, shut, tried
from rainbow_probe.judge.words import CAUSES, count, hosts, named, way
from rainbow_probe.model import Cause, Outcome, Result, Who

RANGE = "udp-range"


def blocked(scene: Scene) -> list[Found]:
    """Say that UDP is blocked, if all TURN servers are silent on it and one of them is alive on TCP or TLS."""
    sent = [r for r in scene.tried("turn") if over_udp(r)]
    lost = [result for result in scene.failing if result.flow.kind == "turn" and over_udp(result) and shut(result)]
    controls = distinct(c for result in lost for c in alive_elsewhere(result, scene, turn=True) if not over_udp(c))
    if not controls or any(answered_turn(result) for result in sent):
        return []
    high = [result for result in _range_failures(scene) if cause(result) is not Cause.PARTLY_OPEN]
    ports = " and ".join(dict.fromkeys(port_of(result) for result in (*lost, *high)))
    return [
        Found(
            id="udp-blocked",
            title=f"Outbound UDP/{ports} is blocked: {_how(lost, scene)}",
            who=Who.FIREWALL,
            fix=f"Open outbound UDP/{ports} to the TURN servers: without it calls take a slower way, or none.",
            claims=(*lost, *high),
            shows=tuple(controls),
            detail=f"{hosts(lost)}: {_reasons(lost)}; the same servers answer on "
            + named(dict.fromkeys(map(way, controls))),
            rules=(firewall_rule(scene, [*lost, *high]),),
        )
    ]


def source_blocked(scene: Scene) -> list[Found]:
    """Say that UDP is let through from some source ports only, if the same server answers from others."""
    lost = [r for r in scene.failing if r.flow.kind == "turn" and over_udp(r) and shut(r)]
    alike = {r.flow.id: [o for o in scene.tried("turn") if _other_source(r, o) and passes(o)] for r in lost}
    lost = [result for result in lost if alike[result.flow.id]]
    if not lost:
        return []
    ports = named(dict.fromkeys(result.flow.source or "the dynamic range" for result in lost))
    return [
        Found(
            id="udp-source-blocked",
            title=f"Outbound UDP/{named(dict.fromkeys(map(port_of, lost)))} is blocked from source ports {ports} only",
            who=Who.FIREWALL,
            fix=f"Let the rule for outbound UDP hold for source ports {ports} too.",
            claims=tuple(lost),
            shows=tuple(distinct(other for result in lost for other in alike[result.flow.id])),
            detail=f"{hosts(lost)}: {_reasons(lost)}; the same servers answer to other source ports",
            rules=(firewall_rule(scene, lost),),
        )
    ]


def _other_source(result: Result, other: Result) -> bool:
    same = (other.flow.target, other.flow.transport) == (result.flow.target, result.flow.transport)
    return same and other.flow.source != result.flow.source


def _how(lost: Sequence[Result], scene: Scene | None = None) -> str:
    """Tell a drop from a rejection, and name what the rejection said, and who sent it."""
    causes = list(dict.fromkeys(cause(result) for result in lost))
    told = [("no answer at all" if c is Cause.TIMEOUT else f"rejected, {CAUSES[c]}") for c in causes if c]
    by = named(dict.fromkeys(who for result in lost if scene and (who := rejecter(result, scene))))
    return "; ".join(told) + (f", by {by}" if by else "")


def _reasons(results: Sequence[Result]) -> str:
    return named(dict.fromkeys(r.verdict.failure.detail for r in results if r.verdict.failure), 3)


def _range_failures(scene: Scene) -> list[Result]:
    return [r for r in scene.failing if r.flow.kind == RANGE and r.verdict.outcome is Outcome.FAIL]


def high_range(scene: Scene) -> list[Found]:
    """Say that the conference servers' range is closed, if UDP to TURN works; or how much of it is open."""
    lost = _range_failures(scene)
    partly = [result for result in lost if cause(result) is Cause.PARTLY_OPEN]
    closed = [result for result in lost if cause(result) is not Cause.PARTLY_OPEN]
    controls = [r for r in scene.results if r.flow.kind == "turn" and over_udp(r) and tried(r) and passes(r)]
    found = [_range("udp-range-blocked", f"is blocked ({_how(closed)})", closed, controls, scene)] if closed else []
    if partly:
        found.append(_range("udp-range-partly", "is open only in part", partly, controls, scene))
    return found


def _range(identity: str, state: str, lost: Sequence[Result], controls: Sequence[Result], scene: Scene) -> Found:
    beside = f", though UDP/{named(dict.fromkeys(port_of(c) for c in controls))} works" if controls else ""
    return Found(
        id=identity,
        title=f"Outbound UDP/{port_of(lost[0])} {state}{beside}",
        who=Who.FIREWALL,
        fix=f"Open outbound UDP/{port_of(lost[0])} to the conference servers, or accept that conferences go through "
        "TURN instead.",
        claims=tuple(lost),
        shows=tuple(controls),
        detail=f"{count(len(lost), 'server')}: {_reasons(lost)}",
        rules=(firewall_rule(scene, lost),),
    )
