"""This machine's dynamic port range against the one the guide names for its system; nothing is sent."""

from __future__ import annotations

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Flow, Outcome, Phase, PortRange, Verdict
from rainbow_probe.net.paths import passed
from rainbow_probe.net.route import Route


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Compare; a difference matters only to a firewall that filters by source port, so it never fails."""
    printed = str(flow.params.get(route.platform, ""))
    ports = route.dynamic_ports
    if ports is None or not printed:
        reason = "the dynamic port range of this system is not known here"
        return Verdict(outcome=Outcome.SKIPPED, reason=reason)
    first, _, last = printed.partition("-")
    guide = PortRange(first=int(first), last=int(last))
    rec.note(Phase.CONNECT, "dynamic ports", here=str(ports), guide=str(guide))
    if ports.first in guide and ports.last in guide:
        return passed(f"this machine uses ports {ports}, within the guide's {guide}")
    reason = f"this machine uses ports {ports}, the guide prints {guide}: a rule by source port must cover both"
    return Verdict(outcome=Outcome.SKIPPED, reason=reason)
