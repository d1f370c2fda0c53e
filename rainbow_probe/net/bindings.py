"""How long a NAT or firewall keeps a UDP flow that carries nothing: several at once, each woken after its own time.

All are flows to one relayed port of ours. After a while of traffic each falls silent; then the relay sends to it, and
nobody else: what gets in still has its binding. One more keeps talking, so that it is the silence that is to blame.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from rainbow_probe.evidence import cause_of
from rainbow_probe.model import Cause, PeerError, Scalar
from rainbow_probe.net.links import Datagrams
from rainbow_probe.net.relayed_ports import Port
from rainbow_probe.net.turns import awake
from rainbow_probe.net.udp import open_udp
from rainbow_probe.protocols.turn import Address

WARM = 2.5  # seconds of traffic first: Linux, for one, keeps flows longer that are older than two
ROUNDS = 5  # of it
TRIES = (0.1, 0.2, 0.3, 0.4, 0.5)  # seconds for each packet in: one that is lost is no binding that is lost
BUSY = 0.4  # of the shortest wait: a flow with traffic is never silent for longer
AROUND = WARM + 4 * sum(TRIES)  # seconds beside the waits themselves
SIZE = 8  # bytes of a name
ENOUGH = 2  # flows that were forgotten, before those that are to be silent for longer are spared


@dataclass(slots=True, kw_only=True, eq=False)
class _Flow:
    """A plain socket and what the relay knows of it."""

    link: Datagrams
    name: bytes = field(default_factory=lambda: secrets.token_bytes(SIZE))
    seen: asyncio.Event = field(default_factory=asyncio.Event)
    peer: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """What silent flows came to, in seconds of silence."""

    lived: tuple[float, ...]
    cut: tuple[float, ...]
    """Of those only that work again as soon as a packet goes out."""
    kept: bool
    """Whether the flow with traffic lives."""

    @property
    def least(self) -> float:
        """The longest silence that a flow survived, and all that were silent for less; 0 if none did."""
        return max((one for one in self.lived if all(one < other for other in self.cut)), default=0.0)

    @property
    def most(self) -> float | None:
        """The shortest silence that a flow did not survive, None if all did."""
        return min(self.cut, default=None)

    def facts(self) -> dict[str, Scalar]:
        """Return all of it as evidence."""
        told = {"survived_s": _listed(self.lived), "cut_at_s": _listed(self.cut)}
        return {"lived_s": self.least, "cut_s": self.most, "kept": self.kept, **told}


def _listed(seconds: Sequence[float]) -> str:
    return " ".join(f"{one:g}" for one in sorted(seconds))


class Bindings:
    """Flows to *port*, which is a relayed one of ours."""

    def __init__(self, port: Port) -> None:
        """Nothing is sent yet."""
        self._port = port
        self._flows: dict[bytes, _Flow] = {}
        self._lived: list[float] = []
        self._cut: list[float] = []
        self._enough = asyncio.Event()

    async def lifetimes(self, waits: Sequence[float]) -> Lifetimes:
        """Leave a flow silent for each of *waits* (seconds). Raises ``PeerError`` if nothing can be told."""
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            listening = group.create_task(self._listen())
            talking, *silent = [await self._opened(stack) for _ in (None, *waits)]
            kept = group.create_task(self._kept(talking, BUSY * min(waits)))
            async with asyncio.TaskGroup() as tried:
                for flow, wait in zip(silent, waits, strict=True):
                    tried.create_task(self._silent(flow, wait))
            self._enough.set()
            lives = await kept
            listening.cancel()
        if not self._lived and not self._cut:
            raise PeerError(Cause.CANNOT_TELL, "no flow came about and fell silent, so nothing can be told")
        return Lifetimes(lived=tuple(self._lived), cut=tuple(self._cut), kept=lives)

    async def _opened(self, stack: AsyncExitStack) -> _Flow:
        flow = _Flow(link=await open_udp(self._port.at))
        stack.callback(flow.link.close)
        self._flows[flow.name] = flow
        return flow

    async def _listen(self) -> None:
        """Note from where each flow is seen, and answer nothing by itself."""
        try:
            while True:
                peer, data = await self._port.relay.receive()
                if flow := self._flows.get(data[:SIZE]):
                    flow.peer = peer
                    flow.seen.set()
        except (OSError, EOFError) as exc:
            raise PeerError(Cause.CANNOT_TELL, f"the link to the TURN server broke: {cause_of(exc)}") from exc

    async def _warmed(self, flow: _Flow) -> bool:
        """Talk both ways for a while, as a call does; that ends with a packet, and no pause."""
        for _ in range(ROUNDS):
            if not await self._exchanged(flow):
                return False
            await asyncio.sleep(WARM / ROUNDS)
        return await self._exchanged(flow)

    async def _exchanged(self, flow: _Flow) -> bool:
        """Send one out, and have the relay send one back."""
        flow.seen.clear()
        for wait in TRIES:
            await flow.link.send(flow.name)
            if await _within(flow.seen, wait):
                return await self._gets_in(flow)
        return False

    async def _gets_in(self, flow: _Flow) -> bool:
        """Have the relay send to where it saw the flow last; tell whether that gets in."""
        if flow.peer is None:
            return False
        for wait in TRIES:
            token = flow.name + secrets.token_bytes(SIZE)
            await self._port.relay.send(flow.peer, token)
            if await _heard(flow.link, flow.name, wait):
                return True
        return False

    async def _silent(self, flow: _Flow, wait: float) -> None:
        """Note whether *flow* has its binding after *wait* seconds; nothing if it does not come to life again."""
        if not await self._warmed(flow) or await _within(self._enough, wait):
            return
        if await self._gets_in(flow):
            self._lived.append(wait)
        elif await self._exchanged(flow):
            self._cut.append(wait)
            if len(self._cut) == ENOUGH:  # longer silences can only be cut, too
                self._enough.set()

    async def _kept(self, flow: _Flow, pause: float) -> bool:
        """Keep *flow* talking until enough is known; tell whether it still gets packets in then."""
        lives = await self._warmed(flow)
        while lives and not await _within(self._enough, pause):
            lives = await self._exchanged(flow)
        return lives and await self._gets_in(flow)


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def _heard(link: Datagrams, name: bytes, wait: float) -> bool:
    try:
        async with awake(wait):
            while True:
                try:
                    if (await link.receive()).startswith(name):
                        return True
                except OSError:  # an ICMP error, of a packet that went out
                    continue
    except TimeoutError:
        return False
