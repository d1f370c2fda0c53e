"""Sites made by hand for the judge's tests: the guide as it ships, planned for real, with the results of a given fault.

A check leaves the steps that a real one leaves: each phase of its kind succeeds up to the one that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from zlib import crc32

from rainbow_probe.catalogue import FlowSpec, Guide, Proxying, Requirement, RowSpec, Way, builtin, load
from rainbow_probe.checks import kinds
from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.followups.made import CALL, why_no_call
from rainbow_probe.followups.proxied import beside_the_tunnel
from rainbow_probe.judge import judge
from rainbow_probe.judge.scene import Scene
from rainbow_probe.model import (
    Assignment,
    Cause,
    Credentials,
    Endpoint,
    Failure,
    Finding,
    Flow,
    Need,
    Outcome,
    Phase,
    PortRange,
    Proxy,
    Report,
    Result,
    Row,
    Scalar,
    Site,
    Step,
    Transport,
    Verdict,
    Via,
)
from rainbow_probe.options import TurnServer
from rainbow_probe.plan import NOBODY, Hosts, make_plan, select_rows

APEX = "openrainbow.health"
AGENT = f"agent.{APEX}"
TURN = (f"turn-sbg1.{APEX}", f"turn-gra1.{APEX}")
FCM = "mtalk.google.com"
PROXY = Proxy(endpoint=Endpoint(host="10.0.0.3", port=3128))
OPEN_SITE = Site(
    resolvers=("10.0.0.1", "10.0.0.2"),
    addresses=("10.0.0.5",),
    dynamic_ports=PortRange(first=32768, last=60999),
    clock="2026-11-22T10:00:00+01:00",
)
PROXY_SITE = replace(OPEN_SITE, proxy=PROXY, proxy_source="HTTPS_PROXY")

Facts = Mapping[str, Scalar]
Match = Callable[[Flow], bool]

_COMMON = (Phase.RESOLVE, Phase.CONNECT, Phase.PROXY, Phase.TLS)
_TURN = (Phase.TURN_ALLOCATE, Phase.TURN_PERMISSION)
PHASES: Mapping[str, Sequence[Phase]] = {
    "dns": (Phase.RESOLVE,),
    "https": (*_COMMON, Phase.HTTP),
    "xmpp": (*_COMMON, Phase.WEBSOCKET, Phase.XMPP),
    "turn": (*_COMMON, Phase.STUN, *_TURN, Phase.TURN_DATA, Phase.DTLS, Phase.TURN_CHANNEL),
    "call": (*_COMMON, *_TURN, Phase.ICE, Phase.DTLS, Phase.TURN_CHANNEL, Phase.MEDIA),
    "udp-range": (Phase.RESOLVE, Phase.CONNECT, Phase.STUN, Phase.TURN_ALLOCATE, Phase.TURN_DATA),
    "sweep": (Phase.RESOLVE, Phase.STUN),
    "sweep-in": (Phase.RESOLVE, Phase.STUN),
    "sip": (Phase.RESOLVE, Phase.CONNECT, Phase.SIP),
    "sips": (Phase.RESOLVE, Phase.CONNECT, Phase.TLS, Phase.SIP),
    "ntp": (Phase.RESOLVE, Phase.CONNECT, Phase.NTP),
    "ssh": (Phase.RESOLVE, Phase.CONNECT, Phase.SSH),
    "push": (Phase.RESOLVE, Phase.CONNECT, Phase.TLS),
    "proxy": (Phase.RESOLVE, Phase.CONNECT, Phase.PROXY),
    "proxy-capacity": (Phase.RESOLVE, Phase.CONNECT, Phase.PROXY),
    "portal": (Phase.RESOLVE, Phase.CONNECT, Phase.PROXY, Phase.HTTP),
    "answers": (*_COMMON, Phase.HTTP),
    "ports": (),
    "account": (*_COMMON, Phase.ACCOUNT),
    "xmpp-account": (*_COMMON, Phase.WEBSOCKET, Phase.XMPP, Phase.ACCOUNT),
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to the flows that *match*; the first fault that matches a flow has it."""

    match: Match
    phase: Phase = Phase.CONNECT
    cause: Cause = Cause.TIMEOUT
    outcome: Outcome = Outcome.FAIL
    detail: str = "as the test says"
    facts: Facts = field(default_factory=dict[str, Scalar])
    """Facts of the step that fails; of a pass, of every TLS, HTTP and STUN step."""
    dead: tuple[str, ...] = ()


# Matches


def everything(flow: Flow) -> bool:
    """Match all that is sent."""
    return flow.kind != "ports"


def udp(flow: Flow) -> bool:
    """Match TURN over UDP."""
    return flow.kind == "turn" and flow.transport is Transport.UDP


def proxied(flow: Flow) -> bool:
    """Match what goes through the proxy."""
    return flow.via is Via.PROXY


def over_udp(flow: Flow) -> bool:
    """Match whatever goes out over UDP."""
    return flow.transport is Transport.UDP


def by_address(flow: Flow) -> bool:
    """Match CONNECT by address."""
    return flow.params.get("by") == "address"


def past_the_proxy(flow: Flow) -> bool:
    """Match what goes out directly, look-ups apart."""
    return flow.via is Via.DIRECT and flow.kind not in {"dns", "ports"}


def kind(*names: str) -> Match:
    """Match the kinds *names*."""
    return lambda flow: flow.kind in names


def host(*names: str) -> Match:
    """Match the hosts *names*."""
    return lambda flow: flow.target.host in names


def tcp(port: int) -> Match:
    """Match TCP and TLS to *port*."""
    return lambda flow: flow.target.port == port and flow.transport is not Transport.UDP


def tls(flow: Flow) -> bool:
    """Match TLS."""
    return flow.transport is Transport.TLS


def both(*matches: Match) -> Match:
    """Match what all of *matches* do."""
    return lambda flow: all(match(flow) for match in matches)


def but(match: Match) -> Match:
    """Match what *match* does not."""
    return lambda flow: not match(flow)


# Results


def address_of(name: str) -> str:
    """Give each name an address of its own, the same each time; TURN servers have theirs in the guide's range."""
    if name in TURN:
        return f"51.83.83.{130 + TURN.index(name)}"
    number = crc32(name.encode())
    return f"203.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def result(flow: Flow, fault: Fault | None = None) -> Result:
    """Make what a check of *flow* reports when *fault* meets it, or when all is well."""
    if flow.kind == "proxy-capacity" and fault is None:
        return Result(flow=flow, verdict=Verdict(outcome=Outcome.SKIPPED, reason="needs --proxy-capacity N"))
    if flow.kind == "account" and fault is None:
        return Result(flow=flow, verdict=Verdict(outcome=Outcome.SKIPPED, reason="needs a Rainbow account"))
    if flow.kind == "ports":
        return Result(flow=flow, verdict=Verdict(outcome=Outcome.PASS, reason="within the guide's range"))
    if fault is None or fault.outcome is Outcome.PASS:
        return passed(flow, fault)
    failure = Failure(phase=fault.phase, cause=fault.cause, detail=fault.detail)
    if fault.outcome is Outcome.SKIPPED:
        return Result(flow=flow, verdict=Verdict(outcome=Outcome.SKIPPED, reason=fault.detail))
    verdict = Verdict(outcome=fault.outcome, reason=str(failure), failure=failure)
    if fault.cause is Cause.PROXY_UNREACHABLE:  # the step that fails is the connection
        lost = Failure(phase=Phase.CONNECT, cause=Cause.TIMEOUT, detail=fault.detail)
        return Result(flow=flow, verdict=verdict, steps=(step(flow, Phase.RESOLVE), step(flow, Phase.CONNECT, lost)))
    before = [step(flow, phase) for phase in _before(phases(flow), fault.phase)]
    return Result(flow=flow, verdict=verdict, steps=(*before, step(flow, fault.phase, failure, fault.facts)))


def passed(flow: Flow, fault: Fault | None = None) -> Result:
    """Make a pass, with the facts and the dead addresses of *fault* if there is one."""
    facts = fault.facts if fault else {}
    steps = tuple(step(flow, phase, None, facts) for phase in phases(flow))
    dead = fault.dead if fault else ()
    alive = (f"{address_of(flow.target.host)}:{flow.target.port}",)
    return Result(flow=flow, verdict=Verdict(outcome=Outcome.PASS, reason="works", alive=alive, dead=dead), steps=steps)


def phases(flow: Flow) -> list[Phase]:
    """Name the phases that a check of *flow* goes through."""
    left_out = {Phase.PROXY} if flow.via is Via.DIRECT else set[Phase]()
    left_out |= set[Phase]() if flow.transport is Transport.TLS else {Phase.TLS}
    return [phase for phase in PHASES[flow.kind] if phase not in left_out]


def _before(order: list[Phase], phase: Phase) -> list[Phase]:
    """Return what comes before *phase*: in this check's order or, where it has no such phase, in everybody's."""
    known = list(Phase).index
    return order[: order.index(phase)] if phase in order else [one for one in order if known(one) < known(phase)]


def step(flow: Flow, phase: Phase, failure: Failure | None = None, facts: Facts | None = None) -> Step:
    """Make one step of *flow*; *facts* are added where such a step has any of its own."""
    known: dict[str, Scalar] = {}
    if failure is None:
        known |= _usual(flow, phase)
    if facts and (failure is not None or phase not in {Phase.CONNECT, Phase.PROXY}):
        known |= facts if phase is not Phase.RESOLVE or "addresses" in facts or failure else {}
    return Step(phase=phase, subject=_subject(flow, phase), at=0.0, took=0.1, failure=failure, facts=known)


def _usual(flow: Flow, phase: Phase) -> dict[str, Scalar]:
    via_proxy = flow.via is Via.PROXY
    facts: dict[Phase, dict[str, Scalar]] = {
        Phase.RESOLVE: {
            "addresses": PROXY.endpoint.host if via_proxy else address_of(flow.target.host),
            "source": "literal" if via_proxy else "system",
        },
        Phase.PROXY: {"status": 200, "http_version": "1.1"},
        Phase.TLS: {
            "issuer": "CN=Public CA",
            "public": True,
            "not_before": "2026-01-01",
            "not_after": "2027-01-01",
            "san": flow.target.host,
        },
        Phase.STUN: {"mapped": "198.51.100.7:40000"},
    }
    return facts.get(phase, {})


def _subject(flow: Flow, phase: Phase) -> str:
    if phase is Phase.RESOLVE:
        return PROXY.endpoint.host if flow.via is Via.PROXY else flow.target.host
    if phase is Phase.CONNECT and flow.via is Via.PROXY:
        return str(PROXY.endpoint)
    if phase in {Phase.PROXY, Phase.TLS}:
        return str(flow.target)
    return f"{address_of(flow.target.host)}:{flow.target.port}"


def asked(result: Result, resolver: str, cause: Cause | None = None, rcode: str = "NOERROR") -> Result:
    """Add to a look-up what *resolver* said when it was asked directly."""
    failure = Failure(phase=Phase.RESOLVE, cause=cause, detail="as the test says") if cause else None
    facts: dict[str, Scalar] = {"resolver": resolver, "proto": "udp", "answer_type": "A"}
    facts |= {} if failure else {"rcode": rcode}
    more = Step(phase=Phase.RESOLVE, subject=f"{resolver} udp A", at=0.0, took=0.1, failure=failure, facts=facts)
    return replace(result, steps=(*result.steps, more))


def opened_by(result: Result, issuer: str = "CN=Acme Inspection") -> Result:
    """Let somebody decrypt the TLS of *result*, under a certificate that only this machine trusts."""
    told: Facts = {"issuer": issuer, "intercepted_by": issuer, "public": False}
    steps = tuple(replace(s, facts={**s.facts, **told}) if s.phase is Phase.TLS else s for s in result.steps)
    return replace(result, steps=steps)


# Sites


@cache
def guide() -> Guide:
    """Load the guide that ships."""
    return load(builtin("hds-ed21"), kinds())


@dataclass(frozen=True, kw_only=True)
class Case:
    """One planned site with its results, before it is judged."""

    results: tuple[Result, ...]
    assignments: Mapping[str, Assignment]
    rows: tuple[RowSpec, ...]
    site: Site = OPEN_SITE
    have_credentials: bool = True

    def judged(self) -> Report:
        """Judge it."""
        return judge(
            guide(),
            self.rows,
            self.assignments,
            self.results,
            self.site,
            have_credentials=self.have_credentials,
        )

    def scene(self) -> Scene:
        """Set the scene for the finders."""
        report = self.judged()
        return Scene.of(guide(), self.site, report.rows, self.results, self.assignments)

    def with_each(self, change: Callable[[Result], Result]) -> Case:
        """Return the case with each result changed."""
        return replace(self, results=tuple(change(one) for one in self.results))


def case(
    *faults: Fault,
    site: Site = OPEN_SITE,
    turn: Sequence[str] = TURN,
    clients: Sequence[str] = (),
    have_credentials: bool = True,
    hosts: Hosts = NOBODY,
) -> Case:
    """Plan the guide for *site*, with *hosts* of its own, and let *faults* happen; what none matches passes."""
    rows = select_rows(guide(), tuple(clients))
    servers = [TurnServer(host=name) for name in turn]
    plan = make_plan(
        guide(), rows, servers, lambda target: None if _no_proxy(site, target) else site.proxy, hosts=hosts
    )
    results = [result(flow, next((f for f in faults if f.match(flow)), None)) for flow in plan.flows]
    return Case(
        results=_as_a_run_would(results),
        assignments=plan.assignments,
        rows=plan.rows,
        site=site,
        have_credentials=have_credentials,
    )


def _as_a_run_would(results: Sequence[Result]) -> tuple[Result, ...]:
    """Leave out the calls that a run does not make."""
    known = {one.flow.id: one for one in results if one.flow.kind != CALL}
    reasons = [why_no_call(one.flow, known, quick=False) if one.flow.kind == CALL else "" for one in results]
    return tuple(_skipped(one.flow, why) if why else one for one, why in zip(results, reasons, strict=True))


def _skipped(flow: Flow, why: str) -> Result:
    return Result(flow=flow, verdict=Verdict(outcome=Outcome.SKIPPED, reason=why))


def followed_up(found: Case, *faults: Fault) -> Case:
    """Add the controls beside tunnels that *found* makes necessary; *faults* happen to them, else they pass."""
    sofar = Sofar(guide=guide(), site=found.site, results={one.flow.id: one for one in found.results})
    controls = [
        _control(flow, next((f for f in faults if f.match(flow)), None))
        for flow in follow_up(sofar, [beside_the_tunnel])
    ]
    return replace(found, results=(*found.results, *controls))


def _control(flow: Flow, fault: Fault | None) -> Result:
    """Make the result of a control: a page that does not come fails no check."""
    unclear = flow.kind == "portal" and fault is not None
    return result(flow, replace(fault, outcome=Outcome.INCONCLUSIVE) if fault and unclear else fault)


def _no_proxy(site: Site, target: Endpoint) -> bool:
    return target.host in site.no_proxy


def report(*faults: Fault, site: Site = OPEN_SITE, turn: Sequence[str] = TURN, clients: Sequence[str] = ()) -> Report:
    """Judge the guide at *site*, where *faults* happen."""
    return case(*faults, site=site, turn=turn, clients=clients).judged()


def ids(judged: Report) -> list[str]:
    """Name the findings."""
    return [finding.id for finding in judged.findings]


def finding(judged: Report, identity: str) -> Finding:
    """Return the finding with that id."""
    return next(one for one in judged.findings if one.id == identity)


def row(judged: Report, identity: str) -> Row:
    """Return the row with that id."""
    return next(one for one in judged.rows if one.id == identity)


def outcomes(judged: Report, found: Finding) -> set[Outcome]:
    """Return how the checks end that prove *found*."""
    return {one.verdict.outcome for one in judged.results if one.flow.id in found.proof}


def with_login(site: Site) -> Site:
    """Give the site's proxy credentials."""
    login = Credentials(user="alice", password="sesame")  # noqa: S106 - of nobody
    return replace(site, proxy=replace(PROXY, credentials=login))


# Small things for the tests of rows


def flow(identity: str, via: Via = Via.DIRECT, name: str = "", kind: str = "https") -> Flow:
    """Make a flow to a host of its own."""
    target = Endpoint(host=name or f"{identity}.example", port=443)
    return Flow(id=identity, spec=identity, kind=kind, target=target, transport=Transport.TLS, via=via)


def spec(identity: str, proxy: Proxying = Proxying.YES, kind: str = "https") -> FlowSpec:
    """Make a flow of a catalogue."""
    return FlowSpec(id=identity, kind=kind, hosts="hosts", port=443, transport=Transport.TLS, proxy=proxy)


def ended(flow: Flow, word: str) -> Result:
    """Make a result from a word: pass, fail, fail:CAUSE, unclear, unclear:CAUSE, skip."""
    outcome, _, cause = word.partition(":")
    failure = Failure(phase=Phase.CONNECT, cause=Cause(cause or "timeout"), detail="as the test says")
    match outcome:
        case "pass":
            verdict = Verdict(outcome=Outcome.PASS, reason="works")
        case "fail":
            verdict = Verdict(outcome=Outcome.FAIL, reason="fails", failure=failure)
        case "skip":
            verdict = Verdict(outcome=Outcome.SKIPPED, reason="needs something")
        case _:
            unclear = failure if cause else None
            verdict = Verdict(outcome=Outcome.INCONCLUSIVE, reason="cannot be told", failure=unclear)
    return Result(flow=flow, verdict=verdict)


def need(
    identity: str, least: int | None = None, *, unless_proxied: bool = False, credentials: bool = False
) -> Requirement:
    """Make a requirement."""
    return Requirement(flow=identity, least=least, unless_proxied=unless_proxied, credentials=credentials)


def way(name: str, *needs: Requirement, cost: str = "") -> Way:
    """Make a way."""
    return Way(name=name, cost=cost, needs=needs)


def row_spec(
    *ways: Way,
    identity: str = "desktop/x",
    required: Need = Need.MANDATORY,
    section: str = "4.1",
    causes: tuple[Cause, ...] = (),
    sections: tuple[str, ...] = (),
    not_tested: str = "",
) -> RowSpec:
    """Make a row of a catalogue."""
    return RowSpec(
        id=identity,
        client=identity.partition("/")[0],
        section=section,
        title=f"Title of {identity}",
        need=required,
        ways=ways,
        causes=causes,
        sections=sections,
        not_tested=not_tested,
    )
