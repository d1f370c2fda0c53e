"""Every port of a range asked for itself, from one socket: what answers, what refuses, and what stays silent.

Works in a thread of its own, in plain blocking calls: an event loop would cost more than all the rest. Nothing is
called silent that was asked once only, nor while the responder itself was not heard: with each repetition some ports
that answered before are asked again, last, and the others are judged only when these have answered. Where as many
answer to each repetition and no more, something lets only so many datagrams a second through, and it goes on as slowly.
"""

from __future__ import annotations

import random
import secrets
import select
import socket
import struct
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field

from rainbow_probe.evidence import cause_of
from rainbow_probe.model import Cause, PortRange
from rainbow_probe.net.icmp import Rejected, listen_for_errors, next_error
from rainbow_probe.net.sweep_pace import Losses, Pace
from rainbow_probe.protocols.binding import question
from rainbow_probe.protocols.stun import COOKIE, HEADER_SIZE, Class, MalformedError, Message, Method, kind_of
from rainbow_probe.protocols.stun_auth import verify

AT_A_TIME = 16  # questions between two looks at the answers: the receive buffer holds some hundred
ROUNDS = 20  # at the most; at 20 % loss each way 15 tell of 16,384 ports which are closed
DOUBT = 0.01  # ports that may be called closed by chance, by what was lost of those that are open
FEWEST = 3  # rounds without any answer before nobody is there
CONTROLS = 8  # ports that answered before, asked again at the end of each round
GRACE, FLOOR = 0.1, 0.03  # seconds at most, and at least, for what is late when the controls have answered
LATER = 4  # times as long as the controls took: what was asked before them is hardly later than that
PATIENCE = 2.0  # seconds for the controls, and for the first answers
SILENCE = 0.4  # seconds for a round in which nothing is known to answer
LONGEST = 30.0  # seconds of all rounds beside what the rate takes; what is not settled then is not told
SLOWEST = 60.0  # seconds where only so many datagrams a second get through
MOST = 2048
BUFFER = 1 << 22
_ID = struct.Struct("!8sHH")  # our own secret, the port, the round: 12 bytes, as STUN's transactions have
TRIES = 20
OURSELVES = "this machine"
"""Who rejects what this machine's own packet filter does not let out."""
UNASKED = range(30000, 40001)
"""The gateway's RTP ports (guide 4.6): a question from one of them would open it to what shall come unasked."""
_PLAIN = struct.pack("!HHI", kind_of(Method.BINDING, Class.REQUEST), 0, COOKIE)
_SUCCESS, _ERROR = (struct.pack("!H", kind_of(Method.BINDING, one)) for one in (Class.SUCCESS, Class.ERROR))
WANTS_TOKEN = frozenset({400, 401})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to sweep, and how fast."""

    host: str
    """An address."""
    ports: Sequence[int]
    source: PortRange | None = None
    """Whence the real client sends, where that matters."""
    token: str = field(default="", repr=False)
    key: bytes | None = field(default=None, repr=False)
    """What answers are signed with, if there is a token."""
    rate: int = 0
    """Questions a second; 0 for as fast as it goes."""


@dataclass
class Swept:
    """What came of it."""

    open: set[int] = field(default_factory=set[int])
    refused: dict[int, Rejected] = field(default_factory=dict[int, Rejected])
    """By port, who sent an ICMP error; only some systems tell, and few routers send one for each datagram."""
    wants_token: bool = False
    sent: int = 0
    rounds: int = 0
    settled: bool = False
    """Whether the last round found nothing that the one before had missed, while the responder was heard."""
    limit: int = 0
    """How many answers a second came, where these were no more however fast was asked; 0 where there was no such."""
    source: int = 0


class Sweep:
    """One sweep; ``run`` blocks, and ``stop`` ends it from another thread."""

    def __init__(self, asked: Asked) -> None:
        """Plan; nothing is sent yet."""
        self._asked = asked
        self._secret = secrets.token_bytes(8)
        self._stop = threading.Event()
        self.swept = Swept()
        self._controls: set[int] = set()
        self._losses = Losses()
        self._sending = 0.0
        self._began = time.monotonic()
        self._wanted = frozenset(asked.ports)

    def stop(self) -> None:
        """End it soon, with what it has found."""
        self._stop.set()

    def run(self) -> Swept:
        """Ask until all that can be told is told. Raises ``OSError`` where there is no way to the host at all."""
        pace, end = Pace(self._asked.rate), self._began + LONGEST
        end += 2 * len(self._wanted) / pace.rate if pace.rate else 0.0
        with closing(self._socket()) as own:
            self.swept.source = own.getsockname()[1]
            for _ in range(ROUNDS):
                before = len(self.swept.open)
                silent = [port for port in self._asked.ports if port not in self.swept.open]
                if not silent or self._stop.is_set() or time.monotonic() > end:
                    break
                heard = self._round(own, silent, pace.rate)
                if self.swept.wants_token and not self.swept.open:
                    break
                found = len(self.swept.open) - before
                if self._is_settled(found, heard=heard):
                    self.swept.settled = True
                    break
                slower, self.swept.limit = pace.slower(found, len(silent), self._sending), pace.limit
                if slower:
                    self._losses.forget(self.swept.rounds)
                    end = max(end, self._began + SLOWEST)
                    if (len(self._wanted) - len(self.swept.open)) / pace.rate > end - time.monotonic():
                        break  # it would come to no end either, and say no more
        self.swept.settled |= self._wanted <= self.swept.open
        return self.swept

    def _is_settled(self, found: int, *, heard: bool) -> bool:
        rounds = self.swept.rounds
        if found or self._losses.rounds(rounds) < 2:
            return False
        if not self.swept.open:
            return rounds >= FEWEST
        return heard and self._losses.doubt(len(self._wanted) - len(self.swept.open), rounds) < DOUBT

    def _socket(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._asked.host else socket.AF_INET
        own = socket.socket(family, socket.SOCK_DGRAM)
        try:
            own.setblocking(False)
            with suppress(OSError):
                own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            listen_for_errors(own)
            _bind(own, self._asked.source)
        except BaseException:
            own.close()
            raise
        return own

    def _round(self, own: socket.socket, silent: Sequence[int], rate: int) -> bool:
        """Ask *silent* once, then some that answered before; return whether these did so again."""
        self.swept.rounds += 1
        began = time.monotonic()
        self._send_all(own, silent, rate)
        self._sending = time.monotonic() - began
        if self._complete():
            return True
        known = sorted(self.swept.open)
        self._controls = set(random.sample(known, min(CONTROLS, len(known))))
        if not self._controls:
            self._listen(own, SILENCE)
            return False
        half, began = len(self._controls) // 2, time.monotonic()
        self._send_all(own, list(self._controls), rate)
        self._listen(own, PATIENCE, unheard=half)
        if not self._complete():
            self._listen(own, min(GRACE, max(FLOOR, LATER * (time.monotonic() - began))))
        return len(self._controls) <= half

    def _complete(self) -> bool:
        return len(self.swept.open) == len(self._wanted)

    def _send_all(self, own: socket.socket, ports: Sequence[int], rate: int) -> None:
        began, batch = time.monotonic(), AT_A_TIME if not rate else max(1, min(AT_A_TIME, rate // 100))
        for at in range(0, len(ports), batch):
            if self._stop.is_set():
                return
            for port in ports[at : at + batch]:
                self._send(own, port)
            self._receive(own)
            if rate:
                self._listen(own, began + (at + batch) / rate - time.monotonic())

    def _send(self, own: socket.socket, port: int) -> None:
        transaction = _ID.pack(self._secret, port, self.swept.rounds)
        token = self._asked.token
        packet = question(token, transaction=transaction) if token else _PLAIN + transaction
        while True:
            try:
                own.sendto(packet, (self._asked.host, port))
            except BlockingIOError:
                select.select([], [own], [], GRACE)
            except OSError as exc:
                if self._errors(own):  # one that was waiting
                    continue
                if not isinstance(exc, PermissionError):  # there is no way there
                    raise
                self.swept.refused.setdefault(port, Rejected(port=port, sender=OURSELVES, cause=cause_of(exc)))
                return
            else:
                self.swept.sent += 1
                return

    def _listen(self, own: socket.socket, seconds: float, unheard: int = -1) -> None:
        """Take what comes for *seconds*, or until nothing is missing, or no more controls than *unheard* are."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._stop.is_set():
            if len(self._controls) <= unheard or (self._complete() and not self._controls):
                return
            if select.select([own], [], [], min(left, GRACE))[0]:
                self._receive(own)

    def _receive(self, own: socket.socket) -> None:
        while True:
            try:
                packet, place = own.recvfrom(MOST)
            except BlockingIOError:
                return
            except OSError:
                self._errors(own)
                continue
            if place[0].partition("%")[0] == self._asked.host.partition("%")[0]:
                self._take(packet, place[1])

    def _take(self, packet: bytes, port: int) -> None:
        """Believe an answer that names our secret and comes from the very port that was asked."""
        if len(packet) < HEADER_SIZE or packet[8:16] != self._secret or packet[16:18] != port.to_bytes(2, "big"):
            return
        if packet.startswith(_SUCCESS) and (self._asked.key is None or verify(packet, self._asked.key)):
            if port not in self.swept.open:
                self._losses.answered(self.swept.rounds)
                self.swept.open.add(port)
            if self._controls and packet[18:20] == self.swept.rounds.to_bytes(2, "big"):
                self._controls.discard(port)
        elif packet.startswith(_ERROR):
            self.swept.wants_token |= _code(packet) in WANTS_TOKEN

    def _errors(self, own: socket.socket) -> bool:
        """Take the ICMP errors that are waiting; return whether there was one."""
        found = False
        while (error := next_error(own)) is not None:
            found = True
            if error.cause is not Cause.UNKNOWN:
                self.swept.refused.setdefault(error.port, error)
        return found


def _code(packet: bytes) -> int:
    try:
        return (Message.parse(packet).error() or (0, ""))[0]
    except MalformedError:
        return 0


def _bind(own: socket.socket, source: PortRange | None) -> None:
    any_way = "::" if own.family is socket.AF_INET6 else "0.0.0.0"  # noqa: S104 - as a client's own
    if source is None:
        own.bind((any_way, _ephemeral(own.family, any_way)))
        return
    ports = random.sample(range(source.first, source.last + 1), min(TRIES, source.last - source.first + 1))
    for port in ports[:-1]:
        with suppress(OSError):
            own.bind((any_way, port))
            return
    own.bind((any_way, ports[-1]))


def _ephemeral(family: int, any_way: str) -> int:
    """Find a port as the system gives it, yet none at which something is to arrive that nobody here has asked for."""
    for _ in range(TRIES):
        with socket.socket(family, socket.SOCK_DGRAM) as own:
            own.bind((any_way, 0))
            port: int = own.getsockname()[1]
        if port not in UNASKED:
            return port
    return 0


def longest(ports: int, rate: int) -> float:
    """Return the seconds within which a sweep ends: twice through at its own rate is always possible."""
    return max(SLOWEST, LONGEST + (2 * ports / rate if rate else 0.0))


def ports_in(first: int, last: int, without: Iterable[int] = ()) -> list[int]:
    """Return the ports from *first* to *last*, in no order that a scan has: an even load for whoever is on the way."""
    left_out = frozenset(without)
    ports = [port for port in range(first, last + 1) if port not in left_out]
    random.shuffle(ports)
    return ports
