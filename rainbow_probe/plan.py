"""Catalogue x site x what was asked for -> the flows to run, each once, however many rows use it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from rainbow_probe.catalogue import FlowSpec, Guide, HostGroup, Place, Proxying, RowSpec
from rainbow_probe.ends import HTTPS, asked
from rainbow_probe.model import Assignment, Endpoint, Flow, IssuerPolicy, Proxy, Scalar, Transport, Via
from rainbow_probe.options import TurnServer

NO_PROXY_HERE = "no proxy is used here"
NO_HTTP_PROXY = "the proxy speaks SOCKS, and no HTTP"
NO_TURN = (
    "no TURN server is known: give one with --turn URI, name it in the site file (turn = [...]), or try --discover"
)
BY_ADDRESS_ONLY = "the TURN servers were given by address, so there is no name to look up"
_SERVERS = {
    Place.OUTSIDE: "needs a responder beyond the border: --outside HOST",
    Place.SIP: "needs the address of the PBX: --pbx HOST",
    Place.SIPS: "needs the address of the PBX where it speaks SIP over TLS: --pbx-tls HOST",
    Place.NTP: "needs the address of the site's time server: --ntp HOST",
    Place.SSH: "needs the address of the WebRTC gateway: --gateway HOST",
}
_PEERS = {
    place: f"needs the other end: 'rainbow-probe responder' {where}, given here with --peer HOST or --peer {place}=HOST"
    for place, where in (
        (Place.CLIENT, "on another client's network"),
        (Place.GATEWAY, "in the place of the WebRTC gateway"),
        (Place.PBX, "beside the PBX's media gateways"),
        (Place.PHONES, "on the network of the IP phones"),
    )
}
NO_HOST: Mapping[Place, str] = MappingProxyType(_SERVERS | _PEERS)
"""By place, what would make its rows testable."""
CONTROLS = frozenset({"portal", "sips"})
"""Kinds that serve no row: run each time because they separate causes, or whenever their host is given."""
BESIDE = {"udp-range": Place.OUTSIDE}
"""By kind, where a responder may stand in for what it tries: flows to there are planned beside it."""
SWEEPS = frozenset({"sweep", "sweep-in"})
"""Kinds of checks that stand for a range of ports, of which their target has the first."""
ACCOUNT = "account"
"""The kind that signs in: run too where no row asks for it, because it tells which TURN servers there are."""
DOWNLOAD = "download"
"""The kind that serves rows with numbers, as far as there is anything to compare: no row fails by it."""
WEBSOCKETS = frozenset({"xmpp", "xmpp-account"})
"""Kinds whose clients ask for ``wss`` and not for ``https``."""
LAST = frozenset({"quality", "bandwidth"})
"""Kinds that are planned when all else has ended, by what it showed."""
NOT_REACHED = "the run ended before it was measured, which is done when all else has ended"
OF_TURN = frozenset({"turn", "call"})
"""Kinds that speak TURN at the port of their flow."""
OF_HTTP = frozenset({"proxy"})
"""Kinds that ask what the proxy's HTTP is like."""

ProxyFor = Callable[[Endpoint], Proxy | None]
Hosts = Mapping[Place, Sequence[str]]
NOBODY: Hosts = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be tried: flows, the proxy each uses, and what became of each flow of the catalogue."""

    rows: tuple[RowSpec, ...]
    flows: tuple[Flow, ...]
    proxies: Mapping[str, Proxy] = field(repr=False)
    assignments: Mapping[str, Assignment]


def select_rows(guide: Guide, clients: Sequence[str], only: Sequence[str] = ()) -> tuple[RowSpec, ...]:
    """Return the rows of *clients* that are in *only* (all rows if none is named), in the guide's order."""
    return tuple(r for r in guide.rows if (not clients or r.client in clients) and (not only or r.id in only))


def make_plan(
    guide: Guide,
    rows: Sequence[RowSpec],
    servers: Sequence[TurnServer],
    proxy_for: ProxyFor,
    websocket_proxy_for: ProxyFor | None = None,
    *,
    hosts: Hosts = NOBODY,
    controls: Collection[str] = CONTROLS,
) -> Plan:
    """Plan every flow that *rows* need, and those of the kinds *controls*; WebSockets may have ways of their own.

    *hosts* are the site's own, by place.
    """
    planner = _Planner(guide, servers, proxy_for, websocket_proxy_for or proxy_for, hosts)
    assignments = {spec.id: planner.assign(spec) for spec in _wanted(guide, rows, controls)}
    return Plan(rows=tuple(rows), flows=tuple(planner.flows.values()), proxies=planner.proxies, assignments=assignments)


def destinations(
    guide: Guide, rows: Sequence[RowSpec], servers: Sequence[TurnServer], controls: Collection[str] = CONTROLS
) -> dict[str, Endpoint]:
    """Return what clients ask the way to, URL to target; of a name that is only looked up, as if for HTTPS."""
    planner = _Planner(guide, servers, lambda _: None, lambda _: None)
    found: dict[str, Endpoint] = {}
    for spec in _wanted(guide, rows, controls):
        if spec.kind == "dns" or spec.proxy is not Proxying.NO:
            for target in planner.targets(spec):
                there = replace(target, port=HTTPS) if spec.kind == "dns" else target
                found[asked(there, scheme_of(spec.kind))] = there
    return found


def scheme_of(kind: str) -> str:
    """Return the scheme of the URL for which clients ask the way, for checks of *kind*."""
    return "wss" if kind in WEBSOCKETS else "https"


def _wanted(guide: Guide, rows: Sequence[RowSpec], controls: Collection[str]) -> Iterable[FlowSpec]:
    used = {need.flow for row in rows for way in row.ways for need in way.needs}
    last = (guide.turn_beside(spec) for spec in guide.flows.values() if spec.id in used and spec.kind in LAST)
    used |= {turn.id for turn in last if turn}
    return (spec for spec in guide.flows.values() if spec.id in used or spec.kind in controls)


class _Planner:
    def __init__(
        self,
        guide: Guide,
        servers: Sequence[TurnServer],
        proxy_for: ProxyFor,
        websocket_proxy_for: ProxyFor,
        hosts: Hosts = NOBODY,
    ) -> None:
        self._guide = guide
        self._servers = servers
        self._hosts = hosts
        self._proxy_for = proxy_for
        self._websocket_proxy_for = websocket_proxy_for
        self.flows: dict[str, Flow] = {}
        self.proxies: dict[str, Proxy] = {}

    def assign(self, spec: FlowSpec) -> Assignment:
        """Return the flows of *spec*, with those of who stands in for its hosts."""
        own, place = self._assign(spec), BESIDE.get(spec.kind)
        stand_ins = [one for one in self._guide.flows.values() if place and self._guide.place_of(one) is place]
        beside = [flow for one in stand_ins for flow in self._assign(one).flows]
        return Assignment(flows=(*own.flows, *beside)) if beside else own

    def _assign(self, spec: FlowSpec) -> Assignment:
        group = self._guide.hosts.get(spec.hosts)
        targets = self.targets(spec)
        if not targets and group and group.place:
            return Assignment(not_tested=NO_HOST[group.place])
        if not targets:
            only_addresses = group is not None and group.turn and bool(self._servers)
            return Assignment(not_applicable=BY_ADDRESS_ONLY) if only_addresses else Assignment(not_tested=NO_TURN)
        if spec.kind in LAST:
            return Assignment(not_tested=NOT_REACHED)
        planned = [flow for target in targets if (flow := self._flow(spec, group, target))]
        return Assignment(flows=tuple(planned), not_applicable="" if planned else self._why_not(spec, targets))

    def _why_not(self, spec: FlowSpec, targets: Iterable[Endpoint]) -> str:
        return NO_HTTP_PROXY if any(self._way(spec, target) for target in targets) else NO_PROXY_HERE

    def _way(self, spec: FlowSpec, target: Endpoint) -> Proxy | None:
        way = self._websocket_proxy_for if spec.kind in WEBSOCKETS else self._proxy_for
        return None if spec.proxy is Proxying.NO else way(target)

    def targets(self, spec: FlowSpec) -> list[Endpoint]:
        group = self._guide.hosts.get(spec.hosts)
        if group is None:
            return [Endpoint(host="localhost", port=spec.port)]
        if group.place:
            return [_placed(name, spec.port) for name in self._hosts.get(group.place, ())]
        if not group.turn:
            return [Endpoint(host=name, port=spec.port) for name in group.names]
        servers = [s for s in self._servers if spec.kind != "dns" or not _is_address(s.host)]
        spoken = self._spoken(spec)
        return [Endpoint(host=s.host, port=s.ports.get(spoken, spec.port) if spoken else spec.port) for s in servers]

    def _spoken(self, spec: FlowSpec) -> Transport | None:
        """Return in what TURN is spoken at the port of *spec*, which a server may have moved; None if it is not."""
        if spec.kind in OF_TURN:
            return spec.transport
        turn = (flow for flow in self._guide.flows.values() if flow.kind == "turn" and flow.port == spec.port)
        return next((flow.transport for flow in turn), None) if spec.kind == "proxy" else None

    def _flow(self, spec: FlowSpec, group: HostGroup | None, target: Endpoint) -> str | None:
        proxy = self._way(spec, target)
        if spec.proxy is Proxying.ONLY and (proxy is None or (proxy.socks and spec.kind in OF_HTTP)):
            return None
        via = Via.PROXY if proxy else Via.DIRECT
        identity = f"{spec.kind}/{target}/{spec.transport}/{via}{_more(spec)}"
        if identity not in self.flows:
            flow = _flow(identity, spec, group, target, via)
            if spec.kind == "sip" and target.host in self._hosts.get(Place.PBX, ()):
                # From there something shall come to that port unasked: a question would open it.
                flow = replace(flow, source=None)
            more = {**flow.params, **self._turn_ports(spec, target)}
            self.flows[identity] = replace(flow, params=more, proxy=str(proxy) if proxy else "")
        if proxy:
            self.proxies[identity] = proxy
        return identity

    def _turn_ports(self, spec: FlowSpec, target: Endpoint) -> dict[str, Scalar]:
        """Return where the TURN server listens, for a check that needs an allocation and not only a port."""
        if spec.kind != "udp-range":
            return {}
        ports = {flow.transport: flow.port for flow in self._guide.flows.values() if flow.kind == "turn"}
        own = next((s.ports for s in self._servers if s.host == target.host), dict[Transport, int]())
        return {f"{transport}_port": port for transport, port in {**ports, **own}.items()}


def _flow(identity: str, spec: FlowSpec, group: HostGroup | None, target: Endpoint, via: Via) -> Flow:
    return Flow(
        id=identity,
        spec=spec.id,
        kind=spec.kind,
        target=target,
        transport=spec.transport,
        via=via,
        policy=group.issuer if group else IssuerPolicy.PUBLIC,
        inspection_allowed=group.inspection_allowed if group else False,
        source=spec.source,
        params=spec.params,
    )


def _more(spec: FlowSpec) -> str:
    by_address = "/by-address" if spec.params.get("by") == "address" else ""
    over = f"/over-{spec.params['over']}" if "over" in spec.params else ""
    source = f"/from-{spec.source}" if spec.source and spec.transport is Transport.UDP else ""
    last = f"/to-{spec.params['last']}" if spec.kind in SWEEPS else ""
    last += "/outside" if spec.params.get("outside") else ""
    return by_address + over + last + source


def _placed(text: str, port: int) -> Endpoint:
    """Read ``HOST``, or ``[HOST]:PORT`` where the port is not *port*."""
    host, colon, own = text.partition("]:")
    return Endpoint(host=host.strip("[]"), port=int(own) if colon else port)


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
