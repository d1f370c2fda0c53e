"""Only the proxy gets out, or only the proxy answers: one closed border, not one finding a port."""

from __future__ import annotations

from rainbow_probe.judge.rules import firewall_rule, needed
from rainbow_probe.judge.scene import Found, Scene, distinct
from rainbow_probe.judge.traces import LOOK_UPS, MANY_WAYS, answered, connected, direct, fact, over_udp, passes, shut
from rainbow_probe.judge.words import count, door, hosts, named
from rainbow_probe.model import Outcome, Phase, Result, Who

MEDIA = "UDP never crosses it, push services and the media of mobile devices and Rooms do not use it."
FEWEST_DOORS = 2  # one closed port is that port's own finding


def direct_blocked(scene: Scene) -> list[Found]:
    """Say that nothing goes out past the proxy, or nothing but UDP, if hosts silent directly answer through it.

    Where the proxy lets nothing through either, its own answers show that this machine is not offline.
    """
    sent = [r for r in scene.tried() if direct(r) and r.flow.kind not in LOOK_UPS | MANY_WAYS and _went_out(r)]
    out = [result for result in sent if _got_out(result)]
    if any(not over_udp(result) for result in out):
        return []
    closed = [r for r in scene.failing if (shut(r) or _range_shut(r)) and not (out and over_udp(r))]
    alive = _same_hosts(closed, [r for r in scene.results if not direct(r) and answered(r)])
    controls = alive or [r for r in scene.results if fact(r, "status", Phase.PROXY)]
    doors = list(dict.fromkeys(door(result.flow) for result in closed))
    if not controls or len(doors) < FEWEST_DOORS:
        return []
    return [_found(scene, closed, alive, controls, out)]


def _found(scene: Scene, closed: list[Result], alive: list[Result], controls: list[Result], out: list[Result]) -> Found:
    """Word it; *out* is the UDP that goes out all the same."""
    doors = list(dict.fromkeys(door(result.flow) for result in closed))
    through = f"through the proxy {hosts(alive)} did" if alive else "the proxy itself did"
    beside = f"; UDP goes out, as {named(dict.fromkeys(door(result.flow) for result in out))} shows" if out else ""
    return Found(
        id="direct-blocked",
        title=_title(tcp_only=bool(out), alive=bool(alive)),
        who=Who.FIREWALL,
        fix="Open the flows below past the proxy: " + ("push services do not use it." if out else MEDIA),
        claims=tuple(closed),
        shows=(*controls, *out),
        detail=f"{count(len(closed), 'direct check')} to {named(doors, 8)}: none answered; {through}{beside}",
        rules=(firewall_rule(scene, needed(scene, closed)),),
    )


def _title(*, tcp_only: bool, alive: bool) -> str:
    what = "No TCP" if tcp_only else "Nothing"
    if alive:
        return f"{what} goes out directly: only the proxy gets through"
    return (
        "No TCP is answered directly, only by the proxy"
        if tcp_only
        else "Nothing answers directly, only the proxy does"
    )


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
