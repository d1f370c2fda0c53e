"""What a probe is asked and what it answers: plain, frozen, closed data. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rainbow_probe.ends import Account, Credentials, Destination, Endpoint, Pac, PortRange, Proxy
from rainbow_probe.measures import Demand, Measured, StoryStep
from rainbow_probe.terms import (
    OF_THE_ACCOUNT,
    OUR_OWN,
    UNPROVEN,
    Cause,
    IssuerPolicy,
    Need,
    Outcome,
    Phase,
    RowVerdict,
    Severity,
    Transport,
    Via,
    Who,
)

__all__ = [
    "OF_THE_ACCOUNT",
    "OUR_OWN",
    "UNPROVEN",
    "Account",
    "Alternative",
    "Assignment",
    "Cause",
    "ClientLine",
    "Credentials",
    "Destination",
    "Endpoint",
    "Failure",
    "Finding",
    "Flow",
    "IssuerPolicy",
    "Need",
    "Outcome",
    "Pac",
    "PeerError",
    "Phase",
    "PortRange",
    "Proxy",
    "Report",
    "Result",
    "Row",
    "RowVerdict",
    "Rule",
    "Scalar",
    "Severity",
    "Site",
    "Step",
    "Transport",
    "Verdict",
    "Via",
    "Who",
]

Scalar = str | int | float | bool | None


class PeerError(Exception):
    """The peer answered, and not with what the flow needs."""

    def __init__(self, cause: Cause, detail: str) -> None:
        """Name the *cause*; *detail* is what was seen, in a few words."""
        super().__init__(detail)
        self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Which phase failed, why, and what was seen."""

    phase: Phase
    cause: Cause
    detail: str

    def __str__(self) -> str:
        return f"{self.phase}: {self.cause}: {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One observed operation: when, on what, for how long, with what result. Seconds."""

    phase: Phase
    subject: str
    at: float
    took: float
    failure: Failure | None = None
    facts: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One thing to try, as planned: a protocol to one target over one way out."""

    id: str
    """``kind/host:port/transport/via`` and more where needed."""
    spec: str
    """The id of the catalogue's flow this one comes from (the first, if several do)."""
    kind: str
    target: Endpoint
    transport: Transport
    via: Via = Via.DIRECT
    policy: IssuerPolicy = IssuerPolicy.PUBLIC
    inspection_allowed: bool = False
    """Whether the guide lets this host's TLS be decrypted on the way by a trusted box."""
    source: PortRange | None = None
    """Local ports the real client uses, where it matters."""
    params: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    proxy: str = ""
    """The proxy it goes through, as a URL without secrets; empty where it goes direct."""
    control_of: str = ""
    """The id of the flow under suspicion, where this one was only planned to tell causes of its failure apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a check ended, in one sentence; *failure* only with FAIL and INCONCLUSIVE."""

    outcome: Outcome
    reason: str
    failure: Failure | None = None
    alive: tuple[str, ...] = ()
    """Addresses (``host:port``) over which the flow worked."""
    dead: tuple[str, ...] = ()
    """Addresses that did not work while others did, or at all."""
    measured: Measured | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One flow, tried."""

    flow: Flow
    verdict: Verdict
    steps: tuple[Step, ...] = ()
    took: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What the planner made of one flow of the catalogue at this site: ids of flows, one a host."""

    flows: tuple[str, ...] = ()
    not_applicable: str = ""
    """Why this flow means nothing here, for example ``no proxy is used here``."""
    not_tested: str = ""
    """What would make it testable, for example ``no TURN server is known: ...``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One way that the guide allows a row, judged by itself."""

    name: str
    verdict: RowVerdict
    path: str
    """The name, and the proxy if it went through it."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the guide, judged."""

    id: str
    client: str
    section: str
    title: str
    need: Need
    verdict: RowVerdict
    reason: str
    checks: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    errata: tuple[str, ...] = ()
    destination: str = ""
    """The guide's cell: what must be reachable."""
    path: str = ""
    """The alternative that worked, for example ``TLS/443 through the proxy``."""
    protocol: str = ""
    """The guide's cell: what is spoken."""
    source: str = ""
    """The guide's cell: from where, and from which ports."""
    proxy: str = ""
    """The guide's cell: whether an HTTP proxy may carry it."""
    ways: tuple[Alternative, ...] = ()
    """The guide's alternatives, in its order of preference; none where nothing tests the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLine:
    """One client kind, judged."""

    id: str
    title: str
    verdict: RowVerdict
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What to paste; *format* is ``text`` or a product's name."""

    format: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One cause for the whole site: proof, rows hit, who acts, the fix."""

    id: str
    title: str
    severity: Severity
    who: Who
    proof: tuple[str, ...]
    """Ids of the checks that show it."""
    rows: tuple[str, ...]
    fix: str
    detail: str = ""
    """What was seen, for the expert: addresses, issuer, first bytes."""
    rules: tuple[Rule, ...] = ()
    hides: Mapping[str, tuple[Phase, ...]] = field(default_factory=dict[str, tuple[Phase, ...]])
    """By door (``TCP/443``), the phases that nothing came to because of it: what only shows when it is repaired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """How this machine goes out: what was found, and where."""

    name: str = ""
    """What its people call the site, by its site file."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Words of theirs that tell it from others."""
    proxy: Proxy | None = None
    proxy_source: str = "none"
    no_proxy: tuple[str, ...] = ()
    """Patterns of hosts that go direct although there is a proxy."""
    no_proxy_source: str = ""
    proxy_notes: tuple[str, ...] = ()
    """Settings that were seen and are not used, and why."""
    pacs: tuple[Pac, ...] = ()
    """PAC files in the order in which clients try them; *proxy* is for where none can be used."""
    destinations: tuple[Destination, ...] = ()
    """Which way each destination goes; known only when the run has asked."""
    resolvers: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    trust_stores: tuple[str, ...] = ()
    dynamic_ports: PortRange | None = None
    platform: str = ""
    hostname: str = ""
    timezone: str = ""
    clock: str = ""
    """Wall clock at the start, ISO 8601 with offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything a renderer needs; nothing is judged after this."""

    version: str
    guide_id: str
    guide_edition: str
    guide_title: str
    started: str
    """ISO 8601, UTC."""
    duration: float
    verdict: RowVerdict
    summary: str
    """The verdict in one sentence."""
    site: Site
    groups: Mapping[str, str] = field(default_factory=dict[str, str])
    """Titles of the groups of rows that concern the whole site, by id."""
    mapped_addresses: tuple[str, ...] = ()
    nat: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    """How a NAT treats UDP, as far as it is known; empty where two TURN servers could not be compared."""
    proxy_policy: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    """What the proxy lets through, as far as it is known; empty where there is none."""
    self_check: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    clients: tuple[ClientLine, ...] = ()
    rows: tuple[Row, ...] = ()
    results: tuple[Result, ...] = ()
    findings: tuple[Finding, ...] = ()
    demands: tuple[Demand, ...] = ()
    """What the site needs of the path (guide, section 6), and whether it fits."""
    story: tuple[StoryStep, ...] = ()
    """The guide's call flow as it was done here, in order."""
    interrupted: bool = False
