"""A control, not a row: plain HTTP to a neutral, well-known host shows a captive portal and the time."""

from __future__ import annotations

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Failure, Flow, Outcome, Phase, Verdict
from rainbow_probe.net.http import authority, fetch, leads_elsewhere
from rainbow_probe.net.paths import Hop, each_address, failed, open_stream, passed
from rainbow_probe.net.route import Route
from rainbow_probe.protocols.excerpt import excerpt
from rainbow_probe.protocols.http import Client, Exchange


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Ask for a page whose answer is known; silence here proves nothing, as no row needs this host."""

    async def attempt(hop: Hop) -> Verdict:
        async with open_stream(hop, flow, route, rec) as stream:
            client = Client(authority(flow.target))
            answer = await fetch(client, stream, str(flow.params.get("path", "/")), rec, limit=route.limits.exchange)
        return _judged(answer, flow)

    try:
        verdict = await each_address(flow, route, rec, attempt)
    except StepError as exc:
        verdict = failed(exc.failure)
    if verdict.outcome is Outcome.FAIL and verdict.failure and verdict.failure.cause is not Cause.CAPTIVE_PORTAL:
        reason = f"the control host does not answer as it should, which proves nothing by itself: {verdict.reason}"
        return Verdict(outcome=Outcome.INCONCLUSIVE, reason=reason, failure=verdict.failure)
    return verdict


def _judged(answer: Exchange, flow: Flow) -> Verdict:
    if answer.status == flow.params.get("expect_status"):
        return passed(f"the control host answers {answer.status}, as it should")
    where = answer.headers.get("location", "")
    said = f"{answer.status} {answer.reason}, '{excerpt(where or answer.body, 120)}'"
    cause = Cause.CAPTIVE_PORTAL if _wants_a_visitor(answer, flow) else Cause.UNEXPECTED_REPLY
    return failed(
        Failure(phase=Phase.HTTP, cause=cause, detail=f"somebody else answers for {flow.target.host}: {said}")
    )


def _wants_a_visitor(answer: Exchange, flow: Flow) -> bool:
    """Tell a portal, which shows its page or leads to it, from a filter or a fault, which refuse."""
    if answer.status == 511:  # network authentication required, RFC 6585 section 6
        return True
    if 300 <= (answer.status or 0) < 400:
        return bool(leads_elsewhere(answer.headers.get("location", ""), flow.target))
    return answer.status == 200 and "html" in answer.headers.get("content-type", "").lower()
