"""What resolvers do wrong."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judging.findings.case import Case, Draft, cause, detail, fact, hosts, listed, phase, steps
from rainbow_probe.model import Cause, Outcome, Phase, Result, Severity, Who

_KINDS = {
    Cause.NXDOMAIN: (
        "dns-nxdomain",
        "Names of the service do not exist for this site's resolver",
        "Let the resolver answer for these names: remove the filter or the private zone that hides them, or forward them "
        "to a public resolver.",
    ),
    Cause.NO_ANSWER: (
        "dns-no-answer",
        "This site's resolver does not answer",
        "Check the resolver's address on this machine, that it runs, and that UDP/53 and TCP/53 to it are open.",
    ),
    Cause.REFUSED_BY_RESOLVER: (
        "dns-refused",
        "This site's resolver refuses to answer, or fails",
        "Allow this machine to use the resolver (recursion), and check the resolver's own way to the Internet.",
    ),
}


def unresolved(case: Case) -> Sequence[Draft]:
    """Find names that do not resolve, one finding for each way in which they do not."""
    drafts: list[Draft] = []
    for kind, (identity, title, fix) in _KINDS.items():
        claims = case.failing(lambda r, kind=kind: phase(r) is Phase.RESOLVE and cause(r) is kind)  # type: ignore[misc]
        if not claims:
            continue
        told = case.passing(lambda result: result.flow.kind == "dns")
        drafts.append(
            Draft(
                id=identity,
                title=title,
                who=Who.DNS,
                fix=fix,
                claims=claims,
                controls=told[:1],
                detail=f"{listed(hosts(claims))}: {detail(claims[0])}",
            )
        )
    return drafts


def dead_resolver(case: Case) -> Sequence[Draft]:
    """Find one of several resolvers that never answers: each look-up that meets it first is slow."""
    asked: dict[str, list[bool]] = {}
    shown: dict[str, Result] = {}
    for result in case.results:
        for step in steps(result, [Phase.RESOLVE]):
            resolver = str(step.facts.get("resolver", ""))
            if resolver and step.facts.get("proto") == "udp":
                asked.setdefault(resolver, []).append(step.failure is None)
                shown.setdefault(resolver, result)
    dead = [resolver for resolver, answered in asked.items() if not any(answered)]
    if not dead or len(dead) == len(asked):
        return []
    return [
        Draft(
            id="resolver-dead",
            title="One of this site's resolvers does not answer",
            who=Who.DNS,
            fix=f"Repair {listed(dead)}, or take it out of this machine's settings.",
            claims=[],
            controls=[shown[resolver] for resolver in dead],
            detail=f"{listed(dead)} answered none of {len(asked[dead[0]])} questions over UDP; the others answer",
            least=Severity.DEGRADING,
        )
    ]


def odd_addresses(case: Case) -> Sequence[Draft]:
    """Tell answers that lie inside the site, or outside the guide's networks: advice, as addresses may change."""
    looked_up = [r for r in case.results if r.flow.kind == "dns" and r.verdict.outcome is Outcome.PASS]
    private = [result for result in looked_up if fact(result, "private")]
    outside = [result for result in looked_up if fact(result, "outside_ranges")]
    drafts: list[Draft] = []
    if private:
        drafts.append(
            Draft(
                id="dns-private",
                title="Public names resolve to addresses inside this site",
                who=Who.DNS,
                fix="If this is not meant (a private zone, a filter), let the resolver give the public answer.",
                claims=[],
                controls=private,
                detail="; ".join(f"{h} is {fact(r, 'private')}" for r, h in zip(private, hosts(private), strict=False)),
            )
        )
    if outside:
        drafts.append(
            Draft(
                id="addresses-moved",
                title=f"Some names resolve outside the networks that edition {case.guide.edition} of the guide lists",
                who=Who.FIREWALL,
                fix="Filter by name where you can. If your rules go by address, compare them with these answers.",
                claims=[],
                controls=outside,
                detail=f"listed in {case.guide.published[:4]}: {', '.join(case.guide.ranges)}; seen: "
                + listed(sorted({str(fact(result, "outside_ranges")) for result in outside}), 8),
            )
        )
    return drafts


def hijacked(case: Case) -> Sequence[Draft]:
    """Tell one address given for names of unrelated owners: somebody answers in their place."""
    owners: dict[str, dict[str, Result]] = {}
    for result in case.results:
        for step in steps(result, [Phase.RESOLVE]):
            if step.facts.get("source") == "system":
                for address in str(step.facts.get("addresses", "")).split():
                    owner = ".".join(result.flow.target.host.split(".")[-2:])
                    owners.setdefault(address, {}).setdefault(owner, result)
    shared = {address: found for address, found in owners.items() if len(found) > 1}
    if not shared:
        return []
    address, found = next(iter(shared.items()))
    return [
        Draft(
            id="dns-hijack",
            title="The resolver gives one address for names of unrelated owners",
            who=Who.DNS,
            fix="Find out who answers at this address: a captive portal, a filter, or a resolver that rewrites answers.",
            claims=[],
            controls=list(found.values()),
            detail=f"{address} is given for {listed(sorted(found))}",
        )
    ]
