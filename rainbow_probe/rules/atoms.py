"""From single needs to the fewest openings: equal ones are one, and what a wider one covers is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rainbow_probe.model import PortRange, Transport
from rainbow_probe.rules.shapes import Act, Destination, Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """One flow to one destination, for one row."""

    act: Act
    protocol: Transport
    ports: PortRange
    to: Destination
    source: PortRange | None = None
    by_proxy: bool = False
    row: str = ""
    client: str = ""
    proven: bool = True


_Door = tuple[Act, Transport, PortRange | None, bool]


@dataclass
class _Sum:
    """What is known of one destination behind one door."""

    ports: dict[PortRange, None] = field(default_factory=dict[PortRange, None])
    rows: dict[str, None] = field(default_factory=dict[str, None])
    clients: dict[str, None] = field(default_factory=dict[str, None])
    proven: bool = True


def merged(atoms: Iterable[Atom]) -> tuple[Opening, ...]:
    """Return the fewest openings that are worth *atoms*, in the order of their first."""
    sums: dict[_Door, dict[Destination, _Sum]] = {}
    for atom in atoms:
        door = (atom.act, atom.protocol, atom.source, atom.by_proxy)
        one = sums.setdefault(door, {}).setdefault(atom.to, _Sum())
        one.ports[atom.ports] = None
        one.proven &= atom.proven
        one.rows |= dict.fromkeys([atom.row] if atom.row else [])
        one.clients |= dict.fromkeys([atom.client] if atom.client else [])
    _drop_covered(sums)
    return tuple(opening for door, found in sums.items() for opening in _grouped(door, found))


def _drop_covered(sums: Mapping[_Door, dict[Destination, _Sum]]) -> None:
    """Take out what holds for some source ports only, where the same is open to all of them."""
    for (act, protocol, source, by_proxy), found in sums.items():
        wider = sums.get((act, protocol, None, by_proxy), {})
        for destination, one in list(found.items() if source else ()):
            cover = wider.get(destination)
            if cover and set(one.ports) <= set(cover.ports):
                cover.rows |= one.rows
                cover.clients |= one.clients
                del found[destination]


def _grouped(door: _Door, found: Mapping[Destination, _Sum]) -> Iterable[Opening]:
    """Put destinations of one kind with the same ports into one opening."""
    groups: dict[tuple[tuple[PortRange, ...], tuple[str, ...], bool, str, bool], list[Destination]] = {}
    for to, one in found.items():
        groups.setdefault((joined(one.ports), to.ranges, not to.name, to.what, one.proven), []).append(to)
    for (ports, *_), destinations in groups.items():
        yield _opening(door, ports, destinations, [found[to] for to in destinations])


def _opening(door: _Door, ports: tuple[PortRange, ...], to: Sequence[Destination], known: Sequence[_Sum]) -> Opening:
    act, protocol, source, by_proxy = door
    return Opening(
        act=act,
        protocol=protocol,
        ports=ports,
        to=tuple(to),
        source=source,
        by_proxy=by_proxy,
        rows=tuple(dict.fromkeys(row for one in known for row in one.rows)),
        clients=tuple(dict.fromkeys(client for one in known for client in one.clients)),
        proven=all(one.proven for one in known),
    )


def joined(ports: Iterable[PortRange]) -> tuple[PortRange, ...]:
    """Return *ports* in order, those that touch or overlap as one range."""
    found: list[PortRange] = []
    for one in sorted(ports, key=lambda each: (each.first, each.last)):
        if found and one.first <= found[-1].last + 1:
            found[-1] = PortRange(first=found[-1].first, last=max(found[-1].last, one.last))
        else:
            found.append(one)
    return tuple(found)
