"""Real responders on loopback, some of whose ports say nothing."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rainbow_probe.model import PortRange
from rainbow_probe.net.many import bind_all
from rainbow_probe.responder.serve import Responder, Wanted

HOST = "127.0.0.1"
ABOVE = (61000, 65480)
"""Ports that Linux gives to nobody by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A responder that runs: the ports of its range, and one of TCP."""

    responder: Responder
    first: int
    last: int
    tcp: int

    @property
    def ports(self) -> range:
        """Its UDP ports."""
        return range(self.first, self.last + 1)


@contextmanager
def peer(
    size: int = 64, *, mute: Collection[int] = (), token: str = "", rate: int = 50_000, claims: Collection[int] = ()
) -> Iterator[Peer]:
    """Run a responder on *size* free ports; those at the places *mute* are open and say nothing.

    It says that it serves the ports *claims* too, and has them no longer.
    """
    more = [PortRange(first=port, last=port) for port in claims]
    with _opened(size, token, rate, more) as found:
        for port in claims:
            found.responder.udp.sockets.pop(port).close()
        silent = [found.responder.udp.sockets.pop(found.first + at) for at in mute]
        stop = threading.Event()
        thread = threading.Thread(target=found.responder.serve, args=(stop.is_set,))
        thread.start()
        try:
            yield found
        finally:
            stop.set()
            thread.join()
            for own in silent:
                own.close()


@contextmanager
def _opened(size: int, token: str, rate: int, more: Sequence[PortRange]) -> Iterator[Peer]:
    """Find ports in a row that nobody has."""
    for _ in range(200):
        first = random.randrange(ABOVE[0], ABOVE[1] - size)  # noqa: S311 - any will do
        last = first + size - 1
        asked = (PortRange(first=first, last=last), *more)
        tcp = (PortRange(first=last + 1, last=last + 1),)
        held = bind_all([last + 1], socket.SOCK_DGRAM, HOST)  # or another responder answers there
        with held, Responder(Wanted(udp=asked, tcp=tcp, address=HOST, token=token, rate=rate)) as responder:
            if not (responder.udp.busy or responder.tcp.busy or held.busy):
                yield Peer(responder=responder, first=first, last=last, tcp=last + 1)
                return
    raise AssertionError("no free ports in a row")
