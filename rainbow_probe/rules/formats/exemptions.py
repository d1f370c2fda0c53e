"""Whom inspection must leave alone: names, or addresses where there is no name, with their ports; one a line."""

from __future__ import annotations

from rainbow_probe.rules.shapes import Act, By, Opening, RuleSet, Style
from rainbow_probe.rules.words import NOTHING, heading, networks, ports, reason

WHAT = (
    "Neither decrypt nor inspect, and do not time out early: what passes there is not HTTP, or must arrive unchanged."
)


def render(rules: RuleSet, style: Style) -> str:
    """Write the list, with comments that begin with ``#``."""
    found = [line for one in rules.of(Act.EXEMPT) for line in _lines(one, style.by or By.NAME)]
    comments = [f"# {line}" for line in (heading(rules)[0], WHAT if found else NOTHING)]
    return "\n".join([*comments, *found]) + "\n"


def _lines(one: Opening, by: By) -> list[str]:
    hosts = one.names if by is By.NAME and one.names else networks(one, by)
    return [f"# {reason(one)}", *(f"{host} {one.protocol}/{port}" for host in hosts for port in ports(one).split(","))]
