"""Voice that passes, and not well enough: packets that are late, and those that are now late and now early."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import cause
from rainbow_probe.judge.words import door, hosts, named
from rainbow_probe.model import Cause, Result, Severity, Who

MEASURED = "quality"
_ALL = re.compile(r" \(\d+ calls for .*", re.DOTALL)


def slow(scene: Scene) -> list[Found]:
    """Say that packets of calls take longer than the guide allows."""
    fix = (
        "Let media leave by the nearest way (no VPN, no central exit); if only a busy line makes it slow, keep its "
        "queues short and give voice precedence (QoS)."
    )
    return _found(scene, Cause.LATENCY, "high-latency", "take longer than calls bear", fix)


def unsteady(scene: Scene) -> list[Found]:
    """Say that packets of calls come more unevenly than the guide allows."""
    fix = (
        "Give voice precedence on the line (QoS), or keep it from being full; Wi-Fi and TCP in place of UDP make it "
        "worse."
    )
    return _found(scene, Cause.JITTER, "high-jitter", "come unevenly", fix)


def _found(scene: Scene, why: Cause, identity: str, what: str, fix: str) -> list[Found]:
    hurt = [result for result in scene.failing if result.flow.kind == MEASURED and cause(result) is why]
    if not hurt:
        return []
    return [
        Found(
            id=identity,
            title=f"Packets of calls {what}: {said(hurt)}",
            who=Who.FIREWALL,
            fix=fix,
            claims=tuple(hurt),
            shows=tuple(control for result in hurt for control in scene.controls_of(result)),
            detail=compared(hurt, scene),
            at_least=Severity.DEGRADING,
        )
    ]


def said(results: Sequence[Result]) -> str:
    """Give the numbers of *results*, without what else was measured."""
    return named(dict.fromkeys(_ALL.sub("", r.verdict.failure.detail) for r in results if r.verdict.failure))


def compared(results: Sequence[Result], scene: Scene) -> str:
    """Give all that was measured, by the other ways too."""
    every = [one for result in results for one in (result, *scene.controls_of(result))]
    told = (f"{door(one.flow)} at {hosts([one])}: {one.verdict.reason}" for one in every)
    return "; ".join(dict.fromkeys(told))
