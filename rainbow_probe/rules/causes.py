"""What would mend a failed check: an opening of the firewall, a permission of the proxy, an exemption, or no rule."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rainbow_probe.explanations.findings import named
from rainbow_probe.model import Cause, Failure, Finding, Outcome, Phase, Result, Transport, Via, Who
from rainbow_probe.rules.places import RANGE
from rainbow_probe.rules.shapes import Act

SHUT = frozenset({Cause.TIMEOUT, Cause.REFUSED, Cause.RESET, Cause.UNREACHABLE, Cause.PROHIBITED})
"""How a closed door shows: dropped, or rejected in one of several ways."""
OPENS = SHUT | {Cause.PARTLY_OPEN}
SWEEPS = frozenset({"sweep", "sweep-in"})
INWARD = frozenset({"sweep-in"})
"""What comes in: no rule for the way out mends it."""
EXEMPTING = frozenset({
    "block-page",
    "dtls-filtered",
    "http-inspection-PORT",
    "name-filtered",
    "path-goes-silent",
    "proxy-no-upgrade",
    "tcp-PORT-cut",
    "tcp-PORT-silent",
    "tls-PORT-cut",
    "tls-PORT-silent",
    "tls-intercepted",
})
"""Findings that prove a box which looks into what passes. Others only say what was seen."""
BEHIND_THE_PROXY = frozenset({"proxy-cannot-reach-PORT", "proxy-target-closed"})
"""Findings that prove a firewall between the proxy and what it is asked for."""
UNPROVEN = frozenset({"seen-PHASE-CAUSE-GROUP", "turn-unreachable"})
"""Findings that a closed door fits, and that a host which is down fits as well."""
DENYING = frozenset({"dns-alias", "dns-filtered", "dns-hijack", "dns-nxdomain", "dns-rewrites", "dns-sinkhole"})
"""Findings that prove a resolver which keeps names from its clients."""
BEYOND_RULES = frozenset({Who.DNS, Who.ENDPOINT, Who.PROVIDER})


CUT_OFF = frozenset({Cause.CLOSED, Cause.RESET, Cause.TIMEOUT, Cause.HTTP_INSTEAD_OF_STUN, Cause.NOT_STUN})
"""What inspection does to STUN on a connection that stands."""

Way = tuple[str, Via]


def inspected(results: Iterable[Result], findings: Iterable[Finding]) -> frozenset[Way]:
    """Return the hosts, each with the way to it, on which a box was proven that looks into what passes."""
    shown = {check for finding in findings if named(finding.id) in EXEMPTING for check in finding.proof}
    failed = (result for result in results if result.verdict.outcome is Outcome.FAIL and result.flow.id in shown)
    return frozenset((result.flow.target.host, result.flow.via) for result in failed)


def denied(result: Result, findings: Iterable[Finding]) -> bool:
    """Tell whether *result* fails because a resolver keeps its target's name from this site, as *findings* prove."""
    if result.verdict.failure is None:
        return False
    return any(named(one.id) in DENYING and result.flow.id in one.proof and one.rows for one in findings)


def mending(result: Result, findings: Iterable[Finding], boxes: Collection[Way] = ()) -> Act | None:
    """Return what would mend the failure of *result*, as far as the *findings* prove that; None if no rule would.

    On the ways in *boxes* somebody inspects: there STUN that is cut off needs no proof of its own.
    """
    seen = result.verdict.failure
    if seen is None or result.verdict.outcome is not Outcome.FAIL or result.flow.kind == "dns":
        return None
    blamed = [finding for finding in findings if result.flow.id in finding.proof and finding.rows]
    if blamed and all(finding.who in BEYOND_RULES for finding in blamed):
        return None
    if _closed(result, seen.phase, seen.cause):
        return Act.OPEN
    if (result.flow.target.host, result.flow.via) in boxes and seen.phase is Phase.STUN and seen.cause in CUT_OFF:
        return Act.EXEMPT
    return _by_proof(seen, {named(finding.id) for finding in blamed})


def proven(result: Result, findings: Iterable[Finding]) -> bool:
    """Tell whether the *findings* prove what stops *result*, or only show that it is stopped."""
    blamed = [named(finding.id) for finding in findings if result.flow.id in finding.proof and finding.rows]
    return not blamed or not UNPROVEN.issuperset(blamed)


def _by_proof(seen: Failure, proven: Collection[str | None]) -> Act | None:
    if EXEMPTING.intersection(proven):
        return Act.EXEMPT
    if BEHIND_THE_PROXY.intersection(proven):
        return Act.OPEN
    return Act.PERMIT if seen.cause is Cause.PROXY_DENIED else None


def _closed(result: Result, phase: Phase, cause: Cause) -> bool:
    """Tell whether *result* met a closed door on its direct way out."""
    if result.flow.via is Via.PROXY:
        return False
    if phase is Phase.CONNECT:
        return cause in SHUT
    if phase in {Phase.SIP, Phase.NTP}:
        return result.flow.transport is Transport.UDP and cause in SHUT
    if phase is Phase.STUN and result.flow.kind in SWEEPS:
        return cause in OPENS and result.flow.kind not in INWARD
    if phase is Phase.STUN:
        return result.flow.transport is Transport.UDP and cause in SHUT
    return result.flow.kind == RANGE and phase is Phase.TURN_DATA and cause in OPENS
