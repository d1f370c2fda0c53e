"""What the TURN servers themselves say no to, and TURN servers that do not answer on any transport."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rainbow_probe.judge.findings.proxy import with_cause
from rainbow_probe.judge.rules import firewall_rule
from rainbow_probe.judge.scene import Found, Scene, failing
from rainbow_probe.judge.traces import SHUT, answered_turn, cause, direct, facts, failure
from rainbow_probe.judge.words import CAUSES, all_said, count, hosts, named
from rainbow_probe.model import Cause, Phase, Result, Who

REFUSALS: Mapping[Cause, str] = MappingProxyType({
    Cause.FORBIDDEN: "Ask the provider why this user may not allocate.",
    Cause.PERMISSION_DENIED: "Ask the provider which peers the relay refuses (denied-peer ranges).",
    Cause.QUOTA: "Wait until other allocations of this user end, or ask the provider for a higher quota.",
    Cause.CAPACITY: "Ask the provider to add relay capacity, or try another server.",
    Cause.ALLOCATION_MISMATCH: "Run again in ten minutes; if it stays, report it to the provider.",
    Cause.UNSUPPORTED_TRANSPORT: "Ask the provider to let the server relay UDP.",
    Cause.STALE_NONCE_LOOP: "Report it to the provider: the server rejects the nonces that it gives.",
    Cause.TRY_ALTERNATE: "Tell the provider: no client goes where the server sends it (see the details).",
    Cause.STUN_ERROR: "Report it to the provider, with the error code.",
    Cause.NO_DATA_BACK: "Ask the provider whether the relay forwards between its own addresses.",
})
"""What the server itself answers, and what to do about it."""
QUIET = frozenset({*SHUT, Cause.CLOSED})
UNMET = frozenset({*QUIET, Cause.PROXY_DENIED, Cause.PROXY_TARGET_FAILED})
BEFORE_AN_ANSWER = (Phase.CONNECT, Phase.TLS, Phase.STUN)


def credentials(scene: Scene) -> list[Found]:
    """Say that the TURN credentials are not accepted: the server answered, so the network is fine."""
    wrong = with_cause(scene, Cause.BAD_CREDENTIALS)
    if not wrong:
        return []
    return [
        Found(
            id="turn-bad-credentials",
            title=f"{hosts(wrong)} {'does' if _one(wrong) else 'do'} not accept the TURN credentials",
            who=Who.ENDPOINT,
            fix="Give the right user and password; those that the service hands out are valid for a limited time only.",
            claims=tuple(wrong),
            detail=_details(wrong),
        )
    ]


def refusals(scene: Scene) -> list[Found]:
    """Quote what the TURN server itself refuses, one finding a reason."""
    return [
        Found(
            id=f"turn-{why}",
            title=f"{hosts(lost)}: {CAUSES[why]}",
            who=Who.PROVIDER,
            fix=fix,
            claims=tuple(lost),
            detail=_details(lost),
        )
        for why, fix in REFUSALS.items()
        if (lost := [result for result in with_cause(scene, why) if result.flow.kind in {"turn", "udp-range"}])
    ]


def sent_elsewhere(scene: Scene) -> list[Found]:
    """Say that servers send their clients on (300) to where these get no answer, though it is open to the first."""
    lost = [result for result in scene.failing if cause(result) in UNMET and _goal(result)]
    if not lost:
        return []
    places = named(dict.fromkeys(map(_goal, lost)))
    refused = all(cause(result) is Cause.PROXY_DENIED for result in lost)
    return [
        Found(
            id="turn-alternate-unreached",
            title=f"{hosts(lost)} sends its clients on to {places}, which cannot be reached from here",
            who=Who.PROXY if refused else Who.FIREWALL,
            fix=f"Open the way to {places} as well, as it is to {hosts(lost)}. If it is open, no server answers there: "
            "tell the provider.",
            claims=tuple(lost),
            detail=all_said(lost),
        )
    ]


def _goal(result: Result) -> str:
    """Return the place where *result* failed, if a server sent us there; empty if none did."""
    sent = {str(text).split()[0] for text in facts(result, "alternate", Phase.TURN_ALLOCATE)}
    return next(
        (s.subject for s in result.steps if s.failure and s.failure == failure(result) and s.subject in sent), ""
    )


def altered(scene: Scene) -> list[Found]:
    """Say that answers under a key do not verify: altered on the way, or made with another password."""
    wrong = [
        r
        for r in with_cause(scene, Cause.BAD_INTEGRITY)
        if r.verdict.failure and r.verdict.failure.phase is not Phase.ACCOUNT
    ]
    if not wrong:
        return []
    return [
        Found(
            id="turn-bad-integrity",
            title=f"Answers from {hosts(wrong)} do not verify under the TURN password",
            who=Who.PROVIDER,
            fix="Check the password first; if it is right, something on the way alters STUN (an ALG, for example).",
            claims=tuple(wrong),
            detail=_details(wrong),
        )
    ]


def unreachable(scene: Scene) -> list[Found]:
    """Say that no TURN server answered on any transport: whether by the servers' fault or the network's is open."""
    if any(answered_turn(result) for result in scene.tried("turn")):
        return []
    lost = [r for r in failing(scene, *BEFORE_AN_ANSWER) if r.flow.kind == "turn" and cause(r) in QUIET]
    if not lost:
        return []
    straight = [result for result in lost if direct(result)]
    return [
        Found(
            id="turn-unreachable",
            title=f"No TURN server answered on any transport ({count(len(_hosts(lost)), 'server')} tried)",
            who=Who.FIREWALL if straight else Who.PROXY,
            fix="Check that these are TURN servers of the service (--turn); if they are, open the way to them.",
            claims=tuple(lost),
            detail=all_said(lost),
            rules=(firewall_rule(scene, straight),) if straight else (),
        )
    ]


def _hosts(results: list[Result]) -> set[str]:
    return {result.flow.target.host for result in results}


def _one(results: list[Result]) -> bool:
    return len(_hosts(results)) == 1


def _details(results: list[Result]) -> str:
    return named(dict.fromkeys(r.verdict.failure.detail for r in results if r.verdict.failure), 3)
