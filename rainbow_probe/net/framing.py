"""STUN and ChannelData messages on a byte stream (RFC 8489, 6.2.2; RFC 8656, 12.5)."""

from __future__ import annotations

from rainbow_probe.net.links import ByteStream
from rainbow_probe.protocols import stun

MOST = 65536 + 20  # the longest STUN message
FIRST_CHANNEL, FIRST_NEITHER = 0x40, 0x50  # first bytes, RFC 8656 section 12
HEAD, COOKIE = 8, bytes.fromhex("2112a442")  # RFC 8489 section 5


class Framed:
    """Datagrams over a stream. What is not STUN is handed on as it came, to be judged."""

    reliable = True

    def __init__(self, stream: ByteStream) -> None:
        """Frame *stream*."""
        self._stream = stream
        self._buffer = b""

    async def send(self, data: bytes) -> None:
        """Send one message."""
        await self._stream.send(data)

    async def receive(self) -> bytes:
        """Return one message, or the raw bytes when they cannot be one."""
        while not self._whole():
            data = await self._stream.receive()
            if not data:
                raise EOFError("the peer closed the connection")
            self._buffer += data
        size = stun.frame_size(self._buffer) or len(self._buffer)
        packet, self._buffer = self._buffer[:size], self._buffer[size:]
        return packet

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _whole(self) -> bool:
        return _foreign(self._buffer) or len(self._buffer) > MOST or stun.frame_size(self._buffer) is not None


def _foreign(buffer: bytes) -> bool:
    """Return whether these first bytes can be neither STUN (00...) nor ChannelData (0x40 to 0x4F)."""
    if buffer.startswith(b"HTTP"):  # 0x48: would pass for a channel number
        return True
    if buffer and buffer[0] >= FIRST_NEITHER:
        return True
    return len(buffer) >= HEAD and buffer[0] < FIRST_CHANNEL and buffer[4:8] != COOKIE
