"""TCP, one address at a time: no happy eyeballs, they hide the dead path a probe must show."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Endpoint, Phase, Scalar
from rainbow_probe.net.links import ByteStream

CHUNK = 65536


async def connect(address: Endpoint, rec: Recorder, *, limit: float, segment: int = 0) -> ByteStream:
    """Open a connection to *address*, which holds an address and no name.

    With *segment*, neither end sends more bytes than that in one packet (RFC 9293 section 3.7.1), where the system
    lets a program say so.
    """
    async with rec.step(Phase.CONNECT, address, limit=limit) as facts:
        if segment:
            reader, writer = await _open_small(address, segment, facts)
        else:
            reader, writer = await asyncio.open_connection(address.host, address.port)
        facts["local"] = str(Endpoint(host=(local := writer.get_extra_info("sockname"))[0], port=local[1]))
    return _TcpStream(reader, writer)


async def _open_small(
    address: Endpoint, segment: int, facts: dict[str, Scalar]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    own = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET)
    try:
        with contextlib.suppress(OSError, AttributeError):  # not on Windows
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
            facts["segment"] = segment
        own.setblocking(False)
        await asyncio.get_running_loop().sock_connect(own, (address.host, address.port))
        return await asyncio.open_connection(sock=own)
    except BaseException:
        own.close()
        raise


TCP_INFO = 11  # linux/tcp.h
_REPEATS = 2  # place of tcpi_retransmits in struct tcp_info


def repeats(info: bytes) -> int:
    """Read from Linux's ``struct tcp_info`` how often in a row the oldest segment was sent again."""
    return info[_REPEATS] if len(info) > _REPEATS else 0


class _TcpStream:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self) -> bytes:
        return await self._reader.read(CHUNK)

    def sent_again(self) -> int:
        own = self._writer.get_extra_info("socket")
        if not sys.platform.startswith("linux") or own is None:
            return 0
        with contextlib.suppress(OSError):
            return repeats(own.getsockopt(socket.IPPROTO_TCP, TCP_INFO, 8))
        return 0

    def close(self) -> None:
        self._writer.close()
