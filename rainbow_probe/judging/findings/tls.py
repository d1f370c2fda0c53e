"""What certificates tell: inspection, expiry, other names. Named only with proof."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judging.findings.case import Case, Draft, cause, detail, domain, fact, host, hosts, listed
from rainbow_probe.judging.findings.rules import exempt_rule
from rainbow_probe.model import Cause, IssuerPolicy, Outcome, Phase, Result, Severity, Who

SEVERAL = 2
_TRUST = frozenset({Cause.TLS_INTERCEPTED, Cause.TLS_UNTRUSTED})


def intercepted(case: Case) -> Sequence[Draft]:
    """Find TLS inspection: a root only this machine trusts, or one unknown issuer on unrelated hosts."""
    refused = case.failing(lambda result: cause(result) in _TRUST)
    tolerated = [r for r in case.results if r.verdict.outcome is Outcome.PASS and fact(r, "intercepted_by")]
    drafts: list[Draft] = []
    for issuer in dict.fromkeys(_issuer(result) for result in [*refused, *tolerated]):
        claims = [result for result in refused if _issuer(result) == issuer]
        passed = [result for result in tolerated if _issuer(result) == issuer]
        if passed or _proven(claims):
            drafts.append(_inspection(case, issuer, claims, passed))
        else:
            drafts.append(_untrusted(issuer, claims))
    return drafts


def _proven(claims: Sequence[Result]) -> bool:
    """Tell inspection from a certificate of the operator's own that this machine does not know."""
    if any(cause(result) is Cause.TLS_INTERCEPTED for result in claims):
        return True
    return len({domain(host(result)) for result in claims}) >= SEVERAL


def _inspection(case: Case, issuer: str, claims: list[Result], passed: list[Result]) -> Draft:
    trusted = bool(passed) or any(cause(result) is Cause.TLS_INTERCEPTED for result in claims)
    behind = [r for r in case.results if r.flow.policy is IssuerPolicy.OPERATOR and _issuer(r) == issuer]
    same_box = _cut_by_the_box(case, issuer)
    everywhere = [*claims, *same_box, *passed, *behind]
    names = f"decrypted by {issuer}, which this machine {'trusts' if trusted else 'does not trust'}"
    return Draft(
        id="tls-intercepted",
        title="TLS is decrypted on the way",
        who=Who.TLS_INSPECTION,
        fix="Exempt the TURN servers and the push services from TLS inspection: media and push never work through it. "
        "Signalling may be inspected where every device trusts the inspecting box; exempting it too is safer.",
        claims=[*claims, *same_box],
        controls=[*passed, *behind],
        detail=f"{names}: {listed(hosts(everywhere), 12)}",
        rules=(exempt_rule([*claims, *same_box] or passed, "TLS inspection"),),
        least=Severity.DEGRADING if claims else None,
    )


def _cut_by_the_box(case: Case, issuer: str) -> list[Result]:
    """Return TURN over TLS that shook hands with the box and then heard nothing: it is no web traffic."""
    return case.failing(lambda r: _issuer(r) == issuer and r.flow.kind == "turn" and cause(r) not in _TRUST)


def _untrusted(issuer: str, claims: list[Result]) -> Draft:
    return Draft(
        id="tls-untrusted",
        title=f"Certificates of {listed(hosts(claims))} are from an issuer this machine does not trust",
        who=Who.TLS_INSPECTION,
        fix="If the issuer is your own inspection, exempt these hosts or install its root on this machine; if it is not, "
        "somebody else answers in the place of these hosts: do not trust them.",
        claims=claims,
        detail=f"issuer {issuer}; {detail(claims[0])}",
    )


def _issuer(result: Result) -> str:
    return str(fact(result, "issuer", [Phase.TLS]) or "unknown")


def wrong_certificates(case: Case) -> Sequence[Draft]:
    """Find expired certificates and certificates for other names, where the clock is not the cause."""
    drafts: list[Draft] = []
    for kind, identity, title, fix in _WRONG:
        claims = case.failing(lambda r, kind=kind: cause(r) is kind)  # type: ignore[misc]
        if claims:
            drafts.append(
                Draft(
                    id=identity,
                    title=f"{title} {listed(hosts(claims))}",
                    who=Who.PROVIDER,
                    fix=fix,
                    claims=claims,
                    detail=f"{detail(claims[0])}; subject {fact(claims[0], 'subject')}, issuer {_issuer(claims[0])}, "
                    f"valid {fact(claims[0], 'not_before')} to {fact(claims[0], 'not_after')}",
                )
            )
    return drafts


_REPORT = "Report it to whoever runs the host; the address that answers and the certificate stand in the evidence."
_WRONG = (
    (Cause.TLS_EXPIRED, "certificate-expired", "The certificate has expired at", _REPORT),
    (Cause.TLS_NOT_YET_VALID, "certificate-not-yet-valid", "The certificate is not valid yet at", _REPORT),
    (
        Cause.TLS_WRONG_NAME,
        "certificate-wrong-name",
        "The certificate is for another name at",
        "Check that DNS and routing lead to the right host (a portal, a filter or an old address answers otherwise); if "
        "they do, report it to whoever runs it.",
    ),
)
