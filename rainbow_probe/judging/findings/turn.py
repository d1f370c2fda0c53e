"""What TURN servers refuse, and what their answers betray of the path."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judging.findings.case import Case, Draft, cause, detail, fact, hosts, listed
from rainbow_probe.model import Cause, Outcome, Phase, Result, Severity, Transport, Via, Who

_REFUSALS = (
    (
        frozenset({Cause.BAD_CREDENTIALS}),
        "turn-bad-credentials",
        "The TURN servers refuse the user and password",
        Who.ENDPOINT,
        "Give valid TURN credentials (they are often limited in time), then run again. The path is not the fault: the "
        "servers answered.",
    ),
    (
        frozenset({Cause.QUOTA, Cause.CAPACITY}),
        "turn-quota",
        "The TURN servers have no room for this user",
        Who.PROVIDER,
        "Wait until other allocations have expired, or ask the provider for a higher quota.",
    ),
    (
        frozenset({Cause.FORBIDDEN, Cause.PERMISSION_DENIED}),
        "turn-forbidden",
        "The TURN servers forbid what a call needs",
        Who.PROVIDER,
        "Ask the provider: the server's policy denies the peer or the request.",
    ),
    (
        frozenset({Cause.TRY_ALTERNATE}),
        "turn-alternate",
        "The TURN servers send clients elsewhere",
        Who.PROVIDER,
        "Test the server named here with --turn.",
    ),
    (
        frozenset({Cause.NO_DATA_BACK}),
        "turn-no-data",
        "TURN allocates, but no data comes back through the relay",
        Who.PROVIDER,
        "Ask the provider whether the relay may reach its own addresses; if it may, a box on the way drops relayed data.",
    ),
)


def refusals(case: Case) -> Sequence[Draft]:
    """Find refusals that came from the server itself, which proves the path to it."""
    drafts: list[Draft] = []
    for causes, identity, title, who, fix in _REFUSALS:
        claims = case.failing(lambda r, causes=causes: cause(r) in causes)  # type: ignore[misc]
        if claims:
            drafts.append(
                Draft(
                    id=identity,
                    title=title,
                    who=who,
                    fix=fix,
                    claims=claims,
                    detail=f"{listed(hosts(claims))}: {detail(claims[0])}",
                    least=Severity.DEGRADING,
                )
            )
    return drafts


def dead_addresses(case: Case) -> Sequence[Draft]:
    """Find addresses that are dead while others of the same name work: a fail-over would hit them."""
    shown = [r for r in case.results if r.verdict.outcome is Outcome.PASS and r.verdict.dead and r.flow.kind != "dns"]
    if not shown:
        return []
    dead = sorted({address for result in shown for address in result.verdict.dead})
    return [
        Draft(
            id="address-dead",
            title=f"Some addresses of {listed(hosts(shown))} do not answer, others do",
            who=Who.FIREWALL,
            fix="Allow all addresses of these names, not only today's first: a fail-over would hit the dead ones.",
            claims=[],
            controls=shown,
            detail=f"no answer from {listed(dead, 8)}",
            least=Severity.DEGRADING,
        )
    ]


def dead_hosts(case: Case) -> Sequence[Draft]:
    """Find a server that fails where its fellows, by the same way, work: the server or a rule for it alone."""
    drafts: list[Draft] = []
    failing = case.failing(lambda result: result.flow.kind in {"turn", "push"})
    for name in hosts(failing):
        claims = [result for result in failing if result.flow.target.host == name]
        fellows = [other for r in claims for other in case.passing(lambda o, r=r: _fellow(o, r))]  # type: ignore[misc]
        if fellows:
            drafts.append(
                Draft(
                    id=f"host-failing-{name}",
                    title=f"{name} does not answer as its fellows do",
                    who=Who.FIREWALL,
                    fix="Check that your rules cover this server's addresses too; if they do, ask the provider whether it runs.",
                    claims=claims,
                    controls=fellows[:2],
                    detail=f"{claims[0].flow.id}: {cause(claims[0])}: {detail(claims[0])}",
                    least=Severity.DEGRADING,
                )
            )
    return drafts


def _fellow(other: Result, result: Result) -> bool:
    a, b = other.flow, result.flow
    return (a.kind, a.transport, a.target.port, a.via) == (b.kind, b.transport, b.target.port, b.via)


def mapped_addresses(results: Sequence[Result]) -> tuple[str, ...]:
    """Return every address the servers saw us come from."""
    return tuple(dict.fromkeys(_mapped(result) for result in results if _mapped(result)))


def _mapped(result: Result) -> str:
    return str(fact(result, "mapped", [Phase.STUN]) or "").rpartition(":")[0].strip("[]")


def mapped_differs(case: Case) -> Sequence[Draft]:
    """Tell that one server sees different addresses over UDP and over TCP, both direct."""
    seen: dict[str, dict[bool, Result]] = {}
    for result in case.results:
        if _mapped(result) and result.flow.via is Via.DIRECT and result.flow.kind == "turn" and "." in _mapped(result):
            over_udp = result.flow.transport is Transport.UDP
            seen.setdefault(result.flow.target.host, {}).setdefault(over_udp, result)
    odd = [pair for pair in seen.values() if len(pair) > 1 and _mapped(pair[True]) != _mapped(pair[False])]
    if not odd:
        return []
    udp, tcp = odd[0][True], odd[0][False]
    return [
        Draft(
            id="mapped-differs",
            title="TCP and UDP leave this site from different addresses",
            who=Who.FIREWALL,
            fix="If this site has several exits that is all right; if not, a middlebox ends the TCP connections.",
            claims=[],
            controls=[udp, tcp],
            detail=f"{udp.flow.target.host} sees {_mapped(udp)} over UDP and {_mapped(tcp)} over TCP",
        )
    ]
