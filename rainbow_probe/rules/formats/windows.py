"""Openings as PowerShell commands, for the firewall of a Windows machine: outbound, by address."""

from __future__ import annotations

from collections.abc import Iterator

from rainbow_probe.rules.shapes import Act, By, Opening, RuleSet, Style
from rainbow_probe.rules.words import NO_ADDRESS, heading, label, networks, port_range, ports, reason


def render(rules: RuleSet, style: Style) -> str:
    """Write the commands; what the proxy must do is not this machine's."""
    own = [one for one in rules.of(Act.OPEN) if not one.by_proxy]
    lines = [*(f"# {line}" for line in heading(rules)), *(line for one in own for line in _rule(one, style))]
    return "\n".join(lines) + "\n"


def _rule(one: Opening, style: Style) -> Iterator[str]:
    there = networks(one, style.by or By.ADDRESS)
    yield f"# {reason(one)}"
    if not there:
        yield f"# {NO_ADDRESS}"
        return
    local = f" -LocalPort {port_range(one.source)}" if one.source else ""
    yield (
        f"New-NetFirewallRule -DisplayName 'Rainbow {label(one)}' -Direction Outbound -Action Allow "
        f"-Protocol {one.protocol.upper()} -RemotePort {ports(one)}{local} -RemoteAddress {','.join(there)}"
    )
