"""Tunnels that a proxy cuts after a number of bytes, as the same transfer past it shows."""

from __future__ import annotations

from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import cause, direct, passes
from rainbow_probe.judge.words import hosts, named
from rainbow_probe.model import Cause, Result, Severity, Who


def byte_cut(scene: Scene) -> list[Found]:
    """Say that the proxy cuts tunnels by their size; no row stands on that, and every call feels it."""
    cuts = [r for r in scene.controls if not direct(r) and cause(r) is Cause.CUT_AFTER_BYTES and _proxys(r, scene)]
    if not cuts:
        return []
    past = [control for result in cuts for control in scene.controls_of(result)]
    return [
        Found(
            id="proxy-byte-cut",
            title=f"{named(dict.fromkeys(r.flow.proxy for r in cuts))} cuts tunnels after a number of bytes",
            who=Who.PROXY,
            fix=f"Lift the limit on how much a tunnel to {hosts(cuts)} may carry, or send media past the proxy "
            "(UDP/3478 direct): calls break when they have carried that much.",
            shows=(*cuts, *past),
            detail=named(dict.fromkeys(r.verdict.failure.detail for r in cuts if r.verdict.failure)),
            at_least=Severity.DEGRADING,
        )
    ]


def _proxys(result: Result, scene: Scene) -> bool:
    """Return whether it is the proxy's doing: past it, nothing is cut. A relay ends no connection by its size."""
    past = scene.controls_of(result)
    if any(cause(one) is Cause.CUT_AFTER_BYTES for one in past):
        return False
    return any(map(passes, past)) or result.flow.params.get("over") == "relay"
