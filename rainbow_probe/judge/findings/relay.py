"""What the TURN servers themselves say no to, and TURN servers that do not answer on any transport."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rainbow_probe.judge.findings.calls import whose
from rainbow_probe.judge.findings.proxy import with_cause
from rainbow_probe.judge.rules import firewall_rule
from rainbow_probe.judge.scene import Found, Scene, distinct, failing
from rainbow_probe.judge.traces import SHUT, answered_turn, cause, did, direct, facts, failure, interceptor
from rainbow_probe.judge.words import CAUSES, all_said, count, hosts, named, way
from rainbow_probe.model import Cause, Phase, Result, Transport, Who

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


def no_data(scene: Scene) -> list[Found]:
    """Say where TURN answers and relays nothing: by what passes beside it, whose doing that is.

    A server that relays by another door can do it, so it is the way; inside TLS nobody on the way knows data from
    requests, and where another server relays by the same door the way lets it through, so it is the server.
    """
    lost = [r for r in with_cause(scene, Cause.NO_DATA_BACK) if r.flow.kind == "turn"]
    relayed = [one for one in scene.tried("turn") if did(one, Phase.TURN_DATA)]
    able = {result.flow.id: [one for one in relayed if _host(one) == _host(result)] for result in lost}
    stopped = [result for result in lost if able[result.flow.id]]
    rest = [result for result in lost if not able[result.flow.id]]
    found = [_data_stopped(stopped, distinct(one for r in stopped for one in able[r.flow.id]))] if stopped else []
    return [*found, *([_no_data(rest, relayed)] if rest else [])]


def _data_stopped(lost: list[Result], able: list[Result]) -> Found:
    elsewhere = named(dict.fromkeys(map(way, able)))
    return Found(
        id="turn-data-stopped",
        title=f"On {named(dict.fromkeys(map(way, lost)))} TURN answers and its data does not pass, though the same "
        f"servers relay it on {elsewhere}",
        who=whose(lost),
        fix="Let TURN's data (Send and Data indications, ChannelData) pass as well as its requests: exempt the TURN "
        "servers from what inspects them.",
        claims=tuple(lost),
        shows=tuple(able),
        detail=_details(lost),
    )


def _no_data(lost: list[Result], relayed: list[Result]) -> Found:
    doors = {way(one) for one in relayed}
    inside = [r for r in lost if r.flow.transport is Transport.TLS and not interceptor(r)]
    proven = {_host(r) for r in (*inside, *(r for r in lost if way(r) in doors))} >= set(map(_host, lost))
    return Found(
        id="turn-no-data-back",
        title=f"{hosts(lost)}: {CAUSES[Cause.NO_DATA_BACK]}",
        who=Who.PROVIDER,
        fix="Ask the provider whether the relay forwards between its own addresses."
        if proven
        else "Whose doing it is, is not proven. Run from another network too: if nothing comes back there, ask the "
        "provider whether the relay forwards between its own addresses; else let TURN's data pass as its requests do.",
        claims=tuple(lost),
        shows=tuple(one for one in relayed if way(one) in {way(r) for r in lost}),
        detail=_details(lost),
    )


def _host(result: Result) -> str:
    return result.flow.target.host


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
