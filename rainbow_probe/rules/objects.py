"""Destinations as the named objects that firewall products want: one a host or network, used by number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rainbow_probe.rules.shapes import Act, By, Opening
from rainbow_probe.rules.words import label, networks


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


def titles(openings: Iterable[Opening], most: int) -> dict[Opening, str]:
    """Name a rule for each opening, in up to *most* characters; two of the same ports are told apart by number."""
    found: dict[Opening, str] = {}
    for one in openings:
        plain = f"rainbow-{label(one)}"[:most]
        tries = (plain, *(f"{plain[: most - 4]}-{number}" for number in range(2, 999)))
        found[one] = next(name for name in tries if name not in found.values())
    return found


def of(found: dict[Opening, tuple[Thing, ...]], act: Act) -> dict[Opening, tuple[Thing, ...]]:
    """Return those that *act*; they share the objects with the others."""
    return {one: to for one, to in found.items() if one.act is act}


def each(found: dict[Opening, tuple[Thing, ...]]) -> tuple[Thing, ...]:
    """Return every object once."""
    return tuple(dict.fromkeys(thing for some in found.values() for thing in some))
