"""Openings for ``iptables-restore --noflush``: a chain of its own, which the site's own is to look at first."""

from __future__ import annotations

from collections.abc import Iterator

from rainbow_probe.rules.shapes import Act, By, Opening, RuleSet, Style
from rainbow_probe.rules.words import NO_ADDRESS, heading, networks, of_version, port_range, reason

CHAIN = "FORWARD"
OWN = "RAINBOW"


def render(rules: RuleSet, style: Style, version: int = 4) -> str:
    """Write the rules of IP *version*; loading them again replaces them."""
    jump = f"-I {style.chain or CHAIN} -j {OWN}"
    lines = [
        *(f"# {line}" for line in heading(rules)),
        "*filter",
        f":{OWN} - [0:0]",
        *(line for one in rules.of(Act.OPEN) for line in _rules(one, style, version)),
        *([] if style.chain else ["# Then have your own chain look there first, for example:"]),
        jump if style.chain else f"# {jump}",
        "COMMIT",
    ]
    return "\n".join(lines) + "\n"


def _rules(opening: Opening, style: Style, version: int) -> Iterator[str]:
    there = of_version(version, networks(opening, style.by or By.ADDRESS))
    yield f"# {reason(opening)}{'; from the proxy' if opening.by_proxy else ''}"
    if not there:
        yield f"# IPv{version}: {NO_ADDRESS}"
    own = of_version(version, [style.source] if style.source and not opening.by_proxy else [])
    for one in opening.ports if there else ():
        yield " ".join([
            f"-A {OWN}",
            *([f"-s {own[0]}"] if own else []),
            f"-d {','.join(there)} -p {opening.protocol} -m {opening.protocol}",
            *([f"--sport {port_range(opening.source, ':')}"] if opening.source else []),
            f"--dport {port_range(one, ':')} -j ACCEPT",
        ])
