"""What firewalls do: UDP, single ports, push ports; a drop told from a rejection."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judging.findings.case import (
    SHUT,
    SILENT,
    Case,
    Draft,
    cause,
    detail,
    direct,
    fact,
    host,
    hosts,
    is_turn,
    listed,
    phase,
)
from rainbow_probe.judging.findings.rules import open_rule, range_rule
from rainbow_probe.model import Cause, Outcome, Phase, Result, Transport, Who

RANGE = "49152-65535"


def _shut(result: Result) -> bool:
    """Return whether nothing came back, or a rejection did, before any protocol was spoken."""
    waiting = Phase.STUN if result.flow.transport is Transport.UDP else Phase.CONNECT
    return cause(result) in SHUT and phase(result) is waiting


def how(results: Sequence[Result]) -> str:
    """Say whether a firewall drops or rejects, as far as it shows."""
    silent = [result for result in results if cause(result) in SILENT]
    if len(silent) == len(results):
        return f"no answer at all ({detail(results[0])}): dropped"
    rejected = next(result for result in results if result not in silent)
    return f"{cause(rejected)} ({detail(rejected)}): rejected, by a firewall or by the host"


def udp(case: Case) -> Sequence[Draft]:
    """Find blocked UDP: silent at every TURN server, while the same servers answer over TCP or TLS."""
    tried = [result for result in case.results if is_turn(result, Transport.UDP)]
    claims = case.failing(lambda result: is_turn(result, Transport.UDP) and _shut(result))
    controls = _alive_elsewhere(case, claims)
    if not claims or len(claims) < len(tried) or not controls:
        return []
    ranges = case.failing(lambda result: result.flow.kind == "udp-range")
    port = str(claims[0].flow.target.port)
    also = f", nor from {RANGE}" if any(r.verdict.outcome is Outcome.FAIL for r in ranges) else ""
    return [
        Draft(
            id="udp-blocked",
            title="Outbound UDP to the TURN servers is blocked",
            who=Who.FIREWALL,
            fix=f"Open outbound UDP/{port} to the TURN servers, and UDP/{RANGE} to the conference servers: media over TCP "
            "suffers from every lost packet.",
            claims=[*claims, *ranges],
            controls=controls,
            detail=f"UDP/{port}: {how(claims)}{also}; the same servers answer over "
            f"{listed(sorted({f'{c.flow.transport.upper()}/{c.flow.target.port}' for c in controls}))}",
            rules=(
                open_rule(case, claims, port, "UDP", "TURN: media of calls"),
                range_rule(case, RANGE, "media of conferences"),
            ),
        )
    ]


def udp_range(case: Case) -> Sequence[Draft]:
    """Find the conference range closed or partly open while TURN over UDP works."""
    claims = case.failing(lambda r: r.flow.kind == "udp-range" and r.verdict.outcome is Outcome.FAIL)
    if not claims:
        return []
    partly = cause(claims[0]) is Cause.PARTLY_OPEN
    return [
        Draft(
            id="udp-range-partly" if partly else "udp-range-blocked",
            title=f"UDP/{RANGE} is {'only partly open' if partly else 'blocked'}",
            who=Who.FIREWALL,
            fix=f"Open outbound UDP/{RANGE} to the conference servers; until then conferences use the TURN relays.",
            claims=claims,
            controls=case.passing(lambda result: is_turn(result, Transport.UDP))[:1],
            detail=detail(claims[0]),
            rules=(range_rule(case, RANGE, "media of conferences"),),
        )
    ]


def push(case: Case) -> Sequence[Draft]:
    """Find push services that do not answer while other TCP works from here."""
    claims = case.failing(lambda result: result.flow.kind == "push" and _shut(result))
    others = case.passing(lambda r: r.flow.kind != "push" and r.flow.transport is not Transport.UDP)
    working = {_port(r) for r in case.passing(lambda r: r.flow.kind == "push")}
    dead = [result for result in claims if _port(result) not in working]
    if not dead or not others:
        return []
    ports = sorted({_port(result) for result in dead})
    return [
        Draft(
            id="push-ports-blocked",
            title=f"Push notifications are blocked: TCP/{listed([str(port) for port in ports])}",
            who=Who.FIREWALL,
            fix="Open these ports outbound and direct (push never uses a proxy), and keep idle connections on them for 30 "
            "minutes: without push, mobile devices miss calls when the app sleeps.",
            claims=dead,
            controls=others[:2],
            detail=f"{listed(hosts(dead))}: {how(dead)}",
            rules=tuple(
                open_rule(case, [r for r in dead if _port(r) == port], str(port), "TCP", "push notifications")
                for port in ports
            ),
        )
    ]


def single_ports(case: Case) -> Sequence[Draft]:
    """Find a TCP port shut at every host that listens there, while the same hosts answer elsewhere."""
    drafts: list[Draft] = []
    shut = case.failing(lambda r: direct(r) and r.flow.transport is not Transport.UDP and _shut(r))
    for port in sorted({_port(result) for result in shut}):
        claims = [result for result in shut if _port(result) == port]
        open_there = case.passing(lambda r, port=port: direct(r) and _port(r) == port)  # type: ignore[misc]
        controls = _alive_elsewhere(case, claims) or _others_alive(case, port)
        if controls and not open_there:
            drafts.append(_port_blocked(case, port, claims, controls))
    return drafts


def _port_blocked(case: Case, port: int, claims: list[Result], controls: list[Result]) -> Draft:
    return Draft(
        id=f"tcp-{port}-blocked",
        title=f"Outbound TCP/{port} is blocked",
        who=Who.FIREWALL,
        fix=f"Open outbound TCP/{port} to {listed(hosts(claims))}.",
        claims=claims,
        controls=controls[:2],
        detail=f"{listed(hosts(claims))}: {how(claims)}",
        rules=(open_rule(case, claims, str(port), "TCP", "Rainbow"),),
    )


def inspected(case: Case) -> Sequence[Draft]:
    """Find TCP/80 treated as web traffic: HTTP comes instead of STUN, where the same server speaks STUN elsewhere."""
    odd = frozenset({Cause.HTTP_INSTEAD_OF_STUN, Cause.NOT_STUN})
    claims = case.failing(lambda result: is_turn(result) and cause(result) in odd)
    drafts: list[Draft] = []
    for port in sorted({_port(result) for result in claims}):
        here = [result for result in claims if _port(result) == port]
        http = [result for result in here if cause(result) is Cause.HTTP_INSTEAD_OF_STUN]
        drafts.append(
            Draft(
                id=f"http-inspection-{port}" if http else f"not-stun-{port}",
                title=f"TCP/{port} to the TURN servers is inspected as HTTP"
                if http
                else f"Something else answers on TCP/{port}",
                who=Who.PROXY if not direct(here[0]) else Who.FIREWALL,
                fix=f"Exempt TCP/{port} to the TURN servers from HTTP inspection: inside is TURN, not HTTP.",
                claims=here,
                controls=_alive_elsewhere(case, here)[:2],
                detail=f"{listed(hosts(here))}: {detail(here[0])}",
            )
        )
    return drafts


def mute(case: Case) -> Sequence[Draft]:
    """Find connections that open and then hear nothing, or are cut: worded as seen, with what works beside it."""
    after = frozenset({Cause.TIMEOUT, Cause.CLOSED, Cause.RESET})
    spoken = frozenset({Phase.TLS, Phase.HTTP, Phase.WEBSOCKET, Phase.XMPP, Phase.STUN, Phase.TURN_ALLOCATE})
    claims = case.failing(lambda r: cause(r) in after and phase(r) in spoken and r.flow.transport is not Transport.UDP)
    drafts: list[Draft] = []
    if len({_port(result) for result in claims}) > 1 and not case.passing(
        lambda r: r.flow.transport is not Transport.UDP
    ):
        return [_silent("server-mute", "Connections open, but nothing ever answers on any TCP port", claims, [])]
    for port in sorted({_port(result) for result in claims}):
        here = [result for result in claims if _port(result) == port]
        turn_only = all(is_turn(result) for result in here)
        controls = _alive_elsewhere(case, here)
        if turn_only and controls:
            title = f"TCP/{port} to the TURN servers opens, but STUN gets no answer there"
            drafts.append(_silent(f"tcp-{port}-silent", title, here, controls))
        else:
            title = f"Connections to TCP/{port} open, but nothing answers at {listed(hosts(here))}"
            drafts.append(_silent("server-mute", title, here, controls))
    return drafts


def _silent(identity: str, title: str, claims: list[Result], controls: list[Result]) -> Draft:
    beside = (
        f"; {host(controls[0])} answers on {controls[0].flow.transport.upper()}/{_port(controls[0])}"
        if controls
        else ""
    )
    return Draft(
        id=identity,
        title=title,
        who=Who.FIREWALL,
        fix="Look for a box that accepts connections in the server's place (transparent proxy, HTTP or TLS inspection, DPI) "
        "and exempt these hosts; if there is none, ask the provider whether the server is up.",
        claims=claims,
        controls=controls[:2],
        detail=f"{listed(hosts(claims))}: {phase(claims[0])}: {cause(claims[0])}: {detail(claims[0])}{beside}",
    )


def turn_dead(case: Case) -> Sequence[Draft]:
    """Find TURN silent on every transport: a firewall or an outage, which cannot be told apart from here."""
    tried = [result for result in case.results if is_turn(result)]
    claims = case.failing(lambda result: is_turn(result) and _shut(result))
    if not claims or len(claims) < len(tried):
        return []
    ranges = case.failing(lambda result: result.flow.kind == "udp-range")
    transports = sorted({f"{r.flow.transport.upper()}/{_port(r)}" for r in claims})
    return [
        Draft(
            id="turn-unreachable",
            title="No TURN server answers on any transport",
            who=Who.FIREWALL,
            fix="Open one of these ways at least, UDP/3478 first. If they are open, ask the provider whether the servers run: "
            "from here a firewall that blocks their addresses looks the same.",
            claims=[*claims, *ranges],
            detail=f"{listed(hosts(claims))} over {', '.join(transports)}: {how(claims)}",
            rules=tuple(
                open_rule(
                    case, [r for r in claims if r.flow.transport is t], str(port), protocol, "TURN: media of calls"
                )
                for t, port, protocol in sorted({(r.flow.transport, _port(r), _protocol(r)) for r in claims})
            ),
        )
    ]


def _protocol(result: Result) -> str:
    return "UDP" if result.flow.transport is Transport.UDP else "TCP"


def _alive_elsewhere(case: Case, claims: Sequence[Result]) -> list[Result]:
    """Return checks that passed at the same hosts, or whose servers spoke TURN there and refused only us."""
    wanted = set(hosts(claims))
    return [r for r in case.results if host(r) in wanted and r not in claims and r.flow.kind in _SERVICES and _spoke(r)]


_SERVICES = frozenset({"turn", "https", "xmpp", "push"})


def _spoke(result: Result) -> bool:
    return result.verdict.outcome is Outcome.PASS or fact(result, "mapped", [Phase.STUN]) is not None


def _others_alive(case: Case, port: int) -> list[Result]:
    return case.passing(lambda r: direct(r) and r.flow.transport is not Transport.UDP and _port(r) != port)


def _port(result: Result) -> int:
    return result.flow.target.port
