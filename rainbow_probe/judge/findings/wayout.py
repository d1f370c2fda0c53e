"""What leads to the proxy: PAC files that cannot be used, and entries of their lists that clients pass over."""

from __future__ import annotations

from rainbow_probe.judge.rules import firewall_rule
from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import answered, cause, direct, facts, failure
from rainbow_probe.judge.words import count, hosts, named
from rainbow_probe.model import Cause, Destination, Need, Result, RowVerdict, Severity, Who

PAC, DOOR = "pac", "door"
WAITED_FOR = frozenset({Cause.TIMEOUT})


def pac_broken(scene: Scene) -> list[Found]:
    """Say that the PAC file is there and of no use: the engine's own words are the proof."""
    broken = [result for result in _failed(scene, PAC) if cause(result) is Cause.PAC_BROKEN]
    return [_broken(result, scene) for result in broken]


def _broken(pac: Result, scene: Scene) -> Found:
    hangs = any(facts(pac, "hangs"))
    waiting = [result for result in scene.failing if cause(result) is Cause.PAC_BROKEN] if hangs else []
    what = "does not come to an end: browsers hang" if hangs else "is broken: browsers go direct, without a word"
    return Found(
        id="pac-broken",
        title=f"The PAC file {pac.flow.params.get('pac')} {what}",
        who=Who.PROXY,
        fix="Correct the PAC file, and try it in a browser: no client tells anybody that it is wrong.",
        claims=tuple(waiting),
        shows=(pac,),
        detail=_said(pac),
        at_least=Severity.DEGRADING if hangs else _weight(scene),
    )


def pac_unreachable(scene: Scene) -> list[Found]:
    """Say that the PAC file cannot be fetched."""
    lost = [result for result in _failed(scene, PAC) if cause(result) is not Cause.PAC_BROKEN]
    return [
        Found(
            id="pac-unreachable",
            title=f"The PAC file {result.flow.params.get('pac')} cannot be fetched: browsers wait, and then go direct",
            who=Who.ENDPOINT,
            fix=f"Correct the setting (it comes from: {result.flow.params.get('where')}), or the server that has the "
            "file; if there is to be no PAC file, take the setting out.",
            shows=(result,),
            detail=_said(result),
            at_least=_weight(scene),
        )
        for result in lost
    ]


def entry_dead(scene: Scene) -> list[Found]:
    """Say which entries of a list of proxies clients pass over, if another one is used in their place."""
    found: list[Found] = []
    for door in _failed(scene, DOOR):
        ways = [way for way in scene.site.destinations if _passes_over(way, door)]
        if ways:
            found.append(_entry_dead(door, ways))
    return found


def _entry_dead(door: Result, ways: list[Destination]) -> Found:
    instead = named(dict.fromkeys(str(way.used) if way.used else "direct" for way in ways))
    silent = cause(door) in WAITED_FOR or "timeout" in _said(door)
    costs = "which costs each client 8 seconds or more, each time it starts" if silent else "at once"
    return Found(
        id="proxy-entry-dead",
        title=f"The proxy {door.flow.proxy} of the PAC file cannot be reached; clients go on to {instead}, {costs}",
        who=Who.PROXY,
        fix="Start this proxy or let this network connect to it, or take it out of the list. Browsers try it again "
        "every five minutes.",
        shows=(door,),
        detail=f"{count(len(ways), 'destination')}: {named(way.url for way in ways)}; {_said(door)}",
        at_least=Severity.DEGRADING,
    )


def _passes_over(way: Destination, door: Result) -> bool:
    return any(door.verdict.reason in text for text in way.passed_over)


def _failed(scene: Scene, kind: str) -> list[Result]:
    return [result for result in scene.of_the_site if result.flow.kind == kind and failure(result)]


def _said(result: Result) -> str:
    seen = failure(result)
    return seen.detail if seen else ""


def _weight(scene: Scene) -> Severity:
    """Weigh a PAC file that is of no use: it may be all that is missing where rows fail directly."""
    lost = {result.flow.id for result in scene.results if direct(result) and failure(result)}
    needed = [row for row in scene.rows if row.verdict is RowVerdict.FAIL and row.need is not Need.OPTIONAL]
    return Severity.BLOCKING if any(lost & set(row.checks) for row in needed) else Severity.DEGRADING


def bypass_blocked(scene: Scene) -> list[Found]:
    """Say what is sent past the proxy and gets no answer there, if it does by the proxy: the control is the proof."""
    past = [result for result in scene.failing if direct(result)]
    answers = {result.flow.id: [c for c in scene.controls_of(result) if _by_proxy(c)] for result in past}
    lost = [result for result in past if answers[result.flow.id]]
    if not lost:
        return []
    pac = bool(scene.site.pacs)
    who = "The PAC file sends" if pac else "The exceptions from the proxy send"
    urls = named(dict.fromkeys(f"{result.flow.kind} to {result.flow.target}" for result in lost))
    return [
        Found(
            id="bypass-blocked",
            title=f"{who} {hosts(lost)} past the proxy, where nothing answers; by the proxy they do",
            who=Who.PROXY,
            fix="Let these go by the proxy, or open the way past it in the firewall (the rule below). Mind that a "
            "browser asks a PAC file for wss:// when it opens a WebSocket, and for https://HOST:80/ for TURN over TCP.",
            claims=tuple(lost),
            shows=tuple(control for result in lost for control in answers[result.flow.id]),
            detail=f"{urls}: {named(dict.fromkeys(map(_said, lost)))}",
            rules=(firewall_rule(scene, lost),),
        )
    ]


def _by_proxy(control: Result) -> bool:
    return not direct(control) and answered(control)
