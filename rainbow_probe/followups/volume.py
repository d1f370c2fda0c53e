"""Whether a proxy cuts its tunnels after a number of bytes, with ``--full``; and whether it is the proxy's doing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import Flow, Outcome, Phase, Result, Via

VOLUME = "volume"


def transfers(sofar: Sofar) -> Iterable[Flow]:
    """Ask for one transfer through each proxy by which TURN passes: over the relay, or without one over HTTPS."""
    asked: set[str] = set()
    for result in sofar.ended("turn") if sofar.full else ():
        passes = result.verdict.outcome is Outcome.PASS and result.flow.via is Via.PROXY
        if not passes or "by" in result.flow.params or result.flow.proxy in asked:
            continue
        if any(step.phase is Phase.TURN_DATA and step.failure is None for step in result.steps):
            asked.add(result.flow.proxy)
            yield _over("relay", result)
        else:
            web = _web(sofar, result.flow.proxy)
            asked |= {one.flow.proxy for one in web}
            yield from (_over("requests", one) for one in web)


def past_the_proxy(sofar: Sofar) -> Iterable[Flow]:
    """Ask for the same transfer directly where one through a proxy was cut."""
    for result in sofar.results.values():
        flow = result.flow
        if flow.kind == VOLUME and flow.via is Via.PROXY and result.verdict.outcome is Outcome.FAIL:
            yield replace(flow, id=f"{flow.id}/past", via=Via.DIRECT, control_of=flow.id)


def _web(sofar: Sofar, proxy: str) -> list[Result]:
    """Return the REST API's check through *proxy*, if it has passed."""
    found = (one for one in sofar.ended("https") if one.flow.via is Via.PROXY and one.flow.proxy == proxy)
    return [r for r in found if r.flow.params.get("expect") == "rainbow-api" and r.verdict.outcome is Outcome.PASS][:1]


def _over(what: str, result: Result) -> Flow:
    flow = result.flow
    return replace(flow, id=f"{flow.id}/{VOLUME}", kind=VOLUME, params={"over": what}, control_of=flow.id)
