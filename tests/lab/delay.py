"""A line with a long way between two namespaces: packets come out as they went in, later.

``python -m tests.lab.delay NS DEVICE NS DEVICE --delay-ms 50`` makes a TUN device in each namespace and carries
packets between them, half of the delay each way. ``tc netem`` does this in kernels that have it; not all have.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import select
import struct
import sys
import time
from collections import deque
from pathlib import Path

from tests.lab.netns import inside_named

TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TUN_NO_PI = 0x1001
LARGEST = 65536
READY = "the line is up"


def open_tun(namespace: str, device: str) -> int:
    """Make the TUN *device* in *namespace* and return its descriptor; the device lives as long as that."""

    def make() -> int:
        descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH", device.encode(), IFF_TUN_NO_PI))
        return descriptor

    return inside_named(namespace, make)


class Direction:
    """One way of the line: what came in at *source* goes out at *sink* after *delay* seconds."""

    def __init__(self, source: int, sink: int, delay: float) -> None:
        """Begin with nothing on the way."""
        self.source = source
        self._sink = sink
        self._delay = delay
        self._on_the_way: deque[tuple[float, bytes]] = deque()

    def take(self) -> None:
        """Take in everything that waits at the source."""
        try:
            while True:
                packet = os.read(self.source, LARGEST)
                self._on_the_way.append((time.monotonic() + self._delay, packet))
        except BlockingIOError:
            return

    def hand_out(self) -> float:
        """Let out what is due; return the seconds until the next packet is, or a long time."""
        while self._on_the_way:
            left = self._on_the_way[0][0] - time.monotonic()
            if left > 0:
                return left
            self._send(self._on_the_way.popleft()[1])
        return 3600.0

    def _send(self, packet: bytes) -> None:
        try:
            os.write(self._sink, packet)
        except OSError:
            return  # a device that is not up yet, or full: a line loses packets then


def carry(one: int, other: int, delay: float) -> None:
    """Carry packets between two TUN devices until killed; *delay* is that of the round trip."""
    ways = {one: Direction(one, other, delay / 2), other: Direction(other, one, delay / 2)}
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
    parser.add_argument("--delay-ms", type=float, required=True, help="added to every round trip")
    options = parser.parse_args(arguments)
    one = open_tun(options.namespace, options.device)
    other = open_tun(options.other_namespace, options.other_device)
    Path("/proc/self/fd/1").write_text(f"{READY}\n", encoding="ascii")
    carry(one, other, options.delay_ms / 1000)


if __name__ == "__main__":
    main(sys.argv[1:])
