"""STUN messages cut out of a stream, however it comes, and what is no STUN handed on as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from rainbow_probe.demo.loopback import loopback
from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Endpoint
from rainbow_probe.net.framing import Framed
from rainbow_probe.net.tcp import connect
from rainbow_probe.protocols.channel import channel_data
from rainbow_probe.protocols.stun import Attr, Message, Method, request
from tests.servers import HOST, mute

SHORT = bytes(request(Method.BINDING))
LONG = bytes(request(Method.ALLOCATE, (Attr.DATA, b"x" * 60_000)))
CHANNEL = channel_data(0x4000, b"odd", padded=True)


async def received(pieces: Sequence[bytes], count: int) -> list[bytes]:
    """Return the first *count* messages of a stream that comes in *pieces*, each read by itself."""

    async def sends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await reader.read(1)

    async with loopback() as place:
        address = Endpoint(host=HOST, port=await place.tcp(sends))
        stream = Framed(await connect(address, Recorder(), limit=5))
        got: list[bytes] = []
        try:
            async with asyncio.TaskGroup() as group:
                pacer = group.create_task(_pace(stream))
                while len(got) < count:
                    got.append(await stream.receive())
                pacer.cancel()
        finally:
            stream.close()
    return got


async def _pace(stream: Framed) -> None:
    """Ask for the next piece each time the loop has been round."""
    while True:
        await asyncio.sleep(0.001)
        await stream.send(b"?")


@pytest.mark.parametrize(
    "messages",
    [[SHORT], [SHORT, SHORT], [LONG, SHORT], [SHORT, CHANNEL, SHORT, CHANNEL], [SHORT, CHANNEL]],
    ids=["one", "two", "long", "channels", "both"],
)
@pytest.mark.parametrize("size", [1_000_000, 21, 7])
async def test_messages_come_out_whole(messages: Sequence[bytes], size: int) -> None:
    """In one piece or in many, alone or together."""
    stream = b"".join(messages)
    if len(stream) > 10_000:
        size *= 1000
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert await received(pieces, len(messages)) == messages


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"HTTP",
        b"<html>hello</html>",
        b"\r\nOK\r\n",
        b"220 mail.test ESMTP\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x00\x01\x00\x00\x00\x00\x00\x00",
        b"\x01\x01\x00\x03",
        b"\xff" * 100_000,
    ],
)
async def test_what_is_no_stun_is_handed_on_at_once(data: bytes) -> None:
    """It is judged by who sees it; nobody waits for the rest of a message that will never be one."""
    [got] = await received([data], 1)
    assert data.startswith(got)
    assert got


async def test_the_end_is_told() -> None:
    """Even within a message."""
    with pytest.raises(ExceptionGroup) as caught:
        await received([SHORT[:11]], 1)
    assert isinstance(caught.value.exceptions[0], EOFError)


async def test_a_stream_is_reliable() -> None:
    """Nothing is sent twice on it."""
    async with loopback() as place:
        stream = Framed(await connect(Endpoint(host=HOST, port=await place.tcp(mute)), Recorder(), limit=5))
        assert stream.reliable
        assert Message.parse(SHORT).method == Method.BINDING
        stream.close()
