"""One renderer a file: ``render(rules, style) -> str``."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

from rainbow_probe.rules.shapes import RuleSet, Style

FORMATS: Mapping[str, str] = MappingProxyType({
    "text": "in words, for a ticket",
    "csv": "a table, one line an opening",
    "exemptions": "the hosts that TLS and protocol inspection must leave alone",
    "rpz": "names that the resolver must let pass, as a response policy zone (BIND, Unbound, Knot, PowerDNS)",
    "nftables": "for nft -f",
    "iptables": "for iptables-restore --noflush",
    "ip6tables": "for ip6tables-restore --noflush",
    "squid": "access and splice lines for squid.conf",
    "fortinet": "FortiOS commands",
    "paloalto": "PAN-OS set commands",
    "cisco-asa": "ASA commands",
    "windows": "PowerShell commands for the firewall of a Windows machine",
})
"""Format to what it is for."""


def render(rules: RuleSet, name: str, style: Style | None = None) -> str:
    """Write *rules* in the format *name*, one of ``FORMATS``."""
    module = importlib.import_module(f"rainbow_probe.rules.formats.{name.replace('-', '_')}")
    text: str = module.render(rules, style or Style())
    return text
