"""Findings: one cause for the whole site each, with its proof. A failing check belongs to one finding at most."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from rainbow_probe.judge.findings import (
    account,
    addresses,
    advice,
    aliases,
    astray,
    bandwidth,
    beyond,
    calls,
    certificates,
    denials,
    direct,
    filters,
    idle,
    inspection,
    lan,
    logins,
    losses,
    middlebox,
    names,
    offline,
    only,
    outside,
    portal,
    ports,
    proxy,
    ranges,
    relay,
    resolvers,
    seen,
    servers,
    sizes,
    streams,
    udp,
    voice,
    volume,
    wayout,
)
from rainbow_probe.judge.scene import Found, Scene, weigh
from rainbow_probe.model import Finding, Severity

Finder = Callable[[Scene], list[Found]]

FINDERS: tuple[Finder, ...] = (
    # What makes everything else moot.
    astray.search_domain,
    astray.rewrites,
    offline.offline,
    portal.captive_portal,
    # Before the first packet to a target: names, and the proxy.
    names.filtered,
    resolvers.disagree,
    names.nxdomain,
    wayout.pac_broken,
    wayout.pac_unreachable,
    wayout.entry_dead,
    proxy.unreachable,
    proxy.silent,
    logins.authentication,
    relay.sent_elsewhere,
    denials.denials,
    beyond.unresolved,
    beyond.unreached,
    proxy.http10,
    proxy.capacity,
    proxy.not_http,
    proxy.passes_nothing,
    beyond.strangers,
    beyond.box_errors,
    resolvers.udp_blocked,
    names.no_answer,
    names.hijack,
    aliases.alias,
    aliases.sinkhole,
    names.private,
    # Who answers, and with which certificate.
    certificates.clock,
    inspection.upgrade,
    inspection.intercepted,
    certificates.out_of_date,
    servers.nowhere,
    certificates.wrong_name,
    inspection.untrusted,
    inspection.block_page,
    # What the border drops, rejects or cuts.
    wayout.bypass_blocked,
    direct.direct_blocked,
    only.one_port,
    losses.limited,
    filters.by_name,
    sizes.filtered,
    sizes.black_hole,
    idle.cut,
    volume.byte_cut,
    seen.mute_everywhere,
    middlebox.http_inspection,
    portal.filtered,
    middlebox.no_stun,
    servers.down,
    udp.source_blocked,
    udp.blocked,
    ports.listed_hosts,
    servers.door_shut,
    ranges.high_range,
    ports.tcp_ports,
    ports.push,
    lan.closed_ports,
    lan.unanswered,
    # What lets TURN pass and calls not.
    calls.filtered,
    calls.silent,
    calls.altered,
    # What lets calls pass, and not well.
    losses.of_calls,
    voice.slow,
    voice.unsteady,
    bandwidth.short,
    # What the servers say themselves.
    account.refused,
    relay.credentials,
    relay.refusals,
    relay.no_data,
    relay.altered,
    servers.silent,
    relay.unreachable,
    streams.silent,
    # What is left is told as it was seen.
    seen.mute,
    seen.cut,
    seen.unexplained,
    # What works, and wants attention.
    addresses.bad_addresses,
    advice.by_address,
    certificates.off,
    lan.wrong_time,
    lan.certificates,
    lan.rewriting,
    resolvers.intercepted,
    resolvers.split_horizon,
    resolvers.dead_resolver,
    resolvers.drops_aaaa,
    resolvers.slow,
    resolvers.tcp_blocked,
    names.moved,
    losses.by_chance,
    bandwidth.queues,
    idle.forgotten,
    idle.push_forgotten,
    advice.open_ports,
    outside.other_exit,
    outside.mapped_differs,
)
"""In order: the first that explains a failing check has it."""


def find(scene: Scene, finders: Iterable[Finder] = FINDERS) -> tuple[Finding, ...]:
    """Explain the failures of *scene*, the worst findings first."""
    found: list[Found] = []
    left = scene
    for finder in finders:
        causes = finder(left)
        found += causes
        left = left.without(result for cause in causes for result in cause.claims)
    findings = _distinct(weigh(one, scene) for one in found)
    return tuple(sorted(findings, key=lambda finding: list(Severity).index(finding.severity)))


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Keep ids apart: of two findings with one id, the second has nothing of its own but what it claims."""
    kept: dict[str, Finding] = {}
    for finding in findings:
        name = finding.id
        while name in kept:
            name = f"{name}-more"
        kept[name] = replace(finding, id=name)
    return list(kept.values())
