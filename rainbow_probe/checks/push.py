"""Push services: TLS from the first byte to the push port, the certificate judged (never through a proxy)."""

from __future__ import annotations

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Flow, Verdict
from rainbow_probe.net.paths import Hop, each_address, open_stream, passed
from rainbow_probe.net.route import Route


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Shake hands with every address of the push host."""

    async def attempt(hop: Hop) -> Verdict:
        async with open_stream(hop, flow, route, rec, alpn=str(flow.params.get("alpn", ""))):
            return passed("the push service completes TLS with the certificate expected of it")

    return await each_address(flow, route, rec, attempt)
