"""Datagrams that are lost although the path is open: by chance, or because somebody polices their number."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.findings.voice import MEASURED, compared, said
from rainbow_probe.judge.rules import exemption_rule
from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import cause, fact, over_udp, passes
from rainbow_probe.judge.words import hosts, named
from rainbow_probe.measures import Estimate
from rainbow_probe.model import Cause, Result, Severity, Who
from rainbow_probe.protocols.estimates import share

PER_CENT = 100
FIX = "Nothing is blocked, but calls will suffer: look for a bad line, radio, or a link that is full."
MUCH = 0.0199  # of what goes there and back: 1 % each way, which is what voice bears by the guide, section 6.2
BUNCHED = 2.0  # losses come in bunches, so that they tell as little as half as many would that came by chance


def limited(scene: Scene) -> list[Found]:
    """Say that only so many datagrams pass, if few are lost slowly and many fast."""
    return _limited([c for c in _counted(scene) if cause(c) is Cause.RATE_LIMITED], scene)


def _of_a_call(result: Result) -> bool:
    return result.flow.kind == MEASURED and over_udp(result) and cause(result) is Cause.LOSS


def by_chance(scene: Scene) -> list[Found]:
    """Say that datagrams are lost, whether they come slowly or fast: surely more than voice bears.

    Where the quality of voice was measured over UDP, that has far more packets to tell by, and it is not said again.
    """
    told = any(cause(r) is Cause.LOSS or (r.flow.kind == MEASURED and over_udp(r) and passes(r)) for r in scene.results)
    return [] if told else _lossy([c for c in _counted(scene) if passes(c) and _lost(c).low > MUCH], scene)


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


def _lost(control: Result) -> Estimate:
    """Return the share of packets that did not come back, of those sent slowly and those sent fast together."""
    sent, back = (sum(int(fact(control, f"{pace}_{what}") or 0) for pace in _PACES) for what in ("sent", "back"))
    return share(sent - back, sent, BUNCHED)


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
    worst = max(_lost(control).value for control in chance)
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
