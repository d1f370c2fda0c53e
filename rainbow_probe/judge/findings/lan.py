"""The site's own network: ports between two places of it that something closes, and servers that do not answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from rainbow_probe.judge.findings.certificates import AGREE, DAY, skews_of
from rainbow_probe.judge.rules import TEXT, firewall_rule
from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import connected, facts, failure, passes
from rainbow_probe.judge.words import CAUSES, count, door, named, said
from rainbow_probe.measures import PortState, PortSurvey
from rainbow_probe.model import Cause, Failure, Outcome, Phase, PortRange, Result, Rule, Severity, Transport, Who
from rainbow_probe.rules.atoms import joined
from rainbow_probe.rules.places import ports_of

INWARD = "sweep-in"
SWEEPS = frozenset({"sweep", INWARD})
SERVERS = {"sip": "the PBX", "sips": "the PBX", "ntp": "the time server", "ssh": "the WebRTC gateway"}
ANSWERED = frozenset({Cause.SERVER_ERROR, Cause.NOT_SIP, Cause.NOT_NTP, Cause.NOT_SSH})
"""Something came back from that very port: no firewall has closed it."""
OURSELVES = "this machine"  # who rejects, where a sweep met this machine's own packet filter
MOST_SPANS = 6
WRONG = 5.0  # seconds by which a time server may differ from everybody; they are good to milliseconds


def closed_ports(scene: Scene) -> list[Found]:
    """Say which ports are closed on the way to each host, or from it, in whose place a responder answers elsewhere."""
    lost: dict[tuple[str, bool], list[Result]] = {}
    for result in scene.lan:
        if result.flow.kind in SWEEPS and result.verdict.outcome is Outcome.FAIL:
            lost.setdefault((result.flow.target.host, result.flow.kind == INWARD), []).append(result)
    return [_closed(host, results, scene, inward=inward) for (host, inward), results in lost.items()]


def _closed(host: str, lost: Sequence[Result], scene: Scene, *, inward: bool) -> Found:
    partly = any(_cause(result) is Cause.PARTLY_OPEN for result in lost)
    shown = named([_span(one) for one in joined(span for result in lost for span in _spans(result))], MOST_SPANS)
    works = [one for one in scene.lan if one.flow.target.host == host and passes(one)]
    ranges = named(dict.fromkeys(f"UDP/{_span(ports_of(result))}" for result in lost))
    way = f"from {host} to this machine" if inward else f"to {host}"
    return Found(
        id="lan-ports-partly" if partly else "lan-ports-closed",
        title=f"{'Parts of ' if partly else ''}{ranges} {way} {_are(partly, lost)} closed: {_how(lost)}: {shown}",
        who=Who.ENDPOINT if _rejecters(lost) == {OURSELVES} else Who.FIREWALL,
        fix=f"Open {ranges} {way} in whatever stands between the two: a firewall or an access list between two "
        "networks of the site, Wi-Fi that keeps its stations apart, or a firewall on either machine.",
        claims=tuple(lost),
        shows=tuple(works),
        detail=named([seen.detail for result in lost if (seen := failure(result))], 3),
        rules=(_inbound(host, lost, scene) if inward else firewall_rule(scene, lost),),
    )


def _inbound(host: str, lost: Sequence[Result], scene: Scene) -> Rule:
    """Write what must come in: the one kind of rule that is not about the way out."""
    own = named([address for address in scene.site.addresses if ":" not in address] or ["this machine"], 8)
    ports = ", ".join(_span(one) for one in joined(ports_of(result) for result in lost))
    return Rule(format=TEXT, text=f"allow UDP from {host} to {own}, destination ports {ports}, new flows too")


def _are(partly: bool, lost: Sequence[Result]) -> str:
    return "are" if partly or len(lost) > 1 else "is"


def _cause(result: Result) -> Cause | None:
    found = failure(result)
    return found.cause if found else None


def _how(lost: Sequence[Result]) -> str:
    """Tell a drop from a rejection, and who rejects."""
    if by := _rejecters(lost):
        rejected = [value for result in lost for value in facts(result, "refused") if isinstance(value, int)]
        closed = sum(one.last - one.first + 1 for result in lost for one in _spans(result))
        silent = bool(rejected) and sum(rejected) < closed
        return f"{'some ' * silent}rejected by {named(sorted(by))}{', the others without an answer' * silent}"
    causes = [one for result in lost if (one := _cause(result)) and one is not Cause.PARTLY_OPEN]
    return named(dict.fromkeys(CAUSES[one] for one in causes)) or "no answer from them"


def _rejecters(lost: Sequence[Result]) -> set[str]:
    return {str(who) for result in lost for who in facts(result, "rejected_by")}


def _spans(result: Result) -> list[PortRange]:
    measured = result.verdict.measured
    if not isinstance(measured, PortSurvey):
        return [ports_of(result)]
    closed = [one for one in measured.intervals if one.state is PortState.CLOSED]
    return [PortRange(first=one.first, last=one.last) for one in closed]


def _span(one: PortRange) -> str:
    return str(one) if one.first != one.last else str(one.first)


def unanswered(scene: Scene) -> list[Found]:
    """Say which of the site's servers does not answer, or not as it should: whose fault it is, is not proven."""
    lost = [one for one in scene.lan if one.flow.kind in SERVERS and one.verdict.outcome is Outcome.FAIL]
    return [_unanswered(result, scene) for result in lost]


def _unanswered(result: Result, scene: Scene) -> Found:
    what, host = SERVERS[result.flow.kind], result.flow.target.host
    alive = [one for one in scene.lan if one.flow.target.host == host and passes(one)]
    taken = connected(result) and result.flow.transport is Transport.TLS
    answered = taken or _cause(result) in ANSWERED
    return Found(
        id=f"lan-{result.flow.kind}-fails",
        title=f"{what[:1].upper()}{what[1:]} {host} ({door(result.flow)}): {said(result)}",
        who=Who.ENDPOINT if answered else Who.FIREWALL,
        fix=_put_right(what, result) if answered else _open(host, door(result.flow), alive=bool(alive)),
        claims=(result,),
        shows=tuple(alive),
        detail=seen.detail if (seen := failure(result)) else "",
        rules=() if answered else (firewall_rule(scene, [result]),),
    )


def certificates(scene: Scene) -> list[Found]:
    """Say that the PBX's certificate is none that this machine would take: its gateway may, or may not."""
    asked = [result for result in scene.lan if result.flow.kind == "sips" and passes(result)]
    return [_certificate(result, seen) for result in asked if (seen := _of_the_certificate(result))]


def rewriting(scene: Scene) -> list[Found]:
    """Say that somebody between here and the PBX rewrites SIP, which the PBX's answer shows."""
    return [_rewriting(result, by) for result in scene.lan if (by := _rewritten(result))]


def _rewritten(result: Result) -> str:
    told = [
        f"{name} as {value}" for name in ("rewritten", "changed") for value in facts(result, name, Phase.SIP) if value
    ]
    return named(told) if passes(result) else ""


def _rewriting(result: Result, by: str) -> Found:
    host = result.flow.target.host
    return Found(
        id="sip-rewritten",
        title=f"Something between this machine and the PBX {host} rewrites SIP",
        who=Who.FIREWALL,
        fix='Switch off the "SIP ALG" (or helper, inspection, fixup) of the firewall or router between the two: a '
        "gateway and a PBX agree on addresses by themselves, and rewritten ones lead calls and their voice astray.",
        shows=(result,),
        detail=by,
    )


def _of_the_certificate(result: Result) -> Failure | None:
    return next((step.failure for step in result.steps if step.phase is Phase.TLS and step.failure), None)


def _certificate(result: Result, seen: Failure) -> Found:
    host = result.flow.target.host
    return Found(
        id="lan-sips-certificate",
        title=f"The PBX {host} answers SIP over TLS, and its certificate is none that this machine takes: "
        f"{CAUSES[seen.cause]}",
        who=Who.ENDPOINT,
        fix="A gateway that verifies certificates must know whoever issued this one; one that has expired, or is for "
        "another name, must be made anew.",
        shows=(result,),
        detail=seen.detail,
    )


def _put_right(what: str, result: Result) -> str:
    if _cause(result) is Cause.SERVER_ERROR:
        return f"It answers, so nothing is in the way: look at {what} itself."
    if _cause(result) not in ANSWERED:
        return (
            "It takes the connection, so nothing closes the port: its own log says why (a certificate that it wants of "
            "its clients, for example)."
        )
    return f"Something answers there, so the port is open: look whether this is the address of {what}."


def _open(host: str, port: str, *, alive: bool) -> str:
    near = f"{host} itself answers elsewhere: either it does not serve this, or something closes this port."
    far = "What stops it is not proven: look whether it runs there, and at this address."
    return f"{near if alive else far} If it does, open {port} to it."


def wrong_time(scene: Scene) -> list[Found]:
    """Say that the time server's time is not that of web servers, which agree: a gateway's will be as wrong."""
    dated = [skew for result in (*scene.tried(), *scene.controls) for skew in skews_of(result)]
    return [found for result in scene.lan for ahead in _offsets(result) for found in _wrong(result, ahead, dated)]


def _offsets(result: Result) -> Iterable[float]:
    return (value for value in facts(result, "offset_s", Phase.NTP) if isinstance(value, int | float))


def _wrong(result: Result, ahead: float, dated: Sequence[float]) -> list[Found]:
    """Compare the server with this machine, and both with the dates of web servers, which are whole seconds."""
    if abs(ahead) < WRONG:
        return []
    agree = bool(dated) and all(abs(skew - median(dated)) <= AGREE for skew in dated)
    off = ahead + median(dated) if dated else ahead  # the dates' skew is by how much this machine is ahead of them
    if agree and abs(off) <= AGREE:
        return []  # it is right, and this machine is wrong: that is said of this machine
    host = result.flow.target.host
    proven = agree and abs(off) > AGREE
    whose = "web servers' dates and this machine agree with each other" if proven else "whose is right is not proven"
    return [
        Found(
            id="ntp-wrong" if proven else "ntp-differs",
            title=f"The time server {host} is {_amount(off if proven else ahead)} than "
            f"{'the rest of the world' if proven else 'this machine'}",
            who=Who.ENDPOINT,
            fix="Set that server right, or give the gateway another one: with a wrong clock it takes every certificate "
            "for expired, or for not valid yet.",
            shows=(result,),
            detail=f"{whose}; stratum {named(facts(result, 'stratum', Phase.NTP))}",
            at_least=Severity.DEGRADING,
        )
    ]


def _amount(seconds: float) -> str:
    size = abs(seconds)
    text = count(round(size / DAY), "day") if size >= 2 * DAY else _small(size)
    return f"{text} {'later' if seconds > 0 else 'earlier'}"


def _small(size: float) -> str:
    if size < 120:
        return count(round(size), "second")
    return count(round(size / 60), "minute") if size < 7200 else f"{size / 3600:.1f} hours"
