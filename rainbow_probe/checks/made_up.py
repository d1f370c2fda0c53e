"""A control, not a row: does a name that nobody has made exist here, as it is or as an absolute one?"""

from __future__ import annotations

import secrets

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Failure, Flow, Outcome, Phase, Verdict
from rainbow_probe.net.paths import failed, passed
from rainbow_probe.net.route import Route


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Look up a label of chance below the host; pass if there is no such name, as there should not be.

    With a dot at its end a name is absolute, and the system adds no domain of its own to it (RFC 1034, section 3.1).
    """
    name = f"{secrets.token_hex(8)}.{flow.target.host}"
    found = [await _look_up(one, route, rec) for one in (name, f"{name}.")]
    if led := [address for one in found if not isinstance(one, Failure) for address in one]:
        detail = f"a name made up below {flow.target.host} leads to {led[0]}"
        return failed(Failure(phase=Phase.RESOLVE, cause=Cause.WRONG_ADDRESS, detail=detail))
    unknown = [one for one in found if isinstance(one, Failure) and one.cause is not Cause.NXDOMAIN]
    if unknown:
        return Verdict(outcome=Outcome.INCONCLUSIVE, reason=str(unknown[0]), failure=unknown[0])
    return passed(f"a name made up below {flow.target.host} does not exist, as it should")


async def _look_up(name: str, route: Route, rec: Recorder) -> tuple[str, ...] | Failure:
    kind = "absolute" if name.endswith(".") else "relative"
    try:
        async with rec.step(Phase.RESOLVE, f"a made-up name, {kind}", limit=route.limits.resolve) as facts:
            found = await route.names.find(name)
            facts |= {kind: " ".join(found.addresses)}
    except StepError as exc:
        return exc.failure
    return found.addresses
