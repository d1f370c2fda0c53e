"""Sockets on loopback that are all closed when their block is left."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from rainbow_probe.demo.services import HOST

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Peer = tuple[str, int]
Incoming = Callable[["Datagrams", bytes, Peer], None]
"""What to do with a datagram: the socket it came to, its content and who sent it."""

HANDSHAKE = 10.0  # seconds a client may take over its TLS handshake
SHUTDOWN = 0.3  # seconds to wait for a client's close_notify; asyncio's own 30 would hold up the exit
CHUNK = 65536
IN_A_ROW = 32  # datagrams that are read at once, if so many wait
DISCARD = 9  # RFC 863: who could answer from there says nothing
PEER_LEFT = (OSError, EOFError, asyncio.LimitOverrunError)
"""What ends a connection and is no fault of the server."""


class Datagrams:
    """A UDP socket of a server.

    Built on ``sock_recvfrom`` rather than on a datagram transport, because on Windows an ICMP refusal of something
    sent earlier ends a transport's reading (CPython issue 91227), and here it must not.
    """

    def __init__(self, port: int) -> None:
        """Bind it to *port*, or to any with 0. Raises ``OSError`` if the port is taken."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind((HOST, port))
        except OSError:
            self._socket.close()
            raise
        self.port = port_of(self._socket)

    def send(self, data: bytes, peer: Peer) -> None:
        """Send one datagram; what cannot be sent is lost, as datagrams are."""
        with contextlib.suppress(OSError):
            self._socket.sendto(data, peer)

    def close(self) -> None:
        """Stop receiving and close the socket."""
        self._task.cancel()

    def run(self, place: Loopback, handle: Incoming) -> None:
        """Hand every datagram to *handle* until ``close``."""
        self._task = place.start(self._receive(handle))
        # Not in a finally of the task: that would never run if it is cancelled before its first step.
        self._task.add_done_callback(lambda _: self._socket.close())

    async def _receive(self, handle: Incoming) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(0)  # sock_recvfrom lets nobody else run while there is something to read
            with contextlib.suppress(OSError):
                data, peer = await loop.sock_recvfrom(self._socket, CHUNK)
                handle(self, data, peer)
                # One at a time, each would cost a turn of the whole loop, which a busy machine has few of.
                for _ in range(IN_A_ROW):
                    data, peer = self._socket.recvfrom(CHUNK)
                    handle(self, data, peer)


class Loopback:
    """Opens listeners and sockets on 127.0.0.1, on ports the system picks, and runs their handlers."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        """Run everything in *group*."""
        self._group = group
        self._tasks: set[asyncio.Task[None]] = set()
        self._closers: list[Callable[[], object]] = []
        self._open = True

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run *work* until it ends or the block is left."""
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def tcp(self, handle: Handler, tls: ssl.SSLContext | None = None, port: int = 0) -> int:
        """Accept connections, each handed to *handle* and closed when that returns. Returns the port."""
        limits: dict[str, Any] = {"ssl_handshake_timeout": HANDSHAKE, "ssl_shutdown_timeout": SHUTDOWN} if tls else {}

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self._open:
                self.start(_serve(handle, reader, writer))
            else:  # a TLS handshake that ended too late
                writer.transport.abort()

        server = await asyncio.start_server(accept, HOST, port, ssl=tls, **limits)
        self._closers.append(server.close)
        return port_of(server.sockets[0])

    def udp(self, handle: Incoming, port: int = 0) -> Datagrams:
        """Hand the datagrams of a port to *handle*. Raises ``OSError`` if *port* is taken."""
        opened = Datagrams(port)
        opened.run(self, handle)
        return opened

    def refusing(self) -> int:
        """Return a TCP port on which nothing listens and nobody else can: a connect is refused at once."""
        return port_of(self._reserve(socket.SOCK_STREAM))

    def silent(self) -> int:
        """Return a UDP port that swallows every datagram, as a firewall that drops does."""
        return port_of(self._reserve(socket.SOCK_DGRAM))

    def rejecting(self, port: int = 0) -> int:
        """Return a UDP port that refuses every datagram, as a firewall that rejects does; nobody else can have it.

        Its socket hears one peer, who says nothing: to all others it is closed. Raises ``OSError`` if *port* is taken.
        """
        own = self._reserve(socket.SOCK_DGRAM, port)
        own.connect((HOST, DISCARD))
        return port_of(own)

    def close(self) -> None:
        """Stop listening, drop every connection and end every handler."""
        self._open = False
        for close in self._closers:
            close()
        for task in self._tasks:
            task.cancel()

    def _reserve(self, kind: socket.SocketKind, port: int = 0) -> socket.socket:
        sock = socket.socket(socket.AF_INET, kind)
        self._closers.append(sock.close)
        sock.bind((HOST, port))
        return sock


@asynccontextmanager
async def loopback() -> AsyncGenerator[Loopback]:
    """Give a ``Loopback``; close all it opened when the block is left, however that happens."""
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        place = Loopback(group)
        try:
            yield place
        except Exception as exc:  # noqa: BLE001 - raised again below: a TaskGroup would wrap it in a group
            failure = exc
        finally:
            place.close()
    if failure is not None:
        raise failure


@asynccontextmanager
async def reach(port: int, tls: ssl.SSLContext | None = None, name: str | None = None) -> AsyncGenerator[Streams]:
    """Connect to *port* on loopback, over TLS as *name* if *tls* is given."""
    options: dict[str, Any] = {"ssl": tls, "server_hostname": name, "ssl_shutdown_timeout": SHUTDOWN} if tls else {}
    reader, writer = await asyncio.open_connection(HOST, port, **options)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def relay(near: Streams, far: Streams) -> None:
    """Carry bytes both ways until one side ends; then both are closed."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_carry(near[0], far[1]))
        group.create_task(_carry(far[0], near[1]))


async def discard(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Read until the peer ends, and say nothing: a server that waits for a log-in."""
    while await reader.read(CHUNK):
        pass


def port_of(sock: socket.socket) -> int:
    """Return the port *sock* is bound to."""
    return int(sock.getsockname()[1])


async def _serve(handle: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with contextlib.suppress(*PEER_LEFT):
            await handle(reader, writer)
            writer.close()
            await writer.wait_closed()
    finally:
        writer.transport.abort()


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
    sink.close()
