"""Destinations as the named objects that firewall products want: one a host or network, used by number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rainbow_probe.rules.shapes import By, Opening
from rainbow_probe.rules.words import networks


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One destination: a host name, or an address or network."""

    label: str
    """The object's name, made of letters, digits and dashes."""
    value: str
    fqdn: bool


def things(openings: Iterable[Opening], by: By) -> dict[Opening, tuple[Thing, ...]]:
    """Return for each opening its objects; a destination of several openings is one object."""
    known: dict[str, Thing] = {}
    found: dict[Opening, tuple[Thing, ...]] = {}
    for one in openings:
        fqdn = by is By.NAME and bool(one.names)
        for value in one.names if fqdn else networks(one, by):
            word = "host" if fqdn else "net"
            known.setdefault(value, Thing(label=f"rainbow-{word}-{len(known) + 1}", value=value, fqdn=fqdn))
        found[one] = tuple(known[value] for value in (one.names if fqdn else networks(one, by)))
    return found


def each(found: dict[Opening, tuple[Thing, ...]]) -> tuple[Thing, ...]:
    """Return every object once."""
    return tuple(dict.fromkeys(thing for some in found.values() for thing in some))
