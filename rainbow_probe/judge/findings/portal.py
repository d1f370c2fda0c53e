"""Somebody else answers for a neutral web host: a captive portal, or a filter of plain HTTP."""

from __future__ import annotations

from rainbow_probe.judge.scene import CONTROLS, Found, Scene
from rainbow_probe.judge.traces import addresses, cause, direct, passes, phase
from rainbow_probe.judge.words import hosts
from rainbow_probe.model import Cause, Phase, Result, Who

SERVICE = frozenset({"https", "xmpp", "turn"})
"""Kinds that no portal lets through before somebody has signed in."""


def captive_portal(scene: Scene) -> list[Found]:
    """Claim what fails beyond the look-up, if the control shows a portal and nothing of the service gets by it."""
    caught = [result for result in scene.failing if cause(result) is Cause.CAPTIVE_PORTAL]
    if not caught or any(passes(result) for result in scene.tried(*CONTROLS, *SERVICE)):
        return []  # a control that is answered as it should be is past any portal
    known = {result.flow.id for result in caught}
    stopped = [r for r in scene.failing if direct(r) and _beyond_names(r) and r.flow.id not in known]
    return [
        Found(
            id="captive-portal",
            title="A captive portal stands in the way: somebody must sign in on its page first",
            who=Who.ENDPOINT,
            fix="Open any web page in a browser, sign in, and run again: until then nothing else can be judged. For "
            "rooms and other devices without a browser, have the portal let them through by their address.",
            claims=(*caught, *stopped),
            detail=_seen(caught),
        )
    ]


def _beyond_names(result: Result) -> bool:
    """Return whether the name led somewhere, be it to the portal itself, as some lead every name."""
    return phase(result) is not Phase.RESOLVE or bool(addresses(result))


def filtered(scene: Scene) -> list[Found]:
    """Say that somebody answers for a neutral web host alone: the service can be reached, TURN on TCP/80 too."""
    caught = [r for r in scene.failing if cause(r) is Cause.CAPTIVE_PORTAL and r.flow.kind in CONTROLS]
    if not caught or any(passes(result) for result in scene.tried(*CONTROLS)):
        return []
    return [
        Found(
            id="http-filtered",
            title=f"Plain HTTP to {hosts(caught)} is answered by somebody else, though the service can be reached",
            who=Who.FIREWALL,
            fix="Nothing to do if you know this filter of plain HTTP; TURN on TCP/80 must be exempt from it.",
            claims=tuple(caught),
            detail=_seen(caught),
        )
    ]


def _seen(caught: list[Result]) -> str:
    return "; ".join(result.verdict.failure.detail for result in caught if result.verdict.failure)
