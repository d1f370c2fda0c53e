"""A control, not a row: does this network lead to IPv4 hosts through IPv6 addresses that its resolver makes up?"""

from __future__ import annotations

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Flow, Outcome, Phase, Verdict
from rainbow_probe.net.paths import passed
from rainbow_probe.net.route import Route
from rainbow_probe.protocols.nat64 import KNOWN_NAME, prefix_in


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Look up the name that has IPv4 addresses only (RFC 7050); pass whether or not it got an IPv6 one here."""
    try:
        async with rec.step(Phase.RESOLVE, flow.target.host, limit=route.limits.resolve) as facts:
            found = await route.names.find(flow.target.host)
            prefix = prefix_in(found.addresses)
            facts |= {"addresses": " ".join(found.addresses), "nat64": prefix}
    except StepError as exc:
        if exc.failure.cause is Cause.NXDOMAIN:  # a resolver that looks no further, or gives no IPv4 address
            return passed(f"no NAT64: {KNOWN_NAME} is not known here")
        return Verdict(outcome=Outcome.INCONCLUSIVE, reason=str(exc.failure), failure=exc.failure)
    if prefix:
        return passed(f"a NAT64 leads to IPv4 hosts through {prefix}, with addresses that the resolver makes (DNS64)")
    return passed(f"no NAT64: {KNOWN_NAME} has no IPv6 address here")
