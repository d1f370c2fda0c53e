"""The kinds of checks there are, and the small ones among them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.checks import kinds, load
from rainbow_probe.demo.loopback import loopback
from rainbow_probe.model import Endpoint, IssuerPolicy, Outcome, Phase, PortRange, Transport
from tests.servers import APPLE, a_flow, a_route, facts, mute, names, phases, probe, shows

WITH_CREDENTIALS = {"udp-range", "call", "quality", "bandwidth"}
LAN = {"sweep", "sweep-in", "sip", "sips", "ntp", "ssh"}
KINDS = {
    "dns",
    "https",
    "xmpp",
    "turn",
    "push",
    "proxy",
    "proxy-capacity",
    "portal",
    "ports",
    "account",
    "xmpp-account",
    "download",
    *WITH_CREDENTIALS,
    *LAN,
}
"""What rows stand on, and the control of each run."""
FOLLOW_UPS = {
    "answers",
    "made-up",
    "mtu",
    "nat",
    "nat64",
    "pace",
    "proxy-policy",
    "push-idle",
    "relay-reach",
    "udp-binding",
    "volume",
}
"""What only a suspicion asks for, or a proxy that opens tunnels."""


def test_every_file_is_a_kind() -> None:
    """A new kind is one new file, found without being imported."""
    assert kinds() == KINDS | FOLLOW_UPS
    assert set(load(kinds())) == kinds()
    with pytest.raises(ModuleNotFoundError):
        load({"telepathy"})


@pytest.mark.parametrize(
    ("platform", "here", "outcome"),
    [
        ("linux", PortRange(first=32768, last=60999), Outcome.PASS),
        ("linux", PortRange(first=40000, last=50000), Outcome.PASS),
        ("linux", PortRange(first=1024, last=60999), Outcome.SKIPPED),
        ("linux", PortRange(first=32768, last=65535), Outcome.SKIPPED),
        ("linux", None, Outcome.SKIPPED),
        ("plan9", PortRange(first=32768, last=60999), Outcome.SKIPPED),
    ],
)
async def test_the_dynamic_ports_are_compared(platform: str, here: PortRange | None, outcome: Outcome) -> None:
    """A range within the guide's passes; another one matters only to a firewall, so it never fails."""
    flow = a_flow("ports", 0, params={"linux": "32768-60999"})
    result = await probe(flow, replace(a_route(), platform=platform, dynamic_ports=here))
    assert result.verdict.outcome is outcome
    if here and platform == "linux":
        assert result.steps[0].facts == {"here": str(here), "guide": "32768-60999"}
        assert str(here) in result.verdict.reason


async def test_a_push_service_is_judged_by_its_certificate() -> None:
    """TLS from the first byte, the protocol asked for, the issuer expected; nothing is sent after that."""
    async with loopback() as place:
        port = await place.tcp(mute, shows(APPLE, alpn=("apns-security-v3",)))
        flow = replace(a_flow("push", port, params={"alpn": "apns-security-v3"}), policy=IssuerPolicy.APPLE)
        result = await probe(flow, a_route())
    assert result.verdict.outcome is Outcome.PASS
    assert phases(result) == [Phase.RESOLVE, Phase.CONNECT, Phase.TLS]
    assert facts(result, Phase.TLS)["alpn"] == "apns-security-v3"


@pytest.mark.parametrize(
    "kind", sorted(KINDS - WITH_CREDENTIALS - {"ports", "dns", "proxy-capacity", "account", "xmpp-account"})
)
async def test_a_name_without_an_address_reaches_no_server(kind: str) -> None:
    """Whatever the kind: no connection is tried."""
    flow = replace(a_flow(kind, 443, Transport.TCP), target=Endpoint(host="nowhere.test", port=443))
    result = await probe(flow, replace(a_route(), names=names()))
    assert result.verdict.outcome in {Outcome.FAIL, Outcome.INCONCLUSIVE}
    assert phases(result) == [Phase.RESOLVE]
