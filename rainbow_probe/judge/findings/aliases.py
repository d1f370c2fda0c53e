"""Names that DNS leads away: to where nothing of the service is, by an alias or by the address of somebody else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rainbow_probe.judge.findings.names import AT_THE_DOOR, FOREIGN, names_rule, resolving
from rainbow_probe.judge.findings.proxy import with_cause
from rainbow_probe.judge.rules import pass_rule
from rainbow_probe.judge.scene import Found, Scene, distinct, failing
from rainbow_probe.judge.traces import addresses, cause, direct, domain, fact, failure, issuer, led_astray
from rainbow_probe.judge.words import common_name, hosts, named
from rainbow_probe.model import Cause, Phase, Result, Who

STRANGERS = FOREIGN - {Cause.TLS_UNTRUSTED, Cause.TLS_INTERCEPTED}
"""What only another server than the one asked for shows, whoever decrypts TLS on the way."""


def alias(scene: Scene) -> list[Found]:
    """Say that names are aliases of a host of another domain, which shows that it serves none of them."""
    led = _aliases(scene)
    lost = [r for r in _at(scene, led) if direct(r)]
    proven = {led[r.flow.target.host] for r in lost if _shows_another(r, scene, led)}
    claims = [r for r in lost if led[r.flow.target.host] in proven]
    if not claims:
        return []
    where = named(sorted(proven))
    return [
        Found(
            id="dns-alias",
            title=f"DNS makes {hosts(claims)} an alias of {where}, which does not serve that",
            who=Who.DNS,
            fix="Take these names off the resolver's filter list (or the hosts file of this machine). If the alias is "
            "the provider's own, tell the provider.",
            claims=tuple(claims),
            shows=tuple(r for r in scene.tried("dns") if led.get(r.flow.target.host) in proven),
            detail=f"{hosts(claims, 8)} lead to {where} ({_shown(claims)})",
            rules=(names_rule(claims), pass_rule(claims)),
        )
    ]


def _aliases(scene: Scene) -> Mapping[str, str]:
    """Return the hosts that are an alias of something in another domain, and of what."""
    told = {r.flow.target.host: fact(r, "aliases", Phase.RESOLVE).split()[-1:] for r in scene.tried("dns")}
    return {host: found[0] for host, found in told.items() if found and domain(found[0]) != domain(host)}


def _at(scene: Scene, led: Iterable[str]) -> list[Result]:
    """Return what failed where those hosts lead, and the look-ups that were failed for it."""
    known = set(led)
    lost = [*failing(scene, *AT_THE_DOOR, Phase.HTTP), *with_cause(scene, Cause.WRONG_ADDRESS)]
    return distinct(result for result in lost if result.flow.target.host in known)


def _shows_another(result: Result, scene: Scene, led: Iterable[str]) -> bool:
    """Tell whether a server shows that it is another one, and not just that all TLS is decrypted here."""
    known = set(led)
    elsewhere = {issuer(one) for one in scene.tried() if one.flow.target.host not in known}
    return cause(result) in STRANGERS or (cause(result) in FOREIGN and issuer(result) not in elsewhere)


def _shown(lost: Iterable[Result]) -> str:
    told = {a: common_name(issuer(r)) for r in lost for a in addresses(r) if issuer(r)}
    return named(f"{address} shows a certificate of {by}" for address, by in told.items()) or named(
        dict.fromkeys(a for r in lost for a in addresses(r))
    )


def sinkhole(scene: Scene) -> list[Found]:
    """Say which names lead to addresses at which nothing can be, as filters answer, or nothing of the service is."""
    wrong = with_cause(scene, Cause.WRONG_ADDRESS)
    if not wrong:
        return []
    astray = led_astray((*scene.results, *scene.controls)) & {address for r in wrong for address in addresses(r)}
    there = [r for r in failing(scene, *AT_THE_DOOR, Phase.HTTP) if direct(r) and addresses(r)]
    claims = distinct([*wrong, *(r for r in there if set(addresses(r)) <= astray)])
    where = named(sorted(astray))
    proven = not where or any(
        cause(r) in STRANGERS or _shows_another(r, scene, (c.flow.target.host for c in claims)) for r in claims
    )
    return [
        Found(
            id="dns-sinkhole",
            title=f"DNS sends {hosts(wrong)} to an address at which nothing can be: a filter answers so"
            if not where
            else f"DNS sends {hosts(wrong)} to {where}, as it does with made-up names, and another server is there"
            if proven
            else f"DNS sends {hosts(wrong)} to {where}, as it does with made-up names, and nothing of the service "
            "answers there",
            who=Who.DNS,
            fix="Take these names off the resolver's filter list (or the hosts file of this machine)."
            if proven
            else "Take these names off the resolver's filter list (or the hosts file of this machine). If the address "
            "is the provider's, open the way to it.",
            claims=tuple(claims),
            shows=tuple(resolving(scene)),
            detail=named(dict.fromkeys(_led(r) for r in wrong)),
            rules=(names_rule(wrong), pass_rule(wrong)),
        )
    ]


def _led(wrong: Result) -> str:
    seen, aliases = failure(wrong), fact(wrong, "aliases", Phase.RESOLVE)
    told = seen.detail if seen else ""
    return f"{told}, by way of {aliases}" if aliases else told
