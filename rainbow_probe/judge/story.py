"""The guide's call flow (section 9) as it was really done here: which of its steps, between whom, how long each took.

The checks ran side by side. The story has them in the guide's order, one group of steps behind the other; within a
group the times are those of the check. A group that was not done is one step that says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from rainbow_probe.measures import StoryStep
from rainbow_probe.model import UNPROVEN, Outcome, Phase, Result, Row, RowVerdict, Step, Transport, Via

CALLER, CALLEE = "client 1", "client 2"
PROXY, RAINBOW, TURN = "proxy", "Rainbow", "TURN"
CALL = "call"
WEB = (("https",), ("xmpp",))
RELAY = ((CALL, "turn"),)
ARRIVES = (Phase.CONNECT, Phase.PROXY, Phase.TLS)
TURNS = (Phase.TURN_ALLOCATE, Phase.TURN_PERMISSION)
OF_A_CALL = (*TURNS, Phase.ICE, Phase.DTLS, Phase.TURN_CHANNEL, Phase.MEDIA)
WORDS: Mapping[Phase, str] = MappingProxyType({
    Phase.CONNECT: "TCP connection",
    Phase.PROXY: "CONNECT {target}",
    Phase.TLS: "TLS handshake",
    Phase.HTTP: "HTTPS request",
    Phase.WEBSOCKET: "upgrade to WebSocket",
    Phase.XMPP: "XMPP stream",
    Phase.ACCOUNT: "GET {subject}",
    Phase.TURN_ALLOCATE: "Allocate",
    Phase.TURN_PERMISSION: "CreatePermission",
    Phase.ICE: "STUN checks through TURN",
    Phase.DTLS: "DTLS-SRTP handshake through TURN",
    Phase.TURN_CHANNEL: "ChannelBind",
    Phase.MEDIA: "voice: {authenticated} of {sent} SRTP packets authenticated",
})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """One group of steps of the guide: who does them, and what shows that they were done."""

    number: str
    row: str
    who: str
    whom: str
    what: str
    """What is told of it where it was not done."""
    kinds: Sequence[Sequence[str]] = ()
    """Kinds of checks that did it, one after the other; of several that are alternatives the first is preferred."""
    phases: Sequence[Phase] = ()
    via: Via | None = None
    """If given, only what went out this way."""
    end: int = 0
    """Of a call: 0 for the caller's own steps of a phase, 1 for the callee's."""


GROUPS = (
    _Group(
        number="1-9",
        row="call/signalling-proxied",
        who=CALLER,
        whom=RAINBOW,
        what="HTTPS and WebSocket through the proxy",
        kinds=WEB,
        phases=(*ARRIVES, Phase.HTTP, Phase.WEBSOCKET, Phase.XMPP),
    ),
    _Group(
        number="10-13",
        row="call/signalling-direct",
        who=CALLEE,
        whom=RAINBOW,
        what="HTTPS and WebSocket",
        kinds=WEB,
        phases=(*ARRIVES, Phase.HTTP, Phase.WEBSOCKET, Phase.XMPP),
    ),
    _Group(number="14", row="", who=CALLER, whom=CALLEE, what="the call is offered, over Rainbow"),
    _Group(
        number="15-18",
        row="call/ice-config",
        who=CALLER,
        whom=RAINBOW,
        what="sign-in, and the list of TURN servers",
        kinds=(("account",),),
        phases=(*ARRIVES, Phase.ACCOUNT),
    ),
    _Group(
        number="19-28",
        row="call/allocate-proxied",
        who=CALLER,
        whom=TURN,
        what="Allocate through the proxy",
        kinds=RELAY,
        phases=(*ARRIVES, *TURNS),
        via=Via.PROXY,
    ),
    _Group(
        number="29-35",
        row="call/allocate-direct",
        who=CALLEE,
        whom=TURN,
        what="Allocate",
        kinds=RELAY,
        phases=(*ARRIVES, *TURNS),
        via=Via.DIRECT,
        end=1,
    ),
    _Group(
        number="36-49",
        row="call/connectivity-checks",
        who=CALLER,
        whom=CALLEE,
        what=WORDS[Phase.ICE],
        kinds=((CALL,),),
        phases=(Phase.ICE,),
    ),
    _Group(
        number="50-53",
        row="call/dtls",
        who=CALLER,
        whom=CALLEE,
        what=WORDS[Phase.DTLS],
        kinds=((CALL,),),
        phases=(Phase.DTLS,),
    ),
    _Group(
        number="54-55",
        row="call/channel",
        who=CALLER,
        whom=TURN,
        what=WORDS[Phase.TURN_CHANNEL],
        kinds=((CALL,),),
        phases=(Phase.TURN_CHANNEL,),
    ),
    _Group(
        number="56-57", row="call/media", who=CALLER, whom=CALLEE, what="voice", kinds=((CALL,),), phases=(Phase.MEDIA,)
    ),
)


def story(rows: Sequence[Row], results: Sequence[Result]) -> tuple[StoryStep, ...]:
    """Tell the call flow; empty where its rows were not asked for."""
    by_id = {row.id: row for row in rows}
    told: list[StoryStep] = []
    for group in GROUPS if any(group.row in by_id for group in GROUPS) else ():
        done = _done(group, by_id.get(group.row), results, told)
        told += done or [_not_done(group, _end(told))]
    return tuple(told)


def _done(
    group: _Group, row: Row | None, results: Sequence[Result], before: Sequence[StoryStep]
) -> Sequence[StoryStep]:
    """Return the steps of *group* that were done, behind those *before*."""
    done: list[StoryStep] = []
    for kinds in group.kinds if row and row.verdict is not RowVerdict.NOT_APPLICABLE else ():
        source = _source(group, kinds, row, results)
        done += _steps(group, source, _end([*before, *done])) if source else ()
    return done


def _source(group: _Group, kinds: Sequence[str], row: Row | None, results: Sequence[Result]) -> Result | None:
    """Return the check that did it best: for all that a call does the same one, the call that came furthest."""
    alike = [one for kind in kinds for one in results if one.flow.kind == kind and not one.flow.control_of]
    if CALL not in kinds:
        alike = [one for one in alike if row and one.flow.id in row.checks]
    alike = [one for one in alike if group.via in {None, one.flow.via} and _phases(one, tried=True) & {*group.phases}]
    counted = {*OF_A_CALL} if CALL in kinds else {*group.phases}
    return max(alike, key=lambda one: len(_phases(one) & counted), default=None)


def _phases(result: Result, *, tried: bool = False) -> set[Phase]:
    """Return the phases that succeeded, or that were *tried*."""
    return {step.phase for step in result.steps if tried or step.failure is None}


def _end(told: Sequence[StoryStep]) -> float:
    return max((step.at_ms + step.took_ms for step in told), default=0.0)


def _steps(group: _Group, result: Result, begin: float) -> Iterator[StoryStep]:
    """Yield what *result* did of *group*, from *begin* on."""
    steps = [step for phase in group.phases for step in _of_phase(group, result, phase)]
    for step in steps:
        arrow = StoryStep(
            number=group.number,
            row=group.row,
            sender=group.who,
            receiver=PROXY if _at_the_proxy(result, step) else group.whom,
            what=WORDS[step.phase].format_map({"target": result.flow.target, "subject": step.subject, **_counts(step)}),
            at_ms=begin + 1000 * max(0.0, step.at - steps[0].at),
            took_ms=1000 * step.took,
            outcome=_outcome(step),
            check=result.flow.id,
        )
        yield arrow
        if step.phase is Phase.MEDIA:
            yield _back(arrow, step)


def _of_phase(group: _Group, result: Result, phase: Phase) -> Sequence[Step]:
    """Return the step of *phase* at this end of the call: one that succeeded, else the one that failed.

    With the account there are several: who signed in may still have got no list of TURN servers.
    """
    if phase is Phase.CONNECT and result.flow.transport is Transport.UDP:  # nothing is sent by that
        return ()
    steps = [step for step in result.steps if step.phase is phase and step.facts.get("lifetime") != 0]
    if phase is Phase.ACCOUNT:
        return steps
    good = [step for step in steps if step.failure is None]
    return [*good[group.end :], *good, *steps][:1]


def _at_the_proxy(result: Result, step: Step) -> bool:
    return result.flow.via is Via.PROXY and step.phase in {Phase.CONNECT, Phase.PROXY}


def _counts(step: Step) -> Mapping[str, object]:
    return {name: step.facts.get(name, 0) for name in ("sent", "authenticated")}


def _back(arrow: StoryStep, step: Step) -> StoryStep:
    """Return the voice that went the other way at the same time."""
    counts = {name: step.facts.get(f"back_{name}", 0) for name in ("sent", "authenticated")}
    return replace(arrow, sender=CALLEE, receiver=CALLER, what=WORDS[Phase.MEDIA].format_map(counts))


def _outcome(step: Step) -> Outcome:
    if step.failure is None:
        return Outcome.PASS
    return Outcome.INCONCLUSIVE if step.failure.cause in UNPROVEN else Outcome.FAIL


def _not_done(group: _Group, begin: float) -> StoryStep:
    return StoryStep(
        number=group.number,
        row=group.row,
        sender=group.who,
        receiver=group.whom,
        what=group.what,
        at_ms=begin,
        took_ms=0.0,
        outcome=Outcome.SKIPPED,
        check="",
    )
