"""Openings for ``iptables-restore --noflush``: a chain of its own, which the site's own is to look at first."""

from __future__ import annotations

from collections.abc import Iterator

from rainbow_probe.rules.shapes import Act, By, Opening, RuleSet, Style
from rainbow_probe.rules.words import NO_ADDRESS, NO_PROXY, heading, networks, of_version, port_range, reason

CHAIN = "FORWARD"
OWN = "RAINBOW"


def render(rules: RuleSet, style: Style, version: int = 4) -> str:
    """Write the rules of IP *version*; loading them again replaces them."""
    jump = f"-I {style.chain or CHAIN} -j {OWN}"
    lines = [
        *(f"# {line}" for line in heading(rules)),
        "*filter",
        f":{OWN} - [0:0]",
        *(line for one in rules.of(Act.OPEN) for line in _rules(one, rules, style, version)),
        *([] if style.chain else ["# Then have your own chain look there first, for example:"]),
        jump if style.chain else f"# {jump}",
        "COMMIT",
    ]
    return "\n".join(lines) + "\n"


def _rules(opening: Opening, rules: RuleSet, style: Style, version: int) -> Iterator[str]:
    there, senders = (
        of_version(version, networks(opening, style.by or By.ADDRESS)),
        rules.senders(opening, style.source),
    )
    own = of_version(version, senders or ())
    yield f"# {reason(opening)}"
    if not there or senders is None or (senders and not own):
        yield f"# IPv{version}: {NO_ADDRESS if senders is not None else NO_PROXY}"
        return
    for one in opening.ports:
        yield " ".join([
            f"-A {OWN}",
            *([f"-s {','.join(own)}"] if own else []),
            f"-d {','.join(there)} -p {opening.protocol} -m {opening.protocol}",
            *([f"--sport {port_range(opening.source, ':')}"] if opening.source else []),
            f"--dport {port_range(one, ':')} -j ACCEPT",
        ])
