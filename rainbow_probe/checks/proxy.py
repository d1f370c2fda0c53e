"""The proxy itself: does it open tunnels, and does it speak HTTP/1.1 as the WebRTC gateway needs?"""

from __future__ import annotations

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Cause, Failure, Flow, Phase, Verdict
from rainbow_probe.net.paths import Hop, each_address, failed, open_stream, passed
from rainbow_probe.net.route import Route


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Open a tunnel to the target, and look at the answer's version."""

    async def attempt(hop: Hop) -> Verdict:
        async with open_stream(hop, flow, route, rec):
            answers = [step.facts for step in rec.steps if step.phase is Phase.PROXY]
        version = next(str(facts["http_version"]) for facts in answers if facts["address"] == str(hop.address))
        if version == "1.0":
            detail = "the proxy answers CONNECT with HTTP/1.0; browsers accept that, the WebRTC gateway needs 1.1"
            return failed(Failure(phase=Phase.PROXY, cause=Cause.PROXY_HTTP10, detail=detail))
        return passed(f"the proxy answers CONNECT with HTTP/{version}")

    return await each_address(flow, route, rec, attempt)
