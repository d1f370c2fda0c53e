"""TCP ports that are closed for every host behind them, while the same hosts (or others) answer elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.rules import firewall_rule
from rainbow_probe.judge.scene import CONTROLS, Found, Scene, alive_elsewhere, distinct
from rainbow_probe.judge.traces import answered, cause, connected, direct, domain, over_udp, shut
from rainbow_probe.judge.words import CAUSES, count, hosts, named
from rainbow_probe.model import Cause, Result, Who

PUSH = "push"
NOT_SERVICE = frozenset({"dns", "ports", PUSH, *CONTROLS})
SERVICE = frozenset({"https", "xmpp", "turn"})
REJECTIONS = frozenset({Cause.REFUSED, Cause.RESET})
FEWEST_DOMAINS = 2  # unrelated servers do not all refuse the same port


def tcp_ports(scene: Scene) -> list[Found]:
    """Name each TCP port on which no host takes a connection, if those hosts answer by another door."""
    by_port: dict[int, list[Result]] = {}
    for result in _tcp(scene):
        if result.flow.kind not in NOT_SERVICE:
            by_port.setdefault(result.flow.target.port, []).append(result)
    return [found for port, results in by_port.items() for found in _port(port, results, scene)]


def listed_hosts(scene: Scene) -> list[Found]:
    """Name each TCP port on which hosts of the service answer and others are closed alike: a rule that lists hosts.

    Those that are closed have nothing to do with each other, so that it is not their doing.
    """
    by_port: dict[tuple[int, Cause | None], list[Result]] = {}
    for result in scene.failing:
        if direct(result) and not over_udp(result) and shut(result):
            by_port.setdefault((result.flow.target.port, cause(result)), []).append(result)
    return [found for (port, _), lost in by_port.items() for found in _listed(port, lost, scene)]


def _listed(port: int, closed: Sequence[Result], scene: Scene) -> list[Found]:
    alive = [r for r in _tcp(scene) if r.flow.target.port == port and r.flow.kind in SERVICE and answered(r)]
    names = {result.flow.target.host for result in alive}
    lost = [result for result in closed if result.flow.target.host not in names]
    unrelated = len({domain(result.flow.target.host) for result in lost}) >= FEWEST_DOMAINS
    several = len({r.flow.target.host for r in lost if r.flow.kind in SERVICE}) > 1  # one alone may just be down
    if not (alive and unrelated and several):
        return []
    return [
        Found(
            id=f"tcp-{port}-partly",
            title=f"TCP/{port} goes out to some hosts only: {hosts(alive)} can be reached, {hosts(lost)} cannot",
            who=Who.FIREWALL,
            fix=f"Add the hosts below to the rule for TCP/{port}: hosts that have nothing to do with each other are "
            "not all down.",
            claims=tuple(lost),
            shows=tuple(alive),
            detail=f"{count(len({r.flow.target.host for r in lost}), 'host')}: {hosts(lost, 12)}: {_reasons(lost)}",
            rules=(firewall_rule(scene, lost),),
        )
    ]


def _tcp(scene: Scene) -> list[Result]:
    return [result for result in scene.tried() if direct(result) and not over_udp(result)]


def _port(port: int, results: list[Result], scene: Scene) -> list[Found]:
    open_ids = {result.flow.id for result in scene.failing}
    lost = [result for result in results if result.flow.id in open_ids and shut(result)]
    controls = distinct(c for result in lost for c in alive_elsewhere(result, scene, turn=False))
    if not controls or any(connected(result) for result in results):
        return []
    ways = named(dict.fromkeys(_way(control) for control in controls), 3)
    return [
        Found(
            id=f"tcp-{port}-blocked",
            title=f"TCP/{port} to {hosts(lost)} is {_closed(lost)}, though other hosts answer on that port, and these "
            f"{ways}"
            if _same_port_open(port, scene)
            else f"Outbound TCP/{port} is {_closed(lost)}, though the same hosts answer {ways}",
            who=Who.FIREWALL,
            fix=f"Open outbound TCP/{port} to the hosts below.",
            claims=tuple(lost),
            shows=(*controls, *_same_port_open(port, scene)),
            detail=f"{hosts(lost)}: {_reasons(lost)}{_beside(port, scene)}",
            rules=(firewall_rule(scene, lost),),
        )
    ]


def _way(control: Result) -> str:
    name = f"{control.flow.transport.upper()}/{control.flow.target.port}"
    return f"on {name}" if direct(control) else f"through the proxy ({name})"


def _closed(lost: Sequence[Result]) -> str:
    """Tell a drop from a rejection; a refusal of one domain's servers may be their own."""
    causes = {cause(result) for result in lost}
    if not causes & REJECTIONS:
        return "blocked (" + "; ".join(CAUSES[c] for c in causes if c) + ")"
    unrelated = len({domain(result.flow.target.host) for result in lost}) >= FEWEST_DOMAINS
    return "rejected by a firewall" if unrelated else "refused, by the servers or by a firewall that rejects"


def _reasons(results: Sequence[Result]) -> str:
    return named(dict.fromkeys(r.verdict.failure.detail for r in results if r.verdict.failure), 3)


def _same_port_open(port: int, scene: Scene) -> list[Result]:
    """Return controls and push hosts that do answer on *port*: then only some hosts are blocked."""
    return [r for r in _tcp(scene) if r.flow.target.port == port and r.flow.kind in NOT_SERVICE and connected(r)]


def _beside(port: int, scene: Scene) -> str:
    others = _same_port_open(port, scene)
    return f"; {hosts(others)} can be connected to on the same port" if others else ""


def push(scene: Scene) -> list[Found]:
    """Name the ports of the push services that are closed; other TCP that gets out is the control."""
    sent = [result for result in _tcp(scene) if result.flow.kind == PUSH]
    lost = [result for result in scene.failing if result.flow.kind == PUSH and shut(result)]
    closed = [result for result in lost if not _open_at(result, sent)]
    services = {scene.group_of(result) for result in closed}
    controls = [r for r in _tcp(scene) if connected(r) and (r.flow.kind != PUSH or scene.group_of(r) in services)]
    controls = controls or [r for r in _tcp(scene) if connected(r)]
    if not closed or not controls:
        return []
    ports = named(dict.fromkeys(sorted(result.flow.target.port for result in closed)), 6)
    return [
        Found(
            id="push-ports-blocked",
            title=f"TCP/{ports} to the push services is {_push_closed(closed)}: notifications do not come",
            who=Who.FIREWALL,
            fix=f"Open outbound TCP/{ports} to the push services, and keep idle connections for 30 minutes.",
            claims=tuple(closed),
            shows=tuple(controls[:6]),
            detail=f"{count(len(closed), 'check')}: {_reasons(closed)}; other TCP gets out, for example "
            + named(dict.fromkeys(f"{c.flow.target.host}:{c.flow.target.port}" for c in controls), 2),
            rules=(firewall_rule(scene, closed),),
        )
    ]


def _open_at(result: Result, sent: Sequence[Result]) -> bool:
    """Return whether some push host can be connected to on the port of *result*."""
    return any(connected(other) for other in sent if other.flow.target.port == result.flow.target.port)


def _push_closed(closed: Sequence[Result]) -> str:
    causes = {cause(result) for result in closed}
    return "rejected" if causes & REJECTIONS else "blocked"
