"""Names to addresses, as the clients get them: through the system, each name asked once a run."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

from rainbow_probe.evidence import ENOUGH, cause_of, slept
from rainbow_probe.model import OUR_OWN, Cause, Endpoint, PeerError
from rainbow_probe.net.aside import aside
from rainbow_probe.protocols import nat64

DNS_PORT = 53
RESERVED = tuple(f"{first}." for first in range(240, 256))  # 240.0.0.0/4, RFC 1112 section 4
# What getaddrinfo's codes mean, POSIX and Winsock.
_NO_SUCH_NAME = frozenset({
    socket.EAI_NONAME,
    getattr(socket, "EAI_NODATA", socket.EAI_NONAME),
    getattr(socket, "EAI_ADDRFAMILY", -9),
    11001,
    11004,
})
_FAILED = frozenset({socket.EAI_FAIL, 11003})
_OUR_OWN = frozenset({socket.EAI_MEMORY, 8})  # no memory: nothing of the network's


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The addresses of a name, and who said so: ``system``, ``resolver``, ``map`` or ``literal``."""

    addresses: tuple[str, ...]
    source: str
    left_out: tuple[str, ...] = ()
    """Addresses of the family in which this machine has no way out, as clients leave them out."""


_AddressInfo = list[tuple[Any, ...]]
LookUp = Callable[[str], Awaitable[tuple[str, ...]]]
"""A name to its addresses; raises ``PeerError`` with a cause of the resolver."""
Knows = Callable[[str], Awaitable[bool]]
"""Whether any resolver asked directly knows a name; runs until one does or all have ended."""
LATE = 1.0  # seconds the system has before somebody else is asked whether the name is known at all
PATIENCE = 12.0  # seconds more for a system that must know: 15 s are three times glibc's own 5 s for an unheard AAAA


class Names:
    """Looks each name up once, however many flows want it."""

    def __init__(
        self,
        look_up: LookUp,
        *,
        ipv6: bool,
        ipv4: bool = True,
        source: str = "system",
        knows: Knows | None = None,
        late: float = LATE,
        stalled: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Ask through *look_up*; keep IPv6 addresses only if this machine has *ipv6*, and IPv4 likewise.

        *knows* is asked about what *look_up* has not answered after *late* seconds. *stalled* tells how many seconds
        this process has stood still so far: silence that it slept through is no resolver's, and is asked about again.
        """
        self._stalled = stalled
        self._look_up = look_up
        self._has = {True: ipv6, False: ipv4}
        self._knows = knows
        self._late = late
        self._known: dict[str, asyncio.Future[bool]] = {}
        self.source = source
        self._asked: dict[str, asyncio.Future[tuple[str, ...]]] = {}

    async def find(self, host: str) -> Found:
        """Return the addresses of *host*, or raise ``PeerError`` (nxdomain, no-answer, ...)."""
        if is_address(host):
            return Found(addresses=(host,), source="literal")
        if host not in self._asked:
            self._asked[host] = asyncio.ensure_future(self._listening(host))
            self._asked[host].add_done_callback(_noticed)
            self._known[host] = asyncio.ensure_future(self._known_elsewhere(host, self._asked[host]))
        asked = self._asked[host]
        try:
            addresses = await asyncio.shield(asked)
        except PeerError as exc:
            if exc.cause is Cause.BUDGET and self._asked.get(host) is asked:
                del self._asked[host]
            raise
        kept = tuple(a for a in addresses if self._has[":" in a]) or addresses
        return Found(addresses=kept, source=self.source, left_out=tuple(a for a in addresses if a not in kept))

    async def _listening(self, host: str) -> tuple[str, ...]:
        began, stood = time.monotonic(), self._stalled()
        try:
            return await self._look_up(host)
        except PeerError as exc:
            took = time.monotonic() - began
            listened = took - (self._stalled() - stood)
            if exc.cause is Cause.NO_ANSWER and listened < took * ENOUGH:
                raise PeerError(Cause.BUDGET, slept(listened, took)) from exc
            raise

    async def reach(self, address: str) -> str:
        """Return what leads to *address*: itself, or its stand-in where only IPv6 leads out and a NAT64 is there."""
        if ":" in address or self._has[False]:
            return address
        try:
            prefix = nat64.prefix_in((await self.find(nat64.KNOWN_NAME)).addresses)
        except PeerError:  # nobody says so: then there is none
            return address
        return nat64.embed(prefix, address) if prefix else address

    def owed(self, host: str) -> bool:
        """Return whether *host* has no answer yet although a resolver knows it: it is worth waiting longer."""
        asked, known = self._asked.get(host), self._known.get(host)
        late = asked is not None and not asked.done()
        return late and known is not None and known.done() and not known.cancelled() and known.result()

    async def _known_elsewhere(self, host: str, asked: asyncio.Future[tuple[str, ...]]) -> bool:
        await asyncio.wait([asked], timeout=self._late)
        return not asked.done() and self._knows is not None and await self._knows(host)

    def close(self) -> None:
        """Stop waiting for answers nobody wants any more."""
        for asked in self._asked.values():
            asked.cancel()
        for known in self._known.values():
            known.cancel()


def _noticed(asked: asyncio.Future[tuple[str, ...]]) -> None:
    """Look at how it ended: whoever asked may be gone, and what nobody looks at is shouted at the user's terminal."""
    if not asked.cancelled():
        asked.exception()


def is_address(host: str) -> bool:
    """Return whether *host* is an IPv4 or IPv6 address rather than a name."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        return True
    return False


def resolver_endpoint(text: str) -> Endpoint:
    """Read a resolver an address, or ``address:port`` with IPv6 in brackets."""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return Endpoint(host=host, port=int(port.lstrip(":") or DNS_PORT))
    host, colon, port = text.rpartition(":")
    if colon and ":" not in host:
        return Endpoint(host=host, port=int(port))
    return Endpoint(host=text, port=DNS_PORT)


async def ask_system(host: str) -> tuple[str, ...]:
    """Ask the operating system, as the clients do (hosts file, search list and all)."""
    try:
        found = await aside(lambda: _get(host))
    except socket.gaierror as exc:
        raise PeerError(_cause(exc), f"the system's resolver: {exc.strerror or exc}") from exc
    except OSError as exc:  # EAI_SYSTEM, or what _get() found out
        ours = cause_of(exc)
        raise PeerError(ours if ours in OUR_OWN else Cause.NO_ANSWER, f"the system's resolver: {exc}") from exc
    except UnicodeError as exc:
        raise PeerError(Cause.NXDOMAIN, "not a name that DNS can hold") from exc
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _get(host: str) -> _AddressInfo:
    """Return what the system knows; ``OSError`` where it could not even look: then glibc says "no such name"."""
    try:
        return socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        with socket.socket(), socket.socket():  # as many as it needs at once: its file, or a socket of each family
            raise


def _cause(exc: socket.gaierror) -> Cause:
    if exc.errno in _OUR_OWN:
        return Cause.UNKNOWN
    if exc.errno in _NO_SUCH_NAME:
        return Cause.NXDOMAIN
    return Cause.REFUSED_BY_RESOLVER if exc.errno in _FAILED else Cause.NO_ANSWER


def confirmed(system: LookUp, resolvers: LookUp) -> LookUp:
    """Return a look-up by *system* whose bad news is confirmed by asking the *resolvers*.

    The system's error codes do not tell "no such name" from "nobody answered" on every platform.
    """

    async def look_up(host: str) -> tuple[str, ...]:
        try:
            return await system(host)
        except PeerError as exc:
            raise await _explained(exc, resolvers, host) from exc

    return look_up


def outside_only(look_up: LookUp, *, inside: Collection[str]) -> LookUp:
    """Return *look_up* refusing addresses at which no service can be, as filtering resolvers give them.

    The names in *inside* are this site's own, such as a proxy on this machine.
    """

    async def checked(host: str) -> tuple[str, ...]:
        addresses = await look_up(host)
        own = host in inside or host.rstrip(".").rpartition(".")[2] == "localhost"
        if addresses and not own and all(nowhere(address) for address in addresses):
            raise PeerError(Cause.WRONG_ADDRESS, f"the resolver leads to {', '.join(addresses)}, where nothing can be")
        return addresses

    return checked


def nowhere(address: str) -> bool:
    """Return whether *address* is none a service on the Internet can have, such as 0.0.0.0."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return parsed.is_unspecified or parsed.is_loopback or parsed.is_multicast or address.startswith(RESERVED)


async def _explained(exc: PeerError, resolvers: LookUp, host: str) -> PeerError:
    try:
        known = await resolvers(host)
    except PeerError as direct:
        precise = direct.cause is not Cause.NO_ANSWER
        return PeerError(direct.cause if precise else exc.cause, f"{exc}; {direct}")
    return PeerError(exc.cause, f"{exc}, though a resolver asked directly answers {known[0]}")
