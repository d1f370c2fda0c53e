"""Which checks of a report tried which flow of the guide: a stored report names checks only."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.catalogue import FlowSpec, Guide, Proxying, Requirement
from rainbow_probe.model import Result, Via


def tried(need: Requirement, checks: Sequence[Result], guide: Guide) -> list[Result]:
    """Return those of *checks* that tried the flow of *need*, by the way that its client takes."""
    spec = guide.flows[need.flow]
    found = [result for result in checks if _is_of(result, spec, guide)]
    proxied = {result.flow.target.host for result in found if result.flow.via is Via.PROXY}
    if spec.proxy is Proxying.YES:
        return [r for r in found if r.flow.via is Via.PROXY or r.flow.target.host not in proxied]
    return found


def _is_of(result: Result, spec: FlowSpec, guide: Guide) -> bool:
    flow, group = result.flow, guide.hosts.get(spec.hosts)
    known = group is None or group.turn or bool(group.place) or flow.target.host in group.names
    port = flow.target.port == spec.port or (group is not None and group.turn)
    return (
        (flow.kind, flow.transport, flow.source) == (spec.kind, spec.transport, spec.source)
        and known
        and port
        and flow.params.get("by") == spec.params.get("by")
        and _goes(flow.via, spec.proxy)
    )


def _goes(via: Via, proxying: Proxying) -> bool:
    return proxying is Proxying.YES or (via is Via.PROXY) is (proxying is Proxying.ONLY)
