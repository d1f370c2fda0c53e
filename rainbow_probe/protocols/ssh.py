"""The first line of an SSH server (RFC 4253 section 4.2): it speaks before it is asked, and needs no key."""

from __future__ import annotations

import re

from rainbow_probe.model import Cause, PeerError
from rainbow_probe.protocols.excerpt import excerpt

PORT = 22
MOST = 8192  # bytes before the line; a server may say other things first
LINE = 255  # bytes of the line
MARK = b"SSH-"
_IDENTIFICATION = re.compile(rb"(?:^|\n)(SSH-([^-\r\n]{1,16})-([^\r\n]{0,255}))\r?\n")


class Banner:
    """Bytes of a connection until the line is whole."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._buffer = b""

    def feed(self, data: bytes) -> str:
        """Return the line once it is there, else nothing.

        Raises ``PeerError`` where it does not come within bounds, and for the end of the stream before it.
        """
        self._buffer += data
        if found := _IDENTIFICATION.search(self._buffer):
            return excerpt(found[1], LINE)
        if not data or len(self._buffer) > MOST:
            raise self.complaint() or PeerError(Cause.NOT_SSH, "what listens there ended without a word")
        return ""

    def complaint(self, *, late: bool = False) -> PeerError | None:
        """Say what came instead; None if nothing did. Who is *late* and had begun the line may be slow only."""
        line = self._buffer.rpartition(b"\n")[2]
        if late and line[: len(MARK)] == MARK[: len(line)] and 0 < len(line) <= LINE:
            return PeerError(Cause.CANNOT_TELL, f"its line began, and was not whole in time: '{excerpt(line)}'")
        said = f"what listens there said '{excerpt(self._buffer)}'"
        return PeerError(Cause.NOT_SSH, said) if self._buffer else None
