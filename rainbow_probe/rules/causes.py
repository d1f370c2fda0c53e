"""What would mend a failed check: an opening of the firewall, a permission of the proxy, an exemption, or no rule."""

from __future__ import annotations

from collections.abc import Iterable

from rainbow_probe.model import Cause, Finding, Outcome, Phase, Result, Transport, Via, Who
from rainbow_probe.rules.places import RANGE
from rainbow_probe.rules.shapes import Act

SHUT = frozenset({Cause.TIMEOUT, Cause.REFUSED, Cause.RESET, Cause.UNREACHABLE, Cause.PROHIBITED})
"""How a closed door shows: dropped, or rejected in one of several ways."""
OPENS = SHUT | {Cause.PARTLY_OPEN}
INSPECTED = frozenset({
    Cause.TLS_INTERCEPTED,
    Cause.TLS_UNTRUSTED,
    Cause.BLOCK_PAGE,
    Cause.UPGRADE_REFUSED,
    Cause.SUBPROTOCOL_MISSING,
})
CUT_OFF = frozenset({Cause.CLOSED, Cause.RESET, Cause.TIMEOUT, Cause.HTTP_INSTEAD_OF_STUN, Cause.NOT_STUN})
"""What inspection does to STUN on a connection that stands."""
BEYOND_RULES = frozenset({Who.DNS, Who.ENDPOINT, Who.PROVIDER})
UNPROVEN = ("tls-untrusted", "server-mute", "seen-")
"""Findings that do not prove an inspection: whose the certificate, or the silence, is, they cannot say."""


def mending(result: Result, findings: Iterable[Finding]) -> Act | None:
    """Return what would mend the failure of *result*, as far as the *findings* allow that; None if no rule would."""
    blamed = [finding for finding in findings if result.flow.id in finding.proof and not _advises(finding)]
    if blamed and all(finding.who in BEYOND_RULES for finding in blamed):
        return None
    act = _by_symptom(result)
    if act is Act.EXEMPT and (not blamed or all(finding.id.startswith(UNPROVEN) for finding in blamed)):
        return None
    return act


def _advises(finding: Finding) -> bool:
    """Tell whether *finding* merely shows the check, as one that no row feels."""
    return not finding.rows


def _by_symptom(result: Result) -> Act | None:
    seen = result.verdict.failure
    if seen is None or result.verdict.outcome is not Outcome.FAIL or result.flow.kind == "dns":
        return None
    if seen.cause is Cause.PROXY_DENIED:
        return Act.PERMIT
    if seen.cause is Cause.PROXY_TARGET_FAILED or _closed(result, seen.phase, seen.cause):
        return Act.OPEN
    cut = result.flow.kind == "turn" and seen.phase is Phase.STUN and seen.cause in CUT_OFF
    return Act.EXEMPT if seen.cause in INSPECTED or cut else None


def _closed(result: Result, phase: Phase, cause: Cause) -> bool:
    if result.flow.via is Via.PROXY:
        return False
    if phase is Phase.CONNECT:
        return cause in SHUT
    if phase is Phase.STUN:
        return result.flow.transport is Transport.UDP and cause in SHUT
    return result.flow.kind == RANGE and phase is Phase.TURN_DATA and cause in OPENS
