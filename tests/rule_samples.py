"""Rule sets that use every shape of an opening."""

from __future__ import annotations

from rainbow_probe.model import PortRange, Transport
from rainbow_probe.rules import Act, Opening, RuleSet
from rainbow_probe.rules.shapes import Destination

TURN = ("turn-a.example.org", "turn-b.example.org")
RANGES = ("192.0.2.0/27", "2001:db8:1::/64")


def port(first: int, last: int = 0) -> PortRange:
    """Make a port, or a range."""
    return PortRange(first=first, last=last or first)


def host(name: str, *addresses: str) -> Destination:
    """Make a host of the service."""
    return Destination(name=name, addresses=addresses, ranges=RANGES)


UDP_OPENING = Opening(
    act=Act.OPEN,
    protocol=Transport.UDP,
    ports=(port(3478),),
    to=(host(TURN[0], "192.0.2.1", "2001:db8:1::1"), host(TURN[1], "192.0.2.2")),
    source=port(20000, 29999),
    rows=("webrtc-gateway/ice-turn",),
    clients=("webrtc-gateway",),
)
MANY_PORTS = Opening(
    act=Act.OPEN,
    protocol=Transport.TCP,
    ports=(port(443), port(5228, 5230)),
    to=(Destination(name="push.example.com", addresses=("198.51.100.7",)),),
    rows=("a/one", "a/two", "b/one", "b/two", "b/three"),
    clients=("a", "b"),
)
HIGH_RANGE = Opening(
    act=Act.OPEN,
    protocol=Transport.UDP,
    ports=(port(49152, 65535),),
    to=(Destination(addresses=RANGES, ranges=RANGES, what="conference servers"),),
    rows=("a/conference",),
    clients=("a",),
)
UNKNOWN = Opening(
    act=Act.OPEN,
    protocol=Transport.TCP,
    ports=(port(80),),
    to=(Destination(name="nowhere.example.com"),),
    rows=("a/three",),
    clients=("a",),
)
FOR_THE_PROXY = Opening(
    act=Act.OPEN,
    protocol=Transport.TCP,
    ports=(port(80),),
    to=(host(TURN[0], "192.0.2.1"),),
    by_proxy=True,
    rows=("a/four",),
    clients=("a",),
)
PERMIT = Opening(
    act=Act.PERMIT, protocol=Transport.TCP, ports=(port(80),), to=(host(TURN[0], "192.0.2.1"),), rows=("a/five",)
)
PERMIT_ADDRESS = Opening(
    act=Act.PERMIT,
    protocol=Transport.TCP,
    ports=(port(80),),
    to=(Destination(addresses=("192.0.2.1", "2001:db8:1::1"), ranges=RANGES, what="the addresses of a host"),),
)
PERMIT_NOBODY = Opening(act=Act.PERMIT, protocol=Transport.TCP, ports=(port(443),), to=(Destination(what="a host"),))
EXEMPT = Opening(act=Act.EXEMPT, protocol=Transport.TCP, ports=(port(80), port(443)), to=(host(TURN[0], "192.0.2.1"),))
EXEMPT_ADDRESS = Opening(
    act=Act.EXEMPT, protocol=Transport.TCP, ports=(port(443),), to=(Destination(addresses=("192.0.2.1",)),)
)

OPEN = (UDP_OPENING, MANY_PORTS, HIGH_RANGE, UNKNOWN, FOR_THE_PROXY)
EVERYTHING = RuleSet(
    title='A guide\'s "title"\n; with $(signs)',
    openings=(*OPEN, PERMIT, PERMIT_ADDRESS, PERMIT_NOBODY, EXEMPT, EXEMPT_ADDRESS),
    unmended=("a/six: no rule mends it",),
    own=("10.0.0.5",),
    proxy=("10.0.0.3",),
)
NOTHING = RuleSet(title="A guide", openings=())
