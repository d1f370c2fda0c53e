"""Openings for ``nft -f``: a chain of its own, which the site's own chain is to look at first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rainbow_probe.rules.shapes import Act, By, Opening, RuleSet, Style
from rainbow_probe.rules.words import NO_ADDRESS, heading, networks, of_version, ports, reason, some

CHAIN = "inet filter forward"
OWN = "rainbow"
FAMILIES = {4: "ip", 6: "ip6"}


def render(rules: RuleSet, style: Style) -> str:
    """Write the chain; loading it again replaces it."""
    family, table, chain = (style.chain or CHAIN).split()
    place = f"{family} {table} {OWN}"
    jump = f"insert rule {family} {table} {chain} jump {OWN}"
    lines = [
        *(f"# {line}" for line in heading(rules)),
        f"add table {family} {table}",
        f"add chain {place}",
        f"flush chain {place}",
        *(line for one in rules.of(Act.OPEN) for line in _rules(one, place, style)),
        *([] if style.chain else ["# Then have your own chain look there first, for example:"]),
        jump if style.chain else f"# {jump}",
    ]
    return "\n".join(lines) + "\n"


def _rules(opening: Opening, place: str, style: Style) -> Iterator[str]:
    family = place.split(maxsplit=1)[0]
    known = networks(opening, style.by or By.ADDRESS)
    yield f"# {reason(opening)}{'; from the proxy' if opening.by_proxy else ''}: {some(opening.names) or opening.what}"
    if not known:
        yield f"# {NO_ADDRESS}"
    for version, word in FAMILIES.items():
        there = of_version(version, known)
        if there and family in {"inet", word}:
            yield f"add rule {place} {_match(opening, word, version, there, style)} accept"


def _match(opening: Opening, word: str, version: int, there: Iterable[str], style: Style) -> str:
    over = opening.protocol
    own = of_version(version, [style.source] if style.source and not opening.by_proxy else [])
    parts = [
        f"{word} saddr {own[0]}" if own else "",
        f"{word} daddr {{ {', '.join(there)} }}",
        f"{over} sport {opening.source}" if opening.source else "",
        f"{over} dport {{ {ports(opening, ', ')} }}",
    ]
    return " ".join(part for part in parts if part)
