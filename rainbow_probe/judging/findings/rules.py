"""The rule to open, in plain text: source, destination, protocol, port, direction; never wider than needed."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judging.findings.case import Case, fact, host
from rainbow_probe.model import Phase, Result, Rule


def open_rule(case: Case, results: Sequence[Result], ports: str, protocol: str, why: str) -> Rule:
    """Return the outbound rule for the hosts of *results*."""
    names = sorted({host(result) for result in results})
    addresses = sorted({a for result in results for a in str(fact(result, "addresses", [Phase.RESOLVE]) or "").split()})
    source = ", ".join(case.site.addresses) or "this site"
    lines = [
        "allow outbound (replies are let in by state; no inbound rule is needed)",
        f"  source:      {source} (and every client of the site), any port",
        f"  destination: {', '.join(names)}",
        f"  addresses:   {', '.join(addresses) or 'not known here'} today; names are safer, addresses may change",
        f"  protocol:    {protocol}",
        f"  port:        {ports}",
        f"  for:         {why}",
    ]
    return Rule(format="text", text="\n".join(lines))


def range_rule(case: Case, ports: str, why: str) -> Rule:
    """Return the outbound UDP rule for the service's own networks, for hosts that have no published names."""
    lines = [
        "allow outbound (replies are let in by state; no inbound rule is needed)",
        f"  source:      {', '.join(case.site.addresses) or 'this site'} (and every client of the site), any port",
        f"  destination: {', '.join(case.guide.ranges)} (edition {case.guide.edition} of the guide)",
        "  protocol:    UDP",
        f"  port:        {ports}",
        f"  for:         {why}",
    ]
    return Rule(format="text", text="\n".join(lines))


def exempt_rule(results: Sequence[Result], what: str) -> Rule:
    """Return the exemption from inspection for the hosts of *results*."""
    targets = sorted({f"{host(result)}:{result.flow.target.port}" for result in results})
    lines = [
        f"exempt from {what}:",
        *(f"  {target}" for target in targets),
        "  by name, or by the addresses of these names",
    ]
    return Rule(format="text", text="\n".join(lines))


def proxy_rule(results: Sequence[Result]) -> Rule:
    """Return the tunnels the proxy must open."""
    targets = sorted({f"CONNECT {result.flow.target}" for result in results})
    return Rule(format="text", text="\n".join(["allow in the proxy:", *(f"  {target}" for target in targets)]))
