"""Calls side by side through a relay: streams of packets, each from one allocation of ours to another, timed exactly.

Sender and receiver are one process with one clock, so the transit of each packet is known and not guessed; but it
covers the way up to the relay and the way down again.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Flow, Phase, Scalar, Transport
from rainbow_probe.net.call import relayed
from rainbow_probe.net.links import Datagrams
from rainbow_probe.net.paths import Hop, open_datagrams
from rainbow_probe.net.relay import Relay
from rainbow_probe.net.route import Route
from rainbow_probe.net.stamped import Stamped, arrival, open_stamped
from rainbow_probe.protocols.speech import Codec, Sender, source_of
from rainbow_probe.protocols.streams import MS, Trace, percentile
from rainbow_probe.protocols.turn import Address

STRAGGLERS = 1.0  # seconds at most for what is still on the way when the last packet was sent
DRAINED = 10.0  # the same where a stream has taken more than it carries, and brings it yet
TICK = 0.01  # seconds between looks at our own lag
STALL = 0.05  # seconds of lag that are no mere jitter of this machine
MOST_LAG = 0.04  # seconds, for all but one packet in twenty: with more it is no stream of a call any more
MOST_LAG_UNSTAMPED = 0.02  # where arrivals are known no better than this process comes to its turn
USUAL = 0.95  # share of all packets
FULL = frozenset({Cause.QUOTA, Cause.CAPACITY})


@dataclass
class Stream:
    """One direction of a call: packets of *sender* from one relay to the address of another, which is *far*."""

    sender: Sender
    near: Relay
    far: Relay
    there: Address
    trace: Trace = field(default_factory=Trace)


@dataclass
class Own:
    """How well this machine kept up, which is none of the network's doing."""

    lags: list[float] = field(default_factory=list[float])
    """Seconds by which our timer was late."""
    late: list[float] = field(default_factory=list[float])
    """Seconds by which packets were sent after their time."""
    stalled: float = 0.0
    """Seconds in which this process did not come to its turn."""
    dropped: int = 0
    """Packets that came in and that nobody read in time."""
    cpu: float = 0.0
    """Share of a core that this process took meanwhile, for all streams together."""
    exact: bool = False
    """Whether arrivals are known by the kernel's clock."""

    def too_busy(self) -> str:
        """Say why what was measured may be this machine's doing; empty if it is not."""
        usual = percentile([*self.late, *self.lags], USUAL)
        if self.dropped:
            return f"{self.dropped} packets came in and could not be read in time"
        if usual > (MOST_LAG if self.exact else MOST_LAG_UNSTAMPED):
            return f"one timer in twenty was more than {usual * MS:.0f} ms late"
        return ""

    def facts(self) -> dict[str, Scalar]:
        """Return what to keep of it as evidence."""
        late = self.late or self.lags
        told = {f"late_p{share}_ms": round(percentile(late, share / 100) * MS, 2) for share in (50, 99)}
        told["cpu_percent"] = round(self.cpu * 100, 1)
        return {**told, "stalled_s": round(self.stalled, 3), "unread": self.dropped, "kernel_times": self.exact}


class Talk:
    """All streams at once, for a while."""

    def __init__(self, streams: Sequence[Stream], *, drains: bool = False) -> None:
        """Nothing is sent yet; one that *drains* ends when its streams are empty, so that the next finds them so."""
        self.streams, self._drains = streams, drains
        self.own = Own()
        self._over, self._complete = False, asyncio.Event()

    async def run(self, seconds: float) -> None:
        """Talk for *seconds*, and wait for stragglers. Raises what ends a link, in a group."""
        by_far: dict[Relay, dict[int, Stream]] = {}
        by_near: dict[Relay, list[Stream]] = {}
        for stream in self.streams:
            by_far.setdefault(stream.far, {})[stream.sender.source] = stream
            by_near.setdefault(stream.near, []).append(stream)
        zero, used = time.monotonic() + TICK, time.process_time()
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(self._hear(relay, heard)) for relay, heard in by_far.items()]
            beside.append(group.create_task(self._watch()))
            talking = [
                group.create_task(self._talk(streams, seconds, zero + self._offset(streams[0])))
                for streams in by_near.values()
            ]
            await asyncio.wait(talking)
            await self._stragglers()
            for task in beside:
                task.cancel()
        self.own.cpu = (time.process_time() - used) / (time.monotonic() - zero)
        links = [relay.link for relay in by_far if isinstance(relay.link, Stamped)]
        self.own.exact, self.own.dropped = bool(links), sum(link.dropped for link in links)

    def _offset(self, stream: Stream) -> float:
        """Return when *stream* begins, so that not all send at the same moment."""
        return self.streams.index(stream) / len(self.streams) * stream.sender.codec.interval

    async def _talk(self, streams: Sequence[Stream], seconds: float, zero: float) -> None:
        """Send the packets of *streams*, which share a link, each at its time; who is late catches up."""
        own = self.own.late if not streams[0].near.link.reliable else []  # a stream that is full makes its sender wait
        interval = streams[0].sender.codec.interval
        for index in range(round(seconds / interval)):
            due = zero + index * interval
            if (left := due - time.monotonic()) > 0:
                await asyncio.sleep(left)
            own.append(time.monotonic() - due)
            for stream in streams:
                data = stream.sender.packet(index)
                stream.trace.sent.append(time.monotonic())
                await stream.near.send(stream.there, data)

    async def _watch(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(TICK)
            lag = time.monotonic() - before - TICK
            self.own.lags.append(lag)
            self.own.stalled += lag if lag > STALL else 0.0

    async def _stragglers(self) -> None:
        """Wait as long as this process has its turns: what came while it had none is not lost, but still unread."""
        self._over = True
        self._look()
        quiet, came = 0, -1
        for _ in range(round((DRAINED if self._drains else STRAGGLERS) / TICK)):
            if self._complete.is_set() or quiet >= round(STRAGGLERS / TICK):
                return
            await asyncio.sleep(TICK)
            before, came = came, sum(len(stream.trace.arrived) for stream in self.streams)
            quiet = quiet + 1 if came == before else 0

    def _look(self) -> None:
        """See whether all that was sent has come; what comes twice stands for nothing else."""
        if self._over and not any(any(stream.trace.lost) for stream in self.streams):
            self._complete.set()

    async def _hear(self, relay: Relay, streams: Mapping[int, Stream]) -> None:
        while True:
            _, data = await relay.receive()
            stream = streams.get(source_of(data) or 0)
            if stream is None:
                continue
            sent = len(stream.trace.sent)
            index = stream.sender.index(data, max(0, sent - 1))
            if index is not None and index < sent:
                stream.trace.arrived.append((index, arrival(relay.link)))
                self._look()


class End(NamedTuple):
    """Where one of two relays is reached, and by which way."""

    hop: Hop
    flow: Flow


async def opened_streams(
    codecs: Sequence[Codec], stack: AsyncExitStack, hop: Hop, flow: Flow, route: Route, rec: Recorder
) -> list[Stream]:
    """Open a way for each of *codecs*, two allocations each; as many as the server's quota allows share them.

    Of the first, the steps are kept. Raises ``StepError`` if not even one comes about.
    """
    end = End(hop, flow)
    ways = [await _pair(stack, end, end, route, rec, patient=True)]
    async with asyncio.TaskGroup() as group:
        more = [group.create_task(_another(stack, end, end, route, rec)) for _ in codecs[1:]]
    ways += [way for task in more if (way := task.result())]
    return [_stream(codec, *way) for codec, way in zip(codecs, itertools.cycle(ways), strict=False)]


async def more_streams(
    codec: Codec, count: int, stack: AsyncExitStack, hop: Hop, flow: Flow, route: Route, rec: Recorder
) -> list[Stream]:
    """Open *count* ways more, each of its own two allocations; fewer if there are no more to be had, for any reason."""
    end = End(hop, flow)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_spare(stack, end, route, rec)) for _ in range(count)]
    return [_stream(codec, *way) for task in tasks if (way := task.result())]


async def marked_stream(
    codec: Codec, tos: int, stack: AsyncExitStack, end: End, route: Route, rec: Recorder
) -> Stream | None:
    """Open a way whose packets are marked with *tos*; None if the server gives no more allocations."""
    way = await _another(stack, end, end, route, rec, tos)
    return _stream(codec, *way) if way else None


async def opened_apart(
    codecs: Sequence[Codec], stack: AsyncExitStack, here: End, there: End, route: Route, rec: Recorder
) -> tuple[list[Stream], list[Stream]]:
    """Open ways that go out over UDP and come in again over TCP, and the same the other way round.

    What TCP carries is not lost, so of the first all losses are on the way up, of the second on the way down.
    """
    ways = [await _pair(stack, here, there, route, rec, patient=True)]
    async with asyncio.TaskGroup() as group:
        more = [group.create_task(_another(stack, here, there, route, rec)) for _ in codecs[1:]]
    ways += [way for task in more if (way := task.result())]
    pairs = list(zip(codecs, itertools.cycle(ways), strict=False))
    return [_stream(codec, *way) for codec, way in pairs], [_stream(codec, *reversed(way)) for codec, way in pairs]


def anew(way: Stream, codec: Codec) -> Stream:
    """Return a stream of *codec* from the start, over the same relays as *way*."""
    return _stream(codec, way.near, way.far)


def _stream(codec: Codec, near: Relay, far: Relay) -> Stream:
    sender = Sender(codec, source=secrets.randbits(31) + 1, first=secrets.randbits(15))
    return Stream(sender=sender, near=near, far=far, there=relayed(far))


async def _spare(stack: AsyncExitStack, end: End, route: Route, rec: Recorder) -> tuple[Relay, Relay] | None:
    try:
        return await _another(stack, end, end, route, rec)
    except StepError:
        return None


async def _another(
    stack: AsyncExitStack, here: End, there: End, route: Route, rec: Recorder, tos: int = 0
) -> tuple[Relay, Relay] | None:
    try:
        return await _pair(stack, here, there, route, rec.aside(), tos)
    except StepError as exc:
        if exc.failure.cause in FULL:
            return None
        raise


async def _pair(
    stack: AsyncExitStack, here: End, there: End, route: Route, rec: Recorder, tos: int = 0, *, patient: bool = False
) -> tuple[Relay, Relay]:
    """Open two relays that have a channel to each other, as clients have for media."""
    near = await stack.enter_async_context(_opened(here.hop, here.flow, route, rec, tos))
    far = await stack.enter_async_context(_opened(there.hop, there.flow, route, rec, tos))
    await near.allocate(patient=patient)
    await far.allocate(patient=patient)
    await far.bind_channel(relayed(near))
    await near.bind_channel(relayed(far))
    return near, far


def _opened(hop: Hop, flow: Flow, route: Route, rec: Recorder, tos: int) -> AbstractAsyncContextManager[Relay]:
    links = partial(_stamped, tos) if flow.transport is Transport.UDP else open_datagrams
    return Relay.opened(hop, flow, route, rec, links)


@asynccontextmanager
async def _stamped(tos: int, hop: Hop, _flow: Flow, route: Route, rec: Recorder) -> AsyncGenerator[Datagrams]:
    async with rec.step(Phase.CONNECT, hop.address, limit=route.limits.connect):
        link = await open_stamped(hop.address, tos)
    try:
        yield link
    finally:
        link.close()


def service_classes(marked: Mapping[str, Stream]) -> dict[str, Scalar]:
    """Say what became of packets that were *marked*, by name of their class, as far as it can be known from here."""
    return {f"dscp_{name}": _class(stream) for name, stream in marked.items()}


def _class(stream: Stream) -> str:
    near, far = stream.near.link, stream.far.link
    if not isinstance(near, Stamped) or not isinstance(far, Stamped) or not near.tos_asked:
        return "not testable here"
    came, sent = len(stream.trace.firsts()), len(stream.trace.sent)
    if not came:
        return f"0 of {sent} packets arrive"
    kept = near.tos_asked in far.tos_seen  # TURN itself answers unmarked
    how = "as marked" if kept else "without the mark, which may be lost on the way up, in the relay or on the way down"
    return f"{came} of {sent} packets arrive, {how}"
