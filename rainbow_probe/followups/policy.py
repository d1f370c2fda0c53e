"""What a proxy's policy is besides what the rows need: asked once of each proxy, when its first tunnel has opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rainbow_probe.catalogue import Guide
from rainbow_probe.followups.ask import neutral
from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import Endpoint, Flow, Phase, Result, Transport, Via

POLICY = "proxy-policy"
SMTP, HTTP = 25, 80
"""SMTP: whoever may send mail by a proxy sends spam by it, so proxies refuse it first of all."""


def of_the_proxy(sofar: Sofar) -> Iterable[Flow]:
    """Ask each HTTP proxy that opens tunnels for one that it should refuse, and for plain HTTP."""
    asked: set[str] = set()
    for result in sofar.ended():
        if result.flow.proxy not in asked and _opened(result):
            asked.add(result.flow.proxy)
            yield from _both(sofar, result.flow)


def _opened(result: Result) -> bool:
    """Return whether an HTTP proxy opened a tunnel; SOCKS has no status."""
    proxied = result.flow.via is Via.PROXY
    return proxied and any(s.phase is Phase.PROXY and s.failure is None and s.facts.get("status") for s in result.steps)


def _both(sofar: Sofar, opened: Flow) -> Iterator[Flow]:
    guide, door = sofar.guide, opened.proxy.rpartition("/")[2]
    base = replace(opened, kind=POLICY, transport=Transport.TCP, control_of=opened.id, params={})
    if host := _only_looked_up(guide):
        target = Endpoint(host=host, port=SMTP)
        yield replace(base, id=f"{POLICY}/{target}/tcp/proxy/{door}", target=target, params={"ask": "connect"})
    page = next((spec.params for spec in guide.flows.values() if spec.kind == "portal"), None)
    if page is not None and (name := neutral(guide)):
        target = Endpoint(host=name, port=HTTP)
        params = {"ask": "forward", **page}
        yield replace(base, id=f"{POLICY}/{target}/tcp/proxy/{door}", target=target, params=params)


def _only_looked_up(guide: Guide) -> str:
    """Return a host of the service to which no client goes by a proxy; empty if the guide has none.

    A proxy that does not get through to a port may hold that against the address and refuse its other ports as well
    for some minutes, as squid does: a probe must not do that to a host that somebody needs, nor to the control host.
    """
    used = {spec.hosts for spec in guide.flows.values() if spec.kind != "dns"}
    spared = (group for group in guide.hosts.values() if group.id not in used and not group.turn)
    return next((group.names[0] for group in spared if group.names), "")
