"""How TURN servers see this machine from outside: by one address, by several, or by one that only a box inside has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rainbow_probe.checks.dns import is_private
from rainbow_probe.judge.scene import Found, Scene, distinct
from rainbow_probe.judge.traces import TURN_PHASES, addresses, direct, facts, host_of, over_udp
from rainbow_probe.judge.words import door, named
from rainbow_probe.model import Result, Transport, Who

FEWEST_SERVERS = 2  # that agree: a NAT with a pool of addresses gives any of them to any connection
View = tuple[str, Result]
"""An outside address, and the check that was seen to come from it."""


def other_exit(scene: Scene) -> list[Found]:
    """Name the one TCP port that leaves by an address of its own, while another one and UDP leave by the same."""
    seen = _views(scene)
    families = {family for (_, family), views in seen.items() if _differ(views)}
    servers = [views for (_, family), views in seen.items() if family in families]
    odd = {_odd_port(views) for views in servers}
    port = odd.pop() if len(odd) == 1 else None
    if port is None or len(servers) < FEWEST_SERVERS:
        return []
    here = [view for views in servers for view in views if _is_tcp(view[1], port)]
    rest = [view for views in servers for view in views if not _is_tcp(view[1], port)]
    if len(_told(here)) != 1 or len(_told(rest)) != 1:
        return []
    return [
        Found(
            id=f"tcp-{port}-other-exit",
            title=f"TCP/{port} to the TURN servers leaves this network by another address than all else: "
            f"{_told(here)[0]}, not {_told(rest)[0]}",
            who=Who.FIREWALL,
            fix=f"Nothing has to be done: TURN passes. If a transparent proxy or an accelerator takes TCP/{port}, "
            "exempt the TURN servers from it; if that port has a way out of its own, this is how it shows.",
            shows=tuple(distinct(result for _, result in (*here, *rest))),
            detail=_detail((*here, *rest)),
        )
    ]


def mapped_differs(scene: Scene) -> list[Found]:
    """Say that one TURN server sees us come from different addresses, or from one that only a box inside has."""
    differing = [views for views in _views(scene).values() if _differ(views) or _inside(views, scene)]
    if not differing or other_exit(scene):
        return []
    seen = [view for views in differing for view in views]
    return [
        Found(
            id="mapped-differs",
            title=_title(differing, scene),
            who=Who.FIREWALL,
            fix="Nothing to do if this network has several ways out: TURN passes. Else look for a box that ends "
            "connections in the middle (a transparent proxy, an accelerator).",
            shows=tuple(distinct(result for _, result in seen)),
            detail=_detail(seen),
        )
    ]


def _title(differing: list[list[View]], scene: Scene) -> str:
    if any(_inside(views, scene) for views in differing):
        return "TURN servers see this machine come from a private address that is not its own"
    by_udp = [_told(view for view in views if over_udp(view[1])) for views in differing]
    by_tcp = [_told(view for view in views if not over_udp(view[1])) for views in differing]
    if all(len(udp) == len(tcp) == 1 for udp, tcp in zip(by_udp, by_tcp, strict=True)):
        return "This network has several outside addresses: UDP leaves by another one than TCP"
    return "The TURN servers see this machine come from different addresses"


def _detail(views: Iterable[View]) -> str:
    told = (
        f"{result.flow.target.host} {result.flow.transport.upper()}/{result.flow.target.port}: {address}"
        for address, result in views
    )
    return named(dict.fromkeys(told), 8)


def _odd_port(views: list[View]) -> int | None:
    """Return the TCP port whose address differs from that of UDP and of another TCP port; None where there is none.

    Of two ports that differ, only UDP can say which of them is the odd one.
    """
    by_door: dict[str, set[str]] = {}
    for address, result in views:
        by_door.setdefault(door(result.flow), set()).add(address)
    udp = {address for name, seen in by_door.items() if name.startswith("UDP") for address in seen}
    tcp = {name: seen for name, seen in by_door.items() if name.startswith("TCP")}
    alike = [name for name, seen in tcp.items() if seen == udp]
    odd = [name for name, seen in tcp.items() if not seen & udp]
    if len(udp) != 1 or not alike or len(odd) != 1:
        return None
    return int(odd[0].partition("/")[2])


def _is_tcp(result: Result, port: int) -> bool:
    return not over_udp(result) and result.flow.target.port == port


def _differ(views: Iterable[View]) -> bool:
    return len(_told(views)) > 1


def _told(views: Iterable[View]) -> list[str]:
    """Return the addresses of *views*, each once."""
    return list(dict.fromkeys(address for address, _ in views))


def _inside(views: Iterable[View], scene: Scene) -> bool:
    """Return whether a public server saw a private address that is not this machine's own."""
    return any(
        is_private(address) and address not in scene.site.addresses and not any(map(is_private, addresses(result)))
        for address, result in views
    )


def _views(scene: Scene) -> dict[tuple[str, bool], list[View]]:
    """Gather by server and address family how each direct TURN check was seen from there."""
    views: dict[tuple[str, bool], list[View]] = {}
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
