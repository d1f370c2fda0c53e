"""What no finder explains, worded as it was seen: a cause that is not proven is not named."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judging.findings.case import Case, Draft, cause, detail, hosts, listed, phase
from rainbow_probe.model import Outcome, Result, Transport, Who


def whatever_is_left(case: Case) -> Sequence[Draft]:
    """Gather the unexplained failures by where and how they failed."""
    groups: dict[str, list[Result]] = {}
    for result in case.failing(lambda r: r.verdict.outcome is Outcome.FAIL):
        groups.setdefault(_identity(result), []).append(result)
    return [_draft(identity, claims) for identity, claims in groups.items()]


def _identity(result: Result) -> str:
    flow = result.flow
    return f"{flow.kind}-{_carrier(result)}-{flow.target.port}-{phase(result)}-{cause(result)}"


def _draft(identity: str, claims: list[Result]) -> Draft:
    flow = claims[0].flow
    where = f"{listed(hosts(claims))} on {_carrier(claims[0]).upper()}/{flow.target.port}"
    return Draft(
        id=identity,
        title=f"{flow.kind} to {where} fails: {phase(claims[0])}, {cause(claims[0])}",
        who=Who.FIREWALL,
        fix="The cause is not proven. Check the rules of your firewall and proxy for this flow; if they allow it, show "
        "this finding and its evidence to the provider.",
        claims=claims,
        detail=detail(claims[0]),
    )


def _carrier(result: Result) -> str:
    return "udp" if result.flow.transport is Transport.UDP else "tcp"
