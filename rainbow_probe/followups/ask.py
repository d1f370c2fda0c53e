"""How controls are made from the flow under suspicion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rainbow_probe.catalogue import Guide
from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import Cause, Endpoint, Flow, Outcome, Phase, Result, Scalar, Transport, Via

ANSWERS = "answers"
FEW = 4  # suspects of one kind that are followed up
SMALL = 536  # bytes of a segment that every IPv4 path carries, RFC 9293 section 3.7.1


def stopped(sofar: Sofar, phases: frozenset[Phase], causes: frozenset[Cause], *kinds: str) -> Iterator[Result]:
    """Yield what failed in one of *phases* for one of *causes*."""
    for result in sofar.ended(*kinds):
        failure = result.verdict.failure
        if result.verdict.outcome is Outcome.FAIL and failure and failure.phase in phases and failure.cause in causes:
            yield result


def few(suspects: Iterable[Result]) -> Iterator[Result]:
    """Yield the first of *suspects*, one a target: where all fails, controls of all would tell no more."""
    seen: dict[tuple[Endpoint, Transport, Via], Result] = {}
    for result in suspects:
        seen.setdefault((result.flow.target, result.flow.transport, result.flow.via), result)
    yield from list(seen.values())[:FEW]


def ask(suspect: Flow, speak: str, word: str, **params: Scalar) -> Flow:
    """Ask who answers where *suspect* went, in the protocol *speak*; *word* keeps its controls apart."""
    params = {"speak": speak, **params}
    return replace(suspect, id=f"{suspect.id}/{word}", kind=ANSWERS, params=params, control_of=suspect.id)


def neutral(guide: Guide) -> str:
    """Return the name of the host that nobody filters and that is not the service's; empty if the guide has none."""
    groups = (guide.hosts.get(flow.hosts) for flow in guide.flows.values() if flow.kind == "portal")
    return next((group.names[0] for group in groups if group and group.names), "")


def ask_neutral(suspect: Flow, guide: Guide) -> Iterator[Flow]:
    """Ask the neutral host for TLS on the port of *suspect* by the same way; once for all suspects of that port."""
    if host := neutral(guide):
        target = Endpoint(host=host, port=suspect.target.port)
        identity = f"{ANSWERS}/{target}/{Transport.TLS}/{suspect.via}"
        params: dict[str, Scalar] = {"speak": "tls"}
        asked = replace(suspect, id=identity, kind=ANSWERS, target=target, params=params, control_of=suspect.id)
        yield replace(asked, transport=Transport.TLS, source=None)
