"""What is tried beside a tunnel that led nowhere: a neutral host by the same proxy, and the same host directly.

Together they tell the proxy's own refusal, a firewall behind it, and a target that is down, from one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rainbow_probe.catalogue import FlowSpec, Proxying
from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import Cause, Endpoint, Failure, Flow, Outcome, Phase, Transport, Via

UNREACHED = frozenset({Cause.PROXY_TARGET_FAILED, Cause.PROXY_RESOLVE_FAILED})
"""What the proxy says when the fault lies beyond it."""
UNHEARD = frozenset({Cause.TIMEOUT, Cause.CLOSED, Cause.RESET})
FOREIGN = frozenset({Cause.NOT_TLS, Cause.HTTP_INSTEAD_OF_STUN, Cause.NOT_STUN})
"""Somebody else's bytes in the tunnel."""
FIRST_WORDS = frozenset({Phase.TLS, Phase.STUN, Phase.HTTP})
HTTP, HTTPS = 80, 443


def beside_the_tunnel(sofar: Sofar) -> Iterator[Flow]:
    """Ask for the neutral host once for each port in doubt, and for each target in doubt past the proxy."""
    for result in sofar.ended():
        seen = result.verdict.failure
        if result.verdict.outcome is not Outcome.FAIL or seen is None or not _suspect(result.flow, seen):
            continue
        yield from _neutral(sofar, result.flow)
        if seen.cause is not Cause.PROXY_DENIED and not _tried_directly(sofar, result.flow):
            yield _past(result.flow)


def _suspect(flow: Flow, seen: Failure) -> bool:
    if flow.via is not Via.PROXY:
        return False
    if seen.phase is Phase.PROXY:
        return seen.cause in UNREACHED | UNHEARD or seen.cause is Cause.PROXY_DENIED
    return seen.phase in FIRST_WORDS and seen.cause in UNHEARD | FOREIGN


def _neutral(sofar: Sofar, suspect: Flow) -> Iterator[Flow]:
    """Yield a real exchange with the neutral host on the port of *suspect*, through the same proxy."""
    port = suspect.target.port
    for spec in _portals(sofar):
        host = Endpoint(host=sofar.guide.hosts[spec.hosts].names[0], port=port)
        kind, transport = ("https", Transport.TLS) if port == HTTPS else ("portal", Transport.TCP)
        if port in {HTTP, HTTPS}:
            yield Flow(
                id=f"{kind}/{host}/{transport}/proxy/control",
                spec=spec.id,
                kind=kind,
                target=host,
                transport=transport,
                via=Via.PROXY,
                inspection_allowed=True,
                params={"expect": "any"} if kind == "https" else spec.params,
                control_of=suspect.id,
            )


def _portals(sofar: Sofar) -> list[FlowSpec]:
    return [spec for spec in sofar.guide.flows.values() if spec.kind == "portal"][:1]


def _tried_directly(sofar: Sofar, suspect: Flow) -> bool:
    """Tell whether a row has the same flow tried directly anyhow, or it can only be tried through a proxy."""
    own = sofar.guide.flows.get(suspect.spec)
    if suspect.kind == "proxy" or own is None:
        return True
    alike = (own.kind, own.hosts, own.port, own.transport)
    return any(
        (spec.kind, spec.hosts, spec.port, spec.transport) == alike and spec.proxy is Proxying.NO
        for spec in sofar.guide.flows.values()
    )


def _past(suspect: Flow) -> Flow:
    plain = {key: value for key, value in suspect.params.items() if key != "by"}
    identity = f"{suspect.kind}/{suspect.target}/{suspect.transport}/direct/control"
    return replace(suspect, id=identity, via=Via.DIRECT, params=plain, control_of=suspect.id)
