"""No row: how long idle links to the push service hold; only with ``--push-idle``, as it takes that long.

A device hears of a call on a link that may be idle for half an hour. A firewall or NAT that forgets it sooner makes
that device miss calls, and nobody is told. Stopped half way, it says how long they have held until then.
"""

from __future__ import annotations

from functools import partial

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Cause, Failure, Flow, Outcome, PeerError, Phase, Verdict
from rainbow_probe.net.held import Held, Opening, answers, hold
from rainbow_probe.net.paths import Hop, open_stream, passed, resolve
from rainbow_probe.net.route import Route

MINUTE = 60.0  # seconds


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Hold links to the first address of the host, all at once."""
    longest, limit = max(route.push_waits), route.limits.exchange
    hop = Hop(address=(await resolve(flow.target, route, rec))[0], authority=flow.target)
    opening: Opening = partial(open_stream, hop, flow, route, rec.aside(longest + 4 * limit))
    rec.restart_budget(extra=longest + 4 * limit)
    async with rec.step(Phase.TLS, f"{flow.target} idle", limit=longest + 4 * limit) as facts:
        held = Held()

        def told() -> None:
            facts.update(held.facts())
            rec.so_far = _stopped(held)

        if not await answers(opening, limit):
            raise PeerError(Cause.CANNOT_TELL, "the service does not answer strangers, so no silence tells anything")
        rec.so_far = _stopped(held)
        await hold(opening, route.push_waits, limit, held, told)
        return passed(_lasted(held, longest))


def _stopped(held: Held) -> Verdict:
    """Return what is known when it is stopped now."""
    reason = f"idle links had held for {_time(held.longest)} when it was stopped"
    failure = Failure(phase=Phase.TLS, cause=Cause.INTERRUPTED, detail=reason)
    return Verdict(outcome=Outcome.INCONCLUSIVE, reason=reason, failure=failure)


def _lasted(held: Held, longest: float) -> str:
    """Say how long links hold. Raises ``PeerError`` if they do not, or if it cannot be told."""
    if held.cut:
        between = f"between {_time(held.longest)} and {_time(min(held.cut))}"
        raise PeerError(Cause.CUT_AFTER_IDLE, f"idle links go dead {between}, while a fresh one answers")
    if held.longest < longest:
        after, how = min(held.ended, default=(0.0, "no link could be opened"))
        what = f"longer than {_time(held.longest)} could not be tried: links ended after {_time(after)} ({how})"
        raise PeerError(Cause.CANNOT_TELL, f"{what}, perhaps by the service itself, which does not know us")
    return f"idle links hold for {_time(longest)}"


def _time(seconds: float) -> str:
    return f"{seconds / MINUTE:g} min" if seconds >= MINUTE else f"{seconds:.3g} s"
