"""Rules to paste, in plain text: source, destination, protocol, port, direction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rainbow_probe.judge.scene import Scene
from rainbow_probe.judge.traces import is_loopback, over_udp
from rainbow_probe.judge.words import named
from rainbow_probe.model import Result, Rule
from rainbow_probe.net.names import nowhere

TEXT = "text"
MOST_ADDRESSES = 8  # of one name, in a rule
FOREIGN = frozenset({"push", "portal"})
"""Kinds of checks whose hosts are not the service's own, so that its address ranges say nothing of them."""


def firewall_rule(scene: Scene, results: Sequence[Result]) -> Rule:
    """Write the outbound rules that let *results* through, one for each protocol, source and set of hosts."""
    groups: dict[tuple[str, str, bool], list[Result]] = {}
    for result in results:
        key = (_protocol(result), _source_ports(scene, result), result.flow.kind in FOREIGN)
        groups.setdefault(key, []).append(result)
    return Rule(format=TEXT, text="\n\n".join(_block(scene, *key, found) for key, found in groups.items()))


def _block(scene: Scene, protocol: str, source: str, foreign: bool, results: Sequence[Result]) -> str:
    lines = [
        f"allow outbound {protocol} (answers belong to the same flow; no inbound rule is needed)",
        f"  from      this network{_here(scene)}, {source}",
        f"  to port   {_ports(results)}",
        *_destinations(scene, results),
    ]
    ranges = () if foreign else scene.guide.ranges
    return "\n".join([*lines, *([f"  or, where names cannot be used, to {', '.join(ranges)}"] if ranges else [])])


def _protocol(result: Result) -> str:
    return "UDP" if over_udp(result) else "TCP"


def _here(scene: Scene) -> str:
    own = [address for address in scene.site.addresses if not is_loopback(address)]
    return f" (this machine: {named(own, 3)})" if own else ""


def _source_ports(scene: Scene, result: Result) -> str:
    if result.flow.source:
        return f"source ports {result.flow.source}"
    return f"source ports {scene.site.dynamic_ports}" if scene.site.dynamic_ports else "any source port"


def _ports(results: Iterable[Result]) -> str:
    return ", ".join(dict.fromkeys(port_of(result) for result in results))


def port_of(result: Result) -> str:
    """Return the port that *result* is about, or the range where it stands for one."""
    first, last = (result.flow.params.get(key) for key in ("first", "last"))
    return f"{first}-{last}" if result.flow.kind == "udp-range" and first and last else str(result.flow.target.port)


def _destinations(scene: Scene, results: Iterable[Result]) -> list[str]:
    names = dict.fromkeys(result.flow.target.host for result in results)
    return [f"  to        {name}{_known(scene, name)}" for name in names]


def _known(scene: Scene, name: str) -> str:
    found = [address for address in scene.addresses_of(name) if address != name and not nowhere(address)]
    return f" (now {', '.join(found[:MOST_ADDRESSES])})" if found else ""


def proxy_rule(results: Iterable[Result]) -> Rule:
    """Write what the proxy must permit: tunnels to the targets of *results*."""
    targets = dict.fromkeys(str(result.flow.target) for result in results)
    return Rule(format=TEXT, text="\n".join(f"permit CONNECT {target}" for target in targets))


def exemption_rule(scene: Scene, results: Iterable[Result], what: str) -> Rule:
    """Write the list of hosts that a box must let pass untouched; *what* is what it must not do."""
    names: dict[str, set[int]] = {}
    for result in results:
        names.setdefault(result.flow.target.host, set()).add(result.flow.target.port)
    lines = [
        f"  {name} port {', '.join(map(str, sorted(ports)))}{_known(scene, name)}" for name, ports in names.items()
    ]
    return Rule(format=TEXT, text="\n".join([f"{what}, for:", *lines]))
