"""Relayed ports of our own, and what passed there: out, from a plain socket to the relay, and back from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Endpoint, Failure
from rainbow_probe.net.call import relayed
from rainbow_probe.net.relay import Relay, endpoint
from rainbow_probe.net.turn_ways import Way

PROOF = 3  # packets that show that the way to the relay works while those of the range are lost


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
    handed: int = 0
    """Packets of another relay of ours that came out of this one, while it was waited for those of the range."""
    taken: int = 0
    """Packets that this relay was seen to send elsewhere, while it was waited for those that it sent back to us."""

    @property
    def shut(self) -> bool:
        """Whether packets certainly do not pass both ways: they are not lost between the server and this machine."""
        lost = self.taken if self.out else self.handed
        return not self.back and (lost >= PROOF or (self.refused is not None and not self.out))


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotted:
    """What came of asking for ports."""

    ports: list[Port]
    refused: list[Failure]
    """Of those that were not to be had, why."""

    @property
    def full(self) -> bool:
        """Whether this user may have no more at once."""
        return any(failure.cause is Cause.QUOTA for failure in self.refused)


async def allot(
    stack: AsyncExitStack,
    way: Way,
    count: int,
    peers: Iterable[str],
    rec: Recorder,
    wanted: Callable[[int], bool] = lambda _: True,
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
        await relay.allocate(patient=False)  # there are many of us
        port = Port(relay=relay, at=endpoint(relayed(relay)))
        if not wanted(port.at.port):
            await relay.give_back()
            return None
        mapped = {relay.client.mapped[0]} if relay.client.mapped else set[str]()
        await _permit_all(port, peers | mapped)
    except StepError as exc:
        return exc.failure
    return port


async def _permit_all(port: Port, ours: set[str]) -> None:
    """Permit *ours* and the relay's own address, for the control; without that if the server's policy is against it."""
    try:
        await permit(port, ours | {port.at.host})
    except StepError as exc:
        if exc.failure.cause is not Cause.PERMISSION_DENIED or port.at.host in ours:
            raise
        await permit(port, ours)


async def permit(port: Port, peers: Iterable[str]) -> None:
    """Let those of *peers* in that are of the relay's own family, and are not let in already."""
    family = ":" in port.at.host
    more = sorted({peer for peer in peers if peer and (":" in peer) == family} - port.permitted)
    if more:
        await port.relay.permit(more)
        port.permitted.update(more)
