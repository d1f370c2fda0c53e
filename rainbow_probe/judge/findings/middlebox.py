"""Boxes that take TURN for broken HTTP (or TLS): they answer in its place, cut it off, or wait for more."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rainbow_probe.judge.rules import exemption_rule
from rainbow_probe.judge.scene import CONTROLS, Found, Scene, alive_elsewhere, distinct
from rainbow_probe.judge.traces import cause, fact, passes, phase, somebody_elses_web
from rainbow_probe.judge.words import hosts, named, way
from rainbow_probe.model import Cause, Phase, Result, Transport, Via, Who

INTRUDERS = frozenset({Cause.HTTP_INSTEAD_OF_STUN, Cause.NOT_STUN})
CUTS = frozenset({Cause.CLOSED, Cause.RESET})
EXEMPT = "do not inspect, whatever the port (the content is STUN and TURN, encrypted from end to end)"

Symptom = Callable[[Result], bool]


def http_inspection(scene: Scene) -> list[Found]:
    """Show the bytes that came instead of STUN, where the same server speaks STUN elsewhere."""
    return [
        Found(
            id=f"http-inspection-{port}",
            title=f"{_door(results)} to the TURN servers is inspected as HTTP: a box answers in their place",
            who=_who(results),
            fix=f"Exempt the TURN servers from HTTP inspection on port {port}: what passes there is not HTTP.",
            claims=(*results, *(web := _web_hosts(port, results, scene))),
            shows=(*controls, *(box for result in results if (box := _box(result, scene)))),
            detail=f"{hosts(results)}: {_bytes(results)}{_named_by(results, scene)}{_answered_too(web)}",
            rules=(exemption_rule(scene, results, EXEMPT),),
        )
        for port, results, controls in _by_port(scene, lambda r: cause(r) in INTRUDERS or _box(r, scene) is not None)
    ]


def _box(result: Result, scene: Scene) -> Result | None:
    """Return the control in which somebody other than the TURN server answered HTTP where STUN got nothing."""
    if phase(result) is not Phase.STUN:
        return None
    return next(filter(somebody_elses_web, scene.controls_of(result)), None)


def _web_hosts(port: int, results: Sequence[Result], scene: Scene) -> list[Result]:
    """Return the neutral web hosts for which somebody else answers by the same door, as a portal does for all."""
    ways = {result.flow.via for result in results}
    caught = [r for r in scene.failing if r.flow.kind in CONTROLS and cause(r) is Cause.CAPTIVE_PORTAL]
    return [result for result in caught if result.flow.target.port == port and result.flow.via in ways]


def _answered_too(web: Sequence[Result]) -> str:
    return "; " + named(dict.fromkeys(r.verdict.failure.detail for r in web if r.verdict.failure)) if web else ""


def _named_by(results: Sequence[Result], scene: Scene) -> str:
    """Name the boxes by the fields they sign with."""
    boxes = [box for result in results if (box := _box(result, scene))]
    signs = dict.fromkeys(fact(box, "via") or fact(box, "server") for box in boxes)
    return f"; who answers HTTP there signs as {named(filter(None, signs))}" if any(signs) else ""


def no_stun(scene: Scene) -> list[Found]:
    """Say where a connection opens but STUN is cut off or left without an answer, and does pass elsewhere."""
    cut = _by_port(scene, lambda r: phase(r) is Phase.STUN and cause(r) in CUTS)
    mute = _by_port(scene, lambda r: phase(r) is Phase.STUN and cause(r) is Cause.TIMEOUT)
    return [
        *(_stopped("cut", "but is closed at the first STUN message", *found, scene) for found in cut),
        *(_stopped("silent", "but STUN gets no answer there", *found, scene) for found in mute),
    ]


def _stopped(
    word: str, happens: str, port: int, results: Sequence[Result], controls: Sequence[Result], scene: Scene
) -> Found:
    carrier = "tls" if results[0].flow.transport is Transport.TLS else "tcp"
    elsewhere = named(dict.fromkeys(map(way, controls)))
    return Found(
        id=f"{carrier}-{port}-{word}",
        title=f"{_door(results)} connects, {happens}, although the same servers answer on {elsewhere}",
        who=_who(results),
        fix=f"This is typical of HTTP inspection: exempt the TURN servers from it on port {port}.",
        claims=tuple(results),
        shows=(*controls, *(c for result in results for c in scene.controls_of(result))),
        detail=f"{hosts(results)}: {results[0].verdict.reason}{_beside(results, scene)}",
        rules=(exemption_rule(scene, results, EXEMPT),),
    )


def _beside(results: Sequence[Result], scene: Scene) -> str:
    """Say what HTTP got at the same address and port."""
    asked = [c for result in results for c in scene.controls_of(result) if c.flow.id.endswith("/http")]
    if any(map(passes, asked)):
        return "; HTTP there is answered by the server itself: only STUN is stopped"
    if any(cause(control) is Cause.CLOSED for control in asked) and all(cause(r) is Cause.TIMEOUT for r in results):
        return "; HTTP there is heard (whoever hears it hangs up): only STUN is stopped"
    return "; HTTP there gets no answer either" if asked else ""


def _by_port(scene: Scene, symptom: Symptom) -> list[tuple[int, list[Result], list[Result]]]:
    """Gather the TURN checks over TCP or TLS with *symptom* by port, with the controls that clear the servers."""
    ports: dict[tuple[int, Transport], list[Result]] = {}
    for result in scene.failing:
        if result.flow.kind == "turn" and result.flow.transport is not Transport.UDP and symptom(result):
            ports.setdefault((result.flow.target.port, result.flow.transport), []).append(result)
    gathered: list[tuple[int, list[Result], list[Result]]] = []
    for (port, _), results in ports.items():
        controls = distinct(c for result in results for c in alive_elsewhere(result, scene, turn=True))
        if controls:
            gathered.append((port, results, controls))
    return gathered


def _door(results: Sequence[Result]) -> str:
    flow = results[0].flow
    through = " through the proxy" if all(r.flow.via is Via.PROXY for r in results) else ""
    return f"{flow.transport.upper()}/{flow.target.port}{through}"


def _who(results: Sequence[Result]) -> Who:
    return Who.PROXY if all(r.flow.via is Via.PROXY for r in results) else Who.FIREWALL


def _bytes(results: Sequence[Result]) -> str:
    shown = (fact(r, "first_text") or (r.verdict.failure.detail if r.verdict.failure else "") for r in results)
    return named((repr(text[:120]) for text in dict.fromkeys(shown)), 2)
