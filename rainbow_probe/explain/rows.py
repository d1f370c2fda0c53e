"""A row of the guide: what it asks, how it is tested, when it passes, and what usually breaks it."""

from __future__ import annotations

from collections.abc import Iterable

from rainbow_probe.catalogue import FlowSpec, Guide, HostGroup, Proxying, Requirement, RowSpec, Way
from rainbow_probe.explain.layout import page, section, titled
from rainbow_probe.explanations.findings import FINDINGS
from rainbow_probe.explanations.kinds import KINDS
from rainbow_probe.terms import Transport

PROXY = {
    Proxying.YES: "through the proxy where there is one",
    Proxying.NO: "always direct",
    Proxying.ONLY: "through the proxy only",
}
MOST_FINDINGS = 8


def explain_row(row: RowSpec, guide: Guide) -> str:
    """Explain *row* of *guide*."""
    owner = guide.clients.get(row.client) or guide.groups.get(row.client, row.client)
    return page(
        titled(f"{row.id}: {row.title}", f"Section {row.section} of the guide, {row.need}. {owner}."),
        section("What the guide asks", _asked(row)),
        section("How it is tested", _tested(row, guide)),
        section("How it is judged", _judged(row)),
        section("What usually breaks it", _breaks(row, guide)),
    )


def _asked(row: RowSpec) -> Iterable[str]:
    yield f"{row.protocol or row.title}."
    yield f"From: {row.source}." if row.source else ""
    yield f"To: {row.destination}." if row.destination else ""
    yield f"Through an HTTP proxy: {row.proxy}." if row.proxy else ""
    yield from row.notes
    yield from (f"Erratum: {text}" for text in row.errata)


def _tested(row: RowSpec, guide: Guide) -> Iterable[str]:
    if row.sections:
        yield f"It sums up all rows of section {', '.join(row.sections)} that are tested."
    elif not row.ways:
        yield f"Not yet: {row.not_tested}."
    for way in row.ways:
        yield f"{way.name}: {'; '.join(_needed(need, guide) for need in way.needs)}."
    for kind in _kinds(row, guide):
        if kind in KINDS:
            yield f"Check {kind} passes when {KINDS[kind].passes}."


def _needed(need: Requirement, guide: Guide) -> str:
    spec = guide.flows[need.flow]
    group = guide.hosts.get(spec.hosts)
    spared = ", not needed behind a proxy" if need.unless_proxied else ""
    return f"check {spec.kind} {_where(spec, group)}{_how_many(need, group)}{spared}"


def _where(spec: FlowSpec, group: HostGroup | None) -> str:
    if group is None:
        return "of this machine"
    given = group.purpose[:1].lower() + group.purpose[1:]
    hosts = given if group.place else "the TURN servers" if group.turn else ", ".join(group.names)
    first, last = spec.params.get("first"), spec.params.get("last")
    ports = f"{first}-{last}" if first and last else spec.port
    return f"to {hosts} on {spec.transport.upper()}/{ports}, {PROXY[spec.proxy]}"


def _how_many(need: Requirement, group: HostGroup | None) -> str:
    if group is None or group.place or len(group.names) == 1:
        return ""
    return ", at every one" if need.least is None else f", at {need.least} or more of them"


def _judged(row: RowSpec) -> Iterable[str]:
    if not row.ways:
        return
    first, *others = row.ways
    causes = f" Only these causes fail it: {', '.join(row.causes)}." if row.causes else ""
    yield f"pass: {first.name} works."
    yield from (f"degraded: only {way.name} works{_cost(way)}." for way in others)
    yield f"fail: {'none of them works' if others else f'{first.name} does not'}.{causes}"
    yield "inconclusive: none is known to work, and at least one could not be told."


def _cost(way: Way) -> str:
    return f"; the cost: {way.cost}" if way.cost else ""


def _kinds(row: RowSpec, guide: Guide) -> list[str]:
    return list(dict.fromkeys(spec.kind for spec in _flows(row, guide)))


def _flows(row: RowSpec, guide: Guide) -> list[FlowSpec]:
    return [guide.flows[need.flow] for way in row.ways for need in way.needs]


def _breaks(row: RowSpec, guide: Guide) -> Iterable[str]:
    flows = _flows(row, guide)
    names = (name for spec in flows if spec.kind in KINDS for name in KINDS[spec.kind].findings if _fits(name, spec))
    for name in list(dict.fromkeys(names))[:MOST_FINDINGS]:
        yield f"{name}: {FINDINGS[name].means} {FINDINGS[name].do}"


def _fits(finding: str, spec: FlowSpec) -> bool:
    """Tell whether *finding* can be about this flow, by what carries it and whether a proxy does."""
    if finding.startswith("udp-"):
        return spec.transport is Transport.UDP
    if finding.startswith("proxy-"):
        return spec.proxy is not Proxying.NO
    if finding.startswith("tls-"):
        return spec.transport is Transport.TLS
    return not finding.startswith(("tcp-", "http-inspection")) or spec.transport is not Transport.UDP
