"""Openings as FortiOS commands: addresses, services, one policy an opening, and exemptions from deep inspection."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence

from rainbow_probe.rules.objects import Thing, each, of, things, titles
from rainbow_probe.rules.shapes import Act, By, Opening, RuleSet, Style
from rainbow_probe.rules.words import NO_PROXY, heading, label, port_range, reason

HINT = "Put your own interfaces for lan and wan, and the policies above those that deny."
LONGEST_NAME = 35  # characters of a policy's name, FortiOS
PROFILE = "Put the name of your own deep-inspection profile."


def render(rules: RuleSet, style: Style) -> str:
    """Write the commands; what is not IPv4 is left out, with a comment."""
    by = style.by or By.NAME
    every = things((*rules.of(Act.OPEN), *rules.of(Act.EXEMPT)), by)
    opened, exempt = of(every, Act.OPEN), of(every, Act.EXEMPT)
    objects = (*each(every), *_senders(opened, rules, style))
    lines = [f"# {line}" for line in heading(rules)]
    lines += [f"# IPv6, left out: {one.value}" for one in objects if not _written(one)]
    lines += _config("firewall address", [line for one in objects if _written(one) for line in _address(one)])
    services = {label(one): one for one in opened}
    lines += _config("firewall service custom", [line for one in services.values() for line in _service(one)])
    lines += [f"# {HINT}"] if opened else []
    names = titles(opened, LONGEST_NAME)
    policies = [line for one, to in opened.items() for line in _policy(one, names[one], to, _from(one, rules, style))]
    lines += _config("firewall policy", policies)
    lines += _exempt(each(exempt))
    return "\n".join(lines) + "\n"


def _config(what: str, inside: Sequence[str]) -> list[str]:
    return [f"config {what}", *(f"    {line}" for line in inside), "end"] if inside else []


def _edit(name: str, *settings: str) -> list[str]:
    return [f"edit {name}", *(f"    set {one}" for one in settings), "next"]


def _written(one: Thing) -> bool:
    return one.fqdn or ipaddress.ip_network(one.value).version == 4


def _address(one: Thing) -> list[str]:
    if one.fqdn:
        return _edit(f'"{one.label}"', "type fqdn", f'fqdn "{one.value}"')
    network = ipaddress.ip_network(one.value)
    return _edit(f'"{one.label}"', f"subnet {network.network_address} {network.netmask}")


def _service(one: Opening) -> list[str]:
    source = f":{port_range(one.source)}" if one.source else ""
    ports = " ".join(f"{port_range(each)}{source}" for each in one.ports)
    return _edit(f'"rainbow-{label(one)}"', "protocol TCP/UDP/SCTP", f"{one.protocol}-portrange {ports}")


def _senders(opened: Iterable[Opening], rules: RuleSet, style: Style) -> tuple[Thing, ...]:
    """Return the senders that are not just anybody, as objects named by themselves."""
    known = (sender for one in opened for sender in rules.senders(one, style.source) or ())
    return tuple(Thing(label=f"rainbow-from-{one}", value=one, fqdn=False) for one in dict.fromkeys(known))


def _from(one: Opening, rules: RuleSet, style: Style) -> str | None:
    """Return who may send; None if that is not known."""
    senders = rules.senders(one, style.source)
    return None if senders is None else " ".join(f'"rainbow-from-{each}"' for each in senders) or '"all"'


def _policy(one: Opening, name: str, to: Iterable[Thing], senders: str | None) -> Iterator[str]:
    there = " ".join(f'"{thing.label}"' for thing in to if _written(thing))
    yield f"# {reason(one)}{'' if senders else f': {NO_PROXY}'}"
    if there and senders:
        yield from _edit(
            "0",
            f'name "{name}"',
            *('srcintf "lan"', 'dstintf "wan"', f"srcaddr {senders}", f"dstaddr {there}"),
            *(f'service "rainbow-{label(one)}"', 'schedule "always"', "action accept", "nat enable"),
        )


def _exempt(hosts: Sequence[Thing]) -> list[str]:
    entries = [line for one in hosts if _written(one) for line in _edit("0", "type address", f'address "{one.label}"')]
    inside = _edit('"your-profile"')
    nested = [inside[0], *(f"    {line}" for line in _config("ssl-exempt", entries)), inside[1]]
    return [f"# {PROFILE}", *_config("firewall ssl-ssh-profile", nested)] if entries else []
