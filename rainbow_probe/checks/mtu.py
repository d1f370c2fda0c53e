"""A control, not a row: up to which size datagrams reach a STUN server in one piece."""

from __future__ import annotations

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Cause, Flow, Outcome, PeerError, Phase, Verdict
from rainbow_probe.net.paths import Hop, each_address, passed
from rainbow_probe.net.route import Route
from rainbow_probe.net.sizes import AGAIN, SIZES, Sizes
from rainbow_probe.net.udp import open_whole

ROUNDS = 14  # 2 s, and at most 100 datagrams a second


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Send Bindings of several sizes to every address; which were answered stands in the facts."""

    async def attempt(hop: Hop) -> Verdict:
        async with rec.step(Phase.CONNECT, hop.address, limit=route.limits.connect):
            link, whole = await open_whole(hop.address)
        try:
            if not whole:
                return Verdict(outcome=Outcome.SKIPPED, reason="this system sends no datagrams in one piece")
            async with rec.step(Phase.STUN, hop.label, limit=max(route.limits.datagrams, 2 * ROUNDS * AGAIN)) as facts:
                sizes = Sizes(link, ":" in hop.address.host)
                await sizes.run(ROUNDS)
                facts |= {"largest_passed": max(sizes.answered, default=0), "told": sizes.told}
                facts["smallest_lost"] = min(set(SIZES) - sizes.answered, default=0)
                if not sizes.answered:
                    raise PeerError(Cause.CANNOT_TELL, "no size is answered, so nothing can be told of sizes")
        finally:
            link.close()
        return _told(sizes)

    return await each_address(flow, route, rec, attempt)


def _told(sizes: Sizes) -> Verdict:
    lost = set(SIZES) - sizes.answered
    if not lost:
        return passed(f"packets of up to {max(SIZES)} bytes pass in one piece")
    how = "and the path says so" if sizes.told else "and nobody says so"
    return passed(f"packets of {max(sizes.answered)} bytes pass, of {min(lost)} bytes not, {how}")
