"""TURN servers that are down, told from firewalls: by who rejects, and by other servers on the same ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rainbow_probe.judge.findings.places import elsewhere
from rainbow_probe.judge.findings.proxy import with_cause
from rainbow_probe.judge.rules import firewall_rule
from rainbow_probe.judge.scene import CONTROLS, Found, Scene, alive_elsewhere, distinct
from rainbow_probe.judge.traces import addresses, answered, answered_turn, cause, direct, fact, over_udp, shut
from rainbow_probe.judge.words import all_said, count, door, hosts, named, way
from rainbow_probe.model import Cause, Result, Who

REJECTED = frozenset({Cause.REFUSED, Cause.PROHIBITED, Cause.UNREACHABLE})
BESIDE = frozenset({"https", "xmpp", *CONTROLS})
"""Kinds of checks of other hosts, which answer on the ports that TURN servers have as well."""


def rejecter(result: Result, scene: Scene) -> str:
    """Return the address of whoever rejected *result*, if the system told it: of each door, one check asks."""
    own = (result.flow.target, result.flow.transport, result.flow.via)
    beside = (c for c in scene.controls if (c.flow.target, c.flow.transport, c.flow.via) == own)
    asked = (*scene.controls_of(result), *beside) if cause(result) in REJECTED else ()
    return next((by for control in asked if (by := fact(control, "rejected_by"))), "")


def nowhere(scene: Scene) -> list[Found]:
    """Say that DNS leads TURN servers' names where none is seen, if nothing shows that the place is the service's.

    A server that was stopped refuses as well as whoever a resolver put in its place: none of the two is blamed alone.
    """
    lost = [result for results in _refused(scene).values() for result in _misplaced(results, scene)]
    if not lost:
        return []
    by = named(dict.fromkeys(filter(None, (rejecter(result, scene) for result in lost))))
    beside = _beside(lost, scene)
    return [
        Found(
            id="turn-not-there",
            title=f"DNS leads {hosts(lost)} to {_places(lost)}, where no TURN server is seen",
            who=Who.ENDPOINT,
            fix="Look the name up from another network, or ask the provider for its address: if it is another one, "
            "have it mended in the DNS of this site; if it is the same, tell the provider that no TURN server runs "
            "there. Which of the two it is, nothing shows here.",
            claims=tuple(lost),
            shows=tuple(distinct([*beside, *(c for result in lost for c in scene.controls_of(result))])),
            detail="; ".join(filter(None, [all_said(lost), _told_by(by), _answers_there(beside)])),
        )
    ]


def _misplaced(refused: Sequence[Result], scene: Scene) -> list[Result]:
    """Return all that failed at the server of *refused*, if it refuses by itself where no host of the service need be.

    Somebody else's certificate there tells more than the network it is in.
    """
    host = refused[0].flow.target.host
    strange = [r for r in with_cause(scene, Cause.TLS_WRONG_NAME) if r.flow.target.host == host and direct(r)]
    if not _own_doing(refused, scene) or not (strange or elsewhere(refused, scene)):
        return []
    return [] if any(map(answered_turn, _own(host, scene))) else [*refused, *strange]


def _own(host: str, scene: Scene) -> list[Result]:
    return [one for one in (*scene.tried("turn"), *scene.controls) if one.flow.target.host == host]


def down(scene: Scene) -> list[Found]:
    """Say which TURN servers refuse by themselves: the service is stopped there, and no firewall is to blame."""
    lost = [result for results in _refused(scene).values() if _own_doing(results, scene) for result in results]
    if not lost:
        return []
    by = named(dict.fromkeys(filter(None, (rejecter(result, scene) for result in lost))))
    beside = _beside(lost, scene)
    return [
        Found(
            id="turn-server-down",
            title=f"{hosts(lost)} refuses {_doors(lost)} itself: no TURN service runs there",
            who=Who.PROVIDER,
            fix="Check that this is the name of a TURN server of the service; if it is, tell the provider that the "
            "service is down there. Nothing must change in this network.",
            claims=tuple(lost),
            shows=tuple(distinct([*beside, *(c for result in lost for c in scene.controls_of(result))])),
            detail="; ".join(filter(None, [_told_by(by), _answers_there(beside)])),
        )
    ]


def _answers_there(beside: Sequence[Result]) -> str:
    return f"{hosts(beside)} answers there" if beside else ""


def _refused(scene: Scene) -> dict[str, list[Result]]:
    """Gather by host what TURN servers refuse."""
    found: dict[str, list[Result]] = {}
    for result in scene.failing:
        if result.flow.kind == "turn" and direct(result) and shut(result) and cause(result) is Cause.REFUSED:
            found.setdefault(result.flow.target.host, []).append(result)
    return found


def _own_doing(results: Sequence[Result], scene: Scene) -> bool:
    """Return whether the server itself said no; where that is not told, whether its like says yes on each door.

    One that answers by another door is up: what closes this one may as well be a firewall that rejects in its name.
    """
    words = {by for result in results if (by := rejecter(result, scene))}
    own = {address for result in results for address in addresses(result)}
    if words:
        return words <= own
    return all(_alike(result, scene) and not _alive(result, scene) for result in results)


def _alike(result: Result, scene: Scene) -> list[Result]:
    """Return other TURN servers that answered by the same door."""
    own = (result.flow.target.port, result.flow.transport, result.flow.via)
    return [
        other
        for other in scene.tried("turn")
        if (other.flow.target.port, other.flow.transport, other.flow.via) == own
        and other.flow.target.host != result.flow.target.host
        and answered_turn(other)
    ]


def _beside(lost: Sequence[Result], scene: Scene) -> list[Result]:
    return distinct(other for result in lost for other in _alike(result, scene))


def door_shut(scene: Scene) -> list[Found]:
    """Say which doors of TURN servers are shut, if the same servers answer by others, and somebody by that one.

    Who is up answers a port that nobody listens on with a refusal: silence, or somebody else's, is a packet filter's.
    """
    shuts = {r.flow.id: _alive(r, scene) for r in scene.failing if _shut_by_another(r, scene)}
    lost = [r for r in scene.failing if shuts.get(r.flow.id) and _same_door(r, scene)]
    return [_door_shut(found, shuts, scene) for found in _alike_shut(lost)]


def _alike_shut(lost: Sequence[Result]) -> list[list[Result]]:
    """Gather what is shut to the same hosts in the same way: one rule, whatever doors it names."""
    by_door: dict[str, list[Result]] = {}
    for result in lost:
        by_door.setdefault(door(result.flow), []).append(result)
    found: dict[frozenset[tuple[str, Cause | None]], list[Result]] = {}
    for results in by_door.values():
        found.setdefault(frozenset((r.flow.target.host, cause(r)) for r in results), []).extend(results)
    return list(found.values())


def _same_door(result: Result, scene: Scene) -> list[Result]:
    """Return who answers by the same door: TURN servers or, where none of them does, other hosts on that TCP port."""
    return _alike(result, scene) or [
        other
        for other in scene.tried(*BESIDE)
        if not over_udp(result)
        and direct(other)
        and other.flow.target.port == result.flow.target.port
        and other.flow.target.host != result.flow.target.host
        and answered(other)
    ]


def _alive(result: Result, scene: Scene) -> list[Result]:
    """Return where the server of *result* answered by another door, if only in a control, as through the proxy."""
    host = result.flow.target.host
    return alive_elsewhere(result, scene, turn=True) or [c for c in _controls(host, scene) if answered_turn(c)]


def _controls(host: str, scene: Scene) -> list[Result]:
    return [control for control in scene.controls if control.flow.target.host == host]


def _shut_by_another(result: Result, scene: Scene) -> bool:
    if result.flow.kind != "turn" or not direct(result) or not shut(result):
        return False
    if cause(result) not in {Cause.REFUSED, Cause.RESET}:
        return True
    by = rejecter(result, scene)
    return by not in addresses(result) if by else not over_udp(result)  # of a connection nobody tells who refused it


def _door_shut(lost: Sequence[Result], shuts: Mapping[str, list[Result]], scene: Scene) -> Found:
    here = distinct(c for result in lost for c in shuts[result.flow.id])
    beside = distinct(other for result in lost for other in _same_door(result, scene))
    rejected = named(dict.fromkeys(filter(None, (rejecter(result, scene) for result in lost))))
    unclear = not rejected and any(cause(result) in {Cause.REFUSED, Cause.RESET} for result in lost)
    where, doors = named(dict.fromkeys(door(r.flow) for r in lost)), named(dict.fromkeys(map(way, here)))
    return Found(
        id="turn-door-blocked",
        title=f"{where} to {hosts(lost)} is refused, there or on the way, though answers come from there on {doors}, "
        f"and from {hosts(beside)} on {where}"
        if unclear
        else f"{where} to {hosts(lost)} is blocked, though answers come from there on {doors}, and from "
        f"{hosts(beside)} on {where}",
        who=Who.FIREWALL,
        fix=f"Let the rule for {where} hold for {hosts(lost)} too. If it does, nothing listens there: tell the "
        "provider."
        if unclear
        else f"Let the rule for {where} hold for {hosts(lost)} too. If it does, the packet filter is the provider's "
        "own: tell the provider.",
        claims=tuple(lost),
        shows=(*here, *beside),
        detail=all_said(lost) + (f", by {rejected}" if rejected else ""),
        rules=(firewall_rule(scene, lost),),
    )


def _told_by(by: str) -> str:
    return f"the rejection comes from {by}, the server's own address" if by else "who rejects is not told here"


def _places(results: Sequence[Result]) -> str:
    return named(dict.fromkeys(place for result in results for place in addresses(result))) or hosts(results)


def _doors(results: Sequence[Result]) -> str:
    return " and ".join(dict.fromkeys(door(result.flow) for result in results))


def silent(scene: Scene) -> list[Found]:
    """Say which TURN servers answer by no door, while others do by each of them."""
    lost: list[Result] = []
    for host in dict.fromkeys(result.flow.target.host for result in scene.tried("turn") if direct(result)):
        own = [result for result in scene.tried("turn") if result.flow.target.host == host]
        closed = [r for r in own if direct(r) and shut(r) and any(r is one for one in scene.failing)]
        alive = any(map(answered_turn, (*own, *_controls(host, scene))))
        if closed and not alive and all(_same_door(result, scene) for result in closed):
            lost += closed
    if not lost:
        return []
    beside, doubtful = _beside(lost, scene), elsewhere(lost, scene)
    return [
        Found(
            id="turn-server-silent",
            title=f"{count(len({r.flow.target.host for r in lost}), 'TURN server')} of several "
            f"({hosts(lost)}) answers on no port, while {hosts(beside)} answers on the same ones",
            who=Who.ENDPOINT if doubtful else Who.FIREWALL,
            fix="Look the name up from another network: if it leads elsewhere, have it mended in the DNS of this site. "
            "Else check that the rules here hold for its address too; if so, the server is down: tell the provider."
            if doubtful
            else "Check that the rules here hold for this server's address too; if so, it is down: tell the provider.",
            claims=tuple(lost),
            shows=tuple(beside),
            detail=f"{_doors(lost)}: nothing came back from {_places(lost)}",
            rules=(firewall_rule(scene, lost),),
        )
    ]
