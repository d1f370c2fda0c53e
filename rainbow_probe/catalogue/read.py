"""Read a guide from its folder, and refuse it at once where anything in it is wrong."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from rainbow_probe.catalogue.fields import CatalogueError, Table, chosen, listing, repeated
from rainbow_probe.catalogue.files import documents
from rainbow_probe.catalogue.flows import FLOW_KEYS, HOST_KEYS, read_flow, read_host_group
from rainbow_probe.catalogue.places import GUIDE
from rainbow_probe.catalogue.rows import ROW_KEYS, read_row
from rainbow_probe.catalogue.shapes import FlowSpec, Guide, HostGroup, RowSpec
from rainbow_probe.catalogue.values import an_id, network

Item = TypeVar("Item", FlowSpec, RowSpec)
Sited = Sequence[tuple[Table, Item]]
"""What was read, each beside the table it was read from: complaints name the file and the item."""

_TABLE_KEYS = ("flow", "row")
_GUIDE_KEYS = ("id", "edition", "title", "published", "addresses", "clients", "groups", "hosts", *_TABLE_KEYS)
_CLIENT_KEYS = ("title", "same_as", "section")


def load(folder: Path, kinds: Collection[str]) -> Guide:
    """Read the guide in *folder*; *kinds* are the kinds of checks there are.

    ``guide.toml`` has the head, the clients and the hosts; flows and rows may stand in any TOML file of the folder.
    Raises ``CatalogueError`` for a folder or a file that cannot be read, and for anything in it that is unknown,
    missing, doubled or contradictory.
    """
    files = [
        Table(document, str(path), _GUIDE_KEYS if path.name == GUIDE else _TABLE_KEYS)
        for path, document in documents(folder).items()
    ]
    head = files[0]
    clients, groups = head.named("clients", _CLIENT_KEYS), head.named("groups", ("title",))
    hosts = {name: read_host_group(name, table) for name, table in head.named("hosts", HOST_KEYS).items()}
    flows = _by_id([(each, read_flow(each, hosts, kinds)) for each in _items(files, "flow", FLOW_KEYS)])
    rows = _rows(files, clients, groups, flows, hosts)
    return Guide(
        id=head.one("id", an_id),
        edition=head.text("edition"),
        title=head.text("title"),
        published=head.take("published", datetime.date).isoformat(),
        ranges=_ranges(head),
        clients={name: table.text("title") for name, table in clients.items()},
        groups={name: table.text("title") for name, table in groups.items()},
        hosts=hosts,
        flows=flows,
        rows=rows,
    )


def _items(files: Sequence[Table], key: str, keys: Collection[str]) -> Iterator[Table]:
    for file in files:
        if key in file:
            yield from file.tables(key, key, "id", keys)


def _ranges(head: Table) -> tuple[str, ...]:
    if "addresses" not in head:
        return ()
    addresses = Table(head.take("addresses", dict[str, object]), f"{head.where}: addresses", ("ranges",))
    return addresses.each("ranges", network)


def _by_id(items: Sited[Item]) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for table, item in items:
        if item.id in found:
            raise table.wrong("id", "is there already; an id is given once in a guide")
        found[item.id] = item
    return found


def _rows(
    files: Sequence[Table],
    clients: Mapping[str, Table],
    groups: Mapping[str, Table],
    flows: Mapping[str, FlowSpec],
    hosts: Mapping[str, HostGroup],
) -> tuple[RowSpec, ...]:
    order = [*clients, *groups]
    owners = [name for name in order if "same_as" not in clients.get(name, ())]
    own = [(table, read_row(table, owners, flows, hosts)) for table in _items(files, "row", ROW_KEYS)]
    rows = [*own, *_copies(clients, own)]
    _by_id(rows)
    _refuse_unknown_sections(rows)
    _refuse_empty(files[0], order, rows)
    return tuple(sorted((row for _, row in rows), key=lambda row: order.index(row.client)))


def _copies(clients: Mapping[str, Table], rows: Sited[RowSpec]) -> Iterator[tuple[Table, RowSpec]]:
    """Give the rows of clients that have exactly those of another one, under their own name and section."""
    for name, client in clients.items():
        if "same_as" not in client:
            if "section" in client:
                raise client.wrong("section", "only a client with same_as has one here; else its rows have it")
            continue
        original = client.choice("same_as", [each for each in clients if "same_as" not in clients[each]])
        section = client.text("section")
        for row in (row for _, row in rows if row.client == original):
            yield client, replace(row, id=row.id.replace(original, name, 1), client=name, section=section)


def _refuse_unknown_sections(rows: Sited[RowSpec]) -> None:
    summed = {row.section for _, row in rows} - {row.section for _, row in rows if row.sections}
    for table, row in rows:
        for section in row.sections:
            chosen(section, sorted(summed), f"{table.where}: sections")


def _refuse_empty(head: Table, owners: Sequence[str], rows: Sited[RowSpec]) -> None:
    if not owners:
        raise head.wrong("clients", "missing; a guide has clients, groups or both")
    if twice := repeated(owners):
        raise head.wrong("groups", f"{twice!r} is a client already")
    if idle := sorted(set(owners) - {row.client for _, row in rows}):
        raise CatalogueError(f"{head.where}: no row for {listing(idle)}")
