"""A control, not a row: is a connection cut after some number of bytes? Asked of proxies, with ``--full`` only.

``over`` says with what: ``relay``, data between two allocations of ours, or ``requests``, HTTPS on one connection.
"""

from __future__ import annotations

from rainbow_probe.checks.https import PING
from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import OUR_OWN, Cause, Failure, Flow, Outcome, Phase, Scalar, Verdict
from rainbow_probe.net.call import relayed
from rainbow_probe.net.http import authority
from rainbow_probe.net.paths import HTTP1, Hop, each_address, failed, open_stream, passed
from rainbow_probe.net.relay import Relay
from rainbow_probe.net.route import Route
from rainbow_probe.net.volume import MOST, through_relay, through_requests

TIMES = 4  # times the limit of an exchange: for one transfer
ALIKE = 0.15  # a limit on bytes cuts twice after as many, give or take what was on the way
TRIES = 2
SILENT = 0.5  # of the time of a transfer: after that much silence a slow way is none any more


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Pass if much data passes; fail if it is cut twice after as many bytes; else it cannot be told."""
    phase = Phase.TURN_DATA if flow.params.get("over") == "relay" else Phase.HTTP

    async def attempt(hop: Hop) -> Verdict:
        seen: list[dict[str, Scalar]] = []
        while len(seen) < TRIES:
            seen.append(found := await _transfer(hop, flow, route, rec, phase))
            if not found.get("cut"):
                return _whole(found, phase)
        first, second = (int(found.get("carried") or 0) for found in seen)
        how = f"cut after {_size(first)} ({seen[0]['cut']}), and after {_size(second)} ({seen[1]['cut']})"
        alike = first > 0 and abs(first - second) <= ALIKE * max(first, second)
        cause = Cause.CUT_AFTER_BYTES if alike else Cause.CANNOT_TELL
        return failed(Failure(phase=phase, cause=cause, detail=how))

    verdict = await each_address(flow, route, rec, attempt)
    known = verdict.failure is not None and verdict.failure.cause is Cause.CUT_AFTER_BYTES
    unclear = verdict.outcome is Outcome.FAIL and not known
    return Verdict(outcome=Outcome.INCONCLUSIVE, reason=verdict.reason, failure=verdict.failure) if unclear else verdict


def _whole(found: dict[str, Scalar], phase: Phase) -> Verdict:
    carried = int(found.get("carried") or 0)
    if found.get("goodbye") and carried < MOST:
        said = f"the server itself ends the connection after {_size(carried)}"
        return failed(Failure(phase=phase, cause=Cause.CANNOT_TELL, detail=said))
    return passed(f"{_size(carried)} pass on one connection")


def _size(carried: int) -> str:
    return f"{round(carried / 1000)} KB"


async def _transfer(hop: Hop, flow: Flow, route: Route, rec: Recorder, phase: Phase) -> dict[str, Scalar]:
    """Carry what one connection takes, and tell how it was cut if it was."""
    kept: dict[str, Scalar] = {}
    limit = TIMES * route.limits.exchange
    rec.restart_budget(extra=2 * limit)
    try:
        await (_relay if phase is Phase.TURN_DATA else _requests)(hop, flow, route, rec, kept)
    except StepError as exc:
        slow = exc.failure.cause is Cause.TIMEOUT and float(kept.get("after_s") or 0) > SILENT * limit
        if slow or exc.failure.phase is not phase or "carried" not in kept or exc.failure.cause in OUR_OWN:
            raise
        kept["cut"] = str(exc.failure.cause)
    return kept


async def _relay(hop: Hop, flow: Flow, route: Route, rec: Recorder, kept: dict[str, Scalar]) -> None:
    limit = TIMES * route.limits.exchange
    async with Relay.opened(hop, flow, route, rec) as near, Relay.opened(hop, flow, route, rec) as far:
        await near.allocate()
        await far.allocate()
        here, there = relayed(near), relayed(far)
        await far.permit([here[0]])
        await near.permit([there[0]])
        async with rec.step(Phase.TURN_DATA, hop.label, limit=limit) as facts:
            try:
                await through_relay(near, far, there, facts, limit)
            finally:
                kept |= facts


async def _requests(hop: Hop, flow: Flow, route: Route, rec: Recorder, kept: dict[str, Scalar]) -> None:
    limit = TIMES * route.limits.exchange
    async with (
        open_stream(hop, flow, route, rec, alpn=HTTP1) as stream,
        rec.step(Phase.HTTP, PING, limit=limit) as facts,
    ):
        try:
            await through_requests(stream, authority(flow.target), PING, facts, limit)
        finally:
            kept |= facts
