"""The controls beside a tunnel in doubt: the neutral host by the same proxy, and the same target past it."""

from __future__ import annotations

from rainbow_probe.judge.scene import Scene
from rainbow_probe.judge.traces import POLICY, direct, over_udp
from rainbow_probe.model import Cause, Result


def neutral(scene: Scene) -> list[Result]:
    """Return what was tried with the neutral host through the proxy."""
    groups = [scene.guide.hosts[spec.hosts] for spec in scene.guide.flows.values() if spec.kind == "portal"]
    names = {name for group in groups for name in group.names}
    asked = (one for one in scene.controls if one.flow.kind != POLICY)  # that is the proxy's own answer
    return [one for one in asked if not direct(one) and one.flow.target.host in names]


def past_the_proxy(scene: Scene, result: Result) -> list[Result]:
    """Return what was tried directly with the target of *result*, look-ups apart."""
    both = (*scene.results, *scene.controls)
    return [one for one in both if direct(one) and not over_udp(one) and one.flow.target == result.flow.target]


def missed(scene: Scene, *causes: Cause) -> list[Result]:
    """Return where the neutral host was not reached through the proxy for one of *causes*.

    Its silence fails no check, and is as good a control.
    """
    return [one for one in neutral(scene) if one.verdict.failure and one.verdict.failure.cause in causes]
