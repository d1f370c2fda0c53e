"""Findings: one cause for the whole site each, in the order in which they explain failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rainbow_probe.judging.findings import dns, ports, proxy, seen, site, tls, turn
from rainbow_probe.judging.findings.case import Case, Draft, Finder, finish
from rainbow_probe.model import Finding, Severity

FINDERS: Sequence[Finder] = (
    site.captive_portal,
    proxy.unreachable,
    proxy.wants_credentials,
    site.offline,
    site.wrong_clock,
    dns.unresolved,
    proxy.denies,
    proxy.fails_beyond,
    proxy.too_old,
    proxy.strips_upgrade,
    tls.intercepted,
    tls.wrong_certificates,
    turn.refusals,
    site.proxy_only,
    ports.inspected,
    turn.dead_hosts,
    ports.turn_dead,
    ports.udp,
    ports.udp_range,
    ports.push,
    ports.single_ports,
    ports.mute,
    turn.dead_addresses,
    turn.mapped_differs,
    dns.dead_resolver,
    dns.odd_addresses,
    dns.hijacked,
    seen.whatever_is_left,
)
_ORDER = list(Severity)


def find(case: Case) -> list[Finding]:
    """Return the findings, the worst first; a failure is explained by the first finder that proves its cause."""
    drafts: list[Draft] = []
    for finder in FINDERS:
        made = finder(case)
        drafts += made
        claimed = {result.flow.id for draft in made for result in draft.claims}
        case = replace(case, claimed=case.claimed | claimed)
    found = [finish(draft, case.rows) for draft in drafts]
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))
