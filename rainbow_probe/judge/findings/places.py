"""Whether an address is the service's, or this site's own, as far as it can be told from here."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from rainbow_probe.judge.scene import Scene
from rainbow_probe.judge.traces import addresses, direct, domain, host_of, look_ups, passes
from rainbow_probe.model import Result

SERVICE = frozenset({"https", "xmpp", "turn"})
NEAR = {4: 24, 6: 48}
"""Bits of the smallest networks that are routed by themselves in the Internet, by the version of IP."""
SYSTEM = "system"
"""Where a name was looked up by this site's own DNS; what --map or the user's own resolver says is meant so."""


def elsewhere(results: Sequence[Result], scene: Scene) -> bool:
    """Return whether DNS leads the target of *results* where nothing shows that it is the service's place.

    It does where the guide lists the address, or where a host of the same domain was reached in the same network.
    """
    if not any(step.facts.get("source") == SYSTEM for result in results for step in look_ups(result)):
        return False
    reached = {_network(place) for one in scene.results if _like(one, results[0]) for place in addresses(one)}
    found = {place for result in results for place in addresses(result)}
    return any(_network(place) not in reached and not _listed(place, scene) for place in found)


def _like(other: Result, result: Result) -> bool:
    of_one = domain(other.flow.target.host) == domain(result.flow.target.host)
    return of_one and other.flow.kind in SERVICE and direct(other) and passes(other)


def _listed(place: str, scene: Scene) -> bool:
    parsed, ranges = _address(place), map(ipaddress.ip_network, scene.guide.ranges)
    return any(parsed in one for one in ranges if one.version == parsed.version)


def _address(place: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(place.partition("%")[0])


def _network(place: str) -> str:
    parsed = _address(place)
    return str(ipaddress.ip_network((parsed, NEAR[parsed.version]), strict=False))


def of_the_site(place: str, scene: Scene) -> bool:
    """Return whether *place* is this machine itself, or a resolver beside it: no host of the service."""
    near = {_network(own) for own in scene.site.addresses}
    resolvers = {host for one in scene.site.resolvers if _network(host := host_of(one)) in near}
    return place in {*scene.site.addresses, *resolvers}
