"""How one flow leaves this site: what to trust, whom to ask for names, how long to wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rainbow_probe.capacity import Load
from rainbow_probe.model import Credentials, Endpoint, PortRange, Proxy
from rainbow_probe.net.allocations import Allocations
from rainbow_probe.net.names import Names
from rainbow_probe.net.proxy_auth import Logins
from rainbow_probe.net.stay import Stay
from rainbow_probe.net.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds a step may take; a step that had its limit and heard nothing has timed out."""

    resolve: float = 8.0
    connect: float = 5.0
    handshake: float = 5.0
    exchange: float = 5.0
    datagrams: float = 8.0

    @classmethod
    def within(cls, timeout: float) -> Limits:
        """Share out *timeout*, the seconds one check may take once its name is resolved.

        A dropped SYN must be proven by its own step, not by the end of the check, so every step of
        a stream gets five eighths; datagrams have one step only and get it all.
        """
        share = timeout * 5 / 8
        return cls(resolve=timeout, connect=share, handshake=share, exchange=share, datagrams=timeout)

    def scaled(self, share: float) -> Limits:
        """Return the limits with each step's time, look-ups apart, made *share* of what it is."""
        return Limits(
            resolve=self.resolve,
            connect=self.connect * share,
            handshake=self.handshake * share,
            exchange=self.exchange * share,
            datagrams=self.datagrams * share,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What every check needs to know of the way out; *proxy* only where the flow goes through it."""

    trust: Trust
    names: Names
    proxy: Proxy | None = None
    logins: Logins = field(default_factory=Logins, repr=False)
    """Shared by all routes of a run: no wrong password is tried twice."""
    limits: Limits = Limits()
    maps: Mapping[Endpoint, Endpoint] = field(default_factory=dict[Endpoint, Endpoint])
    """``--map``: where to connect instead; an empty host keeps the name and replaces the port only."""
    turn: Credentials | None = field(default=None, repr=False)
    stay: Stay = field(default_factory=Stay, repr=False)
    """Shared by all routes of a run: an account signs in once."""
    allocations: Allocations = field(default_factory=Allocations, repr=False)
    """Shared by all routes of a run: a user has so many at a server and no more."""
    resolvers: tuple[str, ...] = ()
    proxied_site: bool = False
    """Whether this site goes out through a proxy, so that a client need not resolve names itself."""
    idle_hold: float = 0.25
    """Seconds a signalling link is left idle before it must still answer."""
    idle_waits: tuple[float, ...] = ()
    """If given: for how long links are left idle, all at once, to find how long they live."""
    idle_needed: float = 60.0
    """Seconds that clients leave a link idle at most: web clients ping within 60 s."""
    push_waits: tuple[float, ...] = ()
    """If given: for how long links to the push service are left idle, all at once."""
    udp_waits: tuple[float, ...] = ()
    """If given: for how long UDP flows are left silent, all at once, to find how long they live."""
    udp_needed: float = 15.0
    """Seconds that clients leave a UDP flow silent at most: ICE's keep-alives, RFC 8445 section 11."""
    capacity: int = 0
    """How many tunnels to open through the proxy at once, to see whether it holds them; 0: not to be tried."""
    load: Load = field(default_factory=Load)
    """What the site says it has at the same time."""
    site_proxy: Proxy | None = None
    """The site's proxy even where this flow goes direct, for a check that needs a second way out."""
    segment: int = 0
    """Bytes of a TCP segment at most, for a control; 0 for what the system and the path make of it."""
    peer_token: str = field(default="", repr=False)
    """What a responder wants its questions signed with."""
    sweep_rate: int = 0
    """Datagrams a second of a sweep; 0 for as fast as it goes."""
    undecided: str = ""
    """Why clients never come to know which way to go, where a PAC file keeps them waiting for ever."""
    quality_seconds: float = 10.0
    """For how long to measure the quality of voice; 0: not at all."""
    bandwidth_kbit_s: float = 0.0
    """Up to how much to load the way of calls, each way."""
    platform: str = ""
    """``linux``, ``windows``, ``macos`` or another."""
    dynamic_ports: PortRange | None = None
    ranges: tuple[str, ...] = ()
    """The guide's published networks, for advice on addresses."""
