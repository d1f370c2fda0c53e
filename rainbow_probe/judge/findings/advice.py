"""What is no failure, and still wants attention: servers given by address, a proxy that is too open."""

from __future__ import annotations

from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import POLICY, facts
from rainbow_probe.judge.words import hosts, named
from rainbow_probe.model import Cause, Outcome, Result, Who


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
