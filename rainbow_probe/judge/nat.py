"""What kind of NAT this site has, in the words of RFC 4787: a fact of the site, and never a fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rainbow_probe.judge.traces import fact, facts, host_of, is_loopback, passes, subject_host
from rainbow_probe.model import Phase, Result, Scalar, Site
from rainbow_probe.terms import NatMapping


def nat_behaviour(results: Sequence[Result], site: Site) -> Mapping[str, Scalar]:
    """Return how the NAT maps and filters one UDP port, as far as it is known; empty where nothing is."""
    compared = [one for one in results if one.flow.kind == "nat" and passes(one)][:1]
    told = {key: value for one in compared for key, value in _told(one, site).items()}
    prefix = nat64(results)
    return told | _lifetime(results) | ({"nat64": prefix} if prefix else {})


def nat64(results: Sequence[Result]) -> str:
    """Return the IPv6 prefix that leads to IPv4 hosts here; empty if none is known."""
    return next((found for one in results if one.flow.kind == "nat64" and (found := fact(one, "nat64"))), "")


def _lifetime(results: Sequence[Result]) -> dict[str, Scalar]:
    """Return for how long a UDP flow was seen to live without traffic, and after how long to be forgotten."""
    for result in results:
        if result.flow.kind == "udp-binding" and (lived := list(facts(result, "lived_s", Phase.TURN_DATA))):
            cut = list(facts(result, "cut_s", Phase.TURN_DATA))
            return {"udp_lived_s": lived[0], **({"udp_forgotten_s": cut[0]} if cut else {})}
    return {}


def _told(result: Result, site: Site) -> Mapping[str, Scalar]:
    views = {step.subject: str(step.facts["mapped"]) for step in result.steps if step.facts.get("mapped")}
    local = fact(result, "local_port", Phase.STUN)
    seen = dict.fromkeys(views.values())
    own = all(host_of(place) in site.addresses or is_loopback(host_of(place)) for place in seen)
    known: dict[str, Scalar] = {
        "mapping": NatMapping.NONE if own else _mapping(result, views),
        "filtering": fact(result, "filtering", Phase.STUN),
        "seen_as": " ".join(seen),
        "exits": len({host_of(place) for place in seen}),
        "hairpinning": "" if own else next(iter(facts(result, "hairpinning", Phase.STUN)), ""),
        "port_preserved": all(place.rpartition(":")[2] == local for place in seen),
    }
    return {key: value for key, value in known.items() if value != ""}


def _mapping(result: Result, views: Mapping[str, str]) -> NatMapping:
    """Compare servers, and then ports of one server: what differs there depends on the port too."""
    if len(set(views.values())) == 1:
        return NatMapping.ENDPOINT_INDEPENDENT
    by_server: dict[str, list[str]] = {}
    for step in result.steps:
        if step.subject in views:
            by_server.setdefault(subject_host(step), []).append(views[step.subject])
    if any(len(set(seen)) > 1 for seen in by_server.values()):
        return NatMapping.ADDRESS_AND_PORT_DEPENDENT
    several = any(len(seen) > 1 for seen in by_server.values())
    return NatMapping.ADDRESS_DEPENDENT if several else NatMapping.DESTINATION_DEPENDENT
