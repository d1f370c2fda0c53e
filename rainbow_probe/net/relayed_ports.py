"""Relayed ports of our own: what a plain socket sends to them must come out of the relay, and what it sends back, too.

Two traps. Behind a proxy the server sees the proxy's address, so every address we may come from is permitted. And a
packet that came in first would open the firewall's state, so we always send outbound first, from a fresh socket.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from rainbow_probe.evidence import Recorder, StepError, cause_of
from rainbow_probe.model import Cause, Endpoint, Failure, PeerError
from rainbow_probe.net.call import relayed
from rainbow_probe.net.links import Datagrams
from rainbow_probe.net.relay import Relay, endpoint
from rainbow_probe.net.turn_ways import Way
from rainbow_probe.net.udp import open_udp
from rainbow_probe.protocols.turn import Address

WAITS = (0.1, 0.15, *(0.25,) * 7, 0.5)  # seconds after each send; at 30 % loss each way: all ten lost at 1 port in 800
ONE_PASS = 2 * sum(WAITS)  # seconds: ten datagrams out, and ten back
CAME = b"rainbow-probe-back "


@dataclass(slots=True, kw_only=True, eq=False)
class Port:
    """One relayed port, and what passed there."""

    relay: Relay
    at: Endpoint
    permitted: set[str] = field(default_factory=set[str])
    """Addresses whose datagrams the relay lets in."""
    out: bool = False
    """Whether a datagram of ours came out of the relay."""
    back: bool = False
    """Whether one came back from there."""
    refused: Cause | None = None
    """How it was rejected, if it was."""
    sent: int = 0
    """Datagrams that were sent to it, until one came out."""
    sockets: int = 0
    """Fresh sockets that were tried in turn: a path that depends on our own port, and not on the relay's, shows so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotted:
    """What came of asking for ports."""

    ports: list[Port]
    refused: list[Failure]
    """Of those that were not to be had, why."""


async def allot(
    stack: AsyncExitStack,
    way: Way,
    count: int,
    peers: Iterable[str],
    rec: Recorder,
    wanted: Callable[[int], bool] = bool,  # any
) -> Allotted:
    """Ask for *count* ports side by side, until *stack* ends; what is not *wanted* is given back at once.

    *peers* are the addresses that may send to them, beside those as which the server sees us, and itself.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_one(stack, way, set(peers), rec.aside(), wanted)) for _ in range(count)]
    found = [task.result() for task in tasks]
    return Allotted(
        ports=[one for one in found if isinstance(one, Port)],
        refused=[one for one in found if isinstance(one, Failure)],
    )


async def _one(
    stack: AsyncExitStack, way: Way, peers: set[str], rec: Recorder, wanted: Callable[[int], bool]
) -> Port | Failure | None:
    try:
        relay = await stack.enter_async_context(Relay.opened(way.hop, way.flow, way.route, rec))
        await relay.allocate()
        port = Port(relay=relay, at=endpoint(relayed(relay)))
        if not wanted(port.at.port):
            await relay.give_back()
            return None
        mapped = {relay.client.mapped[0]} if relay.client.mapped else set[str]()
        await permit(port, peers | mapped | {port.at.host})
    except StepError as exc:
        return exc.failure
    return port


async def permit(port: Port, peers: Iterable[str]) -> None:
    """Let those of *peers* in that are of the relay's own family, and are not let in already."""
    family = ":" in port.at.host
    more = sorted({peer for peer in peers if peer and (":" in peer) == family} - port.permitted)
    if more:
        await port.relay.permit(more)
        port.permitted.update(more)


async def relays_forward(first: Port, second: Port) -> bool:
    """Show that the server relays at all: one of our allocations sends to the other."""
    there, token = (second.at.host, second.at.port), b"rainbow-probe control"
    try:
        for wait in WAITS:
            await first.relay.send(there, token)
            if await _came(second.relay, token, wait):
                return True
    except (OSError, EOFError):
        return False
    return False


async def try_all(ports: Sequence[Port]) -> None:
    """Try *ports* side by side. Raises ``PeerError`` if nobody is left to tell what comes through them."""
    async with asyncio.TaskGroup() as group:
        for port in ports:
            group.create_task(_try(port))


async def _try(port: Port) -> None:
    """Send outbound first, from a fresh socket, until it comes back or enough were lost."""
    token = f"rainbow-probe {port.at.port} {secrets.token_hex(6)}".encode()
    port.sockets += 1
    try:
        link = await open_udp(port.at)
    except OSError as exc:
        port.refused = cause_of(exc)
        return
    try:
        if peer := await _out(port, link, token):
            port.out = True
            port.back = await _back(port, link, peer, CAME + token)
    finally:
        link.close()


async def _out(port: Port, link: Datagrams, token: bytes) -> Address | None:
    """Send until it comes out of the relay; return as whom the relay saw us."""
    for wait in WAITS:
        port.sent += 1
        await link.send(token)
        if peer := await _arrived(port.relay, token, wait):
            return peer
    try:
        async with asyncio.timeout(0):  # an ICMP error, if one came, is waiting
            await link.receive()
    except TimeoutError:
        return None
    except OSError as exc:
        port.refused = cause_of(exc)
    return None


async def _back(port: Port, link: Datagrams, peer: Address, token: bytes) -> bool:
    """Have the relay send to *peer*, which is our socket, until it arrives there."""
    for wait in WAITS:
        try:
            await port.relay.send(peer, token)
        except OSError as exc:
            raise _broke() from exc
        if await _heard(link, token, wait):
            return True
    return False


async def _arrived(relay: Relay, token: bytes, wait: float) -> Address | None:
    try:
        return await _came(relay, token, wait)
    except (OSError, EOFError) as exc:
        raise _broke() from exc


def _broke() -> PeerError:
    """Say that it is not the range: nobody is left to tell what comes through it."""
    return PeerError(Cause.CANNOT_TELL, "the link to the TURN server broke while the range was tried")


async def _came(relay: Relay, token: bytes, wait: float) -> Address | None:
    """Return from where *token* came through *relay*, None if it did not within *wait* seconds."""
    try:
        async with asyncio.timeout(wait):
            while True:
                peer, data = await relay.receive()
                if data == token:
                    return peer
    except TimeoutError:
        return None


async def _heard(link: Datagrams, token: bytes, wait: float) -> bool:
    try:
        async with asyncio.timeout(wait):
            while True:
                try:
                    if await link.receive() == token:
                        return True
                except OSError:  # an ICMP error for one that was sent before another one came through
                    continue
    except TimeoutError:
        return False
