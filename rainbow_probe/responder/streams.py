"""STUN over TCP (RFC 8489 section 6.2.2): a few connections, each with a small buffer and little time."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

from rainbow_probe.protocols.stun import MalformedError, frame_size

MOST_STREAMS = 128
IDLE = 10.0  # seconds without a whole question
MOST = 2048  # bytes of a question

Answer = Callable[[bytes, str, int, int], bytes | None]
"""What to say to a message from a host and its port, that came to the own port."""


class Stream:
    """One connection, until it says anything but STUN."""

    def __init__(self, link: socket.socket, own: int, now: float) -> None:
        """Take over *link*, which came to the port *own*."""
        self.link = link
        self.until = now + IDLE
        self._own = own
        self._buffer = b""
        link.setblocking(False)
        self._host, self._port = link.getpeername()[:2]

    def ready(self, answer: Answer, now: float) -> bool:
        """Read what came and answer it; return whether the connection goes on."""
        try:
            data = self.link.recv(MOST)
            self._buffer += data
            return bool(data) and self._answered(answer, now)
        except BlockingIOError:
            return True
        except (OSError, MalformedError):  # gone, or no STUN
            return False

    def _answered(self, answer: Answer, now: float) -> bool:
        while size := frame_size(self._buffer, ()):
            said = answer(self._buffer[:size], self._host, self._port, self._own)
            self._buffer = self._buffer[size:]
            self.until = now + IDLE
            if said is not None and self.link.send(said) < len(said):
                return False  # whoever does not read gets no more
        return len(self._buffer) < MOST

    def close(self) -> None:
        """Let go of it."""
        self.link.close()


def accepted(listener: socket.socket, own: int, now: float) -> Stream | None:
    """Take the next connection to the port *own*, if it is there still."""
    with contextlib.suppress(OSError):
        link, _ = listener.accept()
        try:
            return Stream(link, own, now)
        except OSError:
            link.close()
    return None
