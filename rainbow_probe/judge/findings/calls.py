"""Relayed paths on which TURN works and a call would not: a part of it is filtered or altered, or all falls silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rainbow_probe.judge.rules import exemption_rule
from rainbow_probe.judge.scene import Found, Scene, failing
from rainbow_probe.judge.traces import beside, cause, did, fact, over_udp, passes
from rainbow_probe.judge.words import hosts, named
from rainbow_probe.model import Cause, Phase, Result, Via, Who

STOPS = frozenset({Cause.TIMEOUT, Cause.WENT_SILENT, Cause.RESET, Cause.CLOSED, Cause.REFUSED, Cause.PROHIBITED})
SMALL = "/small"
STUCK = frozenset({Cause.LARGE_LOST, Cause.WENT_SILENT, Cause.NO_DATA_BACK, Cause.TIMEOUT})
"""How a stream ends that carries no more."""
EXEMPT = "do not inspect: let DTLS and SRTP pass, which is what calls are made of (RFC 8827)"


FILTERED: Mapping[Phase, tuple[str, str, str]] = MappingProxyType({
    Phase.ICE: ("ice-filtered", "Connectivity checks are", "STUN between the ends of a call"),
    Phase.DTLS: ("dtls-filtered", "DTLS is", "DTLS"),
    Phase.MEDIA: ("srtp-filtered", "Voice (SRTP) is", "SRTP"),
})
"""By phase of a call: the finding, and what is filtered."""


def filtered(scene: Scene) -> list[Found]:
    """Say which part of a call is filtered, if plain data of the same size and more passes through the same relay."""
    stopped = {phase: [r for r in failing(scene, phase) if cause(r) in STOPS and _connects(r)] for phase in FILTERED}
    lost = {phase: [r for r in results if _plain_passes(r, scene)] for phase, results in stopped.items()}
    return [_filtered(phase, results, scene) for phase, results in lost.items() if results]


def _connects(result: Result) -> bool:
    """Return whether *result* is of a call, or of what comes before one: how well voice passes is another question."""
    return result.flow.kind in {"call", "turn"}


def _filtered(phase: Phase, lost: list[Result], scene: Scene) -> Found:
    name, subject, what = FILTERED[phase]
    return Found(
        id=name,
        title=f"{subject} filtered on {doors(lost)}: TURN answers and other data passes, but no call would connect",
        who=whose(lost),
        fix=f"Switch off the deep inspection that stops {what} on the way to the TURN servers: no {what}, no call.",
        claims=tuple(lost),
        shows=tuple(control for result in lost for control in _controls(result, scene)),
        detail=f"{hosts(lost)}: {named(dict.fromkeys(_detail(r) for r in lost))}",
        rules=(exemption_rule(scene, lost, EXEMPT),),
    )


def _plain_passes(result: Result, scene: Scene) -> bool:
    """Return whether plain data passed: in a run of its own or, over UDP, at that very moment."""
    controls = _controls(result, scene)
    at_once = over_udp(result) and cause(result) is Cause.TIMEOUT
    alike = (passes(one) or _passed_itself(one) for one in (*controls, result))
    return any(alike) or (not controls and at_once)


def _controls(result: Result, scene: Scene) -> list[Result]:
    """Return what tells of plain data on the way of *result*; of a call, what does so beside it."""
    turns = list(beside(result, scene.results))
    asked = [control for one in (result, *turns) for control in scene.controls_of(one)]
    plain = [control for control in asked if control.flow.params.get("plain")]
    return plain or [turn for turn in turns if _passed_itself(turn) and not _fades(result)]


def _passed_itself(result: Result) -> bool:
    """Return whether TURN's own check found nothing wrong, so that only a call has failed it."""
    return result.flow.kind == "turn" and did(result, Phase.DTLS) and not _fades(result)


def _fades(result: Result) -> bool:
    """Return whether a path falls silent: it may do so after more packets than TURN's own check sends."""
    return cause(result) is Cause.WENT_SILENT


def altered(scene: Scene) -> list[Found]:
    """Say that what the ends of a call send each other is not what arrives."""
    wrong = [result for result in scene.failing if cause(result) is Cause.ALTERED]
    if not wrong:
        return []
    return [
        Found(
            id="call-altered",
            title=f"What a call sends is altered on {doors(wrong)}: no client would take it",
            who=whose(wrong),
            fix="Switch off what rewrites STUN, or ends DTLS, on the way to the TURN servers (an application gateway).",
            claims=tuple(wrong),
            detail=f"{hosts(wrong)}: {named(dict.fromkeys(_detail(r) for r in wrong))}",
            rules=(exemption_rule(scene, wrong, EXEMPT),),
        )
    ]


def silent(scene: Scene) -> list[Found]:
    """Say that a relayed path lets the first packets pass and then none, whatever they are."""
    stopped = failing(scene, Phase.TURN_DATA, *FILTERED)
    lost = [r for r in stopped if cause(r) is Cause.WENT_SILENT or _whatever_the_size(r, scene)]
    if not lost:
        return []
    return [
        Found(
            id="path-goes-silent",
            title=f"On {doors(lost)} the first packets pass, and then nothing does any more",
            who=whose(lost),
            fix="Look for a limit on packets or bytes of one flow on the way (an application filter that makes up its "
            "mind late, a quota, a UDP flood guard), and exempt the TURN servers.",
            claims=tuple(lost),
            shows=tuple(control for result in lost for control in scene.controls_of(result)),
            detail=f"{hosts(lost)}: {named(dict.fromkeys(_detail(r) for r in lost))}",
            rules=(exemption_rule(scene, lost, EXEMPT),),
        )
    ]


def _whatever_the_size(result: Result, scene: Scene) -> bool:
    """Tell whether what is lost on a stream is so in small segments as well: it is no matter of size."""
    small = [c for c in scene.controls_of(result) if c.flow.id.endswith(SMALL) and fact(c, "segment")]
    return cause(result) is Cause.LARGE_LOST and any(cause(one) in STUCK for one in small)


def doors(results: Sequence[Result]) -> str:
    """Name transports and ports of *results*, as in ``UDP/3478 and TLS/443``."""
    flows = [result.flow for result in results]
    return " and ".join(dict.fromkeys(f"{flow.transport.upper()}/{flow.target.port}" for flow in flows))


def whose(results: Sequence[Result]) -> Who:
    """Return who runs what is in the way: the proxy's people, where all went through it."""
    return Who.PROXY if all(result.flow.via is Via.PROXY for result in results) else Who.FIREWALL


def _detail(result: Result) -> str:
    return result.verdict.failure.detail if result.verdict.failure else result.verdict.reason
