"""What a guide is made of: clients, hosts, flows, and rows that say which flows they stand on. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rainbow_probe.model import Cause, IssuerPolicy, Need, Phase, PortRange, Scalar, Transport


class Proxying(StrEnum):
    """How the client of a flow uses the site's HTTP proxy."""

    YES = "yes"
    """Through the proxy where the site has one for the host, else direct."""
    NO = "no"
    """Always direct."""
    ONLY = "only"
    """Through the proxy; not planned where there is none."""


class Place(StrEnum):
    """Whose hosts no guide can name, because each site has its own: they are given at run time."""

    CLIENT = "client"
    """Where another client is: a responder stands there."""
    GATEWAY = "gateway"
    """Where the WebRTC gateway is: a responder in its place."""
    PBX = "pbx"
    """Where the PBX's media gateways are: a responder beside them."""
    PHONES = "phones"
    """Where the IP phones are: a responder among them."""
    OUTSIDE = "outside"
    """Beyond the site's border, in place of the conference servers: a responder of the site's own."""
    SIP = "sip"
    """The PBX itself, at the address of its signalling."""
    SIPS = "sips"
    """The PBX itself, where it speaks SIP over TLS."""
    NTP = "ntp"
    """The site's time server."""
    SSH = "ssh"
    """The WebRTC gateway itself."""


PER = ("calls", "video", "sharing", "gateway_calls", "subscribers", "calls_per_second")
"""What a demand can grow with: numbers of a site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostGroup:
    """Hosts that serve one purpose and show certificates of one kind."""

    id: str
    purpose: str
    names: tuple[str, ...] = ()
    issuer: IssuerPolicy = IssuerPolicy.PUBLIC
    inspection_allowed: bool = False
    """Whether the guide lets a box on the way decrypt TLS to these hosts."""
    turn: bool = False
    """TURN servers: their names come at run time (command line, site file, discovery)."""
    place: Place | None = None
    """Hosts of the site itself, which come at run time too."""
    candidates: tuple[str, ...] = ()
    """TURN names that are believed only if they resolve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSpec:
    """One thing to try at every host of a group."""

    id: str
    kind: str
    """The kind of check that tries it."""
    hosts: str
    """The id of a host group; empty for a check of this machine alone."""
    port: int
    """0 where there are no hosts."""
    transport: Transport
    proxy: Proxying
    source: PortRange | None = None
    params: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One flow that a way needs."""

    flow: str
    """The id of a flow."""
    least: int | None = None
    """At how many hosts of the group it must work; None means at all of them."""
    unless_proxied: bool = False
    """Not needed where the site goes out through a proxy."""
    credentials: bool = False
    """Counts only with TURN credentials; without them the row is not tested."""
    reach: Phase | None = None
    """If given, the check need only come past this phase; how it ends behind it is another row's."""
    timed: bool = False
    """Whether the row tells how long that phase took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One alternative that satisfies a row: all of its needs together."""

    name: str
    cost: str = ""
    """What using it, instead of the first way, costs."""
    needs: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandSpec:
    """How much a row asks of the line, by how many there are of something."""

    per: str
    """What it grows with: one of ``PER``."""
    medium: str
    unit: str
    """``kbit/s`` or ``kB/s``."""
    out: float = 0.0
    """Of each one, away from here."""
    into: float = 0.0
    """Of each one, towards here."""
    points: tuple[tuple[float, float], ...] = ()
    """In place of these: a table, number to rate, linear between, the same both ways."""
    burst: bool = False
    """Whether it only takes longer where there is less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSpec:
    """One row of the guide: what it says, and how it is judged."""

    id: str
    client: str
    """The part of the id before the slash: a client or a group of the guide."""
    section: str
    title: str
    need: Need
    protocol: str = ""
    source: str = ""
    destination: str = ""
    proxy: str = ""
    notes: tuple[str, ...] = ()
    errata: tuple[str, ...] = ()
    not_tested: str = ""
    """What would make the row testable; always there when nothing judges it."""
    ways: tuple[Way, ...] = ()
    """In order of preference; the first that works makes the row pass, a later one degrades it."""
    causes: tuple[Cause, ...] = ()
    """If given, only these causes fail the row; other failures mean that it could not be judged."""
    sections: tuple[str, ...] = ()
    """If given, the row sums up all rows of these sections."""
    demand: DemandSpec | None = None
    """If given, what carries the row must carry so much of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """One edition of a guide, complete and consistent."""

    id: str
    edition: str
    title: str
    published: str
    """ISO 8601 date."""
    ranges: tuple[str, ...]
    """The service's address ranges, as the edition lists them."""
    clients: Mapping[str, str]
    """Client kinds, id to title, in the order of the report."""
    groups: Mapping[str, str]
    """Groups of rows that concern the whole site, id to title, in the order of the report."""
    hosts: Mapping[str, HostGroup]
    flows: Mapping[str, FlowSpec]
    rows: tuple[RowSpec, ...]
    """In the order of clients, then groups."""

    def place_of(self, spec: FlowSpec) -> Place | None:
        """Return where the hosts of *spec* are, if they are given at run time; None for any others."""
        group = self.hosts.get(spec.hosts)
        return group.place if group else None

    def turn_beside(self, spec: FlowSpec) -> FlowSpec | None:
        """Return the flow that tries TURN itself by the way of *spec*, from any port and by name."""
        door = (spec.hosts, spec.transport, spec.port, spec.proxy)
        plain = (one for one in self.flows.values() if one.kind == "turn" and not one.params and not one.source)
        return next((one for one in plain if (one.hosts, one.transport, one.port, one.proxy) == door), None)
