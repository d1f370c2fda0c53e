"""ICE agents (RFC 8445) whose only candidate is a TURN allocation of ours.

aioice judges: it sends the connectivity checks, verifies their MESSAGE-INTEGRITY, answers the other agent's, and
nominates. Our own TURN client carries them, so that they go where a client's would: through the proxy's CONNECT, over
TLS with this machine's trust, and with every step recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import cast

from aioice import Candidate, Connection, TransportPolicy
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol
from aioice.stun import Class, Message

from rainbow_probe.model import Cause, PeerError
from rainbow_probe.net.relay import Relay
from rainbow_probe.protocols.stun import HEADER_SIZE
from rainbow_probe.protocols.stun_auth import verify
from rainbow_probe.protocols.stun_numbers import COOKIE_BYTES
from rainbow_probe.protocols.turn import Address

KIND = "relay"
COMPONENT = 1  # RTP and RTCP share it, RFC 8834 section 4.5
AGAIN = 0.15  # seconds between repetitions of a check: aioice's own half second, doubled, is too rare on a lossy line
INBOX = 1024  # messages kept; a flood must not fill the memory


class Agent(Connection):
    """One agent behind *relay*; what it hears, and does not keep for itself, is the other agent's."""

    def __init__(self, relay: Relay, address: Address, *, controlling: bool) -> None:
        """Be reached at *address*, which *relay* has."""
        super().__init__(controlling, transport_policy=TransportPolicy.RELAY)
        self._relay, self._address = relay, address
        self._checks = _Checks(self, relay)
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue(maxsize=INBOX)

    @property
    def peer(self) -> Address:
        """Where the nominated pair leads. Raises ``PeerError`` if there is none."""
        pair = self._nominated.get(COMPONENT)
        if pair is None:
            raise PeerError(Cause.CANNOT_TELL, "no pair was nominated")
        return pair.remote_addr

    @property
    def sent(self) -> int:
        """How many checks were sent, repetitions too."""
        return self._checks.sent

    @property
    def altered(self) -> int:
        """How many checks and answers came that neither agent has made."""
        return self._checks.altered

    def made(self, packet: bytes) -> bool:
        """Return whether one of the two agents made *packet*: who else knows a password (RFC 8445 section 7.2.2)."""
        return any(verify(packet, word.encode()) for word in (self.local_password, self.remote_password) if word)

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],  # noqa: ARG002 - of this machine: they are not used
        timeout: int = 5,  # noqa: ASYNC109, ARG002 - aioice's signature; nothing is waited for
    ) -> list[Candidate]:
        """Offer the relayed address, in place of those that aioice would gather by itself."""
        host, port = self._address
        own = Candidate(
            foundation=candidate_foundation(KIND, "udp", host),
            component=component,
            transport="udp",
            priority=candidate_priority(component, KIND),
            host=host,
            port=port,
            type=KIND,
        )
        self._checks.begin(own)
        self._protocols.append(self._checks)
        return [own]

    async def send(self, data: bytes) -> None:
        """Send *data* over the nominated pair."""
        await self._relay.send(self.peer, data)

    async def receive(self) -> bytes:
        """Return what the other agent sent, connectivity checks apart."""
        return await self._inbox.get()

    def data_received(self, data: bytes, component: int) -> None:  # noqa: ARG002 - there is one only
        """Keep what is no check; aioice's own queue has no bound."""
        with contextlib.suppress(asyncio.QueueFull):
            self._inbox.put_nowait(data)

    async def listen(self) -> None:
        """Take in what comes through the relay, for ever."""
        while True:
            peer, data = await self._relay.receive()
            self._checks.take(data, peer)

    async def speak(self) -> None:
        """Send the checks and the answers that the agent has made, for ever."""
        while True:
            data, peer = await self._checks.outbox.get()
            await self._relay.send(peer, data)


class _Checks(StunProtocol):
    """The checks of one candidate; as aioice sends without waiting, they wait in an outbox."""

    def __init__(self, agent: Agent, relay: Relay) -> None:
        super().__init__(agent)
        self._reliable = relay.link.reliable
        self.outbox: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue(maxsize=INBOX)
        self.sent = 0
        self.altered = 0
        self._agent = agent

    def begin(self, own: Candidate) -> None:
        """Be *own*'s."""
        self.local_candidate = own
        self.connection_made(_Outbox(self))

    def take(self, data: bytes, peer: Address) -> None:
        """Take in *data*; what aioice cannot read was not meant for it."""
        if looks_like(data) and not self._agent.made(data):
            self.altered += 1
            return
        with contextlib.suppress(Exception):  # hostile bytes: its parser is not made for them
            self.datagram_received(data, peer)

    def send_stun(self, message: Message, addr: tuple[str, int]) -> None:
        """Count the checks."""
        self.sent += message.message_class is Class.REQUEST
        super().send_stun(message, addr)

    async def request(
        self,
        request: Message,
        addr: tuple[str, int],
        integrity_key: bytes | None = None,
        retransmissions: int | None = None,
    ) -> tuple[Message, tuple[str, int]]:
        """Ask, and over datagrams ask more often than aioice does by itself: the same request, RFC 8489, 6.2.1."""
        more = contextlib.nullcontext() if self._reliable else _Repeating(lambda: self.send_stun(request, addr))
        with more:
            return await super().request(request, addr, integrity_key, retransmissions)


class _Repeating:
    """Do *act* again and again while the block runs."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act

    def __enter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(AGAIN, self._again)

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _again(self) -> None:
        self._act()
        self._timer = asyncio.get_running_loop().call_later(AGAIN, self._again)


class _Outbox(asyncio.DatagramTransport):
    """What aioice takes for a socket."""

    def __init__(self, checks: _Checks) -> None:
        super().__init__()
        self._checks = checks

    def sendto(self, data: bytes | bytearray | memoryview, addr: object = None) -> None:
        """Put *data* into the outbox; what finds no place is lost, as on any network."""
        with contextlib.suppress(asyncio.QueueFull):
            self._checks.outbox.put_nowait((bytes(data), cast("Address", addr)))

    def close(self) -> None:
        """Say that it is closed; the relay is another's to give back."""
        asyncio.get_running_loop().call_soon(self._checks.connection_lost, None)


@asynccontextmanager
async def two_agents(near: Relay, here: Address, far: Relay, there: Address) -> AsyncGenerator[tuple[Agent, Agent]]:
    """Make a caller at *here* and a callee at *there* who know of each other what signalling would have told them."""
    caller, callee = Agent(near, here, controlling=True), Agent(far, there, controlling=False)
    try:
        await caller.gather_candidates()
        await callee.gather_candidates()
        await _tell(caller, callee)
        await _tell(callee, caller)
        yield caller, callee
    finally:
        await caller.close()
        await callee.close()


async def _tell(agent: Agent, other: Agent) -> None:
    agent.remote_username, agent.remote_password = other.local_username, other.local_password
    for candidate in (*other.local_candidates, None):
        await agent.add_remote_candidate(candidate)


@asynccontextmanager
async def carrying(*agents: Agent) -> AsyncGenerator[None]:
    """Carry what *agents* say while the block runs; in between, their relays may be asked for something else."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for agent in agents for work in (agent.listen(), agent.speak())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def agree(caller: Agent, callee: Agent) -> None:
    """Check the pair from both ends, until it is nominated. Raises ``TimeoutError`` if aioice gives up."""
    async with carrying(caller, callee), asyncio.TaskGroup() as group:
        for agent in (caller, callee):
            group.create_task(_connected(agent))


async def _connected(agent: Agent) -> None:
    try:
        await agent.connect()
    except ConnectionError as exc:  # aioice's own, after a minute: nothing is sent from in there
        raise TimeoutError("no connectivity check was answered") from exc


def looks_like(datagram: bytes) -> bool:
    """Return whether *datagram* begins as STUN does (RFC 7983 section 7, RFC 8489 section 5)."""
    return len(datagram) >= HEADER_SIZE and datagram[0] <= 3 and datagram[4:8] == COOKIE_BYTES
