"""Datagrams that are lost although the path is open: by chance, or because somebody polices their number."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.findings.voice import MEASURED, compared, said
from rainbow_probe.judge.rules import exemption_rule
from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import cause, fact, over_udp, passes
from rainbow_probe.judge.words import hosts, named
from rainbow_probe.model import Cause, Result, Severity, Who

PER_CENT = 100
FIX = "Nothing is blocked, but calls will suffer: look for a bad line, radio, or a link that is full."
MUCH = 0.03  # lost in all, before it is worth a word; voice suffers from 1 % on, but few packets tell no better


def limited(scene: Scene) -> list[Found]:
    """Say that only so many datagrams pass, if few are lost slowly and many fast."""
    return _limited([c for c in _counted(scene) if cause(c) is Cause.RATE_LIMITED], scene)


def _of_a_call(result: Result) -> bool:
    return result.flow.kind == MEASURED and over_udp(result) and cause(result) is Cause.LOSS


def by_chance(scene: Scene) -> list[Found]:
    """Say that datagrams are lost, whether they come slowly or fast."""
    told = any(cause(result) is Cause.LOSS for result in scene.results)
    return [] if told else _lossy([c for c in _counted(scene) if passes(c) and max(_lost(c)) >= MUCH], scene)


def of_calls(scene: Scene) -> list[Found]:
    """Say that calls lose more packets than they bear, with what else shows it."""
    hurt = [result for result in scene.failing if result.flow.kind == MEASURED and cause(result) is Cause.LOSS]
    if not hurt:
        return []
    chance = [control for control in _counted(scene) if passes(control)]
    return [
        Found(
            id="packet-loss",
            title=f"Calls to {hosts(hurt)} lose packets: {said(hurt)}",
            who=Who.FIREWALL,
            fix=FIX,
            claims=tuple(hurt),
            shows=(*chance, *_suspects(chance, scene), *(one for r in hurt for one in scene.controls_of(r))),
            detail="; ".join(filter(None, (compared(hurt, scene), _told(chance)))),
            at_least=Severity.DEGRADING,
        )
    ]


def _counted(scene: Scene) -> list[Result]:
    return [control for control in scene.controls if fact(control, "fast_sent")]


def _lost(control: Result) -> tuple[float, float]:
    """Return the shares of packets that did not come back, of those sent slowly and of those sent fast."""
    shares = [1 - int(fact(control, f"{pace}_back") or 0) / int(fact(control, f"{pace}_sent")) for pace in _PACES]
    return shares[0], shares[1]


_PACES = ("slow", "fast")


def _limited(fast: Sequence[Result], scene: Scene) -> list[Found]:
    if not fast:
        return []
    return [
        Found(
            id="udp-rate-limited",
            title=f"UDP to {hosts(fast)} is limited to so many packets: sent slowly they pass, sent fast they are lost",
            who=Who.FIREWALL,
            fix="Exempt the TURN servers from the limit on UDP packets (flood protection, policing): one call sends 50 "
            "packets a second each way, and video several hundred.",
            claims=tuple(r for r in scene.failing if cause(r) is Cause.RATE_LIMITED or _of_a_call(r)),
            shows=tuple(fast),
            detail=_told(fast),
            rules=(exemption_rule(scene, fast, "do not limit the rate of UDP"),),
            at_least=Severity.DEGRADING,
        )
    ]


def _lossy(chance: Sequence[Result], scene: Scene) -> list[Found]:
    if not chance:
        return []
    worst = max(max(_lost(control)) for control in chance)
    return [
        Found(
            id="packet-loss",
            title=f"{worst * PER_CENT:.0f} % of datagrams to {hosts(chance)} are lost, whether sent slowly or fast",
            who=Who.FIREWALL,
            fix=FIX,
            shows=(*chance, *_suspects(chance, scene)),
            detail=_told(chance),
        )
    ]


def _suspects(controls: Sequence[Result], scene: Scene) -> list[Result]:
    wanted = {control.flow.control_of for control in controls}
    return [result for result in scene.results if result.flow.id in wanted]


def _told(controls: Sequence[Result]) -> str:
    return named(dict.fromkeys(f"{control.flow.target.host}: {control.verdict.reason}" for control in controls))
