"""Words that every rule file uses: no quote, no line end and nothing else that a shell or a parser heeds is in them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

from rainbow_probe.model import PortRange
from rainbow_probe.rules.shapes import By, Opening, RuleSet

MOST_ROWS = 4
COMMENT_SIZE = 200  # of one line of comment
NO_INBOUND = "All of it is outbound; answers belong to the same flow, and no inbound rule is needed."
MAYBE = "not proven that the border stops it: the hosts may be down"
NOTHING = "No rule is needed."
NO_PROXY = "only the proxy needs it, and its address is not known"
NO_ADDRESS = "no address known: test again where the name resolves, or write it by range"


def plain(text: str) -> str:
    """Return *text* with nothing in it but letters, digits and harmless signs, on one line."""
    return re.sub(r"[^A-Za-z0-9 .,:;/()*_+-]", "", text)


def heading(rules: RuleSet) -> list[str]:
    """Return the lines of comment that stand above any rule file."""
    what = "the least that the failed rows of this site need" if rules.least else "all that the guide asks for"
    return [plain(f"{rules.title}: {what}."), NO_INBOUND]


def reason(opening: Opening) -> str:
    """Say in one line of comment for which rows *opening* is, and whether it is sure to help."""
    rows = f"for {some(opening.rows)}" if opening.rows else ""
    return plain("; ".join(part for part in (rows, "" if opening.proven else MAYBE) if part)).strip()[:COMMENT_SIZE]


def some(items: Sequence[str], most: int = MOST_ROWS) -> str:
    """List the first of *items*, and count the rest."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def label(opening: Opening) -> str:
    """Name *opening* shortly: ``udp-3478``, as a part of a product's own names."""
    source = f"-from-{opening.source}" if opening.source else ""
    doors = "-".join(port_range(one, "to") for one in opening.ports[:3])
    return f"{opening.protocol}-{doors}{source}{'-proxy' if opening.by_proxy else ''}"


def ports(opening: Opening, between: str = ",", span: str = "-") -> str:
    """List the ports, with *between* them, and *span* between first and last of a range."""
    return between.join(port_range(one, span) for one in opening.ports)


def port_range(one: PortRange, span: str = "-") -> str:
    """Write a port, or a range of ports."""
    return str(one.first) if one.first == one.last else f"{one.first}{span}{one.last}"


def networks(opening: Opening, by: By) -> tuple[str, ...]:
    """Return the addresses and networks that *opening* is for; with RANGE the guide's, where they are known."""
    return opening.ranges if by is By.RANGE and opening.ranges else opening.addresses


def of_version(version: int, addresses: Iterable[str]) -> list[str]:
    """Return those of *addresses* (or networks) that are of IP *version*."""
    return [one for one in addresses if ipaddress.ip_network(one).version == version]
