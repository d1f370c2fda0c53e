"""Read the host groups and the flows of a guide."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rainbow_probe.catalogue.fields import Table
from rainbow_probe.catalogue.params import read_params
from rainbow_probe.catalogue.shapes import FlowSpec, HostGroup, Place, Proxying
from rainbow_probe.catalogue.values import HIGHEST_PORT, an_id, host, port_range
from rainbow_probe.model import IssuerPolicy, PortRange, Scalar, Transport

HOST_KEYS = ("purpose", "names", "issuer", "inspection_allowed", "turn", "place", "candidates")
FLOW_KEYS = ("id", "kind", "hosts", "port", "transport", "proxy", "source", "params")
_WITHOUT_HOSTS = frozenset({"ports"})
"""Kinds of checks that look at this machine alone."""


def read_host_group(name: str, table: Table) -> HostGroup:
    """Read the host group *name*; only TURN servers and hosts of the site may be unknown beforehand."""
    group = HostGroup(
        id=name,
        purpose=table.text("purpose"),
        names=table.each("names", host),
        issuer=table.member("issuer", IssuerPolicy, IssuerPolicy.PUBLIC),
        inspection_allowed=table.flag("inspection_allowed"),
        turn=table.flag("turn"),
        place=table.member("place", Place) if "place" in table else None,
        candidates=table.each("candidates", host),
    )
    if group.place and (group.turn or group.names):
        raise table.wrong("place", "hosts of the site are neither named by a guide nor its TURN servers")
    if not (group.turn or group.place or group.names):
        raise table.wrong(
            "names", "missing; only a group with turn = true, or with a place, gets its hosts at run time"
        )
    if not group.turn and group.candidates:
        raise table.wrong("candidates", "only a group with turn = true has candidates")
    return group


def read_flow(table: Table, hosts: Mapping[str, HostGroup], kinds: Collection[str]) -> FlowSpec:
    """Read one flow, of a known kind and to a known group of hosts."""
    kind = table.choice("kind", sorted(kinds))
    group, port = _target(table, kind, hosts)
    return FlowSpec(
        id=table.one("id", an_id),
        kind=kind,
        hosts=group,
        port=port,
        transport=table.member("transport", Transport),
        proxy=_proxying(table),
        source=_source(table),
        params=_params(table, kind),
    )


def _target(table: Table, kind: str, hosts: Mapping[str, HostGroup]) -> tuple[str, int]:
    if kind not in _WITHOUT_HOSTS:
        return table.choice("hosts", hosts), table.number("port", 1, HIGHEST_PORT)
    for key in ("hosts", "port"):
        if key in table:
            raise table.wrong(key, f"a check of kind {kind} looks at this machine alone; leave the key out")
    return "", 0


def _proxying(table: Table) -> Proxying:
    proxying = table.member("proxy", Proxying)
    if table.member("transport", Transport) is Transport.UDP and proxying is not Proxying.NO:
        raise table.wrong("proxy", f"UDP crosses no HTTP proxy; allowed: {Proxying.NO}")
    return proxying


def _source(table: Table) -> PortRange | None:
    return table.one("source", port_range) if "source" in table else None


def _params(table: Table, kind: str) -> dict[str, Scalar]:
    params = read_params(table, kind)
    first, last = params.get("first"), params.get("last")
    if isinstance(first, int) and isinstance(last, int) and first > last:
        raise table.wrong("params", f"first = {first} comes after last = {last}")
    return params
