"""Links that are cut while they are idle, or after a time: by whom, as the other way out and the manner of it show."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.scene import Found, Scene, distinct
from rainbow_probe.judge.traces import cause, direct, fact, interceptor, passes
from rainbow_probe.judge.words import hosts, named
from rainbow_probe.model import Cause, Phase, Result, Severity, Via, Who

CUT = frozenset({Cause.CUT_AFTER_IDLE, Cause.CUT_AFTER_TIME})
HOW = {
    "silence": "nothing that is sent then is answered",
    "reset": "the connection is reset",
    "closed": "the connection is closed, not by the server's own word",
    "goodbye": "the server's end says goodbye",
}
FIX = "Let idle connections to {} live for two minutes or more: clients send something every 60 s only."


def cut(scene: Scene) -> list[Found]:
    """Tell for each way out who cuts its links."""
    found: list[Found] = []
    for way in Via:
        groups: dict[tuple[str, Who, str], list[Result]] = {}
        for result in scene.failing:
            if cause(result) in CUT and result.flow.via is way:
                groups.setdefault(_blamed(result, scene), []).append(result)
        found += [_found(*key, results, scene) for key, results in _joined(groups).items()]
    return found


def forgotten(scene: Scene) -> list[Found]:
    """Say that UDP flows are forgotten sooner than clients send something, if one with traffic lives."""
    lost = [one for one in scene.controls if one.flow.kind == "udp-binding" and cause(one) is Cause.CUT_AFTER_IDLE]
    if not lost:
        return []
    after, needed = (fact(lost[0], key, Phase.TURN_DATA) for key in ("cut_s", "needed_s"))
    return [
        Found(
            id="udp-binding-short",
            title=f"UDP flows without traffic are forgotten after {after} s, and clients may be silent for {needed} s",
            who=Who.FIREWALL,
            fix="Let firewalls and NATs keep UDP flows for two minutes (RFC 4787, REQ-5): what comes in after a pause "
            "in a call is lost until the client sends something.",
            shows=tuple(lost),
            detail=_details(lost),
            at_least=Severity.DEGRADING,
        )
    ]


def push_forgotten(scene: Scene) -> list[Found]:
    """Say that idle links to the push service go dead, if a fresh one answers."""
    lost = [one for one in scene.controls if one.flow.kind == "push-idle" and cause(one) is Cause.CUT_AFTER_IDLE]
    if not lost:
        return []
    doors = named(dict.fromkeys(f"TCP/{one.flow.target.port}" for one in lost))
    return [
        Found(
            id="push-idle-cut",
            title=f"Idle links to the push service on {doors} go dead: devices miss calls without a sign",
            who=Who.FIREWALL,
            fix=f"Let idle connections on {doors} to Google's push hosts live for 30 minutes or more.",
            shows=tuple(lost),
            detail=_details(lost),
            at_least=Severity.DEGRADING,
        )
    ]


def _joined(groups: dict[tuple[str, Who, str], list[Result]]) -> dict[tuple[str, Who, str], list[Result]]:
    """Let hosts of which nothing more is known share the cause that is proven for others on their way."""
    proven = [key for key in groups if key[0] in {"proxy-idle-cut", "firewall-idle-cut"}]
    for key in [key for key in groups if proven and key[0] == "idle-cut"]:
        groups[proven[0]] += groups.pop(key)
    return groups


def _blamed(result: Result, scene: Scene) -> tuple[str, Who, str]:
    """Return the finding's id, who is to act, and who is said to do it."""
    others = _other_way(result, scene)
    if fact(result, "cut_shows", Phase.XMPP) == "goodbye" and not interceptor(result):
        return "server-idle-cut", Who.PROVIDER, "The server"
    if not direct(result) and any(map(passes, others)):
        return "proxy-idle-cut", Who.PROXY, "The proxy"
    if direct(result) and (any(map(passes, others)) or _forgotten(result)):
        return "firewall-idle-cut", Who.FIREWALL, "A firewall or router on the way"
    return "idle-cut", Who.FIREWALL if direct(result) else Who.PROXY, "Something on the way"


def _forgotten(result: Result) -> bool:
    """Return whether the link just fell silent while another one to the same server lived on: no server ends one so."""
    return fact(result, "cut_shows", Phase.XMPP) == "silence" and not fact(result, "kept", Phase.XMPP)


def _other_way(result: Result, scene: Scene) -> list[Result]:
    """Return the checks of the same target by the other way out."""
    own = result.flow
    return [
        one
        for one in scene.results
        if (one.flow.kind, one.flow.target) == (own.kind, own.target) and one.flow.via is not own.via
    ]


def _found(identity: str, who: Who, actor: str, lost: Sequence[Result], scene: Scene) -> Found:
    shows = named(dict.fromkeys(HOW[how] for r in lost if (how := fact(r, "cut_shows", Phase.XMPP)) in HOW))
    through = "" if all(map(direct, lost)) else " through the proxy"
    what = "after a time, traffic or not" if all(cause(r) is Cause.CUT_AFTER_TIME for r in lost) else "that are idle"
    return Found(
        id=identity,
        title=f"{actor} cuts links to {hosts(lost)}{through} {what}",
        who=who,
        fix=FIX.format(hosts(lost)),
        claims=tuple(lost),
        shows=tuple(distinct(one for r in lost for one in _other_way(r, scene) if passes(one))),
        detail="; ".join(filter(None, [_details(lost), shows])),
    )


def _details(lost: Sequence[Result]) -> str:
    return named(dict.fromkeys(r.verdict.failure.detail for r in lost if r.verdict.failure), 3)
