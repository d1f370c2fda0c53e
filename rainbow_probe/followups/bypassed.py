"""What a PAC file or exceptions send past the proxy, and gets no answer there, is tried through the proxy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rainbow_probe.catalogue import Proxying
from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import Cause, Flow, Outcome, Phase, Result, Via

KINDS = ("https", "xmpp", "turn")
CLOSED = frozenset({Cause.TIMEOUT, Cause.REFUSED, Cause.RESET, Cause.UNREACHABLE, Cause.PROHIBITED})


def through_the_proxy(sofar: Sofar) -> Iterator[Flow]:
    """Ask for the same by the site's proxy, where the site has one that this destination is not to use."""
    if sofar.site.proxy is None:
        return
    for result in sofar.ended(*KINDS):
        if _is_shut(result) and _may_use_a_proxy(sofar, result.flow):
            identity = result.flow.id.removesuffix("/direct") + "/proxy/control"
            yield replace(result.flow, id=identity, via=Via.PROXY, control_of=result.flow.id)


def _is_shut(result: Result) -> bool:
    seen = result.verdict.failure
    failed = result.verdict.outcome is Outcome.FAIL and result.flow.via is Via.DIRECT
    return failed and seen is not None and seen.phase is Phase.CONNECT and seen.cause in CLOSED


def _may_use_a_proxy(sofar: Sofar, flow: Flow) -> bool:
    spec = sofar.guide.flows.get(flow.spec)
    return spec is not None and spec.proxy is Proxying.YES
