"""Names that do not resolve, resolve to what cannot be right, or only at some of the resolvers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rainbow_probe.judge.findings.places import of_the_site
from rainbow_probe.judge.findings.proxy import with_cause
from rainbow_probe.judge.nat import nat64
from rainbow_probe.judge.rules import TEXT, pass_rule
from rainbow_probe.judge.scene import Found, Scene, failing
from rainbow_probe.judge.traces import (
    addresses,
    cause,
    direct,
    domain,
    fact,
    host_of,
    look_ups,
    passes,
    phase,
    questions,
)
from rainbow_probe.judge.words import count, hosts, named
from rainbow_probe.model import Cause, Phase, Result, Rule, Severity, Who
from rainbow_probe.protocols.nat64 import leads_through

SYSTEM = "system"
"""Whose answers are the site's own; an address from --map or from a resolver of one's choice is not."""
AT_THE_DOOR = frozenset({Phase.CONNECT, Phase.TLS, Phase.STUN})
"""Where a wrong address shows."""
FOREIGN = frozenset({
    Cause.TLS_WRONG_NAME,
    Cause.TLS_UNTRUSTED,
    Cause.TLS_INTERCEPTED,
    Cause.NOT_TLS,
    Cause.CAPTIVE_PORTAL,
})
"""What a server shows that is not the one asked for."""
ON_PURPOSE = ("Blocked", "Censored", "Filtered", "Forged Answer")
"""Extended errors of a resolver that keeps a name from its clients, RFC 8914 section 4."""
FEWEST_DOMAINS = 2  # unrelated names; those of one domain may well share a load balancer


def filtered(scene: Scene) -> list[Found]:
    """Say that the resolver denies names on purpose, if it says so itself (RFC 8914); it was asked about some."""
    denied = with_cause(scene, Cause.NXDOMAIN, Cause.REFUSED_BY_RESOLVER, Cause.WRONG_ADDRESS)
    said = {r.flow.id: why for r in denied for c in scene.controls_of(r) if (why := fact(c, "extended"))}
    on_purpose = {cause(r) for r in denied if any(word in said.get(r.flow.id, "") for word in ON_PURPOSE)}
    lost = [result for result in denied if cause(result) in on_purpose]
    if not lost:
        return []
    return [
        Found(
            id="dns-filtered",
            title=f"The resolver filters {hosts(lost)}, and says so: {named(dict.fromkeys(said.values()))}",
            who=Who.DNS,
            fix="Take these names off the resolver's filter list.",
            claims=tuple(lost),
            shows=tuple(control for result in lost for control in scene.controls_of(result)),
            detail=asked(lost),
            rules=(names_rule(lost), pass_rule(lost)),
        )
    ]


def nxdomain(scene: Scene) -> list[Found]:
    """Say which names do not exist for this site's resolver; other names that resolve are the control."""
    lost = with_cause(scene, Cause.NXDOMAIN)
    if not lost:
        return []
    good = resolving(scene)
    return [
        Found(
            id="dns-nxdomain",
            title=f"DNS says that {hosts(lost)} {_do(lost)} not exist" + ("" if good else "; it knows no name at all"),
            who=Who.DNS,
            fix="Have the resolver forward these names to the Internet's DNS, and take them off any filter list.",
            claims=tuple(lost),
            shows=tuple(good),
            detail=asked(lost),
            rules=(names_rule(lost), pass_rule(lost)),
        )
    ]


def no_answer(scene: Scene) -> list[Found]:
    """Say which names got no usable answer, and how the resolvers behaved."""
    lost = [r for r in failing(scene, Phase.RESOLVE) if cause(r) is not Cause.WRONG_ADDRESS]
    refused = [result for result in lost if cause(result) is Cause.REFUSED_BY_RESOLVER]
    rest = [result for result in lost if cause(result) is not Cause.REFUSED_BY_RESOLVER]
    errors = _unanswered("dns-refused", "answers with an error for", refused, scene)
    return [*errors, *_unanswered("dns-no-answer", "gives no answer for", rest, scene)]


def _unanswered(identity: str, does: str, lost: list[Result], scene: Scene) -> list[Found]:
    if not lost:
        return []
    good = resolving(scene)
    return [
        Found(
            id=identity,
            title=f"DNS {does} {hosts(lost) if good else 'any name'}",
            who=Who.DNS,
            fix=f"Repair the resolver ({named(scene.site.resolvers) or 'none is configured here'}), or its way to the "
            "Internet's DNS; UDP/53 and TCP/53 to it must be open.",
            claims=tuple(lost),
            shows=tuple(good),
            detail=asked(lost),
            rules=(names_rule(lost),),
        )
    ]


def _do(lost: Iterable[Result]) -> str:
    return "do" if len({result.flow.target.host for result in lost}) > 1 else "does"


def resolving(scene: Scene) -> list[Result]:
    """Return what shows that the resolver knows other names."""
    asked = [result for result in scene.tried("dns") if passes(result)]
    return asked or [result for result in scene.tried() if _from_system(result, "resolver") and direct(result)][:3]


def asked(lost: Iterable[Result]) -> str:
    """Quote each resolver's own answers; where none was asked, the system's."""
    told: dict[str, None] = {}
    for result in lost:
        for step in questions(result):
            said = step.facts.get("rcode") or (step.failure.cause if step.failure else "no answer")
            said = f"{said}, an alias of {step.facts['aliases']}" if step.facts.get("aliases") else said
            told[f"{step.facts['resolver']} {step.facts.get('proto', '')}: {said}"] = None
    if told:
        return "resolvers asked directly: " + named(told, 6)
    return named(dict.fromkeys(r.verdict.failure.detail for r in lost if r.verdict.failure), 3)


def names_rule(lost: Iterable[Result]) -> Rule:
    """Write which names must resolve."""
    names = sorted({result.flow.target.host for result in lost})
    return Rule(format=TEXT, text="\n".join(["these names must resolve:", *(f"  {name}" for name in names)]))


def hijack(scene: Scene) -> list[Found]:
    """Say that unrelated names lead to one address that does not serve them: a resolver that answers for others."""
    by_address: dict[str, list[Result]] = {}
    for result in scene.tried():
        for address in addresses(result) if _from_system(result) and direct(result) else ():
            by_address.setdefault(address, []).append(result)
    return [found for address, results in by_address.items() for found in _hijacked(address, results, scene)][:1]


def _hijacked(address: str, results: list[Result], scene: Scene) -> list[Found]:
    served = any(passes(result) for result in results if result.flow.kind != "dns")
    astray = [r for r in scene.failing if phase(r) is not Phase.RESOLVE or cause(r) is Cause.WRONG_ADDRESS]
    open_ids = {result.flow.id for result in astray}
    wrong = [result for result in results if result.flow.id in open_ids]
    proven = any(cause(result) in FOREIGN for result in wrong)
    if served or not proven or len({domain(result.flow.target.host) for result in results}) < FEWEST_DOMAINS:
        return []
    return [
        Found(
            id="dns-hijack",
            title=f"DNS sends unrelated names to one address, {address}, which does not serve them",
            who=Who.DNS,
            fix="Take these names off the resolver's filter, or use a resolver that does not answer for others.",
            claims=tuple(wrong),
            shows=tuple(result for result in results if result.flow.kind == "dns"),
            detail=f"{hosts(results, 8)} all lead to {address}",
            rules=(names_rule(wrong), pass_rule(wrong)),
        )
    ]


def _from_system(result: Result, *sources: str) -> bool:
    """Return whether the target's name was resolved at this site, by the system or by *sources*."""
    return any(step.facts.get("source") in {SYSTEM, *sources} and not step.failure for step in look_ups(result))


def private(scene: Scene) -> list[Found]:
    """Say that public names lead into the site; a fault only if nothing answers there."""
    found = {r.flow.target.host: r for r in scene.tried("dns") if passes(r) and inside(r, scene)}
    lost = [r for r in failing(scene, *AT_THE_DOOR) if r.flow.target.host in found and direct(r)]
    if not found:
        return []
    leads = named(f"{host} ({' '.join(inside(result, scene))})" for host, result in found.items())
    return [
        Found(
            id="dns-private",
            title=f"Public names lead to addresses inside the site: {leads}",
            who=Who.DNS,
            fix="Remove these entries from the internal DNS, unless something inside serves these names on purpose.",
            claims=tuple(lost),
            shows=tuple(found.values()),
            detail=leads,
            at_least=Severity.DEGRADING if _met(found, scene) else Severity.ADVICE,
        )
    ]


def _met(found: Mapping[str, Result], scene: Scene) -> bool:
    """Return whether such an address is dead beside one that works: a fail-over would meet it."""
    places = {(host, place) for host, result in found.items() for place in inside(result, scene)}
    return any((r.flow.target.host, host_of(dead)) in places for r in scene.results for dead in r.verdict.dead)


def inside(result: Result, scene: Scene) -> list[str]:
    """Return the addresses inside the site, this machine's own and its resolvers' too; what a NAT64 takes looks so."""
    prefix = nat64(scene.controls)
    private = (one for one in fact(result, "private", Phase.RESOLVE).split() if not leads_through(prefix, one))
    return list(dict.fromkeys([*private, *(one for one in addresses(result) if of_the_site(one, scene))]))


def moved(scene: Scene) -> list[Found]:
    """Say which names lead outside the ranges that this edition lists: they may simply have changed."""
    guide = scene.guide
    away = {r.flow.target.host: r for r in scene.tried("dns") if passes(r) and _outside(r)}
    if not away:
        return []
    return [
        Found(
            id="addresses-moved",
            title=f"{count(len(away), 'name')} of the service lead outside the address ranges of edition "
            f"{guide.edition} ({guide.published})",
            who=Who.FIREWALL,
            fix="Filter by name, or ask the provider for the ranges of today: addresses may change at any time. "
            "If the addresses below are not the provider's, look at who answers for DNS here.",
            shows=tuple(away.values()),
            detail=named((f"{host}: {_outside(result)}" for host, result in away.items()), 8)
            + f"; the edition lists {', '.join(guide.ranges)}",
        )
    ]


def _outside(result: Result) -> str:
    """Return the addresses outside the guide's ranges; private ones are told elsewhere."""
    inside = set(fact(result, "private", Phase.RESOLVE).split())
    return " ".join(a for a in fact(result, "outside_ranges", Phase.RESOLVE).split() if a not in inside)
