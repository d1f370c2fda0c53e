"""Does TURN pass, and does data really come back through the relay (RFC 8656)?"""

from __future__ import annotations

import asyncio
import itertools
import time

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Flow, PeerError, Phase, Scalar, Verdict
from rainbow_probe.net.paths import Hop, each_address, passed
from rainbow_probe.net.relay import LAST_WORD, Relay
from rainbow_probe.net.route import Route
from rainbow_probe.protocols.turn import Address

PACKETS = 10  # one lost datagram must not look like a block
PACE = 0.005  # seconds between them
GRACE = 0.3  # seconds for stragglers once the first came back
FULL = frozenset({Cause.QUOTA, Cause.CAPACITY})


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Bind, allocate and, with credentials, send data from one allocation to another and back."""

    async def attempt(hop: Hop) -> Verdict:
        async with Relay.opened(hop, flow, route, rec) as near:
            mapped = await near.bind()
            seen = f"seen from outside as {mapped[0]}" if mapped else "no mapped address"
            if not await near.allocate():
                return passed(f"TURN answers and asks for credentials (realm {near.client.realm}); {seen}")
            return await _there_and_back(near, hop, flow, route, rec)

    return await each_address(flow, route, rec, attempt)


async def _there_and_back(near: Relay, hop: Hop, flow: Flow, route: Route, rec: Recorder) -> Verdict:
    async with Relay.opened(hop, flow, route, rec) as far:
        try:
            await far.allocate()
        except StepError as exc:
            if exc.failure.cause in FULL:
                return passed(f"allocated; no second allocation to send data to: {exc.failure.detail}")
            raise
        here, there = _relayed(near), _relayed(far)
        await far.permit([here[0]])
        await near.permit([there[0]])
        await near.bind_channel(there)
        async with rec.step(Phase.TURN_DATA, hop.label, limit=route.limits.exchange) as facts:
            try:
                async with asyncio.timeout(route.limits.exchange * LAST_WORD):
                    await _Exchange(near, far, there, facts).run()
            except TimeoutError as exc:
                raise PeerError(Cause.NO_DATA_BACK, f"0 of {facts['sent']} packets came back") from exc
    return passed(f"{facts['received']} of {facts['sent']} packets back through the relay in {facts['rtt_ms']} ms")


def _relayed(relay: Relay) -> Address:
    if relay.client.relayed is None:
        raise PeerError(Cause.STUN_ERROR, "no relayed address")
    return relay.client.relayed


class _Exchange:
    """Numbered packets from *near* to *there*, where *far* returns them."""

    def __init__(self, near: Relay, far: Relay, there: Address, facts: dict[str, Scalar]) -> None:
        self._near, self._far, self._there, self._facts = near, far, there, facts
        self._sent: dict[bytes, float] = {}
        self._trips: dict[bytes, float] = {}

    async def run(self) -> None:
        """Run until some packets came back, and give stragglers a moment."""
        self._facts.update(sent=0, received=0)
        async with asyncio.TaskGroup() as group:
            echo = group.create_task(self._give_back())
            back = group.create_task(self._collect())
            out = group.create_task(self._send())
            await asyncio.wait({back, out}, return_when=asyncio.FIRST_COMPLETED)
            for task in (echo, back, out):
                task.cancel()

    async def _send(self) -> None:
        for number in itertools.count():
            data = number.to_bytes(4, "big")
            self._sent[data] = time.monotonic()
            self._facts["sent"] = len(self._sent)
            await self._near.send(self._there, data)
            await asyncio.sleep(PACE if number < PACKETS - 1 else GRACE)
            if number >= PACKETS - 1 and self._trips:
                return

    async def _give_back(self) -> None:
        while True:
            peer, data = await self._far.receive()
            await self._far.send(peer, data)

    async def _collect(self) -> None:
        while len(self._trips) < PACKETS:
            _, data = await self._near.receive()
            if data in self._sent:
                self._trips.setdefault(data, time.monotonic() - self._sent[data])
                self._facts.update(received=len(self._trips), rtt_ms=round(min(self._trips.values()) * 1000, 2))
