"""Failures without a proven cause, worded as what was seen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rainbow_probe.judge.rules import firewall_rule
from rainbow_probe.judge.scene import CONTROLS, Found, Scene
from rainbow_probe.judge.traces import PROXY_ONLY, SHUT, connected, direct, failure, shut
from rainbow_probe.judge.words import count, door, hosts, named, said
from rainbow_probe.model import Cause, Endpoint, Phase, Result, Transport, Via, Who

LOUD = frozenset({Phase.TLS, Phase.HTTP, Phase.WEBSOCKET, Phase.STUN})
"""Phases right behind the connection, in which a server has to say something."""
FEWEST_HOSTS = 2  # one mute server is that server's own trouble
ACTORS = {
    Phase.RESOLVE: Who.DNS,
    Phase.CONNECT: Who.FIREWALL,
    Phase.PROXY: Who.PROXY,
    Phase.TLS: Who.FIREWALL,
}
"""Who is asked first; beyond TLS it is the provider."""
CERTIFICATES = frozenset({
    Cause.TLS_UNTRUSTED,
    Cause.TLS_INTERCEPTED,
    Cause.TLS_EXPIRED,
    Cause.TLS_NOT_YET_VALID,
    Cause.TLS_WRONG_NAME,
})
"""Causes of which whoever runs TLS inspection is asked first."""
CUTS = frozenset({Cause.RESET, Cause.CLOSED})
ANSWERS = frozenset({Phase.HTTP, Phase.WEBSOCKET, Phase.XMPP})
"""Phases in which the server answers what it was asked."""
_Key = tuple[Phase, Cause, str]
"""Where it ended, why, and at which group of hosts."""


def mute_everywhere(scene: Scene) -> list[Found]:
    """Say that whatever takes a direct connection, on any port, then says nothing."""
    took = [result for result in scene.tried() if connected(result) and direct(result)]
    several = len({result.flow.target.port for result in took}) > 1
    return _mute(scene, took) if several and _all_mute(took) else []


def mute(scene: Scene) -> list[Found]:
    """Say that all hosts of a port take connections and then say nothing."""
    by_port: dict[tuple[int, str], list[Result]] = {}
    for result in scene.tried():
        if connected(result) and result.flow.kind not in CONTROLS | PROXY_ONLY:
            by_port.setdefault((result.flow.target.port, result.flow.via), []).append(result)
    return _mute(scene, [result for found in by_port.values() if _all_mute(found) for result in found])


def _mute(scene: Scene, silent: list[Result]) -> list[Found]:
    still_open = {result.flow.id for result in scene.failing}
    claims = [result for result in silent if result.flow.id in still_open]
    if not claims:
        return []
    doors = named(dict.fromkeys(door(result.flow) for result in claims))
    return [
        Found(
            id="server-mute",
            title=f"{doors} can be connected to, but nothing ever answers there",
            who=Who.FIREWALL if any(map(direct, claims)) else Who.PROXY,
            fix="Something between takes the connections without passing them on (a transparent proxy, a firewall that "
            "answers for others), or the servers hang: compare with a run from another network.",
            claims=tuple(claims),
            detail=f"{count(len(claims), 'check')} to {hosts(claims, 8)}: {named(dict.fromkeys(map(said, claims)))}",
        )
    ]


def _all_mute(results: list[Result]) -> bool:
    several = len({result.flow.target.host for result in results}) >= FEWEST_HOSTS
    return several and all(_silent(result) for result in results)


def _silent(result: Result) -> bool:
    seen = result.verdict.failure  # a control that heard nothing is inconclusive, and as mute
    return seen is not None and seen.cause is Cause.TIMEOUT and seen.phase in LOUD


def cut(scene: Scene) -> list[Found]:
    """Say that TLS fails alike at all hosts of a port: not their doing, whatever it is."""
    found: list[Found] = []
    ports: dict[tuple[str, Via], list[Result]] = {}
    for result in scene.tried():
        if result.flow.transport is Transport.TLS and result.flow.kind not in CONTROLS:
            ports.setdefault((door(result.flow), result.flow.via), []).append(result)
    for (where, via), results in ports.items():
        lost = [result for result in scene.failing if any(result is one for one in results)]
        several = len({result.flow.target.host for result in lost}) >= FEWEST_HOSTS
        if several and len(lost) == len(results) and _alike(lost):
            found.append(_cut(where, via, lost))
    return found


def _alike(lost: list[Result]) -> bool:
    """Return whether all of *lost* failed in TLS for one reason, which is not the certificate."""
    seen = {(found.phase, found.cause) for result in lost if (found := failure(result))}
    return len(seen) == 1 and all(where is Phase.TLS and why not in CERTIFICATES for where, why in seen)


def _cut(where: str, via: Via, lost: list[Result]) -> Found:
    seen = failure(lost[0])
    why = seen.cause if seen else Cause.UNKNOWN
    through, suffix = (" through the proxy", "-proxy") if via is Via.PROXY else ("", "")
    number = count(len({result.flow.target.host for result in lost}), "host")
    happens = f"is cut at the first byte ({why} in the TLS handshake)" if why in CUTS else f"fails: {said(lost[0])}"
    return Found(
        id=f"seen-tls-{why}-{where.lower().replace('/', '-')}{suffix}",
        title=f"{where}{through} {happens} at all {number}",
        who=Who.PROXY if via is Via.PROXY else Who.FIREWALL,
        fix="Look for a box that filters by what the first packets say (a name, a protocol), and exempt these hosts.",
        claims=tuple(lost),
        detail=f"{hosts(lost, 8)}: " + named(dict.fromkeys(s.detail for r in lost if (s := failure(r)))),
    )


def unexplained(scene: Scene) -> list[Found]:
    """Gather what nothing explains by phase, cause and group of hosts."""
    groups: dict[_Key, list[Result]] = {}
    for result in scene.failing:
        seen = failure(result)
        if seen and result.flow.kind not in CONTROLS:
            groups.setdefault((seen.phase, seen.cause, scene.group_of(result)), []).append(result)
    return [_as_seen(*key, results, scene) for key, results in _joined(groups).items()]


def _joined(groups: Mapping[_Key, list[Result]]) -> dict[_Key, list[Result]]:
    """Put together what ends alike, once TLS is through, on one port of the same hosts: what was asked is no cause."""
    kept: dict[_Key, list[Result]] = {}
    for key, lost in sorted(groups.items(), key=lambda item: list(Phase).index(item[0][0])):
        same = (one for one, others in kept.items() if _alike_within(key, one) and _places(others) == _places(lost))
        kept.setdefault(next(same, key), []).extend(lost)
    return kept


def _alike_within(key: _Key, other: _Key) -> bool:
    """Return whether two endings may be one: in the answers, both silent or both cut."""
    ends = {Cause.CLOSED if cause in CUTS else cause for _, cause, _ in (key, other)}
    return {key[0], other[0]} <= ANSWERS and len(ends) == 1 and ends <= {Cause.CLOSED, Cause.TIMEOUT}


def _places(results: Sequence[Result]) -> set[tuple[Endpoint, Via]]:
    return {(result.flow.target, result.flow.via) for result in results}


def _as_seen(where: Phase, why: Cause, group: str, lost: list[Result], scene: Scene) -> Found:
    doors = named(dict.fromkeys(door(result.flow) for result in lost))
    closed = [result for result in lost if shut(result)]
    return Found(
        id=f"seen-{where}-{why}-{re.sub(r'[^a-z0-9.-]+', '-', group.lower())}",
        title=f"{hosts(lost)} ({doors}): {'; '.join(dict.fromkeys(map(said, lost)))}",
        who=Who.TLS_INSPECTION if why in CERTIFICATES else ACTORS.get(where, Who.PROVIDER),
        fix=_advice(where, why),
        claims=tuple(lost),
        detail=named(dict.fromkeys(seen.detail for result in lost if (seen := failure(result))), 3),
        rules=(firewall_rule(scene, closed),) if closed else (),
    )


def _advice(where: Phase, why: Cause) -> str:
    if why in SHUT and where in {Phase.CONNECT, Phase.STUN}:
        return "What stops it is not proven. If these hosts work from another network, open the way to them here."
    if where is Phase.PROXY:
        return "What stops it is not proven. Ask the proxy's log for these targets."
    return "What stops it is not proven. Run from another network too: if it fails there, tell the provider."
