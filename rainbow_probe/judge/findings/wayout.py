"""What leads to the proxy: PAC files that cannot be used, and entries of their lists that clients pass over."""

from __future__ import annotations

from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import cause, direct, failure
from rainbow_probe.judge.words import count, named
from rainbow_probe.model import Cause, Destination, Need, Result, RowVerdict, Severity, Who

PAC, DOOR = "pac", "door"
WAITED_FOR = frozenset({Cause.TIMEOUT})


def pac_broken(scene: Scene) -> list[Found]:
    """Say that the PAC file is there and of no use: the engine's own words are the proof."""
    broken = [result for result in _failed(scene, PAC) if cause(result) is Cause.PAC_BROKEN]
    return [
        Found(
            id="pac-broken",
            title=f"The PAC file {result.flow.params.get('pac')} is broken: browsers go direct, without a word",
            who=Who.PROXY,
            fix="Correct the PAC file, and try it in a browser: no client tells anybody that it is wrong.",
            shows=(result,),
            detail=_said(result),
            at_least=_weight(scene),
        )
        for result in broken
    ]


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
    lost = {result.flow.id for result in scene.failing if direct(result)}
    needed = [row for row in scene.rows if row.verdict is RowVerdict.FAIL and row.need is not Need.OPTIONAL]
    return Severity.BLOCKING if any(lost & set(row.checks) for row in needed) else Severity.DEGRADING
