"""What passes on a cable, with the kernel's own times: the same truth for every program that talks over it."""

from __future__ import annotations

import socket
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from rainbow_probe.protocols.streams import Trace
from tests.lab.netns import Namespace, inside

ETH_P_ALL, ETH_P_IP = 3, 0x0800  # linux/if_ether.h
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35  # linux/socket.h; Python has no names for them
TIME = struct.Struct("@qq")
ROOM = 1 << 25  # bytes in the kernel: nothing may be missed
UDP, HEAD = 17, 28  # bytes of IPv4 and UDP without options
TURN_PORT = 3478
ASKED, CHALLENGED, GRANTED = b"\x00\x03", b"\x01\x13", b"\x01\x03"  # Allocate, RFC 8656 section 5
CHANNEL = 4  # bytes before the data on a channel, RFC 8656 section 12.4
CHANNELS = frozenset(bytes([first]) for first in range(0x40, 0x80))  # first bytes of what goes on one, RFC 5766 too
LOOK = 0.2  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One datagram to or from a TURN server."""

    at: float
    outward: bool
    port: int
    """Of the client."""
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """What became of the packets that went up on channels of some client ports, and came down again."""

    sent: int
    back: int
    round_trip: float
    """Seconds, the median."""

    @property
    def lost_percent(self) -> float:
        """The share that did not come back."""
        return 100 * (1 - self.back / self.sent)


@dataclass
class Wire:
    """Everything that was seen."""

    packets: list[Packet] = field(default_factory=list[Packet])

    def allocations(self) -> list[float]:
        """Return the seconds from the first Allocate of each client port to its success."""
        asked: dict[int, float] = {}
        took: dict[int, float] = {}
        for packet in self.packets:
            if packet.outward and packet.data.startswith(ASKED):
                asked.setdefault(packet.port, packet.at)
            elif packet.data.startswith(GRANTED) and packet.port in asked:
                took.setdefault(packet.port, packet.at - asked[packet.port])
        return list(took.values())

    def turnarounds(self) -> list[float]:
        """Return the seconds that each client took from a challenge to its next Allocate: its own doing alone."""
        challenged: dict[int, float] = {}
        took: dict[int, float] = {}
        for packet in self.packets:
            if packet.data.startswith(CHALLENGED):
                challenged.setdefault(packet.port, packet.at)
            elif packet.outward and packet.data.startswith(ASKED) and packet.port in challenged:
                took.setdefault(packet.port, packet.at - challenged[packet.port])
        return list(took.values())

    def relayed(self) -> Relayed:
        """Follow what is sent on channels; ports that send little beside the others are controls, and do not count."""
        sent: dict[int, list[Packet]] = defaultdict(list)
        back: dict[bytes, deque[float]] = defaultdict(deque)
        for packet in self.packets:
            if packet.data[:1] not in CHANNELS:
                continue
            if packet.outward:
                sent[packet.port].append(packet)
            else:
                back[packet.data[CHANNEL:]].append(packet.at)
        most = max((len(one) for one in sent.values()), default=0)
        counted = [
            packet
            for one in sent.values()
            if len(one) > most / 2 and any(packet.data[CHANNEL:] in back for packet in one)
            for packet in one
        ]
        took = [there.popleft() - one.at for one in counted if (there := back.get(one.data[CHANNEL:]))]
        return Relayed(sent=len(counted), back=len(took), round_trip=median(took))

    def streams(self, began: float, ended: float) -> list[Trace]:
        """Return what was sent on channels between two moments, by client port, with the times on the cable."""
        sent: dict[int, list[Packet]] = defaultdict(list)
        back: dict[bytes, float] = {}
        for packet in self.packets:
            if packet.data[:1] in CHANNELS and began <= packet.at <= ended:
                if packet.outward:
                    sent[packet.port].append(packet)
                else:
                    back.setdefault(packet.data[CHANNEL:], packet.at)
        most = max((len(one) for one in sent.values()), default=0)
        return [_trace(one, back) for one in sent.values() if len(one) > most / 2]


def _trace(sent: list[Packet], back: Mapping[bytes, float]) -> Trace:
    came = [(n, back[one.data[CHANNEL:]]) for n, one in enumerate(sent) if one.data[CHANNEL:] in back]
    return Trace(sent=[one.at for one in sent], arrived=sorted(came, key=lambda one: one[1]))


@contextmanager
def listening(space: Namespace, device: str) -> Generator[Wire]:
    """Write down what passes *device* of *space* while the block runs."""
    wire, over = Wire(), threading.Event()
    own = inside(space, lambda: _opened(device))
    thread = threading.Thread(target=_listen, args=(own, wire, over))
    thread.start()
    try:
        yield wire
    finally:
        over.set()
        thread.join()
        own.close()


def _opened(device: str) -> socket.socket:
    own = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    own.bind((device, ETH_P_ALL))
    own.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    own.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
    own.settimeout(LOOK)
    return own


def _listen(own: socket.socket, wire: Wire, over: threading.Event) -> None:
    while True:
        try:
            data, notes, _, (_, protocol, *_) = own.recvmsg(2048, 64)
        except TimeoutError:
            if over.is_set():
                return
            continue
        if protocol == ETH_P_IP and (found := _packet(data, notes)):
            wire.packets.append(found)


def _packet(data: bytes, notes: Iterable[tuple[int, int, bytes]]) -> Packet | None:
    if len(data) < HEAD or data[0] != 0x45 or data[9] != UDP:
        return None
    source, target = struct.unpack_from("!HH", data, 20)
    if TURN_PORT not in {source, target}:
        return None
    stamp = next(value for _, kind, value in notes if kind == SO_TIMESTAMPNS)
    whole, nano = TIME.unpack(stamp)
    outward = target == TURN_PORT
    return Packet(at=whole + nano / 1e9, outward=outward, port=source if outward else target, data=data[HEAD:])
