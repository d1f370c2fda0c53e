"""What a border must be told: one opening a protocol, ports, source and set of destinations."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rainbow_probe.model import PortRange, Transport


class Act(StrEnum):
    """What is to be done for a flow; always outbound, an inbound rule is never needed."""

    OPEN = "open"
    """A firewall lets it out."""
    PERMIT = "permit"
    """The proxy grants its CONNECT."""
    EXEMPT = "exempt"
    """Whoever inspects leaves it alone: no decryption, no protocol checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One host, or one set of addresses that has no name; safe to write into any rule file."""

    name: str = ""
    addresses: tuple[str, ...] = ()
    """Addresses that the name has led to, or the addresses and networks of what has no name."""
    ranges: tuple[str, ...] = ()
    """The guide's networks that it is in, if it is the service's own."""
    what: str = ""
    """Who is there, in a few words of ours, where no name says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One thing that a border must be told, and why."""

    act: Act
    protocol: Transport
    """UDP or TCP: what a firewall sees."""
    ports: tuple[PortRange, ...]
    """Of the destination; apart from each other, lowest first."""
    to: tuple[Destination, ...]
    source: PortRange | None = None
    """Local ports of the client, where the guide names them; None for any."""
    by_proxy: bool = False
    """Whether it is the site's proxy that connects, and not the clients."""
    proven: bool = True
    """Whether it is proven that the border is what stops it, and not the host that is down."""
    rows: tuple[str, ...] = ()
    """Ids of the guide's rows that need it."""
    clients: tuple[str, ...] = ()
    """Client kinds, or groups of rows, that those are of."""

    @property
    def names(self) -> tuple[str, ...]:
        """Host names of the destination."""
        return tuple(dict.fromkeys(one.name for one in self.to if one.name))

    @property
    def addresses(self) -> tuple[str, ...]:
        """Addresses and networks of the destination, as far as they are known."""
        return tuple(dict.fromkeys(address for one in self.to for address in one.addresses))

    @property
    def ranges(self) -> tuple[str, ...]:
        """The guide's networks that the destination is in."""
        return tuple(dict.fromkeys(network for one in self.to for network in one.ranges))

    @property
    def what(self) -> str:
        """Who is there, where no name says it."""
        return ", ".join(dict.fromkeys(one.what for one in self.to if one.what))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """The openings of a site, with all that a file needs to say about them."""

    title: str
    """Of the guide."""
    openings: tuple[Opening, ...]
    least: bool = True
    """Whether it is what this site's failed rows need, and not all that the guide asks for."""
    names: tuple[str, ...] = ()
    """Names that the site's resolver must let pass."""
    unmended: tuple[str, ...] = ()
    """What no rule mends: ``row id: reason``."""
    own: tuple[str, ...] = ()
    """Addresses of the machine that was tested."""
    proxy: tuple[str, ...] = ()
    """Addresses of the site's proxy, as far as they are known."""

    def of(self, *acts: Act) -> tuple[Opening, ...]:
        """Return the openings of these kinds."""
        return tuple(one for one in self.openings if one.act in acts)

    def senders(self, opening: Opening, source: str) -> tuple[str, ...] | None:
        """Return the networks that may send, where *source* is the clients'; none is any, and None is nobody known.

        What only the proxy needs is never opened to everybody.
        """
        if opening.by_proxy:
            return self.proxy or None
        return (source,) if source else ()


class By(StrEnum):
    """How a rule names its destination."""

    NAME = "name"
    ADDRESS = "address"
    RANGE = "range"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a file is to be written."""

    by: By | None = None
    """None is the product's own way: by name where it knows names."""
    source: str = ""
    """The network of the clients; empty for any."""
    chain: str = ""
    """For nftables ``FAMILY TABLE CHAIN``, for iptables ``CHAIN``: where the rules are to be looked at."""
