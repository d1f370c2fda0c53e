"""Where a TURN client speaks to, and where it goes when the server answers 300 (Try Alternate, RFC 8489 section 10)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Endpoint, Flow, PeerError
from rainbow_probe.net.links import Datagrams
from rainbow_probe.net.names import is_address
from rainbow_probe.net.paths import Hop
from rainbow_probe.net.route import Route
from rainbow_probe.protocols import turn

NAME = re.compile(r"(?=.{1,253}$)([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Links = Callable[[Hop, Flow, Route, Recorder], AbstractAsyncContextManager[Datagrams]]


class Door:
    """The place that links are opened to, each closed when *stack* ends."""

    def __init__(self, hop: Hop, flow: Flow, route: Route, rec: Recorder, links: Links, stack: AsyncExitStack) -> None:
        """Begin at *hop*."""
        self.hop = hop
        self._flow, self._route, self._rec = flow, route, rec
        self._links, self._stack = links, stack
        self._visited = [self._place()]

    async def link(self) -> Datagrams:
        """Open one more link."""
        return await self._stack.enter_async_context(self._links(self.hop, self._flow, self._route, self._rec))

    def sent_on(self, alternate: tuple[turn.Address, str] | None, why: PeerError) -> str:
        """Go to *alternate*, and return it as evidence. Raises *why*, and says so, if no client does.

        A certificate there must name its domain or, if it has none, that of before.
        """
        if alternate is None:
            raise why
        if reason := self._why_not(alternate):
            raise PeerError(why.cause, f"{why}, where no client goes: {reason}") from why
        (host, port), domain = alternate
        place, named = Endpoint(host=host, port=port), Endpoint(host=domain or self._flow.target.host, port=port)
        proxied = self._route.proxy is not None
        self.hop = Hop(address=self.hop.address if proxied else place, authority=place if proxied else named)
        self._flow = replace(self._flow, target=named)
        self._visited.append(self._place())
        return f"{place} {domain}".rstrip()

    def _why_not(self, alternate: tuple[turn.Address, str]) -> str:
        """Say why no client goes on to *alternate*; empty if it does.

        The family of addresses stays the same where this machine makes the connection. Nobody goes where he was, nor
        to himself unless he is there already: a server must not choose what is sent where.
        """
        (host, port), domain = alternate
        address, here = ipaddress.ip_address(host), self._address()
        if address.is_loopback and not _plain(self.hop.address.host).is_loopback:
            return "it is this machine itself"
        if here and here.version != address.version and self._route.proxy is None:
            return "it is an address of the other family"
        if not port or not _reachable(address):
            return "nothing can be there"
        if domain and not NAME.fullmatch(domain):
            return "its domain is none"
        return "we have been there" if str(Endpoint(host=host, port=port)) in self._visited else ""

    def _place(self) -> str:
        return str(self.hop.address if self._route.proxy is None else self.hop.authority)

    def _address(self) -> Address | None:
        """Return the address of the server; None if only a proxy knows it."""
        own = (self.hop.address if self._route.proxy is None else self.hop.authority).host
        return _plain(own) if is_address(own) else None


def _plain(host: str) -> Address:
    return ipaddress.ip_address(host.partition("%")[0])


def _reachable(address: Address) -> bool:
    """Return whether a server can be at *address*."""
    if address.is_multicast or address.is_unspecified or address.is_link_local:
        return False
    return address.is_loopback or not address.is_reserved
