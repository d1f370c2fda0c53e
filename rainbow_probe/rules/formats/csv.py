"""Openings as a table: one line each, lists with blanks between. Nothing in it begins like a formula."""

from __future__ import annotations

import csv
import io

from rainbow_probe.rules.shapes import Opening, RuleSet, Style
from rainbow_probe.rules.words import port_range, ports

HEAD = ("action", "direction", "protocol", "ports", "source", "source_ports", "names", "addresses", "guide_ranges",
        "clients", "rows")  # fmt: skip


def render(rules: RuleSet, style: Style) -> str:
    """Write all openings (RFC 4180, with line feeds)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows(_line(one, style) for one in rules.openings)
    writer.writerows(_name(name) for name in (rules.names if rules.least else ()))
    return out.getvalue()


def _name(name: str) -> tuple[str, ...]:
    """Return the line of a *name* that the resolver must let pass."""
    known = {"action": "resolve", "names": name}
    return tuple(known.get(column, "") for column in HEAD)


def _line(one: Opening, style: Style) -> tuple[str, ...]:
    return (
        one.act,
        "outbound",
        one.protocol,
        ports(one, " "),
        "proxy" if one.by_proxy else style.source or "any",
        port_range(one.source) if one.source else "any",
        *(" ".join(items) for items in (one.names, one.addresses, one.ranges, one.clients, one.rows)),
    )
