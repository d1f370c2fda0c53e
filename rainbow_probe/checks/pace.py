"""A control, not a row: are datagrams lost by chance, or only when they come fast?"""

from __future__ import annotations

from rainbow_probe.evidence import Recorder, SilenceError
from rainbow_probe.model import Cause, Flow, PeerError, Phase, Verdict
from rainbow_probe.net.pace import Pace
from rainbow_probe.net.paths import Hop, each_address, open_datagrams, passed
from rainbow_probe.net.route import Route

SLOW = Pace(sent=20, per_second=10)  # what a quota for a call would let pass
FAST = Pace(sent=150, per_second=150)  # three calls' worth, for a second
AGAIN = Pace(sent=10, per_second=10)  # who limits a rate lets these pass; who counts packets, none any more
POLICED = 0.15  # share more that is lost when sent fast than when sent slowly, and at least half of it
LONGEST = 13.0  # seconds; all take less than six, and on a slow line less than twelve


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Ask slowly, then fast, and slowly again if that was too fast, at every address; the facts have the counts."""

    async def attempt(hop: Hop) -> Verdict:
        async with open_datagrams(hop, flow, route, rec) as link:
            rec.restart_budget(extra=LONGEST)
            async with rec.step(Phase.STUN, hop.label, limit=LONGEST) as facts:
                slow = await SLOW.answered(link)
                fast = await FAST.answered(link)
                facts |= {"slow_sent": SLOW.sent, "slow_back": slow, "fast_sent": FAST.sent, "fast_back": fast}
                if not slow + fast:
                    raise PeerError(Cause.CANNOT_TELL, "nothing is answered, so nothing can be told of a pace")
                said = f"{slow} of {SLOW.sent} come back when sent slowly, {fast} of {FAST.sent} when sent fast"
                if policed(slow / SLOW.sent, fast / FAST.sent):
                    facts |= {"again_sent": AGAIN.sent, "again_back": (again := await AGAIN.answered(link))}
                    raise _limited(said, again)
        return passed(said)

    return await each_address(flow, route, rec, attempt)


def _limited(said: str, again: int) -> SilenceError:
    """Tell a limit on packets a second from one on packets: of those sent slowly once more, *again* came back."""
    if again:
        return SilenceError(Cause.RATE_LIMITED, said)
    return SilenceError(Cause.WENT_SILENT, f"{said}, and then none of {AGAIN.sent}, slowly again")


def policed(slow: float, fast: float) -> bool:
    """Tell from the shares that came back whether hurry is what was punished: by chance, both are alike."""
    return slow - fast >= POLICED and fast <= slow / 2
