"""A WebSocket over any stream (RFC 6455), with the evidence of its handshake."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque

from websockets.client import ClientProtocol
from websockets.exceptions import NegotiationError
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Cause, Endpoint, PeerError, Phase, Scalar
from rainbow_probe.net.http import BODY_SHOWN, PADDING, TELLING, clock_skew
from rainbow_probe.net.links import ByteStream, Parting
from rainbow_probe.protocols.excerpt import excerpt
from rainbow_probe.protocols.http import USER_AGENT, Head

MOST = 64 * 1024  # bytes of one message


class WebSocket:
    """The client's end. ``upgrade`` first, then messages; control frames are answered on the way."""

    def __init__(self, stream: ByteStream, target: Endpoint, path: str, subprotocol: str) -> None:
        """Ask *target* for *path* with one *subprotocol*."""
        self._protocol = ClientProtocol(
            parse_uri(f"wss://{target}{path}"), subprotocols=[Subprotocol(subprotocol)], max_size=MOST
        )
        self._stream = stream
        self._path = path
        self._wanted = subprotocol
        self._response: Response | None = None
        self._frames: deque[Frame] = deque()
        self._closed = False

    @property
    def goodbye(self) -> bool:
        """Whether the peer itself said that it ends the link: nobody on the way can, unless TLS is opened there."""
        return self._closed or (isinstance(self._stream, Parting) and self._stream.goodbye)

    async def upgrade(self, rec: Recorder, *, limit: float) -> None:
        """Switch protocols; a refusal says with which status and words."""
        async with rec.step(Phase.WEBSOCKET, self._path, limit=limit) as facts:
            request = self._protocol.connect()
            request.headers["User-Agent"] = USER_AGENT
            request.headers.update(PADDING)
            self._protocol.send_request(request)
            head = Head()
            while self._response is None and self._protocol.handshake_exc is None:
                head.take(await self._pump())
            facts.update(_describe(self._response))
            if self._protocol.handshake_exc is not None:
                raise _refused(self._response, self._protocol.handshake_exc)
            facts["subprotocol"] = self._protocol.subprotocol
            if self._protocol.subprotocol != self._wanted:
                raise PeerError(Cause.SUBPROTOCOL_MISSING, f"switched, but without the subprotocol {self._wanted!r}")

    async def send(self, text: str) -> None:
        """Send one text message."""
        self._protocol.send_text(text.encode())
        await self._flush()

    async def receive(self) -> str:
        """Return the next text message. Raises ``EOFError`` when the link ends."""
        while True:
            frame = await self._next()
            if frame.opcode in {Opcode.TEXT, Opcode.BINARY}:
                return (await self._whole(frame)).decode("utf-8", "replace")

    async def ping(self, payload: bytes) -> float:
        """Send a ping, wait for its pong, and return the milliseconds between."""
        began = time.monotonic()
        self._protocol.send_ping(payload)
        await self._flush()
        while (frame := await self._next()).opcode is not Opcode.PONG or bytes(frame.data) != payload:
            pass
        return round((time.monotonic() - began) * 1000, 2)

    async def idle(self, seconds: float) -> None:
        """Say nothing for *seconds* but what the protocol answers by itself. Raises ``EOFError`` if the link ends."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await self._next()

    async def _whole(self, first: Frame) -> bytes:
        data, last = bytes(first.data), first.fin
        while not last:
            frame = await self._next()
            if frame.opcode is Opcode.CONT:
                data, last = data + bytes(frame.data), frame.fin
        return data

    async def _next(self) -> Frame:
        while not self._frames:
            if not await self._pump():
                raise EOFError("the connection was closed")
        frame = self._frames.popleft()
        if frame.opcode is Opcode.CLOSE:
            self._closed = True
            raise EOFError(f"closed by the peer: '{excerpt(bytes(frame.data)[2:])}'")
        return frame

    async def _pump(self) -> bytes:
        """Send what is due, take what comes, answer control frames; return the bytes that came."""
        await self._flush()
        await asyncio.sleep(0)  # a flood of frames must not keep the other checks from their turn
        data = await self._stream.receive()
        self._protocol.receive_data(data) if data else self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frames.append(event)
            elif isinstance(event, Response):
                self._response = event
        await self._flush()
        if data and self._protocol.parser_exc is not None:  # a frame that is too large or breaks the rules
            raise PeerError(Cause.UNEXPECTED_REPLY, f"no WebSocket: {excerpt(str(self._protocol.parser_exc))}")
        return data

    async def _flush(self) -> None:
        if data := b"".join(self._protocol.data_to_send()):  # in one piece: thousands of pings may be due an answer
            await self._stream.send(data)


def _describe(response: Response | None) -> dict[str, Scalar]:
    if response is None:
        return {}
    said = {key: ", ".join(response.headers.get_all(name)) for key, name in TELLING}
    facts: dict[str, Scalar] = {"status": response.status_code, "reason": response.reason_phrase}
    facts |= {key: value for key, value in said.items() if value}
    if response.body:
        facts["body"] = excerpt(bytes(response.body), BODY_SHOWN)
    if (skew := clock_skew(said["date"])) is not None:
        facts["clock_skew_s"] = skew
    return facts


def _refused(response: Response | None, why: Exception) -> PeerError:
    if isinstance(why, NegotiationError) and not (response and "Sec-WebSocket-Extensions" in response.headers):
        return PeerError(Cause.SUBPROTOCOL_MISSING, f"switched, but {excerpt(str(why))}")
    if response is None:  # it began as HTTP does
        return PeerError(Cause.NOT_HTTP, f"broken HTTP: {excerpt(str(why))}")
    said = f"{response.status_code} {response.reason_phrase}".strip()
    if response.status_code >= 500:
        return PeerError(Cause.SERVER_ERROR, f"answered {excerpt(said)} instead of switching to WebSocket")
    return PeerError(Cause.UPGRADE_REFUSED, f"answered {excerpt(said)}: {excerpt(str(why))}")
