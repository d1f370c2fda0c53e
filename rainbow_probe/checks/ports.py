"""This machine's dynamic port range against the one the guide names for its system; nothing is sent."""

from __future__ import annotations

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Flow, Outcome, Phase, PortRange, Verdict
from rainbow_probe.net.paths import passed
from rainbow_probe.net.route import Route

SETTINGS = {
    "linux": "sysctl net.ipv4.ip_local_port_range",
    "macos": "sysctl net.inet.ip.portrange.first",
    "windows": "netsh int ipv4 set dynamicport",
}


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
    reason = (
        f"this machine uses ports {ports}, the guide prints {guide}: nothing to do, unless a firewall filters by "
        f"source port; then its rule must name {ports} too{_setting(route.platform)}"
    )
    return Verdict(outcome=Outcome.SKIPPED, reason=reason)


def _setting(platform: str) -> str:
    """Say how the system is given the guide's range instead."""
    return f", or the system be given the guide's ({SETTINGS[platform]})" if platform in SETTINGS else ""
