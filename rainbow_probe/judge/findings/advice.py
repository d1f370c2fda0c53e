"""What is no failure, and still wants attention: servers given by address, outside addresses that differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rainbow_probe.checks.dns import is_private
from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import POLICY, TURN_PHASES, addresses, direct, facts, host_of
from rainbow_probe.judge.words import hosts, named
from rainbow_probe.model import Cause, Outcome, Result, Transport, Who


def by_address(scene: Scene) -> list[Found]:
    """Ask for the names of TURN servers that were given by address and whose certificates cannot be judged so."""
    asked = [r for r in scene.tried("turn") if _unclear(r) is Cause.TLS_WRONG_NAME]
    if not asked:
        return []
    return [
        Found(
            id="turn-by-address",
            title=f"{hosts(asked)} was given by address: whether its certificate is right cannot be told",
            who=Who.ENDPOINT,
            fix="Give the TURN server's name (--turn, or the site file) instead of its address.",
            shows=tuple(asked),
            detail=named(dict.fromkeys(r.verdict.failure.detail for r in asked if r.verdict.failure)),
        )
    ]


def _unclear(result: Result) -> Cause | None:
    """Return why *result* could not be told."""
    seen = result.verdict.failure
    return seen.cause if seen and result.verdict.outcome is Outcome.INCONCLUSIVE else None


def mapped_differs(scene: Scene) -> list[Found]:
    """Say that one TURN server sees us come from different addresses, or from one that only a box inside has."""
    differing = [views for views in _views(scene).values() if len({a for a, _ in views}) > 1 or _inside(views, scene)]
    if not differing:
        return []
    told = (
        f"{result.flow.target.host} {result.flow.transport.upper()}/{result.flow.target.port}: {address}"
        for views in differing
        for address, result in views
    )
    return [
        Found(
            id="mapped-differs",
            title="The TURN servers see this machine come from different addresses, or from a private one",
            who=Who.FIREWALL,
            fix="Nothing to do if this network has several ways out; else look for a box that ends connections in the "
            "middle (a transparent proxy, an accelerator).",
            shows=tuple(result for views in differing for _, result in views),
            detail=named(dict.fromkeys(told), 8),
        )
    ]


def _inside(views: Iterable[tuple[str, Result]], scene: Scene) -> bool:
    """Return whether a public server saw a private address that is not this machine's own."""
    return any(
        is_private(address) and address not in scene.site.addresses and not any(map(is_private, addresses(result)))
        for address, result in views
    )


def open_ports(scene: Scene) -> list[Found]:
    """Say that a proxy opens tunnels to a port that nobody needs, as its own answer or the target's greeting shows."""
    asked = (one for one in scene.controls if one.flow.kind == POLICY and one.flow.params.get("ask") == "connect")
    lax = [one for one in asked if any(facts(one, "lets_through"))]
    if not lax:
        return []
    proxies, ports = {one.flow.proxy for one in lax}, {str(one.flow.target.port) for one in lax}
    return [
        Found(
            id="proxy-open-ports",
            title=f"{named(sorted(proxies))} takes CONNECT to port {named(sorted(ports))}, which no client needs",
            who=Who.PROXY,
            fix="Allow CONNECT to ports 443 and 80 only; TURN needs the latter. In squid: "
            "acl tunnel_ports port 443 80, http_access deny CONNECT !tunnel_ports",
            shows=tuple(lax),
            detail=named(dict.fromkeys(one.verdict.reason for one in lax)),
        )
    ]


def _views(scene: Scene) -> dict[tuple[str, bool], list[tuple[str, Result]]]:
    """Gather by server and address family how each direct TURN check was seen from there."""
    views: dict[tuple[str, bool], list[tuple[str, Result]]] = {}
    for result in scene.results:
        if result.flow.kind == "turn" and direct(result):
            for address in mapped(result):
                views.setdefault((result.flow.target.host, ":" in address), []).append((address, result))
    return views


def mapped(result: Result) -> Iterator[str]:
    """Yield the addresses from which the STUN server saw *result* come."""
    yield from dict.fromkeys(host_of(str(value)) for value in facts(result, "mapped", *TURN_PHASES))


def mapped_addresses(results: Iterable[Result]) -> tuple[str, ...]:
    """Return all addresses from which this machine was seen, each once."""
    kinds = {Transport.UDP, Transport.TCP, Transport.TLS}
    seen = (address for r in results if r.flow.transport in kinds and r.flow.kind == "turn" for address in mapped(r))
    return tuple(dict.fromkeys(seen))
