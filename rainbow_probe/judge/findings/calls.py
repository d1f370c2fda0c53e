"""Relayed paths on which TURN works and a call would not: DTLS is filtered, or the path falls silent."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.rules import exemption_rule
from rainbow_probe.judge.scene import Found, Scene, failing
from rainbow_probe.judge.traces import cause, over_udp, passes
from rainbow_probe.judge.words import hosts, named
from rainbow_probe.model import Cause, Phase, Result, Via, Who

STOPS = frozenset({Cause.TIMEOUT, Cause.WENT_SILENT, Cause.RESET, Cause.CLOSED, Cause.REFUSED, Cause.PROHIBITED})
EXEMPT = "do not inspect: let DTLS and SRTP pass, which is what calls are made of (RFC 8827)"


def dtls(scene: Scene) -> list[Found]:
    """Say that DTLS is filtered, if plain data of the same size and more passes through the same relay."""
    lost = [r for r in failing(scene, Phase.DTLS) if cause(r) in STOPS and _plain_passes(r, scene)]
    if not lost:
        return []
    return [
        Found(
            id="dtls-filtered",
            title=f"DTLS is filtered on {doors(lost)}: TURN answers and other data passes, but no call would connect",
            who=whose(lost),
            fix="Switch off the deep inspection that stops DTLS on the way to the TURN servers: no DTLS, no call.",
            claims=tuple(lost),
            shows=tuple(control for result in lost for control in scene.controls_of(result)),
            detail=f"{hosts(lost)}: {named(dict.fromkeys(_detail(r) for r in lost))}",
            rules=(exemption_rule(scene, lost, EXEMPT),),
        )
    ]


def _plain_passes(result: Result, scene: Scene) -> bool:
    """Return whether plain data passed: in a run of its own or, over UDP, at that very moment."""
    controls = scene.controls_of(result)
    return any(map(passes, controls)) or (not controls and over_udp(result) and cause(result) is Cause.TIMEOUT)


def silent(scene: Scene) -> list[Found]:
    """Say that a relayed path lets the first packets pass and then none, whatever they are."""
    lost = [r for r in failing(scene, Phase.TURN_DATA, Phase.DTLS) if cause(r) is Cause.WENT_SILENT]
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


def doors(results: Sequence[Result]) -> str:
    """Name transports and ports of *results*, as in ``UDP/3478 and TLS/443``."""
    flows = [result.flow for result in results]
    return " and ".join(dict.fromkeys(f"{flow.transport.upper()}/{flow.target.port}" for flow in flows))


def whose(results: Sequence[Result]) -> Who:
    """Return who runs what is in the way: the proxy's people, where all went through it."""
    return Who.PROXY if all(result.flow.via is Via.PROXY for result in results) else Who.FIREWALL


def _detail(result: Result) -> str:
    return result.verdict.failure.detail if result.verdict.failure else result.verdict.reason
