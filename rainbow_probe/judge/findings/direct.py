"""Only the proxy gets out, or only the proxy answers: one closed border, not one finding a port."""

from __future__ import annotations

from rainbow_probe.judge.rules import firewall_rule
from rainbow_probe.judge.scene import Found, Scene, distinct
from rainbow_probe.judge.traces import LOOK_UPS, MANY_WAYS, answered, connected, direct, fact, passes, shut
from rainbow_probe.judge.words import count, door, hosts, named
from rainbow_probe.model import Outcome, Phase, Result, Who

FEWEST_DOORS = 2  # one closed port is that port's own finding


def direct_blocked(scene: Scene) -> list[Found]:
    """Say that nothing goes out past the proxy, if hosts that are silent directly answer through it.

    Where the proxy lets nothing through either, its own answers show that this machine is not offline.
    """
    sent = [r for r in scene.tried() if direct(r) and r.flow.kind not in LOOK_UPS | MANY_WAYS and _went_out(r)]
    closed = [result for result in scene.failing if shut(result) or _range_shut(result)]
    alive = _same_hosts(closed, [r for r in scene.results if not direct(r) and answered(r)])
    controls = alive or [r for r in scene.results if fact(r, "status", Phase.PROXY)]
    doors = list(dict.fromkeys(door(result.flow) for result in closed))
    if not controls or len(doors) < FEWEST_DOORS or any(_got_out(result) for result in sent):
        return []
    through = f"through the proxy {hosts(alive)} did" if alive else "the proxy itself did"
    return [
        Found(
            id="direct-blocked",
            title="Nothing goes out directly: only the proxy gets through"
            if alive
            else "Nothing answers directly, only the proxy does",
            who=Who.FIREWALL,
            fix="Open the flows below past the proxy: UDP never crosses it, push services and the media of mobile "
            "devices and Rooms do not use it.",
            claims=tuple(closed),
            shows=tuple(controls),
            detail=f"{count(len(closed), 'direct check')} to {named(doors, 8)}: none answered; {through}",
            rules=(firewall_rule(scene, closed),),
        )
    ]


def _went_out(result: Result) -> bool:
    """Return whether *result* came as far as sending something directly."""
    return any(step.phase is Phase.CONNECT for step in result.steps)


def _got_out(result: Result) -> bool:
    return passes(result) or connected(result) or answered(result)


def _range_shut(result: Result) -> bool:
    return result.flow.kind == "udp-range" and result.verdict.outcome is Outcome.FAIL


def _same_hosts(closed: list[Result], through: list[Result]) -> list[Result]:
    silent = {result.flow.target.host for result in closed}
    return distinct(result for result in through if result.flow.target.host in silent)
