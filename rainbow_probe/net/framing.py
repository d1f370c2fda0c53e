"""STUN and ChannelData messages on a byte stream (RFC 8489, 6.2.2; RFC 8656, 12.5)."""

from __future__ import annotations

from rainbow_probe.net.links import ByteStream
from rainbow_probe.protocols.excerpt import excerpt
from rainbow_probe.protocols.stun import CHANNELS, MalformedError, frame_size

MOST = 65536 + 20  # the longest STUN message


class Framed:
    """Datagrams over a stream. What is not STUN is handed on as it came, to be judged."""

    reliable = True

    def __init__(self, stream: ByteStream) -> None:
        """Frame *stream*."""
        self._stream = stream
        self._buffer = b""
        # No channel is bound before the server's first answer: until then letters that would be ChannelData are not
        # waited for, they are a banner or a page.
        self._channels = range(0)

    async def send(self, data: bytes) -> None:
        """Send one message."""
        await self._stream.send(data)

    async def receive(self) -> bytes:
        """Return one message, or the raw bytes when they cannot be one."""
        while (size := self._size()) is None:
            data = await self._stream.receive()
            if not data:
                within = f" within '{excerpt(self._buffer)}'" if self._buffer else ""
                raise EOFError(f"the peer closed the connection{within}")
            self._buffer += data
        packet, self._buffer = self._buffer[:size], self._buffer[size:]
        return packet

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _size(self) -> int | None:
        try:
            size = frame_size(self._buffer[:MOST], self._channels)
        except MalformedError:
            return len(self._buffer)
        self._channels = CHANNELS if size else self._channels
        return size
