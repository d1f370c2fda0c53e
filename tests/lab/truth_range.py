"""Whether UDP ports of the cloud are reached from a site, and answers come back: with plain sockets at both ends."""

from __future__ import annotations

import errno
import socket
import time

from tests.lab.netns import inside
from tests.lab.site import Site

PATIENCE = 1.0
TIMES = 3
LENT = 60.0  # seconds in which the cloud's TURN server has given any port back
WARM, ROUNDS = 2.5, 20  # seconds of traffic first: Linux keeps flows longer that are older than two


def both_ways(site: Site, address: str, port: int) -> str:
    """Return ``both``, ``out`` if nothing comes back from *port* of *address*, or ``none`` if nothing gets there."""
    with inside(site.lan, _udp) as near, inside(site.cloud.namespace, _udp) as far:
        _bind(far, (address, port))
        near.connect((address, port))
        for _ in range(TIMES):
            near.send(b"there")
        try:
            _, peer = far.recvfrom(64)
        except TimeoutError:
            return "none"
        for _ in range(TIMES):
            far.sendto(b"back", peer)
        try:
            return "both" if near.recv(64) == b"back" else "out"
        except TimeoutError:
            return "out"


def kept(site: Site, address: str, port: int, seconds: float) -> str:
    """Return ``kept`` if a packet from *port* of *address* gets in after *seconds* of silence, or ``forgotten``."""
    with inside(site.lan, _udp) as near, inside(site.cloud.namespace, _udp) as far:
        _bind(far, (address, port))
        near.connect((address, port))
        for _ in range(ROUNDS):
            near.send(b"there")
            _, peer = far.recvfrom(64)
            far.sendto(b"back", peer)
            near.recv(64)
            time.sleep(WARM / ROUNDS)
        time.sleep(seconds - WARM / ROUNDS)
        far.sendto(b"still", peer)
        try:
            return "kept" if near.recv(64) == b"still" else "forgotten"
        except (TimeoutError, ConnectionRefusedError):
            return "forgotten"


def _bind(far: socket.socket, address: tuple[str, int]) -> None:
    """Take the port; the server itself may have it for seconds, as what it relays from for a run at another site."""
    until = time.monotonic() + LENT
    while True:
        try:
            far.bind(address)
        except OSError as exc:
            if exc.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise
            time.sleep(PATIENCE / TIMES)
        else:
            return


def _udp() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.settimeout(PATIENCE)
    return udp
