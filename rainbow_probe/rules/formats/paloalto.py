"""Openings as PAN-OS ``set`` commands: addresses, services, security rules, and rules that do not decrypt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rainbow_probe.rules.objects import Thing, each, of, things, titles
from rainbow_probe.rules.shapes import Act, By, Opening, RuleSet, Style
from rainbow_probe.rules.words import NO_PROXY, heading, label, ports, reason

LONGEST_NAME = 63  # characters of a rule's name, PAN-OS
HINT = "Put your own zones for trust and untrust, and move the rules above those that deny or decrypt."


def render(rules: RuleSet, style: Style) -> str:
    """Write the commands, to be pasted in configuration mode."""
    by = style.by or By.NAME
    every = things((*rules.of(Act.OPEN), *rules.of(Act.EXEMPT)), by)
    opened, exempt = of(every, Act.OPEN), of(every, Act.EXEMPT)
    names = titles(opened, LONGEST_NAME)
    services = dict.fromkeys(_service(one) for one in (*opened, *exempt))
    lines = [
        *(f"# {line}" for line in heading(rules)),
        *([f"# {HINT}"] if rules.openings else []),
        *(_address(one) for one in each(every)),
        *services,
        *(
            line
            for one, to in opened.items()
            for line in _security(one, names[one], to, rules.senders(one, style.source))
        ),
        *(line for number, (one, to) in enumerate(exempt.items(), 1) for line in _decryption(one, to, number)),
    ]
    return "\n".join(lines) + "\n"


def _address(one: Thing) -> str:
    return f"set address {one.label} {'fqdn' if one.fqdn else 'ip-netmask'} {one.value}"


def _service(one: Opening) -> str:
    source = f" source-port {one.source}" if one.source else ""
    return f"set service rainbow-{label(one)} protocol {one.protocol} port {ports(one)}{source}"


def _listed(to: Iterable[Thing]) -> str:
    return f"[ {' '.join(one.label for one in to)} ]"


def _security(one: Opening, name: str, to: tuple[Thing, ...], senders: tuple[str, ...] | None) -> Iterator[str]:
    yield f"# {reason(one)}{f': {NO_PROXY}' if senders is None else ''}"
    source = f"[ {' '.join(senders)} ]" if senders else "any"
    if to and senders is not None:
        yield (
            f"set rulebase security rules {name} from trust to untrust source {source} "
            f"destination {_listed(to)} application any service rainbow-{label(one)} action allow"
        )


def _decryption(one: Opening, to: tuple[Thing, ...], number: int) -> Iterator[str]:
    yield f"# {reason(one)}"
    if to:
        yield (
            f"set rulebase decryption rules rainbow-untouched-{number} from trust to untrust source any "
            f"destination {_listed(to)} service rainbow-{label(one)} category any "
            "action no-decrypt type ssl-forward-proxy"
        )
