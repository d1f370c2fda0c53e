"""Openings for ``ip6tables-restore --noflush``."""

from __future__ import annotations

from rainbow_probe.rules.formats import iptables
from rainbow_probe.rules.shapes import RuleSet, Style


def render(rules: RuleSet, style: Style) -> str:
    """Write the rules for IPv6."""
    return iptables.render(rules, style, version=6)
