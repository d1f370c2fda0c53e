"""What lies behind the proxy's answer: targets it cannot reach, whose fault that is, and who speaks in its tunnels."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.findings import neutral as beside
from rainbow_probe.judge.findings.neutral import neutral, past_the_proxy
from rainbow_probe.judge.findings.proxy import details, tunnels, with_cause
from rainbow_probe.judge.rules import way_out_rule
from rainbow_probe.judge.scene import Found, Scene, distinct
from rainbow_probe.judge.traces import answered, cause, direct, failure, interceptor, passes, phase, shut, tunnelled
from rainbow_probe.judge.words import hosts, named
from rainbow_probe.model import Cause, Phase, Result, Who
from rainbow_probe.net.names import is_address

UNREACHED = frozenset({Cause.PROXY_TARGET_FAILED, Cause.PROXY_RESOLVE_FAILED})
INTRUDERS = frozenset({Cause.HTTP_INSTEAD_OF_STUN, Cause.NOT_STUN})
FEWEST_GROUPS = 2  # of hosts, all of which hear the same stranger


def unresolved(scene: Scene) -> list[Found]:
    """Say which names the proxy cannot resolve: it says so itself, or waits at names and opens tunnels to addresses."""
    lost = [*with_cause(scene, Cause.PROXY_RESOLVE_FAILED), *(waiting := _waits_at_names(scene))]
    if not lost:
        return []
    opened = [*tunnels(scene), *filter(tunnelled, neutral(scene))]
    nothing = waiting or (not opened and beside.missed(scene, Cause.PROXY_RESOLVE_FAILED))
    known = [one for one in scene.tried("dns") if passes(one) and _host(one) in set(map(_host, lost))]
    though = ", though this site's own resolver knows it" if known else ", though it resolves others" if opened else ""
    return [
        Found(
            id="proxy-dns",
            title="The proxy cannot resolve any name" if nothing else f"The proxy cannot resolve {hosts(lost)}{though}",
            who=Who.PROXY,
            fix="Give the proxy a resolver that knows the names of the Internet, these among them.",
            claims=tuple(distinct(lost)),
            shows=tuple(distinct([*opened, *known, *(neutral(scene) if nothing else ())])),
            detail=details(lost) + ("; tunnels to addresses open" if waiting else ""),
        )
    ]


def _waits_at_names(scene: Scene) -> list[Result]:
    """Return the tunnels by name that the proxy waited over, if it opened none by name and some by address."""
    opened = tunnels(scene)
    by_name = [one for one in (*opened, *filter(tunnelled, neutral(scene))) if not _by_address(one)]
    return [one for one in scene.failing if _waited(one) and not _by_address(one)] if opened and not by_name else []


def _by_address(result: Result) -> bool:
    return result.flow.params.get("by") == "address" or is_address(_host(result))


def unreached(scene: Scene) -> list[Found]:
    """Say which targets the proxy cannot reach, and by what else it reaches: whose fault that is.

    It says so itself, or it waits for them longer than this probe does, while it answers for others.
    """
    opened = [*tunnels(scene), *filter(tunnelled, neutral(scene))]
    lost = [one for one in scene.failing if _unreached(one) or (opened and _waited(one))]
    if not lost:
        return []
    controls = [one for one in beside.missed(scene, *UNREACHED, Cause.TIMEOUT) if not tunnelled(one)]
    if not opened and controls:
        return [_noway_out_rule(lost, controls)]
    ports = {one.flow.target.port for one in controls} - {one.flow.target.port for one in opened}
    found = [_port(port, lost, controls, opened) for port in sorted(ports) if opened and _on(port, lost)]
    rest = [one for one in lost if not any(one in each.claims for each in found)]
    return [*found, *_targets(rest, opened, scene)]


def _unreached(result: Result) -> bool:
    return cause(result) is Cause.PROXY_TARGET_FAILED


def _waited(result: Result) -> bool:
    return phase(result) is Phase.PROXY and cause(result) is Cause.TIMEOUT


def _on(port: int, results: Sequence[Result]) -> list[Result]:
    return [one for one in results if one.flow.target.port == port]


def _host(result: Result) -> str:
    return result.flow.target.host


def _noway_out_rule(lost: Sequence[Result], controls: Sequence[Result]) -> Found:
    return Found(
        id="proxy-no-way-out",
        title="The proxy answers, but reaches nothing: no target of the service, and no neutral host either",
        who=Who.PROXY,
        fix="Look at the proxy's own way to the Internet: its network, its parent proxy, the firewall behind it.",
        claims=tuple(lost),
        shows=tuple(controls),
        detail=details(lost),
    )


def _port(port: int, lost: Sequence[Result], controls: Sequence[Result], opened: Sequence[Result]) -> Found:
    claims = _on(port, lost)
    return Found(
        id=f"proxy-cannot-reach-{port}",
        title=f"The proxy reaches nobody on port {port}, not even a neutral host, though it does on other ports",
        who=Who.FIREWALL,
        fix=f"Open port {port}, outbound, for the proxy's own address in the firewall behind it.",
        claims=tuple(claims),
        shows=tuple(distinct([*_on(port, controls), *opened])),
        detail=details(claims),
        rules=(way_out_rule(claims),),
    )


def _targets(lost: Sequence[Result], opened: Sequence[Result], scene: Scene) -> list[Found]:
    """Tell targets apart by how they are past the proxy: alive, as dead while others live, or it cannot be told."""
    past = {one.flow.id: past_the_proxy(scene, one) for one in lost}
    alive = [one for one in lost if any(map(answered, past[one.flow.id]))]
    down = [one for one in lost if one not in alive and any(_closed_alone(d, scene) for d in past[one.flow.id])]
    rest = [one for one in lost if one not in alive and one not in down]
    if alive:  # what could not be tried directly is no second cause
        alive += [one for one in rest if not past[one.flow.id]]
        rest = [one for one in rest if past[one.flow.id]]
    shows = {name: distinct(d for one in some for d in past[one.flow.id]) for name, some in
             (("alive", alive), ("down", down))}  # fmt: skip
    return [
        *([_closed(alive, [*shows["alive"], *opened])] if alive else []),
        *([_down(down, shows["down"], opened, scene)] if down else []),
        *([_as_seen(told, opened)] if (told := list(filter(_unreached, rest))) else []),
    ]


def _closed_alone(past: Result, scene: Scene) -> bool:
    """Return whether *past* met a closed door where others, of another host and as direct, got an answer."""
    port = past.flow.target.port
    others = [one for one in scene.tried() if direct(one) and one.flow.target.port == port]
    return shut(past) and any(answered(one) and _host(one) != _host(past) for one in others)


def _closed(lost: Sequence[Result], shows: Sequence[Result]) -> Found:
    return Found(
        id="proxy-target-closed",
        title=f"The proxy cannot reach {hosts(lost)}, which answers this machine directly",
        who=Who.FIREWALL,
        fix="Open the way to these targets for the proxy's own address, in the firewall behind it or in its list of "
        "parents.",
        claims=tuple(lost),
        shows=tuple(distinct(shows)),
        detail=details(lost),
        rules=(way_out_rule(lost),),
    )


def _down(lost: Sequence[Result], past: Sequence[Result], opened: Sequence[Result], scene: Scene) -> Found:
    claims = [*lost, *(one for one in scene.failing if any(one is each for each in past))]
    return Found(
        id="target-down",
        title=f"{hosts(lost)} can be reached neither through the proxy nor past it, while other hosts can",
        who=Who.PROVIDER,
        fix="Two ways out that serve other hosts do not reach these: compare with a run from another network, then "
        "tell the provider.",
        claims=tuple(claims),
        shows=tuple(distinct([*past, *opened])),
        detail=details(lost),
    )


def _as_seen(lost: Sequence[Result], opened: Sequence[Result]) -> Found:
    ports = sorted({r.flow.target.port for r in lost} - {r.flow.target.port for r in opened})
    where = f"port {named(ports)} of {hosts(lost)}" if opened and ports else hosts(lost)
    return Found(
        id="proxy-target-failed",
        title=f"The proxy accepts, but cannot reach {where}",
        who=Who.PROXY,
        fix="Open the way from the proxy to these targets, in the firewall behind it or in its list of parents; if it "
        "is open, they may be down, which this machine has no other way to see.",
        claims=tuple(lost),
        shows=tuple(opened),
        detail=details(lost),
    )


def strangers(scene: Scene) -> list[Found]:
    """Say that somebody else speaks in the tunnel: many hosts hear it, or the host itself does not say that."""
    plain = [one for one in scene.failing if tunnelled(one) and cause(one) is Cause.NOT_TLS]
    if not plain:
        return []
    same = beside.missed(scene, Cause.NOT_TLS)
    past = distinct(d for one in plain for d in past_the_proxy(scene, one) if answered(d))
    if not same and not past and len({scene.group_of(one) for one in plain}) < FEWEST_GROUPS:
        return []
    also = [one for one in scene.failing if tunnelled(one) and cause(one) in INTRUDERS and phase(one) is Phase.STUN]
    heard = [one for one in neutral(scene) if answered(one)]
    whom = f"{hosts(plain)}, though not in that of a neutral host" if heard else "whatever it is asked for"
    return [
        Found(
            id="proxy-block-page",
            title=f"The proxy says 200 to CONNECT and then speaks itself in place of {whom}",
            who=Who.PROXY,
            fix="Read what it says (below), and put the hosts of the service on the list of what it lets through.",
            claims=(*plain, *also),
            shows=tuple(distinct([*same, *heard, *past])),
            detail=details(plain),
        )
    ]


def box_errors(scene: Scene) -> list[Found]:
    """Say that a box which decrypts reports the error, and not the server: it puts its own name to it."""
    lost = [one for one in with_cause(scene, Cause.SERVER_ERROR) if interceptor(one) and _signed(one)]
    if not lost:
        return []
    return [
        Found(
            id="box-cannot-reach",
            title=f"The box that decrypts TLS reports an error of its own for {hosts(lost)}",
            who=Who.TLS_INSPECTION,
            fix="Look at the way from that box to the Internet, and at its log; or exempt these hosts from decryption.",
            claims=tuple(lost),
            detail=named(dict.fromkeys(seen.detail for one in lost if (seen := failure(one))), 3),
        )
    ]


def _signed(result: Result) -> bool:
    return any(step.facts.get(name) for step in result.steps for name in ("x_squid_error", "proxy_status"))
