"""Names that lead where names lead that nobody has made: answers are made up for all that does not exist."""

from __future__ import annotations

from rainbow_probe.judge.scene import Found, Scene, distinct
from rainbow_probe.judge.traces import MADE_UP, addresses, direct, domain, facts, led_astray
from rainbow_probe.judge.words import hosts, named
from rainbow_probe.model import Phase, Result, Who


def search_domain(scene: Scene) -> list[Found]:
    """Say that this machine adds a domain of its own to names, below which every name exists."""
    asked = _asked(scene)
    added = {a for result in asked for a in _led(result, "relative") if a not in _led(result, "absolute")}
    claims = _leading_to(added, scene)
    if not claims:
        return []
    return [
        Found(
            id="dns-search-domain",
            title=f"A search domain of this machine makes other names of the service's: they lead to {named(added)}",
            who=Who.ENDPOINT,
            fix="Take the search domain (or ndots above 1) out of this machine's settings, or the wildcard out of that "
            "domain: names with dots must be tried as they are first.",
            claims=tuple(claims),
            shows=tuple(asked),
            detail=f"a made-up name leads there, too; with a dot at its end, so that nothing is added, it is unknown; "
            f"led astray: {hosts(claims, 8)}",
        )
    ]


def rewrites(scene: Scene) -> list[Found]:
    """Say that the resolver gives an address to what does not exist, in unrelated domains, names of the service too."""
    asked = [result for result in _asked(scene) if _led(result, "absolute")]
    if len({domain(result.flow.target.host) for result in asked}) < len({r.flow.target.host for r in _asked(scene)}):
        return []  # one domain only: somebody answers for that one
    led = {address for result in asked for address in _led(result, "absolute")}
    claims = _leading_to(led, scene)
    if not claims or all(set(scene.addresses_of(host)) & led for host in _neutral(scene)):
        return []  # the names that do exist lead there too: that is no answer to a name that is missing
    return [
        Found(
            id="dns-rewrites",
            title=f"DNS gives {named(led)} to names that do not exist, and knows nothing else of {hosts(claims)}",
            who=Who.DNS,
            fix="Have the resolver know these names, as the Internet's DNS does, and say of others that they do not "
            "exist: what it makes up leads clients to a server that is not theirs.",
            claims=tuple(claims),
            shows=tuple(asked),
            detail=f"names made up below {hosts(asked)} lead there, and so do {hosts(claims, 8)}",
        )
    ]


def _asked(scene: Scene) -> list[Result]:
    return [result for result in scene.controls if result.flow.kind == MADE_UP]


def _led(result: Result, kind: str) -> set[str]:
    return {address for text in facts(result, kind, Phase.RESOLVE) for address in str(text).split()}


def _neutral(scene: Scene) -> set[str]:
    return {result.flow.target.host for result in scene.tried("portal")}


def _leading_to(led: set[str], scene: Scene) -> list[Result]:
    """Return the failures of names that lead there and nowhere else, their look-ups too."""
    astray = led & led_astray((*scene.results, *scene.controls))
    lost = [result for result in scene.failing if direct(result) and addresses(result)]
    return distinct(result for result in lost if set(addresses(result)) <= astray)
