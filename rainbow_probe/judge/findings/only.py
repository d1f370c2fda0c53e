"""One TCP port out, and nothing else: a border that lets one kind of traffic pass, not one finding a port."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.rules import firewall_rule, needed
from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import LOOK_UPS, MANY_WAYS, connected, direct, domain, over_udp, passes, shut
from rainbow_probe.judge.words import CAUSES, count, door, hosts, named
from rainbow_probe.model import Cause, Outcome, Phase, Result, Who

FEWEST = 2  # unrelated hosts, and ports: one port has a finding of its own
REJECTED = frozenset({Cause.REFUSED, Cause.RESET})


def one_port(scene: Scene) -> list[Found]:
    """Say that TCP goes out on one port only, if all others end alike, at unrelated hosts; UDP too, if it does."""
    sent = [r for r in scene.tried() if direct(r) and not over_udp(r) and r.flow.kind not in LOOK_UPS and _knocked(r)]
    out = {result.flow.target.port for result in sent if connected(result)}
    beyond = [result for result in sent if result.flow.target.port not in out]
    lost = [result for result in beyond if shut(result) and any(result is one for one in scene.failing)]
    if len(out) != 1 or not lost or not _all_alike(beyond):
        return []
    port = out.pop()
    alive = [result for result in sent if result.flow.target.port == port]
    if not all(map(connected, alive)):
        return []  # it is open to some only: a list of hosts, and no policy for ports
    return [_found(port, [*lost, *_udp(scene, _manner(lost[0]))], alive, scene)]


def _all_alike(closed: Sequence[Result]) -> bool:
    """Return whether several ports, of hosts that have nothing to do with each other, are shut in one way."""
    domains = {domain(result.flow.target.host) for result in closed}
    ports = {result.flow.target.port for result in closed}
    return min(len(domains), len(ports)) >= FEWEST and len({_manner(result) for result in closed}) == 1


def _knocked(result: Result) -> bool:
    """Return whether *result* came as far as the port: its name was known."""
    return any(step.phase is Phase.CONNECT for step in result.steps)


def _manner(result: Result) -> Cause | None:
    """Return how the door was shut; a control that heard nothing is inconclusive, and tells it too."""
    seen = result.verdict.failure
    return None if seen is None else Cause.REFUSED if seen.cause in REJECTED else seen.cause


def _udp(scene: Scene, manner: Cause | None) -> list[Result]:
    """Return what was lost of UDP, if all of it was, and in the same *manner*."""
    sent = [result for result in scene.tried("turn", *MANY_WAYS) if over_udp(result) and direct(result)]
    turn = [result for result in sent if result.flow.kind == "turn"]
    if not turn or any(map(passes, sent)) or not all(shut(one) and _manner(one) is manner for one in turn):
        return []
    return [r for r in scene.failing if any(r is one for one in sent) and r.verdict.outcome is Outcome.FAIL]


def _found(port: int, lost: Sequence[Result], alive: Sequence[Result], scene: Scene) -> Found:
    doors = list(dict.fromkeys(map(_door, lost)))
    what = "Of TCP, only port" if not any(map(over_udp, lost)) else "Only TCP/"
    manner = _manner(lost[0]) or Cause.TIMEOUT
    return Found(
        id=f"only-tcp-{port}",
        title=f"{what}{'' if what.endswith('/') else ' '}{port} goes out: {named(doors, 8)} "
        f"{'is' if len(doors) == 1 else 'are'} closed to all ({CAUSES[manner]})",
        who=Who.FIREWALL,
        fix="Open the flows below: they are what the failed rows need.",
        claims=tuple(lost),
        shows=tuple(alive[:6]),
        detail=f"{count(len(lost), 'check')} to {hosts(lost)}; on TCP/{port}, {hosts(alive)} and others answer",
        rules=(firewall_rule(scene, needed(scene, lost)),),
    )


def _door(result: Result) -> str:
    return "the conference servers' range" if result.flow.kind in MANY_WAYS else door(result.flow)
