"""TCP, one address at a time: no happy eyeballs, they hide the dead path a probe must show."""

from __future__ import annotations

import asyncio

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Endpoint, Phase
from rainbow_probe.net.links import ByteStream

CHUNK = 65536


async def connect(address: Endpoint, rec: Recorder, *, limit: float) -> ByteStream:
    """Open a connection to *address*, which holds an address and no name."""
    async with rec.step(Phase.CONNECT, address, limit=limit) as facts:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        facts["local"] = str(Endpoint(host=(local := writer.get_extra_info("sockname"))[0], port=local[1]))
    return _TcpStream(reader, writer)


class _TcpStream:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self) -> bytes:
        return await self._reader.read(CHUNK)

    def close(self) -> None:
        self._writer.close()
