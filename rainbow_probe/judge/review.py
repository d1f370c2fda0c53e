"""Second thoughts: a pass that rests on a certificate, or an address, which other checks show to be somebody else's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rainbow_probe.judge.traces import addresses, fact, interceptor, issuer, led_astray, passes
from rainbow_probe.judge.words import common_name
from rainbow_probe.model import Cause, Failure, IssuerPolicy, Outcome, Phase, Result, Verdict


def reviewed(results: Sequence[Result]) -> tuple[Result, ...]:
    """Take back what rests on somebody else's certificate, and look-ups that gave a made-up address."""
    return _not_borrowed(_not_made_up(results))


def _not_made_up(results: Sequence[Result]) -> Sequence[Result]:
    """Fail the look-ups of names that lead where names lead that nobody has made, and where nothing is served."""
    astray = led_astray(results)
    return [_misled(result) if _leads_to(astray, result) else result for result in results]


def _leads_to(astray: set[str], result: Result) -> bool:
    found = set(addresses(result)) if result.flow.kind == "dns" and not result.flow.control_of else set[str]()
    inside = set(fact(result, "private").split())  # told by itself, as it may be meant
    return bool(found) and found <= astray - inside and passes(result)


def _misled(result: Result) -> Result:
    detail = f"leads to {', '.join(addresses(result))}, as do names that nobody has made, and nothing is served there"
    failure = Failure(phase=Phase.RESOLVE, cause=Cause.WRONG_ADDRESS, detail=detail)
    return replace(result, verdict=Verdict(outcome=Outcome.FAIL, reason=str(failure), failure=failure))


def _not_borrowed(results: Sequence[Result]) -> tuple[Result, ...]:
    """Take back what passed at a host where any issuer would do, if the issuer there is one who stands in for others.

    Bytes of the real protocol came back, but through hands that are not the operator's: whether the operator's own
    client takes that certificate nobody can tell from here.
    """
    strangers = {issuer(result) for result in results if _stands_in(result)} - {""}
    return tuple(_doubted(result) if _borrowed(result, strangers) else result for result in results)


def _stands_in(result: Result) -> bool:
    """Return whether a host that must show a public authority showed another one."""
    if result.flow.policy is IssuerPolicy.OPERATOR:
        return False
    return bool(interceptor(result)) or _untrusted(result)


def _untrusted(result: Result) -> bool:
    causes: Iterable[Failure | None] = (step.failure for step in result.steps)
    return any(failure is not None and failure.cause is Cause.TLS_UNTRUSTED for failure in causes)


def _borrowed(result: Result, strangers: set[str]) -> bool:
    return result.flow.policy is IssuerPolicy.OPERATOR and passes(result) and issuer(result) in strangers


def _doubted(result: Result) -> Result:
    by = common_name(issuer(result))
    said = f"answered, but with the certificate of {by}, who stands in for other hosts here, and not of the operator: "
    failure = Failure(phase=Phase.TLS, cause=Cause.CANNOT_TELL, detail=f"{said}whether the client takes it is unknown")
    verdict = Verdict(outcome=Outcome.INCONCLUSIVE, reason=failure.detail, failure=failure, alive=result.verdict.alive)
    return replace(result, verdict=verdict)
