"""The site's time server: does it answer over UDP/123, and by how much do its time and this machine's differ?"""

from __future__ import annotations

from functools import partial

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Cause, Flow, PeerError, Phase, Verdict
from rainbow_probe.net import ntp
from rainbow_probe.net.paths import Hop, each_address, open_datagrams, passed
from rainbow_probe.net.relay import LAST_WORD
from rainbow_probe.net.route import Route


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Pass on an answer with a time in it; whose time is right, is judged from all that is known."""

    async def attempt(hop: Hop) -> Verdict:
        async with open_datagrams(hop, flow, route, rec) as link:
            async with rec.step(Phase.NTP, hop.label, limit=route.limits.datagrams) as facts:
                facts.complaint = partial(ntp.complaint, facts)
                answer = await ntp.ask(link, facts, LAST_WORD * route.limits.datagrams)
                if answer.passing:
                    raise PeerError(Cause.CANNOT_TELL, "the time server answers, and is asked too often just now")
                if answer.refusal:
                    raise PeerError(Cause.SERVER_ERROR, f"the time server answers, and {answer.refusal}")
                return passed(f"stratum {answer.stratum}; {_ahead(float(facts['offset_s'] or 0))}")

    return await each_address(flow, route, rec, attempt)


def _ahead(seconds: float) -> str:
    size = f"{abs(seconds) * 1000:.1f} ms" if abs(seconds) < 1 else f"{abs(seconds):.1f} s"
    return f"its time is {size} {'ahead of' if seconds > 0 else 'behind'} this machine's"
