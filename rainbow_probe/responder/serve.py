"""The responder: a socket a port or few for all, one loop over them, nothing kept of anybody but how much was asked."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, cast

from rainbow_probe.model import PortRange
from rainbow_probe.net.many import SPARE, Bound, allow_files, bind_all, intervals
from rainbow_probe.protocols.binding import Answerer, Reply
from rainbow_probe.protocols.sip import answered
from rainbow_probe.responder.few import Few
from rainbow_probe.responder.quota import Quota
from rainbow_probe.responder.streams import MOST_STREAMS, Stream, accepted

MOST = 2048  # bytes of a datagram; longer ones are no questions
LOOK = 0.2  # seconds between looks at whether it is time to stop
AT_A_TIME = 256  # datagrams of one of few sockets before the others have their turn
AT_ONCE = 500 if issubclass(selectors.DefaultSelector, selectors.SelectSelector) else 1 << 20
"""Sockets that one loop can watch: select() of Windows takes 512."""
MAPPED = "::ffff:"  # an IPv4 address on a socket of both families, RFC 4291 section 2.5.5.2

Change = Callable[[tuple[PortRange, ...], tuple[PortRange, ...]], None]
"""Told of what few sockets served before, and now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to serve, for whom, and how much of it."""

    udp: tuple[PortRange, ...]
    tcp: tuple[PortRange, ...]
    address: str = ""
    """One of this machine's; empty for all."""
    token: str = field(default="", repr=False)
    rate: int = 50_000
    """Questions a second from one address."""
    few_sockets: bool = False
    """Whether rules of this machine's packet filter send the ranges to a few sockets."""


@dataclass
class Served:
    """What came of it."""

    answered: int = 0
    held_back: int = 0
    """Questions beyond the rate."""
    unanswered: int = 0
    """What was no STUN, or could not be sent."""


class Responder:
    """Ports that answer; a context manager that opens and closes them."""

    def __init__(self, wanted: Wanted) -> None:
        """Plan; nothing is open yet."""
        self._wanted = wanted
        self._streams: dict[int, Stream] = {}
        self._stack = ExitStack()
        self.count = Served()
        self.quota = Quota(wanted.rate, time.monotonic)
        self.changed: Change = _untold
        """Called when the rules for few sockets came or went."""

    def __enter__(self) -> Self:
        """Open all ports that can be had. Raises ``OSError`` for an address that is not this machine's."""
        whole = intervals(_each(self._wanted.udp))
        apart = [one for one in whole if self._wanted.few_sockets and one.first < one.last]
        udp, tcp = list(_each([one for one in whole if one not in apart])), list(_each(self._wanted.tcp))
        allow_files(len(udp) + len(tcp) + MOST_STREAMS + SPARE)
        with ExitStack() as stack:
            # First the few: where files run out, a control is worth more than one port of a range.
            self.tcp = stack.enter_context(bind_all(tcp, socket.SOCK_STREAM, self._wanted.address))
            self.udp = stack.enter_context(_leaving_some(udp, self._wanted.address))
            self.few = stack.enter_context(Few(apart, self._wanted.address))
            self._own = intervals(self.udp.sockets)
            self._answerer = Answerer(self._own, self._wanted.token)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all."""
        for stream in self._streams.values():
            stream.close()
        self._stack.close()

    def serve(self, stop: Callable[[], bool]) -> None:
        """Answer until *stop* says so; in as many threads as the system needs loops."""
        first, *others = _grouped(*([*one.sockets.items()] for one in (self.tcp, self.few, self.udp)))
        threads = [threading.Thread(target=self._loop, args=(group, stop), daemon=True) for group in others]
        for thread in threads:
            thread.start()
        self._loop(first, stop)
        for thread in threads:
            thread.join()

    def _loop(self, group: Sequence[tuple[int, socket.socket]], stop: Callable[[], bool]) -> None:
        with selectors.DefaultSelector() as ready:
            for port, own in group:
                # Of listeners the port is negative: what a socket is, is slow to ask of each datagram.
                ready.register(own, selectors.EVENT_READ, port if own.type == socket.SOCK_DGRAM else -port)
            while not stop():
                for key, _ in ready.select(LOOK):
                    self._turn(ready, key)
                self._forget(ready, time.monotonic())
                self._look(time.monotonic())

    def _look(self, now: float) -> None:
        """Say of what few sockets serve that it is served, as long as it is."""
        before = self.few.works
        if self.few.sockets and (works := self.few.look(now)) != before:
            self._answerer.served = (*self._own, *works)
            self.changed(before, works)

    def _turn(self, ready: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        own = cast("socket.socket", key.fileobj)
        port: int = key.data
        if port in self.few.sockets:
            for _ in range(AT_A_TIME):
                if not self._datagram(own, port):
                    break
        elif port > 0:
            self._datagram(own, port)
        elif stream := self._streams.get(own.fileno()):
            if not stream.ready(self._say, time.monotonic()):
                self._drop(ready, stream)
        elif (stream := accepted(own, -port, time.monotonic())) is not None:
            self._keep(ready, stream)

    def _keep(self, ready: selectors.BaseSelector, stream: Stream) -> None:
        if len(self._streams) >= MOST_STREAMS:
            stream.close()
            return
        self._streams[stream.link.fileno()] = stream
        ready.register(stream.link, selectors.EVENT_READ, 0)

    def _drop(self, ready: selectors.BaseSelector, stream: Stream) -> None:
        del self._streams[stream.link.fileno()]
        ready.unregister(stream.link)
        stream.close()

    def _forget(self, ready: selectors.BaseSelector, now: float) -> None:
        for stream in [one for one in self._streams.values() if one.until < now and one.link in ready.get_map()]:
            self._drop(ready, stream)

    def _datagram(self, own: socket.socket, port: int) -> bool:
        """Answer one: a sweep asks each port once, and whether there is another, the next look tells all together."""
        try:
            packet, (host, source, *more) = own.recvfrom(MOST)
        except OSError:  # nothing after all, or an ICMP error about an answer: that port is closed again
            return False
        if self.few.is_own(packet, time.monotonic()):
            return True
        said = self._answer(packet, host, source, port)
        if said is not None:
            self._send(own, said, (host, said.to_port or source, *more))
        return True

    def _send(self, own: socket.socket, said: Reply, place: tuple[object, ...]) -> None:
        try:
            leaving = self.udp.sockets.get(said.leave_by) or self.few.leaving(said.leave_by) or own
            leaving.sendto(said.packet, place)
            self.count.answered += 1
        except OSError:  # no way there, or no room: it will ask again
            self.count.unanswered += 1

    def _answer(self, packet: bytes, host: str, source: int, port: int) -> Reply | None:
        asker = host.removeprefix(MAPPED)
        if not self.quota.allows(asker):
            self.count.held_back += 1
            return None
        said = self._answerer.reply(packet, asker, source, port)
        if said is None and (options := answered(packet)):
            said = Reply(packet=options)
        self.count.unanswered += said is None
        return said

    def _say(self, packet: bytes, host: str, source: int, port: int) -> bytes | None:
        said = self._answer(packet, host, source, port)
        self.count.answered += said is not None
        return said.packet if said else None


def _untold(before: tuple[PortRange, ...], now: tuple[PortRange, ...]) -> None:
    del before, now


def _each(ranges: Sequence[PortRange]) -> Iterator[int]:
    """Give each port of *ranges* once, in order."""
    return iter(sorted({port for one in ranges for port in range(one.first, one.last + 1)}))


def _leaving_some(ports: Sequence[int], address: str) -> Bound:
    """Bind *ports*, and give the last ones back where that took the last file: connections need some too."""
    bound = bind_all(ports, socket.SOCK_DGRAM, address)
    if bound.beyond:
        for port in sorted(bound.sockets)[-(MOST_STREAMS + SPARE) :]:
            bound.sockets.pop(port).close()
            bound.beyond.append(port)
    return bound


def _grouped(*parts: Sequence[tuple[int, socket.socket]]) -> list[list[tuple[int, socket.socket]]]:
    everything = [one for part in parts for one in part]
    return [everything[at : at + AT_ONCE] for at in range(0, len(everything), AT_ONCE)] or [[]]
