"""Ports of this machine to which a responder sends of itself: does what nobody here has asked from arrive?

The question goes from one socket to one port of the responder, and says to which port here the answer shall come, and
from which port there (RFC 5780). So no state of a firewall lets it in: the answer is the first that passes between
these two ports.
"""

from __future__ import annotations

import secrets
import selectors
import socket
import struct
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

from rainbow_probe.net.many import SPARE, Bound, allow_files, bind_all
from rainbow_probe.net.sweep import LONGEST, SLOWEST
from rainbow_probe.net.sweep_pace import Losses, Pace
from rainbow_probe.protocols.binding import port_value, question
from rainbow_probe.protocols.stun import Attr
from rainbow_probe.protocols.stun_auth import verify

ROUNDS, FEWEST = 12, 2
DOUBT = 0.01  # ports that may be called closed by chance, by what else was lost
LOT = 100  # questions at a time: half of what a receive buffer of the usual size holds
PATIENCE = (0.25, 0.5, 1.0)  # seconds for the answer to each of the plain questions after a lot
GRACE = 0.3  # seconds after the last
MOST = 2048
_ID = struct.Struct("!8sHH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which ports here, and who shall send from where."""

    host: str
    at: int
    """The responder's port that is asked."""
    leave_by: int
    """Its port from which it shall send."""
    ports: Sequence[int]
    token: str = field(default="", repr=False)
    key: bytes | None = field(default=None, repr=False)
    rate: int = 0


@dataclass
class Arrived:
    """What came."""

    open: set[int] = field(default_factory=set[int])
    tried: set[int] = field(default_factory=set[int])
    """The ports that were free here."""
    senders: set[int] = field(default_factory=set[int])
    """The ports that it came from."""
    heard: bool = False
    """Whether the responder answered plain questions in the last round."""
    ignored: bool = False
    """Whether it answered to the asking port instead: no responder of ours."""
    rounds: int = 0
    settled: bool = False
    limit: int = 0
    """How many came a second, where these were no more however fast was asked; 0 where there was no such."""


class Unasked:
    """One such test; ``run`` blocks, and ``stop`` ends it from another thread."""

    def __init__(self, wanted: Wanted) -> None:
        """Plan; nothing is open yet."""
        self._wanted = wanted
        self._secret = secrets.token_bytes(8)
        self._stop = threading.Event()
        self._controls = 0
        self._losses = Losses()
        self._sending = 0.0
        self.arrived = Arrived()

    def stop(self) -> None:
        """End it soon."""
        self._stop.set()

    def run(self) -> Arrived:
        """Ask for all ports, and again for those at which nothing came. Raises ``OSError`` without a way there."""
        allow_files(len(self._wanted.ports) + SPARE)
        with ExitStack() as stack:
            bound = stack.enter_context(bind_all(self._wanted.ports, socket.SOCK_DGRAM))
            ready = stack.enter_context(selectors.DefaultSelector())
            asking = stack.enter_context(closing(self._asking(ready)))
            self._watch(bound, ready)
            self._rounds(asking, ready)
        self.arrived.settled |= self.arrived.tried <= self.arrived.open
        return self.arrived

    def _rounds(self, asking: socket.socket, ready: selectors.BaseSelector) -> None:
        pace, began = Pace(self._wanted.rate), time.monotonic()
        end = began + LONGEST + (2 * len(self._wanted.ports) / pace.rate if pace.rate else 0.0)
        for _ in range(ROUNDS):
            silent = sorted(self.arrived.tried - self.arrived.open)
            if not silent or self._stop.is_set() or time.monotonic() > end:
                return
            found = self._round(asking, ready, silent, pace.rate)
            if not self.arrived.heard:
                return
            if self._is_settled(found):
                self.arrived.settled = True
                return
            slower, self.arrived.limit = pace.slower(found, len(silent), self._sending), pace.limit
            if slower:
                self._losses.forget(self.arrived.rounds)
                end = max(end, began + SLOWEST)
                if (len(silent) - found) / pace.rate > end - time.monotonic():
                    return  # it would come to no end either, and say no more

    def _is_settled(self, found: int) -> bool:
        """Tell whether chance alone hardly has kept what is missing, by what of the rest and the controls was lost."""
        silent = len(self.arrived.tried) - len(self.arrived.open)
        rounds = self.arrived.rounds
        return not found and self._losses.rounds(rounds) >= FEWEST and self._losses.doubt(silent, rounds) < DOUBT

    def _asking(self, ready: selectors.BaseSelector) -> socket.socket:
        own = socket.socket(socket.AF_INET6 if ":" in self._wanted.host else socket.AF_INET, socket.SOCK_DGRAM)
        own.setblocking(False)
        own.connect((self._wanted.host, self._wanted.at))
        ready.register(own, selectors.EVENT_READ, 0)
        return own

    def _watch(self, bound: Bound, ready: selectors.BaseSelector) -> None:
        for port, own in bound.sockets.items():
            ready.register(own, selectors.EVENT_READ, port)
            self.arrived.tried.add(port)

    def _round(self, asking: socket.socket, ready: selectors.BaseSelector, silent: Sequence[int], rate: int) -> int:
        """Ask for *silent*, some at a time; return at how many ports something came.

        After each lot a plain question: the responder takes what comes to a port in order, so that its answer says
        that the lot was taken too, and none overflows its buffer.
        """
        before = len(self.arrived.open)
        self.arrived.rounds += 1
        self.arrived.heard = True
        began = time.monotonic()
        for at in range(0, len(silent), LOT):
            self._ask(asking, ready, silent[at : at + LOT], rate)
            self.arrived.heard &= self._is_heard(asking, ready)
            if self._stop.is_set() or not self.arrived.heard:
                break
        self._sending = time.monotonic() - began
        self._listen(ready, time.monotonic() + GRACE)
        return len(self.arrived.open) - before

    def _ask(self, asking: socket.socket, ready: selectors.BaseSelector, ports: Sequence[int], rate: int) -> None:
        """Ask for *ports* evenly: a limit bears less at once than in a second."""
        began, batch = time.monotonic(), max(1, min(LOT, rate // 100)) if rate else LOT
        for at in range(0, len(ports), batch):
            for port in ports[at : at + batch]:
                self._send(asking, port)
            if rate:
                self._listen(ready, began + min(at + batch, len(ports)) / rate)

    def _listen(self, ready: selectors.BaseSelector, end: float) -> None:
        while (left := end - time.monotonic()) > 0 and not self._stop.is_set():
            self._receive(ready, left)

    def _is_heard(self, asking: socket.socket, ready: selectors.BaseSelector) -> bool:
        """Ask plainly, a few times, until the responder answers."""
        before = self._controls
        for wait in PATIENCE:
            self._send(asking, 0)
            self._losses.control(asked=1)
            end = time.monotonic() + wait
            while (left := end - time.monotonic()) > 0 and not self._stop.is_set():
                self._receive(ready, left)
                if self._controls > before:
                    return True
        return False

    def _send(self, asking: socket.socket, port: int) -> None:
        more = [(int(Attr.RESPONSE_PORT), port_value(port)), (int(Attr.LEAVE_BY), port_value(self._wanted.leave_by))]
        transaction = _ID.pack(self._secret, port, self.arrived.rounds)
        packet = question(self._wanted.token, *(more if port else ()), transaction=transaction)
        try:
            asking.send(packet)
        except (BlockingIOError, ConnectionRefusedError):  # it will be sent again
            return

    def _receive(self, ready: selectors.BaseSelector, seconds: float) -> None:
        """Wait up to *seconds* for something, and take all that is there then."""
        while events := ready.select(max(0.0, seconds)):
            seconds = 0.0
            for key, _ in events:
                if isinstance(key.fileobj, socket.socket):
                    self._take(key.fileobj, key.data)

    def _take(self, own: socket.socket, port: int) -> None:
        try:
            packet, place = own.recvfrom(MOST)
        except OSError:
            return
        if packet[8:16] != self._secret or not packet.startswith(b"\1\1"):
            return
        if self._wanted.key is not None and not verify(packet, self._wanted.key):
            return
        for_port = int.from_bytes(packet[16:18], "big")
        if port == 0:
            self._controls += for_port == 0
            self._losses.control(answered=for_port == 0)
            self.arrived.ignored |= for_port != 0
        elif for_port == port:
            if port not in self.arrived.open:
                self._losses.answered(self.arrived.rounds)
            self.arrived.open.add(port)
            self.arrived.senders.add(place[1])
