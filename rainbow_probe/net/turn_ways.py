"""Ways to an allocation at a TURN server: all are tried at once, and the first in order that works is used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Endpoint, Flow, Transport, Via
from rainbow_probe.net.allocations import Allocations
from rainbow_probe.net.paths import Hop, resolve
from rainbow_probe.net.relay import Relay
from rainbow_probe.net.route import Route

OPENING = 0.6  # share of an exchange's limit for each way: several addresses may have to be tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way by which an allocation came about."""

    hop: Hop
    flow: Flow
    route: Route
    mapped: str
    """As what the server saw us on it; empty if it did not say."""

    @property
    def direct(self) -> bool:
        """Whether it went past any proxy, so that it was this machine that the server saw, or its NAT."""
        return self.route.proxy is None

    @property
    def reliable(self) -> bool:
        """Whether each allocation takes a connection of its own."""
        return self.flow.transport is not Transport.UDP


class Ways:
    """UDP, TLS and TCP to one server, and TLS and TCP through the site's proxy, all under way."""

    def __init__(self, tasks: Sequence[asyncio.Task[Way | StepError]]) -> None:
        """Take the attempts in order of preference."""
        self._tasks = tasks

    @classmethod
    @asynccontextmanager
    async def tried(cls, flow: Flow, route: Route, rec: Recorder) -> AsyncGenerator[Ways]:
        """Try all of them; what is not known when the block ends, nobody needs any more."""
        async with asyncio.TaskGroup() as group:
            ways = cls([group.create_task(_noted(way, over, rec)) for way, over in _ways(flow, route)])
            yield ways
            for task in ways._tasks:
                task.cancel()

    async def first(self) -> Way:
        """Return the first in order that works. Raises ``StepError``, of the first in order, if none does."""
        for task in self._tasks:
            if isinstance(found := await task, Way):
                return found
        raise next(error for task in self._tasks if isinstance(error := task.result(), StepError))

    async def quickest(self) -> Way:
        """Return the first to work. Raises ``StepError``, of the first in order, if none does."""
        waiting = set(self._tasks)
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in self._tasks:
                if task in done and isinstance(found := task.result(), Way):
                    return found
        return await self.first()

    async def working(self) -> list[Way]:
        """Return all that work, when all have ended."""
        return [found for task in self._tasks if isinstance(found := await task, Way)]


def _ways(flow: Flow, route: Route) -> list[tuple[Flow, Route]]:
    straight = replace(route, proxy=None)
    ways = [(Transport.UDP, straight), (Transport.TLS, straight), (Transport.TCP, straight)]
    if route.site_proxy is not None:
        proxied = replace(route, proxy=route.site_proxy)
        ways += [(Transport.TLS, proxied), (Transport.TCP, proxied)]
    return [(replace(flow, transport=t, target=_door(flow, t), source=None), over) for t, over in ways]


def _door(flow: Flow, transport: Transport) -> Endpoint:
    return Endpoint(host=flow.target.host, port=int(flow.params.get(f"{transport}_port") or flow.target.port))


async def _noted(flow: Flow, route: Route, rec: Recorder) -> Way | StepError:
    """Try one way; what it recorded counts when it has come to its end."""
    beside = rec.aside()
    found = await _tried(flow, route, beside)
    rec.adopt(beside)
    return found


async def _tried(flow: Flow, route: Route, rec: Recorder) -> Way | StepError:
    """Allocate at one address after the other, IPv4 first: relayed addresses are IPv4 unless asked otherwise."""
    via = replace(flow, via=Via.PROXY if route.proxy else Via.DIRECT)
    try:
        addresses = await resolve(route.proxy.endpoint if route.proxy else flow.target, route, rec)
    except StepError as exc:
        return exc
    first, *others = sorted(addresses, key=lambda address: ":" in address.host)
    tried = await _at(first, via, route, rec)
    while others and isinstance(tried, StepError):
        tried = await _at(others.pop(0), via, route, rec)
    return tried


async def _at(address: Endpoint, flow: Flow, route: Route, rec: Recorder) -> Way | StepError:
    """Look quickly; what is done there later has all of its time, as much more may be done at once."""
    hop = Hop(address=address, authority=flow.target)
    rec.restart_budget()
    wait = route.limits.exchange * OPENING
    quick = replace(route.limits, connect=wait, handshake=wait, exchange=wait, datagrams=wait)
    # Nobody is to wait for who only looks which way there is.
    apart = replace(route, limits=quick, allocations=Allocations())
    try:
        async with Relay.opened(hop, flow, apart, rec) as relay:
            await relay.allocate()
            mapped = relay.client.mapped
    except StepError as exc:
        return exc
    return Way(hop=hop, flow=flow, route=route, mapped=mapped[0] if mapped else "")
