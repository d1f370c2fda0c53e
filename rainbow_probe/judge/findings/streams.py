"""Connections that work at first: what is sent in them later does not arrive, as their own system can tell."""

from __future__ import annotations

from rainbow_probe.judge.findings.calls import SMALL, doors, whose
from rainbow_probe.judge.rules import exemption_rule
from rainbow_probe.judge.scene import Found, Scene, distinct, failing
from rainbow_probe.judge.traces import cause, direct, fact, handshakes, passes
from rainbow_probe.judge.words import hosts, named, said
from rainbow_probe.model import Cause, Phase, Result

ANSWERS = (Phase.HTTP, Phase.WEBSOCKET, Phase.XMPP)
SENT_AGAIN = 3  # times in a row: no line that works loses the same segment so often
FADED = frozenset({Cause.TIMEOUT, Cause.WENT_SILENT})
EXEMPT = "do not cut and do not inspect"


def silent(scene: Scene) -> list[Found]:
    """Say that connections fall silent behind their first packets, if nothing that is sent then is acknowledged.

    The system of a server that hangs acknowledges what arrives; here nothing does, and the server had answered before.
    Where a link falls silent that had answered, and another one in use as well, no word is said of who does so.
    """
    seen = failing(scene, *ANSWERS)
    unheard = [r for r in seen if cause(r) in FADED and _unheard(r) and any(handshakes(r))]
    ended = [r for r in seen if r not in unheard and _ended(r, scene)]
    # What answers lose on the way back, their acknowledgements may lose as well: where one stream heard them, all did.
    ended += [r for r in unheard if any(_same(r, one) for one in ended)]
    faded = [r for r in seen if r in ended or (cause(r) is Cause.WENT_SILENT and r not in unheard)]
    return [*_unheard_of([r for r in unheard if r not in ended], scene), *_faded(faded, scene)]


def _same(result: Result, other: Result) -> bool:
    return result.flow.target == other.flow.target and result.flow.via is other.flow.via


def _ended(result: Result, scene: Scene) -> bool:
    """Return whether streams to where *result* went end after some bytes, whatever the size of the packets."""
    same = [r for r in scene.failing if _same(r, result)]
    return cause(result) is Cause.TIMEOUT and any(_ends(c) for r in same for c in scene.controls_of(r))


def _ends(control: Result) -> bool:
    """Return whether *control*, in small segments, was left without an answer to what it had got one to before."""
    if not (control.flow.id.endswith(SMALL) and fact(control, "segment") and cause(control) is Cause.TIMEOUT):
        return False
    asked = [step for step in control.steps if step.phase is Phase.HTTP]
    answered = {(step.subject, step.facts.get("address")) for step in asked if step.failure is None}
    return any(step.failure and (step.subject, step.facts.get("address")) in answered for step in asked)


def _faded(lost: list[Result], scene: Scene) -> list[Found]:
    if not lost:
        return []
    return [
        Found(
            id="stream-goes-silent",
            title=f"Links to {hosts(lost)} ({doors(lost)}) open and answer, and then fall silent, in use or not",
            who=whose(lost),
            fix="Look for what ends connections silently once they have begun, by the packets or bytes that they have "
            "carried or by what it takes them for (application control, a quota), and exempt these hosts. It may "
            "be the service as well: compare with another network.",
            claims=tuple(lost),
            shows=tuple(distinct(c for r in lost for c in scene.controls_of(r) if _ends(c))),
            detail=named(dict.fromkeys(r.verdict.failure.detail for r in lost if r.verdict.failure)),
        )
    ]


def _unheard_of(lost: list[Result], scene: Scene) -> list[Found]:
    if not lost:
        return []
    again = max(map(_unheard, lost))
    return [
        Found(
            id="connection-goes-silent",
            title=f"Connections to {hosts(lost)} ({doors(lost)}) pass their first packets, and then nothing that is "
            "sent arrives any more",
            who=whose(lost),
            fix="Look for what ends connections silently once they have begun, by the packets or bytes that they have "
            "carried or by what it takes them for (application control, a quota, a firewall without room), and exempt "
            "these hosts. If nothing here does so, it is in the provider's network: compare with another network.",
            claims=tuple(lost),
            shows=tuple(distinct(r for r in scene.tried("https") if direct(r) and passes(r))[:3]),
            detail=f"{hosts(lost)}: {named(dict.fromkeys(map(said, lost)))}; what was sent was never acknowledged, and "
            f"sent again {again} times",
            rules=(exemption_rule(scene, lost, EXEMPT),),
        )
    ]


def _unheard(result: Result) -> int:
    """Return how often data was sent again that nobody acknowledged, where that was often enough to mean something."""
    again = int(fact(result, "sent_again", Phase.CONNECT) or 0)
    return again if again >= SENT_AGAIN else 0
