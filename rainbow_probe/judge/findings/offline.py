"""Nothing answers at all, or nothing but DNS: one finding, not forty."""

from __future__ import annotations

from rainbow_probe.judge.rules import firewall_rule
from rainbow_probe.judge.scene import CONTROLS, Found, Scene
from rainbow_probe.judge.traces import (
    LOOK_UPS,
    SHUT,
    cause,
    connected,
    domain,
    failure,
    is_loopback,
    passes,
    phase,
    questions,
    subject_host,
)
from rainbow_probe.judge.words import count, named, said
from rainbow_probe.model import OUR_OWN, Cause, Outcome, Phase, Result, Step, Who

FEWEST_HOSTS = 2  # one silent host proves nothing of the way out
FEWEST_DOMAINS = 2  # unrelated ones; the control is one of them
MAYBE_SILENT = frozenset({"udp-range", *CONTROLS})
"""Kinds that are inconclusive where nothing answers."""
NOBODY = frozenset({*SHUT, *OUR_OWN, Cause.CLOSED, Cause.NO_ANSWER, Cause.PROXY_UNREACHABLE})
"""Causes that need nobody at the other end."""


def offline(scene: Scene) -> list[Found]:
    """Claim all failures if no peer beyond this machine sent a byte; DNS alone is told apart."""
    sent = scene.tried()
    failed = [result for result in scene.failing if result.flow.kind not in CONTROLS]
    hosts = {result.flow.target.host for result in failed}
    if len(hosts) < FEWEST_HOSTS or any(_may_be_alive(result) for result in sent):
        return []
    controls = tuple(result for result in sent if result.flow.kind in CONTROLS)
    if any(_dns_spoke(result) for result in sent):
        return _closed(scene, failed, controls)
    return [] if any(_heard(result, scene) for result in sent) else [_offline(scene, failed, controls)]


def _closed(scene: Scene, failed: list[Result], controls: tuple[Result, ...]) -> list[Found]:
    """Say that only DNS gets out, if hosts that have nothing to do with each other are all out of reach."""
    beyond = [result for result in failed if phase(result) is not Phase.RESOLVE]
    unheard = [result for result in controls if _stage(result) is not Phase.RESOLVE]
    domains = {domain(result.flow.target.host) for result in (*beyond, *unheard)}
    let_in = any(_heard(result, scene, rejections=False) for result in scene.tried())
    if scene.site.proxy or let_in or not beyond or len(domains) < FEWEST_DOMAINS:
        return []
    return [_only_dns(scene, beyond, controls)]


def _stage(result: Result) -> Phase | None:
    """Return how far a control came; it is inconclusive rather than failed where nothing answers."""
    return result.verdict.failure.phase if result.verdict.failure else None


def _may_be_alive(result: Result) -> bool:
    """Return whether *result* leaves open that something answers."""
    if result.flow.kind in LOOK_UPS:
        return False
    if result.verdict.outcome is Outcome.INCONCLUSIVE:
        ours = result.verdict.failure is None or result.verdict.failure.cause in OUR_OWN
        return ours or result.flow.kind not in MAYBE_SILENT
    return passes(result)


def _heard(result: Result, scene: Scene, *, rejections: bool = True) -> bool:
    """Return whether a peer spoke a protocol, or took a connection from afar, or (*rejections*) rejected one."""
    beyond = [step for step in result.steps if step.phase is not Phase.RESOLVE]
    return any(_spoke(step, result, scene) or (rejections and _rejected(step)) for step in beyond)


def _spoke(step: Step, result: Result, scene: Scene) -> bool:
    if step.phase is Phase.CONNECT:
        return step.failure is None and connected(result) and not is_loopback(subject_host(step))
    if step.failure is None:
        return True
    return step.failure.cause not in NOBODY and not _own_proxy_gave_up(step, scene)


def _rejected(step: Step) -> bool:
    """Return whether somebody else than this machine itself rejected a packet."""
    refused = step.failure is not None and step.failure.cause in {Cause.REFUSED, Cause.RESET}
    return refused and not is_loopback(subject_host(step))


def _own_proxy_gave_up(step: Step, scene: Scene) -> bool:
    """Return whether a proxy on this very machine says that it reaches nothing: it has no more than we have."""
    here = scene.site.proxy is not None and is_loopback(scene.site.proxy.endpoint.host)
    gave_up = step.failure is not None and step.failure.cause in {Cause.PROXY_TARGET_FAILED, Cause.PROXY_RESOLVE_FAILED}
    return here and gave_up


def _dns_spoke(result: Result) -> bool:
    """Return whether a resolver answered, be it with an error or, from afar, with a refusal."""
    asked = any(step.failure is None or _rejected(step) for step in questions(result))
    known = any(
        step.phase is Phase.RESOLVE and step.failure is None and step.facts.get("source") in {"system", "resolver"}
        for step in result.steps
    )
    return asked or known or cause(result) in {Cause.NXDOMAIN, Cause.REFUSED_BY_RESOLVER}


def _offline(scene: Scene, failed: list[Result], controls: tuple[Result, ...]) -> Found:
    named_only = all(phase(result) is Phase.RESOLVE for result in failed)
    resolvers = named(scene.site.resolvers) or "none"
    first = f"Without DNS nothing else could be tried: begin with the resolvers ({resolvers}). " if named_only else ""
    return Found(
        id="offline",
        title="Nothing answers at all: this machine is offline, or everything outbound is closed to it",
        who=Who.ENDPOINT,
        fix=f"{first}Connect this machine (cable, Wi-Fi, VPN, default route) and run again; if it is connected, the "
        "firewall drops all that it sends.",
        claims=tuple(failed),
        shows=controls,
        detail=f"{_tried(failed)}; not one byte came back. Addresses here: {named(scene.site.addresses) or 'none'}; "
        f"resolvers: {resolvers}",
    )


def _only_dns(scene: Scene, failed: list[Result], controls: tuple[Result, ...]) -> Found:
    rejected = any(_rejected(step) for result in failed for step in result.steps)
    names = [result for result in scene.tried("dns") if failure(result) is None]
    return Found(
        id="only-dns",
        title="Names resolve, but every other way out is rejected"
        if rejected
        else "Names resolve, but nothing else answers: every way out is closed, or the link to the Internet is down",
        who=Who.FIREWALL,
        fix="Open what the guide asks for (the rule below), or repair the link to the Internet; then run again.",
        claims=tuple(failed),
        shows=(*controls, *names),
        detail=f"{_tried(failed)}: {named(dict.fromkeys(map(said, failed)))}; only DNS answered",
        rules=(firewall_rule(scene, failed),),
    )


def _tried(failed: list[Result]) -> str:
    return f"{count(len(failed), 'check')} to {count(len({r.flow.target.host for r in failed}), 'host')}"
