"""All that the guide asks of a border, whatever works at this site."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from rainbow_probe.catalogue import FlowSpec, Guide, HostGroup, Proxying, RowSpec
from rainbow_probe.model import Report, Result, Transport
from rainbow_probe.rules.atoms import Atom, merged
from rainbow_probe.rules.places import (
    CONFERENCE,
    FOREIGN,
    RANGE,
    addresses_of,
    is_address,
    ports_of_flow,
    proxied,
    proxy_addresses,
    safe_name,
)
from rainbow_probe.rules.shapes import Act, Destination, RuleSet

AT_THE_BORDER = frozenset({"https", "xmpp", "turn", "push", RANGE})
"""Kinds of checks whose flows cross the border by themselves."""
TURN = "TURN servers"
NO_BORDER = "the guide asks nothing of the border for it, or it stays on the LAN"


def whole(guide: Guide, report: Report | None = None, *, clients: Collection[str] = ()) -> RuleSet:
    """Return all openings of *guide*, for *clients* only if any are named; *report* knows addresses and TURN servers.

    Flows of clients that use a proxy are told both ways, unless the *report* shows whether there is one.
    """
    rows = [row for row in guide.rows if not clients or row.client in clients]
    results = [result for result in report.results if not result.flow.control_of] if report else []
    atoms = [atom for row in rows for atom in _row(row, guide, report, results)]
    left = tuple(
        f"{row.id}: {NO_BORDER}" for row in rows if not row.sections and not row.causes and _inside(row, guide)
    )
    return RuleSet(
        title=guide.title,
        openings=merged(atoms),
        least=False,
        names=tuple(sorted({to.name for atom in atoms if (to := atom.to).name})),
        unmended=left,
        own=tuple(filter(is_address, report.site.addresses)) if report else (),
        proxy=proxy_addresses(report) if report else (),
    )


def _inside(row: RowSpec, guide: Guide) -> bool:
    """Tell whether *row* asks nothing of the border: it has no way, or its ways lead to hosts of the site."""
    groups = [guide.hosts.get(guide.flows[need.flow].hosts) for way in row.ways for need in way.needs]
    return all(group is not None and group.place is not None for group in groups)


def _row(row: RowSpec, guide: Guide, report: Report | None, results: Sequence[Result]) -> Iterator[Atom]:
    spared = report is not None and proxied(report)
    needs = (need for way in row.ways for need in way.needs if not (need.unless_proxied and spared))
    flows = dict.fromkeys(need.flow for need in needs)
    for spec in (guide.flows[flow] for flow in flows):
        group = guide.hosts.get(spec.hosts)
        if group is None or spec.kind not in AT_THE_BORDER:
            continue
        for act in _acts(spec, group, report):
            for to in _destinations(spec, group, guide, results, as_asked=act is not Act.OPEN):
                yield _atom(act, spec, to, row, behind=_behind(spec, act, report))


def _acts(spec: FlowSpec, group: HostGroup, report: Report | None) -> Iterator[Act]:
    through = report is None or proxied(report)
    if spec.proxy is not Proxying.ONLY or through:
        yield Act.OPEN
    if spec.proxy is not Proxying.NO and through:
        yield Act.PERMIT
    if group.turn and spec.transport is not Transport.UDP:
        yield Act.EXEMPT  # section 8.2: TURN is neither decrypted nor inspected


def _behind(spec: FlowSpec, act: Act, report: Report | None) -> bool:
    """Tell whether it is the proxy that must be let out."""
    through = spec.proxy is Proxying.ONLY or (spec.proxy is Proxying.YES and report is not None and proxied(report))
    return act is Act.OPEN and through


def _destinations(
    spec: FlowSpec, group: HostGroup, guide: Guide, results: Sequence[Result], *, as_asked: bool
) -> Iterator[Destination]:
    ranges = () if spec.kind in FOREIGN else guide.ranges
    names = (
        _turn_names(results) if group.turn and spec.kind != RANGE else [one for one in group.names if safe_name(one)]
    )
    by_address = as_asked and spec.params.get("by") == "address"
    if spec.kind == RANGE or not names:
        yield Destination(addresses=ranges, ranges=ranges, what=CONFERENCE if spec.kind == RANGE else TURN)
        return
    for name in names:
        known = addresses_of(name, results)
        if is_address(name):
            yield Destination(addresses=(name,), ranges=ranges)
        elif by_address:
            yield Destination(addresses=known or ranges, ranges=ranges, what=f"the addresses of {name}")
        else:
            yield Destination(name=name, addresses=known, ranges=ranges)


def _turn_names(results: Sequence[Result]) -> list[str]:
    """Return the TURN servers that were tested: the guide lists none."""
    hosts = dict.fromkeys(result.flow.target.host for result in results if result.flow.kind == "turn")
    return [name for host in hosts if (name := safe_name(host))]


def _atom(act: Act, spec: FlowSpec, to: Destination, row: RowSpec, *, behind: bool) -> Atom:
    return Atom(
        act=act,
        protocol=Transport.UDP if spec.transport is Transport.UDP else Transport.TCP,
        ports=ports_of_flow(spec),
        to=to,
        source=spec.source,
        by_proxy=behind,
        row=row.id,
        client=row.client,
    )
