"""UDP that is blocked altogether, or from some source ports."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.findings.servers import rejecter
from rainbow_probe.judge.rules import firewall_rule, port_of
from rainbow_probe.judge.scene import Found, Scene, alive_elsewhere, distinct
from rainbow_probe.judge.traces import answered_turn, cause, over_udp, passes, shut
from rainbow_probe.judge.words import CAUSES, hosts, named, way
from rainbow_probe.model import Cause, Outcome, Result, Who

RANGE = "udp-range"
OWN_SOURCES = "the source ports that the system gives"
SOME_PASSES = frozenset({Cause.PARTLY_OPEN, Cause.ONE_WAY})
"""How a range fails to which some packets go out: UDP as such is not blocked."""


def blocked(scene: Scene) -> list[Found]:
    """Say that UDP is blocked, if all TURN servers are silent on it and one of them is alive on TCP or TLS."""
    sent = [r for r in scene.tried("turn") if over_udp(r)]
    lost = [result for result in scene.failing if result.flow.kind == "turn" and over_udp(result) and shut(result)]
    controls = distinct(c for result in lost for c in alive_elsewhere(result, scene, turn=True) if not over_udp(c))
    if not controls or any(answered_turn(result) for result in sent):
        return []
    high = [result for result in range_failures(scene) if cause(result) not in SOME_PASSES]
    ports = " and ".join(dict.fromkeys(port_of(result) for result in (*lost, *high)))
    elsewhere = named(dict.fromkeys(map(way, controls)))
    return [
        Found(
            id="udp-blocked",
            title=f"Outbound UDP/{ports} is blocked: {how(lost, scene)}",
            who=Who.FIREWALL,
            fix=f"Open outbound UDP/{' and '.join(dict.fromkeys(map(port_of, lost)))} to the TURN servers{_and(high)}: "
            "without it calls take a slower way, or none.",
            claims=(*lost, *high),
            shows=tuple(controls),
            detail=f"{hosts(lost)}: {reasons(lost)}; the same servers answer on {elsewhere}",
            rules=(firewall_rule(scene, [*lost, *high]),),
        )
    ]


def _and(high: Sequence[Result]) -> str:
    """Name the range that is as closed, with those it leads to."""
    ports = " and ".join(dict.fromkeys(map(port_of, high)))
    return f", and UDP/{ports} to the conference servers" if ports else ""


def source_blocked(scene: Scene) -> list[Found]:
    """Say that UDP is let through from some source ports only, if the same server answers from others."""
    lost = [r for r in scene.failing if r.flow.kind == "turn" and over_udp(r) and shut(r)]
    alike = {r.flow.id: [o for o in scene.tried("turn") if _other_source(r, o) and passes(o)] for r in lost}
    lost = [result for result in lost if alike[result.flow.id]]
    if not lost:
        return []
    sources = named(dict.fromkeys(f"source ports {r.flow.source}" if r.flow.source else OWN_SOURCES for r in lost))
    return [
        Found(
            id="udp-source-blocked",
            title=f"Outbound UDP/{named(dict.fromkeys(map(port_of, lost)))} is blocked only from {sources}",
            who=Who.FIREWALL,
            fix=f"Let the rule for outbound UDP hold for {sources} too.",
            claims=tuple(lost),
            shows=tuple(distinct(other for result in lost for other in alike[result.flow.id])),
            detail=f"{hosts(lost)}: {reasons(lost)}; the same servers answer to other source ports",
            rules=(firewall_rule(scene, lost),),
        )
    ]


def _other_source(result: Result, other: Result) -> bool:
    same = (other.flow.target, other.flow.transport) == (result.flow.target, result.flow.transport)
    return same and other.flow.source != result.flow.source


def how(lost: Sequence[Result], scene: Scene | None = None) -> str:
    """Tell a drop from a rejection, and name what the rejection said, and who sent it."""
    causes = list(dict.fromkeys(cause(result) for result in lost))
    told = [("no answer at all" if c is Cause.TIMEOUT else f"rejected, {CAUSES[c]}") for c in causes if c]
    by = named(dict.fromkeys(who for result in lost if scene and (who := rejecter(result, scene))))
    return "; ".join(told) + (f", by {by}" if by else "")


def reasons(results: Sequence[Result]) -> str:
    """Return what was seen, each once."""
    return named(dict.fromkeys(r.verdict.failure.detail for r in results if r.verdict.failure), 3)


def range_failures(scene: Scene) -> list[Result]:
    """Return the checks of the conference servers' range that failed."""
    return [r for r in scene.failing if r.flow.kind == RANGE and r.verdict.outcome is Outcome.FAIL]
