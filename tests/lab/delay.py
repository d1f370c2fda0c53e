"""A line with a long way between two namespaces: packets come out as they went in, later, or not at all.

``python -m tests.lab.delay NS DEVICE NS DEVICE --delay-ms 50`` makes a TUN device in each namespace and carries
packets between them, half of the delay each way. ``tc netem`` does this in kernels that have it; not all have. With
``--log FILE`` it writes down what it did to each packet of a call, which is the truth that a measurement must meet.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import random
import select
import struct
import sys
import time
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from pathlib import Path
from typing import TextIO

from tests.lab.netns import inside_named

TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TUN_NO_PI = 0x1001
LARGEST = 65536
READY = "the line is up"
UDP = 17
CALL = struct.Struct("!20s8sHHBBHII")  # IPv4 and UDP without options, a channel's header, and RTP's


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is wrong with a line."""

    delay_ms: float = 0.0
    """Of the round trip."""
    jitter_ms: float = 0.0
    """Added to each UDP datagram by chance, up to so much each way; they overtake each other."""
    loss_percent: float = 0.0
    """Of UDP datagrams, each way."""
    kbit_s: float = 0.0
    """What it carries each way; 0: whatever comes."""
    down_kbit_s: float = 0.0
    """What it carries towards the site, where that is not as much."""
    queue_ms: float = 1000.0
    """For how long packets wait at most for their turn; beyond that they are dropped."""

    @property
    def options(self) -> list[str]:
        """This line as arguments."""
        return [f"--{name.replace('_', '-')}={getattr(self, name):g}" for name in self.__slots__]


def open_tun(namespace: str, device: str) -> int:
    """Make the TUN *device* in *namespace* and return its descriptor; the device lives as long as that."""

    def make() -> int:
        descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH", device.encode(), IFF_TUN_NO_PI))
        return descriptor

    return inside_named(namespace, make)


def call_of(packet: bytes) -> tuple[int, int] | None:
    """Return stream and number of a packet of a call through a relay; None if it is anything else."""
    if len(packet) < CALL.size or packet[0] != 0x45 or packet[9] != UDP:
        return None
    _, _, channel, _, version, _, sequence, _, source = CALL.unpack_from(packet)
    return (source, sequence) if 0x4000 <= channel < 0x5000 and version == 0x80 else None


class Direction:
    """One way of the line: what came in at *source* goes out at *sink* as *line* lets it."""

    def __init__(self, source: int, sink: int, line: Line, log: TextIO | None = None, name: str = "") -> None:
        """Begin with nothing on the way."""
        self.source = source
        self._sink, self._line, self._log, self._name = sink, line, log, name
        self._on_the_way: list[tuple[float, int, float, bytes]] = []
        self._free, self._count = 0.0, 0
        self._chance = random.Random()  # noqa: S311 - a lossy line is no secret

    def take(self) -> None:
        """Take in everything that waits at the source."""
        try:
            while True:
                packet = os.read(self.source, LARGEST)
                now = time.monotonic()
                due = self._due(packet, now)
                if due is None:
                    self._note(packet, now, -1.0)
                else:
                    self._count += 1
                    heappush(self._on_the_way, (due, self._count, now, packet))
        except BlockingIOError:
            return

    def _due(self, packet: bytes, now: float) -> float | None:
        """Return when *packet* comes out; None if it is lost."""
        line = self._line
        datagram = packet[0] >> 4 == 4 and packet[9] == UDP
        if datagram and self._chance.random() * 100 < line.loss_percent:
            return None
        through = now
        if line.kbit_s:
            begins = max(now, self._free)
            if begins - now > line.queue_ms / 1000:
                return None
            through = self._free = begins + len(packet) * 8 / (line.kbit_s * 1000)
        return through + line.delay_ms / 2000 + self._chance.random() * line.jitter_ms / 1000 * datagram

    def hand_out(self) -> float:
        """Let out what is due; return the seconds until the next packet is, or a long time."""
        while self._on_the_way:
            due, _, came, packet = self._on_the_way[0]
            left = due - time.monotonic()
            if left > 0:
                return left
            heappop(self._on_the_way)
            self._note(packet, came, time.monotonic())
            self._send(packet)
        return 3600.0

    def _note(self, packet: bytes, came: float, went: float) -> None:
        call = call_of(packet) if self._log else None
        if self._log and call:
            self._log.write(f"{self._name} {call[0]} {call[1]} {came:.6f} {went:.6f}\n")

    def _send(self, packet: bytes) -> None:
        try:
            os.write(self._sink, packet)
        except OSError:
            return  # a device that is not up yet, or full: a line loses packets then


def carry(one: int, other: int, line: Line, log: TextIO | None = None) -> None:
    """Carry packets between two TUN devices until killed."""
    back = replace(line, kbit_s=line.down_kbit_s or line.kbit_s)
    ways = {one: Direction(one, other, line, log, "up"), other: Direction(other, one, back, log, "down")}
    poll = select.epoll()
    for descriptor in ways:
        poll.register(descriptor, select.EPOLLIN)
    while True:
        wait = min(way.hand_out() for way in ways.values())
        for descriptor, _ in poll.poll(wait):
            ways[descriptor].take()


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.delay", description=__doc__)
    for name in ("namespace", "device", "other_namespace", "other_device"):
        parser.add_argument(name)
    for name in Line.__slots__:
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=getattr(Line(), name))
    parser.add_argument("--log", help="what was done to each packet of a call: way, stream, number, in, out (-1: lost)")
    options = parser.parse_args(arguments)
    one = open_tun(options.namespace, options.device)
    other = open_tun(options.other_namespace, options.other_device)
    Path("/proc/self/fd/1").write_text(f"{READY}\n", encoding="ascii")
    line = Line(**{name: getattr(options, name) for name in Line.__slots__})
    if not options.log:
        carry(one, other, line)
    with Path(options.log).open("a", buffering=1, encoding="ascii") as log:
        carry(one, other, line, log)


if __name__ == "__main__":
    main(sys.argv[1:])
