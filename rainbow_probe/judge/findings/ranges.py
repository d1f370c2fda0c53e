"""UDP to the conference servers' range, where UDP to TURN works: closed, open in part, or open one way only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from rainbow_probe.judge.findings.udp import RANGE, how, range_failures, reasons
from rainbow_probe.judge.ranges import beside, from_elsewhere
from rainbow_probe.judge.rules import firewall_rule, port_of
from rainbow_probe.judge.scene import Found, Scene, distinct
from rainbow_probe.judge.traces import cause, fact, over_udp, passes, tried
from rainbow_probe.judge.words import count, hosts, named
from rainbow_probe.model import Cause, Phase, Result, Who

OR_ELSE = "or accept that conferences go through TURN instead."
IDS: Mapping[Cause, str] = MappingProxyType({
    Cause.PARTLY_OPEN: "udp-range-partly",
    Cause.ONE_WAY: "udp-range-one-way",
})
CLOSED = "udp-range-blocked"


def high_range(scene: Scene) -> list[Found]:
    """Say that the range is closed, open in part, or open one way; what each server's relay says goes together.

    Where large packets alone are lost it is open: that is told beside TURN, which loses them too.
    """
    groups: dict[str, list[Result]] = {}
    for result in (one for one in range_failures(scene) if cause(one) is not Cause.LARGE_LOST):
        groups.setdefault(IDS.get(cause(result) or Cause.UNKNOWN, CLOSED), []).append(result)
    return [_found(identity, lost, scene) for identity, lost in groups.items()]


def _found(identity: str, lost: Sequence[Result], scene: Scene) -> Found:
    elsewhere = [r for r in scene.results if r.flow.kind == RANGE and passes(r)]
    return Found(
        id=identity,
        title=f"{_STATES[identity](lost)}{_beside(lost, elsewhere, scene)}",
        who=Who.FIREWALL,
        fix=f"{_FIXES[identity].format(port_of(lost[0]))}, {OR_ELSE}",
        claims=tuple(lost),
        shows=tuple(distinct([*_turn(scene), *elsewhere, *from_elsewhere(lost, scene.controls)])),
        detail="; ".join(filter(None, [f"{count(len(lost), 'server')}: {reasons(lost)}", _proof(lost, scene)])),
        rules=(firewall_rule(scene, lost),),
    )


def _closed(lost: Sequence[Result]) -> str:
    return f"Outbound UDP/{port_of(lost[0])} is blocked ({how(lost)})"


def _partly(lost: Sequence[Result]) -> str:
    chance = all(fact(result, "ordered", Phase.TURN_DATA) == "False" for result in lost)
    what = "loses some flows altogether, on ports in no order" if chance else "is open only in part"
    return f"Outbound UDP/{port_of(lost[0])} {what}"


def _one_way(lost: Sequence[Result]) -> str:
    return f"UDP to {port_of(lost[0])} goes out, and what comes back from there is dropped"


_STATES: Mapping[str, Callable[[Sequence[Result]], str]] = MappingProxyType({
    CLOSED: _closed,
    "udp-range-partly": _partly,
    "udp-range-one-way": _one_way,
})
_FIXES: Mapping[str, str] = MappingProxyType({
    CLOSED: "Open outbound UDP/{} to the conference servers",
    "udp-range-partly": "Open all of outbound UDP/{} to the conference servers; where open and closed ports lie in no "
    "order, look for one of several lines or boxes side by side that drops what it gets",
    "udp-range-one-way": "Let answers of UDP/{} in: make the rule a stateful one, which needs no rule for inbound "
    "traffic",
})


def _beside(lost: Sequence[Result], elsewhere: Sequence[Result], scene: Scene) -> str:
    """Say what works beside it: the range of another server, or TURN."""
    if elsewhere:
        return f", to {hosts(lost)} and not to {hosts(elsewhere)}"
    controls = _turn(scene)
    return f", though UDP/{named(dict.fromkeys(port_of(c) for c in controls))} works" if controls else ""


def _turn(scene: Scene) -> list[Result]:
    return [r for r in scene.results if r.flow.kind == "turn" and over_udp(r) and tried(r) and passes(r)]


def _proof(lost: Sequence[Result], scene: Scene) -> str:
    """Say how it is known that it is not the server's own end, or that it is not known."""
    said = [
        f"the relay of {control.flow.params.get('beside')} reaches these ports of {control.flow.target.host}"
        for control in from_elsewhere(lost, scene.controls)
        if beside(control).reached
    ]
    alone = "" if said else "that the server's own end is open could not be tried, as no other server's relay could"
    return named(dict.fromkeys(said)) or alone
