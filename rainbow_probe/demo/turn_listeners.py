"""The TURN server's ends: datagrams as they come, and messages cut out of byte streams."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

from rainbow_probe.demo.loopback import CHUNK, Datagrams, Handler, Loopback, Peer
from rainbow_probe.demo.turn import Turn
from rainbow_probe.demo.turn_relay import CHANNELS, Client
from rainbow_probe.protocols.stun import MalformedError, frame_size

BACKLOG = 1 << 20
"""Bytes a stream's client may leave unread; relayed data beyond that is dropped, as media is."""


def listen_udp(turn: Turn, place: Loopback) -> int:
    """Serve TURN over UDP; returns the port."""

    def handle(datagrams: Datagrams, packet: bytes, peer: Peer) -> None:
        answer = partial(datagrams.send, peer=peer)
        with contextlib.suppress(MalformedError):
            turn.handle(packet, Client(address=peer, port=datagrams.port, stream=False, send=answer))

    return place.udp(handle).port


def stream_handler(turn: Turn) -> Handler:
    """Return a handler that serves TURN on a connection, over TCP or TLS."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("peername")[:2]
        own_port = writer.get_extra_info("sockname")[1]
        client = Client(address=(host, port), port=own_port, stream=True, send=partial(_write, writer))
        try:
            with contextlib.suppress(MalformedError):
                await _handle_stream(turn, reader, client)
        finally:
            turn.forget(client)

    return handle


async def _handle_stream(turn: Turn, reader: asyncio.StreamReader, client: Client) -> None:
    buffer = b""
    while data := await reader.read(CHUNK):
        buffer += data
        while (size := frame_size(buffer, CHANNELS)) is not None:
            turn.handle(buffer[:size], client)
            buffer = buffer[size:]


def _write(writer: asyncio.StreamWriter, packet: bytes) -> None:
    if writer.transport.get_write_buffer_size() < BACKLOG:
        writer.write(packet)
