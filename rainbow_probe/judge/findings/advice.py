"""What works, and still wants attention: dead addresses, and outside addresses that differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rainbow_probe.checks.dns import is_private
from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import TURN_PHASES, addresses, direct, facts, host_of, passes
from rainbow_probe.judge.words import count, named
from rainbow_probe.model import Result, Severity, Transport, Who


def dead_addresses(scene: Scene) -> list[Found]:
    """Name the addresses that do not answer while others of the same name do: a fail-over would meet them."""
    partly = [result for result in scene.results if passes(result) and result.verdict.dead]
    if not partly:
        return []
    dead = list(dict.fromkeys(f"{r.flow.target.host} at {address}" for r in partly for address in r.verdict.dead))
    v6 = all("[" in address for r in partly for address in r.verdict.dead)
    alive = sum(len(result.verdict.alive) for result in partly)
    return [
        Found(
            id="address-dead",
            title=f"{count(len(dead), 'address')} of hosts that work {'does' if len(dead) == 1 else 'do'} not answer"
            + (": IPv6 goes nowhere" if v6 else ""),
            who=Who.FIREWALL,
            fix="Give this network a way out over IPv6, or none at all: a half one costs time at each connection."
            if v6
            else "Open the way to all addresses of these names: a fail-over of the service would meet the dead ones.",
            shows=tuple(partly),
            detail=f"dead: {named(dead, 8)}; {count(alive, 'other address')} answered",
            at_least=Severity.DEGRADING,
        )
    ]


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
