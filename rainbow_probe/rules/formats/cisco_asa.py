"""Openings as Cisco ASA commands: objects, a group and access-list entries an opening."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from rainbow_probe.model import PortRange
from rainbow_probe.rules.objects import Thing, each, things
from rainbow_probe.rules.shapes import Act, By, Opening, RuleSet, Style
from rainbow_probe.rules.words import NO_ADDRESS, NO_PROXY, heading, reason

LIST = "RAINBOW"
HINT = "Put the name of your own outbound access-list for RAINBOW; the lines go above those that deny."


def render(rules: RuleSet, style: Style) -> str:
    """Write the commands, to be pasted in configuration mode."""
    found = things(rules.of(Act.OPEN), style.by or By.NAME)
    lines = [f"! {line}" for line in (*heading(rules), *([HINT] if found else []))]
    lines += [line for one in each(found) for line in _object(one)]
    lines += [
        line
        for number, (one, to) in enumerate(found.items(), 1)
        for line in _entries(one, to, number, _from(one, rules, style))
    ]
    return "\n".join(lines) + "\n"


def _object(one: Thing) -> list[str]:
    if one.fqdn:
        return [f"object network {one.label}", f" fqdn {one.value}"]
    return [f"object network {one.label}", f" subnet {_network(one.value)}"]


def _from(one: Opening, rules: RuleSet, style: Style) -> list[str]:
    """Return who may send, as an access-list has it."""
    senders = rules.senders(one, style.source)
    return [] if senders is None else [_network(each) for each in senders] or ["any"]


def _network(text: str) -> str:
    network = ipaddress.ip_network(text)
    return f"{network.network_address} {network.netmask}" if network.version == 4 else str(network)


def _entries(one: Opening, to: tuple[Thing, ...], number: int, senders: list[str]) -> Iterator[str]:
    if not to or not senders:
        yield f"! {reason(one)}: {NO_PROXY if to else NO_ADDRESS}"
        return
    group = f"rainbow-to-{number}"
    yield f"object-group network {group}"
    yield from (f" network-object object {thing.label}" for thing in to)
    yield f"access-list {LIST} remark {reason(one)}"
    source = f" {_ports(one.source)}" if one.source else ""
    for sender in senders:
        for port in one.ports:
            flow = f"{one.protocol} {sender}{source} object-group {group} {_ports(port)}"
            yield f"access-list {LIST} extended permit {flow}"


def _ports(one: PortRange) -> str:
    return f"eq {one.first}" if one.first == one.last else f"range {one.first} {one.last}"
