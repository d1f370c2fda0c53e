"""Openings in words: source, destination, protocol, port, direction. For tickets, and for the findings of a report."""

from __future__ import annotations

from collections.abc import Iterable

from rainbow_probe.model import PortRange
from rainbow_probe.rules.shapes import Act, By, Destination, Opening, RuleSet, Style
from rainbow_probe.rules.words import MAYBE, heading, networks, plain, ports, some

MOST_ADDRESSES = 8  # of one opening, beside its names
MOST_OWN = 3
UNKNOWN = "an address that is not known"
NOT_MENDED = "What no rule mends:"
PASSED = "the resolver must let these names pass (--format rpz writes them for it):"
UNTOUCHED = "do not decrypt and do not inspect"


def render(rules: RuleSet, style: Style) -> str:
    """Write everything, and what no rule mends."""
    parts = [
        "\n".join(f"# {line}" for line in heading(rules)),
        *(block(one, rules.own, style) for one in rules.of(Act.OPEN)),
        "\n".join(permission(one) for one in rules.of(Act.PERMIT)),
        exemption(rules.of(Act.EXEMPT), UNTOUCHED),
        _names(rules),
        "" if rules.openings or rules.names else "No rule is needed.",
        "\n".join([NOT_MENDED, *(f"  {plain(one)}" for one in rules.unmended)]) if rules.unmended else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _names(rules: RuleSet) -> str:
    """Write which names the resolver must let pass; of all that the guide asks for, the openings name them already."""
    return "\n".join([PASSED, *(f"  {name}" for name in rules.names)]) if rules.names and rules.least else ""


def block(opening: Opening, own: Iterable[str], style: Style, here: PortRange | None = None) -> str:
    """Write one opening of a firewall; *own* addresses and ports *here* are those of this machine."""
    lines = [
        f"allow outbound {opening.protocol.upper()} (answers belong to the same flow; no inbound rule is needed)",
        f"  from      {_source(opening, list(own), style)}, {_source_ports(opening, here)}",
        f"  to port   {ports(opening, ', ')}",
        *_destinations(opening, style),
        f"  for       {some(opening.rows)}" if opening.rows else "",
        "" if opening.proven else f"  ({MAYBE})",
    ]
    return "\n".join(line for line in lines if line)


def _source(opening: Opening, own: list[str], style: Style) -> str:
    if opening.by_proxy:
        return "the site's proxy"
    machine = f" (this machine: {some(own, MOST_OWN)})" if own else ""
    return style.source or f"this network{machine}"


def _source_ports(opening: Opening, here: PortRange | None) -> str:
    if opening.source:
        return f"source ports {opening.source}"
    return f"any source port{f' (this machine uses {here})' if here else ''}"


def _destinations(opening: Opening, style: Style) -> Iterable[str]:
    by = style.by or By.NAME
    if by is By.NAME:
        yield from (f"  to        {_named(one)}" for one in opening.to)
    else:
        yield f"  to        {', '.join(networks(opening, by)) or UNKNOWN}"
    if by is By.NAME and opening.ranges and opening.ranges != opening.addresses:
        yield f"  or, where names cannot be used, to {', '.join(opening.ranges)}"


def _named(one: Destination) -> str:
    listed = ", ".join(one.addresses[:MOST_ADDRESSES])
    if one.name:
        return f"{one.name} (now {listed})" if listed else one.name
    return f"{one.what}: {listed or UNKNOWN}" if one.what else listed or UNKNOWN


def permission(opening: Opening) -> str:
    """Write what the proxy must permit, a line a target."""
    targets = opening.names or tuple(f"[{one}]" if ":" in one else one for one in opening.addresses)
    return "\n".join(f"permit CONNECT {target}:{port}" for target in targets for port in ports(opening).split(","))


def exemption(openings: Iterable[Opening], what: str) -> str:
    """Write the list of hosts that a box must let pass untouched; *what* is what it must not do."""
    lines = [f"  {host} port {ports(one, ', ')}" for one in openings for host in one.names or one.addresses]
    return "\n".join([f"{what}, for:", *lines]) if lines else ""
