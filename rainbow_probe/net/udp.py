"""UDP on a connected socket, so that ICMP refusals arrive as errors at once."""

from __future__ import annotations

import asyncio
import random
import socket
from typing import cast

from rainbow_probe.model import Endpoint, PortRange
from rainbow_probe.net.fragments import forbid
from rainbow_probe.net.links import Datagrams

INBOX = 1024  # datagrams kept; a flood from a stranger must not fill the memory
TRIES = 20  # local ports tried in a range before giving up


async def open_udp(address: Endpoint, source: PortRange | None = None) -> Datagrams:
    """Open a socket connected to *address*, from a port in *source* if the real client has one.

    Raises ``OSError`` when there is no way to *address*, or no free port in *source*.
    """
    if source is None:
        return await _open(address, None)
    ports = random.sample(range(source.first, source.last + 1), min(TRIES, source.last - source.first + 1))
    for port in ports[:-1]:
        try:
            return await _open(address, port)
        except OSError:  # taken: another one will do
            continue
    return await _open(address, ports[-1])


async def open_whole(address: Endpoint) -> tuple[Datagrams, bool]:
    """Open a socket connected to *address* whose datagrams are not cut up; tell whether the system grants that."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    own = socket.socket(family, socket.SOCK_DGRAM)
    try:
        own.setblocking(False)
        whole = forbid(own)
        own.connect((address.host, address.port))
        _, link = await asyncio.get_running_loop().create_datagram_endpoint(_UdpSocket, sock=own)
    except BaseException:
        own.close()
        raise
    return link, whole


async def _open(address: Endpoint, port: int | None) -> Datagrams:
    loop = asyncio.get_running_loop()
    local = None if port is None else ("::" if ":" in address.host else "0.0.0.0", port)  # noqa: S104 - any way out
    _, link = await loop.create_datagram_endpoint(
        _UdpSocket, local_addr=local, remote_addr=(address.host, address.port)
    )
    return link


def local_of(link: Datagrams) -> Endpoint | None:
    """Return the own address and port of a link that is a socket."""
    return link.local if isinstance(link, _UdpSocket) else None


class _UdpSocket(asyncio.DatagramProtocol):
    reliable = False

    def __init__(self) -> None:
        self._inbox: asyncio.Queue[bytes | Exception] = asyncio.Queue(maxsize=INBOX)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: selector transports do not inherit DatagramTransport.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        del addr  # the socket is connected
        self._put(data)

    def error_received(self, exc: Exception) -> None:
        self._put(exc)

    def _put(self, item: bytes | Exception) -> None:
        if not self._inbox.full():
            self._inbox.put_nowait(item)

    async def send(self, data: bytes) -> None:
        self._transport.sendto(data)

    async def receive(self) -> bytes:
        item = await self._inbox.get()
        if isinstance(item, Exception):
            raise item
        return item

    @property
    def local(self) -> Endpoint:
        host, port = self._transport.get_extra_info("sockname")[:2]
        return Endpoint(host=str(host), port=int(port))

    def close(self) -> None:
        self._transport.close()
