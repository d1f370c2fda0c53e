"""Whether UDP ports of the cloud are reached from a site, and answers come back: with plain sockets at both ends."""

from __future__ import annotations

import socket

from tests.lab.netns import inside
from tests.lab.site import Site

PATIENCE = 1.0
TIMES = 3


def both_ways(site: Site, address: str, port: int) -> str:
    """Return ``both``, ``out`` if nothing comes back from *port* of *address*, or ``none`` if nothing gets there."""
    with inside(site.lan, _udp) as near, inside(site.cloud.namespace, _udp) as far:
        far.bind((address, port))
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


def _udp() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.settimeout(PATIENCE)
    return udp
