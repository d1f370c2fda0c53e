"""Second thoughts: passes that other checks take back: somebody else's certificate or address, a path too poor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rainbow_probe.judge.called import by_calls
from rainbow_probe.judge.ranges import own_end
from rainbow_probe.judge.traces import (
    addresses,
    answered_turn,
    cause,
    fact,
    interceptor,
    issuer,
    led_astray,
    over_udp,
    passes,
    phase,
    somebody_elses_web,
)
from rainbow_probe.judge.words import common_name
from rainbow_probe.model import Cause, Failure, IssuerPolicy, Outcome, Phase, Result, Transport, Verdict, Via

FULL = 0.7  # of the packets of an echo
SILENT = frozenset({Cause.TIMEOUT, Cause.NO_DATA_BACK, Cause.LARGE_LOST, Cause.WENT_SILENT})


def reviewed(results: Sequence[Result]) -> tuple[Result, ...]:
    """Take back what rests on another's certificate, a made-up address, packets too few and small, or no call."""
    return by_calls(_inspected(_not_poor(_not_borrowed(_not_made_up(own_end(results))))))


def _inspected(results: Sequence[Result]) -> tuple[Result, ...]:
    """Name what makes a TURN server silent where somebody else answers HTTP, if the server speaks TURN elsewhere."""
    speak = {result.flow.target.host for result in results if answered_turn(result)}
    boxes = {c.flow.control_of: c for c in results if c.flow.control_of and somebody_elses_web(c)}
    return tuple(_taken(r, boxes[r.flow.id]) if r.flow.id in boxes and _mute(r, speak) else r for r in results)


def _mute(result: Result, speak: set[str]) -> bool:
    silent = phase(result) is Phase.STUN and cause(result) in {Cause.TIMEOUT, Cause.CLOSED, Cause.RESET}
    return silent and result.flow.target.host in speak


def _taken(result: Result, box: Result) -> Result:
    detail = f"{result.verdict.reason}; to HTTP there, {fact(box, 'via') or fact(box, 'server') or 'a box'} answers"
    failure = Failure(phase=Phase.STUN, cause=Cause.HTTP_INSTEAD_OF_STUN, detail=detail)
    return replace(result, verdict=replace(result.verdict, reason=str(failure), failure=failure))


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


def _not_poor(results: Sequence[Result]) -> tuple[Result, ...]:
    """Fail what was tried with fewer or smaller packets than those of a call, where controls show the limit."""
    limits = {_door(r): r for r in results if r.flow.control_of and cause(r) is Cause.RATE_LIMITED}
    judged = [_limited(result, limits.get(_door(result))) for result in results]
    small = {r.flow.target.host: r for r in judged if _turn(r) and cause(r) is Cause.LARGE_LOST}
    return tuple(_small(result, small.get(result.flow.target.host)) for result in judged)


def _turn(result: Result) -> bool:
    return result.flow.kind == "turn" and over_udp(result) and not result.flow.control_of


def _door(result: Result) -> tuple[int, Transport, Via]:
    return result.flow.target.port, result.flow.transport, result.flow.via


def _small(result: Result, turn: Result | None) -> Result:
    """Fail a range of ports that was tried in small packets, where large ones to the same server are lost."""
    if turn is None or result.flow.kind != "udp-range" or not passes(result):
        return result
    return replace(result, verdict=turn.verdict)


def _thin(result: Result) -> bool:
    """Return whether much of what was sent through the relay did not come back."""
    data = [step.facts for step in result.steps if step.phase is Phase.TURN_DATA]
    return any(int(f.get("received") or 0) < FULL * int(f.get("sent") or 0) for f in data)


def _limited(result: Result, control: Result | None) -> Result:
    """Fail what got through, or fell silent, where *control* shows that fewer packets pass than any call sends."""
    if control is None or not _turn(result):
        return result
    if not ((passes(result) and _thin(result)) or cause(result) in SILENT or _lossy(result)):
        return result
    return replace(result, verdict=control.verdict)


def _lossy(result: Result) -> bool:
    """Return whether so much of what was sent through the relay was lost that nothing else could be told."""
    untold = result.verdict.failure
    return untold is not None and untold.cause is Cause.CANNOT_TELL and untold.phase in {Phase.TURN_DATA, Phase.DTLS}


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
