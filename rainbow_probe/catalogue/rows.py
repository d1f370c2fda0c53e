"""Read the rows of a guide, with the ways that satisfy them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from rainbow_probe.catalogue.demands import read_demand
from rainbow_probe.catalogue.fields import Table, chosen, repeated
from rainbow_probe.catalogue.shapes import FlowSpec, HostGroup, Requirement, RowSpec, Way
from rainbow_probe.catalogue.values import client_of
from rainbow_probe.model import Cause, Need, Phase

ROW_KEYS = (
    *("id", "section", "title", "need", "protocol", "source", "destination", "proxy", "notes", "errata"),
    *("not_tested", "way", "causes", "sections", "demand"),
)
_WAY_KEYS = ("name", "cost", "needs")
_NEED_KEYS = ("flow", "least", "unless_proxied", "credentials", "reach", "timed")
_MOST_HOSTS = 1000  # of a group whose hosts are only known at run time


def read_row(
    table: Table, owners: Collection[str], flows: Mapping[str, FlowSpec], hosts: Mapping[str, HostGroup]
) -> RowSpec:
    """Read one row of one of *owners* (clients and groups), judged by *flows*."""
    row = RowSpec(
        id=table.text("id"),
        client=chosen(table.one("id", client_of), owners, f"{table.where}: id"),
        section=table.text("section"),
        title=table.text("title"),
        need=table.member("need", Need),
        protocol=table.text("protocol", ""),
        source=table.text("source", ""),
        destination=table.text("destination", ""),
        proxy=table.text("proxy", ""),
        notes=table.texts("notes"),
        errata=table.texts("errata"),
        not_tested=table.text("not_tested", ""),
        ways=_ways(table, flows, hosts),
        causes=table.members("causes", Cause),
        sections=table.texts("sections"),
        demand=read_demand(table),
    )
    _refuse_contradictions(row, table)
    return row


def _refuse_contradictions(row: RowSpec, table: Table) -> None:
    if not (row.ways or row.sections or row.not_tested):
        raise table.wrong("way", "missing; a row is judged by way or by sections, or says in not_tested what it needs")
    if row.ways and row.sections:
        raise table.wrong("sections", "a row is judged by way or by sections, not by both")
    if row.demand and not row.ways:
        raise table.wrong("demand", "only a row that is judged by way has a demand")
    if row.causes and not row.ways:
        raise table.wrong("causes", "only a row that is judged by way has causes")
    if twice := repeated([way.name for way in row.ways]):
        raise table.wrong("way", f"{twice!r} is there twice")


def _ways(table: Table, flows: Mapping[str, FlowSpec], hosts: Mapping[str, HostGroup]) -> tuple[Way, ...]:
    if "way" not in table:
        return ()
    first, *others = table.tables("way", "way", "name", _WAY_KEYS)
    for other in others:
        other.text("cost")  # a fallback says what it costs; the preferred way has nothing to say
    return tuple(_way(each, flows, hosts) for each in (first, *others))


def _way(table: Table, flows: Mapping[str, FlowSpec], hosts: Mapping[str, HostGroup]) -> Way:
    needs = tuple(_needs(table, flows, hosts))
    if twice := repeated([need.flow for need in needs]):
        raise table.wrong("needs", f"flow {twice!r} is there twice")
    return Way(name=table.text("name"), cost=table.text("cost", ""), needs=needs)


def _needs(table: Table, flows: Mapping[str, FlowSpec], hosts: Mapping[str, HostGroup]) -> Iterator[Requirement]:
    for need in table.tables("needs", "need", "flow", _NEED_KEYS):
        flow = need.choice("flow", flows)
        group = hosts.get(flows[flow].hosts)
        most = len(group.names) if group and group.names else _MOST_HOSTS
        yield Requirement(
            flow=flow,
            least=need.number("least", 1, most) if "least" in need else None,
            unless_proxied=need.flag("unless_proxied"),
            credentials=need.flag("credentials"),
            reach=need.member("reach", Phase) if "reach" in need else None,
            timed=need.flag("timed"),
        )
