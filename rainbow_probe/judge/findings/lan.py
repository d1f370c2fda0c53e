"""The site's own network: ports between two places of it that something closes."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.rules import firewall_rule
from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import fact, failure
from rainbow_probe.judge.words import CAUSES, named
from rainbow_probe.measures import PortState, PortSurvey
from rainbow_probe.model import Cause, Outcome, PortRange, Result, Who
from rainbow_probe.rules.atoms import joined
from rainbow_probe.rules.places import ports_of

SWEEP = "sweep"
MOST_SPANS = 6


def closed_ports(scene: Scene) -> list[Found]:
    """Say which ports are closed on the way to each host in whose place a responder answers elsewhere."""
    lost: dict[str, list[Result]] = {}
    for result in scene.lan:
        if result.flow.kind == SWEEP and result.verdict.outcome is Outcome.FAIL:
            lost.setdefault(result.flow.target.host, []).append(result)
    return [_closed(host, results, scene) for host, results in lost.items()]


def _closed(host: str, lost: Sequence[Result], scene: Scene) -> Found:
    partly = any(_cause(result) is Cause.PARTLY_OPEN for result in lost)
    spans = joined(span for result in lost for span in _spans(result))
    shown = named([_span(one) for one in spans], MOST_SPANS)
    kept = [one for one in scene.lan if one.flow.target.host == host and one not in lost]
    works = [one for one in kept if one.verdict.outcome is Outcome.PASS]
    ranges = named(dict.fromkeys(f"UDP/{ports_of(result)}" for result in lost))
    return Found(
        id="lan-ports-partly" if partly else "lan-ports-closed",
        title=f"{'Parts of ' if partly else ''}{ranges} to {host} {_are(partly, lost)} closed: {_how(lost)}: {shown}",
        who=Who.FIREWALL,
        fix=f"Open {ranges} to {host} in whatever stands between this machine and it: a firewall or an access list "
        "between two networks of the site, Wi-Fi that keeps its stations apart, or a firewall on either machine.",
        claims=tuple(lost),
        shows=tuple(works),
        detail=named([failure_.detail for result in lost if (failure_ := failure(result))], 3),
        rules=(firewall_rule(scene, lost),),
    )


def _are(partly: bool, lost: Sequence[Result]) -> str:
    return "are" if partly or len(lost) > 1 else "is"


def _cause(result: Result) -> Cause | None:
    found = failure(result)
    return found.cause if found else None


def _how(lost: Sequence[Result]) -> str:
    """Tell a drop from a rejection, and who rejects."""
    by = named(dict.fromkeys(who for result in lost if (who := fact(result, "rejected_by"))))
    if by:
        return f"rejected by {by}"
    causes = [one for result in lost if (one := _cause(result)) and one is not Cause.PARTLY_OPEN]
    return named(dict.fromkeys(CAUSES[one] for one in causes)) or "no answer from them"


def _spans(result: Result) -> list[PortRange]:
    measured = result.verdict.measured
    if not isinstance(measured, PortSurvey):
        return [ports_of(result)]
    closed = [one for one in measured.intervals if one.state is PortState.CLOSED]
    return [PortRange(first=one.first, last=one.last) for one in closed]


def _span(one: PortRange) -> str:
    return str(one) if one.first != one.last else str(one.first)
