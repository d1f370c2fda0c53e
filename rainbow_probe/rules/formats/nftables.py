"""Openings for ``nft -f``: a chain of its own, which the site's own chain is to look at first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rainbow_probe.rules.shapes import Act, By, Opening, RuleSet, Style
from rainbow_probe.rules.words import NO_ADDRESS, NO_PROXY, heading, networks, of_version, ports, reason, some

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
        *(line for one in rules.of(Act.OPEN) for line in _rules(one, rules, place, style)),
        *([] if style.chain else ["# Then have your own chain look there first, for example:"]),
        jump if style.chain else f"# {jump}",
    ]
    return "\n".join(lines) + "\n"


def _rules(opening: Opening, rules: RuleSet, place: str, style: Style) -> Iterator[str]:
    family = place.split(maxsplit=1)[0]
    known, senders = networks(opening, style.by or By.ADDRESS), rules.senders(opening, style.source)
    yield f"# {reason(opening)}: {some(opening.names) or opening.what}"
    if not known or senders is None:
        yield f"# {NO_PROXY if known else NO_ADDRESS}"
        return
    for version, word in FAMILIES.items():
        there, own = of_version(version, known), of_version(version, senders)
        if there and family in {"inet", word} and (own or not senders):
            yield f"add rule {place} {_match(opening, word, own, there)} accept"


def _match(opening: Opening, word: str, own: Sequence[str], there: Sequence[str]) -> str:
    over = opening.protocol
    parts = [
        f"{word} saddr {{ {', '.join(own)} }}" if own else "",
        f"{word} daddr {{ {', '.join(there)} }}",
        f"{over} sport {opening.source}" if opening.source else "",
        f"{over} dport {{ {ports(opening, ', ')} }}",
    ]
    return " ".join(part for part in parts if part)
