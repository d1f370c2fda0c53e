"""SSH to the WebRTC gateway: does a server give its first line? Nobody logs in."""

from __future__ import annotations

import asyncio

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Flow, Phase, Verdict
from rainbow_probe.net.links import ByteStream
from rainbow_probe.net.paths import Hop, each_address, open_stream, passed
from rainbow_probe.net.route import Route
from rainbow_probe.protocols.ssh import Banner


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Pass on the identification of RFC 4253."""

    async def attempt(hop: Hop) -> Verdict:
        async with open_stream(hop, flow, route, rec) as stream:
            async with rec.step(Phase.SSH, hop.label, limit=route.limits.exchange) as facts:
                facts["banner"] = line = await _line(stream, 0.9 * route.limits.exchange)
        return passed(f"an SSH server answers: {line}")

    return await each_address(flow, route, rec, attempt)


async def _line(stream: ByteStream, seconds: float) -> str:
    """Wait for the line; who says something else and then nothing is no SSH server."""
    banner = Banner()
    try:
        async with asyncio.timeout(seconds):
            while not (line := banner.feed(await stream.receive())):
                pass
    except TimeoutError:
        raise banner.complaint(late=True) or TimeoutError(f"no answer in {seconds:g} s") from None
    return line
