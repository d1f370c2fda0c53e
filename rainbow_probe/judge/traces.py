"""What the steps of a check show: how far it came, who answered, and with which facts."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from rainbow_probe.model import Cause, Failure, Outcome, Phase, Result, Scalar, Step, Transport, Via

SHUT = frozenset({Cause.TIMEOUT, Cause.REFUSED, Cause.RESET, Cause.UNREACHABLE, Cause.PROHIBITED})
"""How a closed door shows: dropped, or rejected in one of several ways."""
SPOKEN = frozenset({Phase.HTTP, Phase.WEBSOCKET, Phase.XMPP, Phase.STUN, Phase.TURN_ALLOCATE})
"""Phases, besides TLS, in which a target that answers has said something of its own."""
TURN_PHASES = frozenset({
    Phase.STUN,
    Phase.TURN_ALLOCATE,
    Phase.TURN_PERMISSION,
    Phase.TURN_CHANNEL,
    Phase.TURN_DATA,
    Phase.ICE,
    Phase.DTLS,
    Phase.MEDIA,
})
IDLE_KINDS = frozenset({"ports"})
"""Kinds of checks that send nothing."""
MANY_WAYS = frozenset({"udp-range"})
"""Kinds of checks whose steps take other ways than their flow's, to get at an allocation."""
PROXY_ONLY = frozenset({"proxy", "proxy-capacity"})
"""Kinds of checks that are the proxy's own word, and say nothing of the target."""
POLICY = "proxy-policy"
"""The kind of check that asks a proxy for what no client needs."""
OF_THE_SITE = frozenset({"pac", "door"})
"""Kinds of checks that ask this site's own boxes which way to go: of the way out they say nothing."""
MADE_UP = "made-up"
"""The kind of check that looks up names which nobody has made."""
ADVICE = "advice"
"""What a look-up's note of its addresses is about."""
LAN = frozenset({"sweep", "sweep-in", "sip", "sips", "ntp", "ssh"})
"""Kinds of checks whose other end is this site's own: of the way out they say nothing."""
LOOK_UPS = frozenset({"dns", *IDLE_KINDS})
"""Kinds of checks whose pass says nothing of the way out."""


def failure(result: Result) -> Failure | None:
    """Return why *result* failed, or None if it did not."""
    verdict = result.verdict
    if verdict.outcome is Outcome.FAIL:
        return verdict.failure or Failure(phase=Phase.CONNECT, cause=Cause.UNKNOWN, detail=verdict.reason)
    return spared(result)


def spared(result: Result) -> Failure | None:
    """Return why a look-up failed that was then skipped, as clients behind a proxy can do without it."""
    if result.flow.kind != "dns" or result.verdict.outcome is not Outcome.SKIPPED:
        return None
    return next((step.failure for step in look_ups(result) if step.failure), None)


def cause(result: Result) -> Cause | None:
    """Return the cause of the failure of *result*, if it failed."""
    found = failure(result)
    return found.cause if found else None


def untried(result: Result) -> bool:
    """Return whether the proxy wants a log-in that could not be tried from here: neither a pass nor a failure."""
    found = result.verdict.failure
    return found is not None and found.cause is Cause.PROXY_AUTH_UNTRIED


def phase(result: Result) -> Phase | None:
    """Return the phase in which *result* failed, if it did."""
    found = failure(result)
    return found.phase if found else None


def passes(result: Result) -> bool:
    """Return whether *result* is a pass."""
    return result.verdict.outcome is Outcome.PASS


def tried(result: Result) -> bool:
    """Return whether *result* comes from something that was sent."""
    return result.verdict.outcome is not Outcome.SKIPPED and result.flow.kind not in IDLE_KINDS


def direct(result: Result) -> bool:
    """Return whether *result* went out without the proxy."""
    return result.flow.via is Via.DIRECT


def over_udp(result: Result) -> bool:
    """Return whether *result* went out over UDP."""
    return result.flow.transport is Transport.UDP


def look_ups(result: Result) -> Iterator[Step]:
    """Yield the steps in which the system (or ``--map``) was asked for the target's name."""
    for step in result.steps:
        if step.phase is Phase.RESOLVE and step.subject == result.flow.target.host and "resolver" not in step.facts:
            yield step


def questions(result: Result) -> Iterator[Step]:
    """Yield the steps in which one resolver was asked directly."""
    return (step for step in result.steps if step.phase is Phase.RESOLVE and "resolver" in step.facts)


def facts(result: Result, key: str, *phases: Phase) -> Iterator[Scalar]:
    """Yield what the steps of *phases* (all if none is given) know of *key*."""
    for step in result.steps:
        if (not phases or step.phase in phases) and step.facts.get(key) not in {None, ""}:
            yield step.facts[key]


def fact(result: Result, key: str, *phases: Phase) -> str:
    """Return the first thing known of *key*, as text."""
    return next((str(value) for value in facts(result, key, *phases)), "")


def handshakes(result: Result) -> Iterator[Step]:
    """Yield the TLS steps with the target; the one with an ``https://`` proxy is not among them."""
    return (step for step in result.steps if step.phase is Phase.TLS and step.subject == str(result.flow.target))


def shown(result: Result, key: str) -> str:
    """Return what the target's certificate (or TLS itself) says of *key*; empty if it was not seen."""
    return next((str(step.facts[key]) for step in handshakes(result) if step.facts.get(key) not in {None, ""}), "")


def issuer(result: Result) -> str:
    """Return who issued the certificate that was shown, as far as it was."""
    return shown(result, "intercepted_by") or shown(result, "issuer")


def interceptor(result: Result) -> str:
    """Return who decrypts TLS on the way of *result*, if anybody was seen to do it."""
    by = shown(result, "intercepted_by")
    return by or (issuer(result) or "an unnamed issuer" if cause(result) is Cause.TLS_INTERCEPTED else "")


def addresses(result: Result) -> tuple[str, ...]:
    """Return the addresses of the target's name, as the system gave them."""
    found = (str(step.facts.get("addresses") or "") for step in look_ups(result))
    return tuple(dict.fromkeys(address for text in found for address in text.split()))


def led_astray(results: Iterable[Result], *kinds: str) -> set[str]:
    """Return the addresses to which made-up names lead (as *kinds*: relative, absolute) and which serve nobody."""
    made_up = [result for result in results if result.flow.kind == MADE_UP]
    led = {str(text) for one in made_up for kind in kinds or ("relative", "absolute") for text in facts(one, kind)}
    needed = [one for one in results if passes(one) and one.flow.kind not in LOOK_UPS and not one.flow.control_of]
    served = {address for one in needed for address in addresses(one)}
    served |= {address for one in results for address in _of_the_service(one)}
    return {address for text in led for address in text.split()} - served


def _of_the_service(result: Result) -> set[str]:
    """Return the addresses of the target that the guide lists: a wildcard of the provider's may lead there as well."""
    noted = any(step.subject == ADVICE for step in result.steps)
    outside = set(fact(result, "outside_ranges").split())
    return {address for address in addresses(result) if ":" not in address} - outside if noted else set()


def did(result: Result, *phases: Phase) -> bool:
    """Return whether a step of *phases* succeeded."""
    return any(step.phase in phases and step.failure is None for step in result.steps)


def connected(result: Result) -> bool:
    """Return whether the first hop (the target, or the proxy) took a TCP connection."""
    return not over_udp(result) and did(result, Phase.CONNECT)


def tunnelled(result: Result) -> bool:
    """Return whether the proxy opened a tunnel."""
    return result.flow.via is Via.PROXY and did(result, Phase.PROXY)


def answered(result: Result) -> bool:
    """Return whether the target itself said something: more than a connection, or a tunnel, that anybody may open."""
    if result.flow.kind in PROXY_ONLY:
        return False
    if passes(result) or result.flow.kind in MANY_WAYS:
        return passes(result)
    if did(result, *SPOKEN):
        return True
    return any(step.failure is None for step in handshakes(result))


def beside(call: Result, results: Iterable[Result]) -> Iterator[Result]:
    """Yield what became of TURN on the way of a *call*: to the same server by the same door."""
    if call.flow.kind == "call":
        identity = call.flow.id.replace("call/", "turn/", 1)
        yield from (one for one in results if one.flow.id == identity)


def reached(result: Result, phase: Phase) -> bool:
    """Return whether *phase* succeeded, whatever came of the check behind it."""
    seen = result.verdict.failure
    return did(result, phase) and (seen is None or seen.phase is not phase)


def answered_turn(result: Result) -> bool:
    """Return whether *result* is of a TURN server that answered STUN."""
    return result.flow.kind == "turn" and (passes(result) or did(result, *TURN_PHASES))


def somebody_elses_web(control: Result) -> bool:
    """Return whether *control* was answered in HTTP by somebody in between; TURN servers name themselves, if at all.

    HTTP must have been sent as STUN was, inside TLS or not: what answers in another wrapping is in nobody's place.
    """
    as_stun = "tls+http" if control.flow.transport is Transport.TLS else "http"
    if control.flow.params.get("speak", as_stun) != as_stun:
        return False
    if not passes(control) or not fact(control, "status", Phase.HTTP):
        return False
    return bool(fact(control, "via") or "turn" not in fact(control, "server").lower())


def shut(result: Result) -> bool:
    """Return whether *result* met a closed door: dropped or rejected before the target said anything."""
    found = failure(result)
    if found is None or found.cause not in SHUT or not direct(result):
        return False
    doors = {Phase.CONNECT, Phase.STUN} if over_udp(result) else {Phase.CONNECT}
    return found.phase in doors and not answered(result)


def subject_host(step: Step) -> str:
    """Return the host part of what a step was about."""
    return host_of(step.subject)


def host_of(text: str) -> str:
    """Return the host of ``host:port`` or ``[host]:port``; a bare host stays as it is."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text if text.count(":") > 1 else text.partition(":")[0]


def is_loopback(host: str) -> bool:
    """Return whether *host* is this machine by its address."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def domain(host: str) -> str:
    """Return the domain that *host* was registered under, as well as its labels tell without a list."""
    labels = host.lower().rstrip(".").split(".")
    second_level = (
        len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in {"ac", "co", "com", "edu", "gov", "net", "org"}
    )
    return ".".join(labels[-3:] if second_level else labels[-2:])
