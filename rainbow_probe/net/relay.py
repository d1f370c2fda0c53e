"""One TURN client on one link: requests repeated until answered, each a recorded step."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self

from rainbow_probe.evidence import Facts, Recorder
from rainbow_probe.model import Cause, Endpoint, Flow, PeerError, Phase
from rainbow_probe.net.alternates import Door, Links
from rainbow_probe.net.links import Datagrams
from rainbow_probe.net.paths import Hop, open_datagrams
from rainbow_probe.net.route import Route
from rainbow_probe.protocols.stun import Message
from rainbow_probe.protocols.transaction import Transaction, not_stun
from rainbow_probe.protocols.turn import Address, Client

LAST_WORD = 0.97  # share of a step's limit after which we say ourselves what was missing
SHORTEST_WAIT = 0.1  # seconds between repetitions on a quick path
USUAL_WAIT = (
    0.25  # and where nobody answered yet, or the path is slow: the RFC's doubling gives too few on a lossy line
)
FIRST_WAITS = (0.5, 0.5)  # before anything is known; RTO, RFC 8489 section 6.2.1
PATIENCE = 3.0  # seconds for others of us to leave a server at which this user may have no more
ELSEWHERE = frozenset({Cause.ALLOCATION_MISMATCH, Cause.TRY_ALTERNATE})
"""Asked again from another port, where the server still holds what was allocated from ours before, or elsewhere."""
LATER = frozenset({Cause.QUOTA})
MOST = 2  # times that each of these is answered by another try; a chain of redirections must end


class Relay:
    """A TURN client that speaks over *link* and records what it does."""

    def __init__(self, link: Datagrams, hop: Hop, route: Route, rec: Recorder, door: Door | None = None) -> None:
        """Speak as *route* says; the steps carry the address of *hop*; *door* opens more links like *link*."""
        self.client = Client(route.turn, reliable=link.reliable)
        self.link = link
        self._subject = hop.label
        self._rec = rec
        self.limit = route.limits.exchange if link.reliable else route.limits.datagrams
        self._wait: float | None = None
        self._door = door
        self._credentials = route.turn
        self._owed = False
        self._host, self._allocations = hop.authority.host, route.allocations
        self._stay: AsyncExitStack | None = None

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, hop: Hop, flow: Flow, route: Route, rec: Recorder, links: Links = open_datagrams
    ) -> AsyncGenerator[Self]:
        """Open a link of its own; an allocation made on it is given back when the block ends."""
        async with AsyncExitStack() as stack:
            door = Door(hop, flow, route, rec, links, stack)
            relay = cls(await door.link(), hop, route, rec, door)
            relay._stay = stack
            try:
                yield relay
            finally:
                await relay.give_back()

    @property
    def patience(self) -> float:
        """Seconds within which this server's answers come, unless they are lost."""
        return self._wait or SHORTEST_WAIT

    async def bind(self) -> Address | None:
        """Ask for our address as the server sees it: STUN passes on this path."""
        async with self._rec.step(Phase.STUN, self._subject, limit=self.limit) as facts:
            answer = await self._settled(self.client.binding, facts)
            mapped = answer.mapped_address()
            facts |= {"mapped": _text(mapped), "software": self.client.software}
            if unknown := answer.unknown():
                facts["unknown_attributes"] = " ".join(unknown)
        return mapped

    async def allocate(self, *, patient: bool = True) -> bool:
        """Ask for a relayed address; False if the server asks for credentials and there are none.

        A server that still holds an allocation of whoever had our port before is asked from another port, as RFC 8656
        section 7.4 has it. One that has given this user all that it may have is asked once more, if we are *patient*,
        when somebody else of us has left it: it may be our own other checks that have it all. Who sends us to another
        server is obeyed, as clients do.
        """
        again = [*ELSEWHERE] * MOST if self._door else []
        again += LATER if patient else ()
        while (why := await self._asked(again)) is not None:
            again.remove(why)
            if why is Cause.QUOTA:
                await self._allocations.room(self._host, PATIENCE)
                self._rec.restart_budget()
            elif self._door:
                await self._anew(self._door, moved=why is Cause.TRY_ALTERNATE)
        return self.client.relayed is not None

    async def _anew(self, door: Door, *, moved: bool) -> None:
        """Go on over a new link; if it was *moved*, see that there is a server at the other end."""
        self._rec.restart_budget()
        self._subject, self.link = door.hop.label, await door.link()
        self.client = Client(self._credentials, reliable=self.link.reliable)
        if moved:
            await self.bind()

    async def _asked(self, again: Collection[Cause]) -> Cause | None:
        """Ask from the port we have; return why to ask again, if that is one of the causes *again*."""
        async with self._rec.step(Phase.TURN_ALLOCATE, self._subject, limit=self.limit) as facts:
            self._owed = True
            try:
                await self._settled(self.client.allocate, facts)
            except PeerError as exc:
                self._owed = False
                if exc.cause not in again:
                    raise
                if exc.cause is Cause.TRY_ALTERNATE and self._door:
                    facts["alternate"] = self._door.sent_on(self.client.alternate, exc)
                return exc.cause
            finally:
                facts |= {"realm": self.client.realm, "software": self.client.software}
            self._owed = self.client.relayed is not None
            facts |= {"relayed": _text(self.client.relayed), "lifetime": self.client.lifetime}
            facts["mapped"] = _text(self.client.mapped)
        return None

    async def permit(self, peers: Sequence[str]) -> None:
        """Let *peers* send to our relayed address."""
        async with self._rec.step(Phase.TURN_PERMISSION, self._subject, limit=self.limit) as facts:
            facts["peers"] = " ".join(peers)
            await self._settled(lambda: self.client.permission(peers), facts)

    async def bind_channel(self, peer: Address) -> None:
        """Bind a channel to *peer*, which permits it too."""
        async with self._rec.step(Phase.TURN_CHANNEL, self._subject, limit=self.limit) as facts:
            facts["peer"] = _text(peer)
            await self._settled(lambda: self.client.channel(peer), facts)

    async def send(self, peer: Address, data: bytes) -> None:
        """Send *data* to *peer* through the relay."""
        await self.link.send(self.client.send(peer, data))

    async def receive(self) -> tuple[Address, bytes]:
        """Return what a peer sent through the relay, and which."""
        while (item := self.client.receive(await self.link.receive())) is None:
            pass
        return item

    async def release(self) -> None:
        """Give the allocation back (RFC 8656 section 8.1), and hear that it is gone."""
        async with self._rec.step(Phase.TURN_ALLOCATE, self._subject, limit=self.limit) as facts:
            facts["lifetime"] = 0
            try:
                await self._settled(lambda: self.client.refresh(0), facts)
            except PeerError as exc:
                if exc.cause is not Cause.ALLOCATION_MISMATCH:  # what it says if it heard the first of two
                    raise
        self.client.relayed, self._owed = None, False

    async def give_back(self) -> None:
        """Free the allocation without waiting for the answer; also one that was asked for and not heard of.

        A stream's allocation ends with the stream, RFC 8656 section 3.2.
        """
        if self.client.relayed is not None or (self._owed and not self.link.reliable):
            self.client.relayed, self._owed = None, False
            try:
                await self.link.send(self.client.refresh(0).request)
            except OSError:  # the path is gone; the server frees it by itself later
                return

    async def _settled(self, make: Callable[[], Transaction], facts: Facts) -> Message:
        while True:
            answer = await self._transact(make(), facts)
            if code := answer.error():
                facts |= {"code": code[0], "error": code[1]}
            if not self.client.again(answer):
                self._rec.restart_budget()  # it goes on: only silence may use up the flow's time
                return answer
            for fact in ("code", "error"):  # a challenge on the way is not how it ended
                facts.pop(fact, None)

    async def _transact(self, transaction: Transaction, facts: Facts) -> Message:
        """Send until answered. Raises ``PeerError`` for what came instead, ``TimeoutError`` if nothing did."""
        facts.complaint = transaction.complaint
        began = time.monotonic()
        end = began + self.limit * LAST_WORD
        try:
            for wait in self._waits(transaction):
                left = end - time.monotonic()
                if left <= 0:
                    break
                facts["requests"] = int(facts.get("requests") or 0) + 1
                sent = time.monotonic()
                await self.link.send(transaction.request)
                answer = await self._answer(transaction, min(wait, left))
                if answer:
                    self._arrive()
                    took = time.monotonic() - sent
                    facts["rtt_ms"] = round(took * 1000, 2)
                    self._wait = min(USUAL_WAIT, max(SHORTEST_WAIT, 3 * took))
                    return answer
        finally:
            if transaction.stray:
                facts |= {"first_bytes": transaction.stray.hex(), "first_text": transaction.stray.decode("latin-1")}
            if transaction.rejected:
                facts["rejected"] = transaction.rejected
        raise transaction.complaint() or TimeoutError(f"no answer in {time.monotonic() - began:.1f} s")

    def _arrive(self) -> None:
        """Be counted among those at the server, now that it has answered: nobody is to wait for who waits in vain."""
        if self._stay is not None:
            self._stay.enter_context(self._allocations.one(self._host))
            self._stay = None

    async def _answer(self, transaction: Transaction, wait: float) -> Message | None:
        try:
            async with asyncio.timeout(wait):
                while True:
                    packet = await self.link.receive()
                    if answer := transaction.feed(packet):
                        return answer
                    if self.link.reliable and transaction.stray:
                        raise not_stun(transaction.stray)
        except TimeoutError:
            return None

    def _waits(self, transaction: Transaction) -> Iterable[float]:
        """Yield the seconds to wait after each time the request is sent, until the step's own limit ends it."""
        if self.link.reliable:
            return transaction.waits(reliable=True)
        first = FIRST_WAITS if self._wait is None else ()
        return itertools.chain(first, itertools.repeat(self._wait or USUAL_WAIT))


class Relayed:
    """What one relay says to one peer, and hears through itself."""

    def __init__(self, relay: Relay, peer: Address) -> None:
        """Speak to *peer* through *relay*."""
        self._relay, self._peer = relay, peer

    async def send(self, data: bytes) -> None:
        """Send *data* to the peer."""
        await self._relay.send(self._peer, data)

    async def receive(self) -> bytes:
        """Return what a peer sent."""
        return (await self._relay.receive())[1]


def endpoint(address: Address) -> Endpoint:
    """Return a transport address as an endpoint."""
    return Endpoint(host=address[0], port=address[1])


def _text(address: Address | None) -> str | None:
    return None if address is None else str(endpoint(address))
