"""One UDP socket that asks several STUN servers: only so does it show whether a NAT gives each of them another port."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from rainbow_probe.model import Endpoint
from rainbow_probe.net.turns import awake
from rainbow_probe.protocols.stun import Attr, Class, MalformedError, Message, Method, request

AGAIN = 0.25  # seconds between repetitions
TIMES = 6
INBOX = 256  # datagrams kept: anybody may send to this socket


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An answer, with where it came from and the seconds since it was first asked for."""

    message: Message
    source: Endpoint
    took: float


class OneSocket(asyncio.DatagramProtocol):
    """An unconnected socket; who answers is known by address and transaction."""

    def __init__(self) -> None:
        """Start without a transport: asyncio gives it."""
        self._inbox: asyncio.Queue[tuple[Message, Endpoint]] = asyncio.Queue(maxsize=INBOX)

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncGenerator[OneSocket]:
        """Open one for IPv4 on any free port; closed when the block ends. Raises ``OSError``."""
        loop = asyncio.get_running_loop()
        # As a client's own: it may go out by any way.
        transport, own = await loop.create_datagram_endpoint(cls, local_addr=("0.0.0.0", 0))  # noqa: S104 - any way out
        try:
            yield own
        finally:
            transport.close()

    @property
    def port(self) -> int:
        """The local port."""
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport. Not isinstance: selector transports do not inherit DatagramTransport."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Keep what is STUN."""
        with contextlib.suppress(MalformedError):
            if not self._inbox.full():
                self._inbox.put_nowait((Message.parse(data), Endpoint(host=addr[0], port=addr[1])))

    def error_received(self, exc: Exception) -> None:
        """Pass over it: whose datagram was refused, an unconnected socket does not say."""

    def send(self, message: Message, there: Endpoint) -> None:
        """Send *message* once."""
        self._transport.sendto(bytes(message), (there.host, there.port))

    async def comes(self, message: Message) -> Endpoint:
        """Wait until *message* itself comes in, for as long as the caller lets it; return from where."""
        while True:
            came, source = await self._inbox.get()
            if (came.transaction, came.cls) == (message.transaction, message.cls):
                return source

    async def ask(
        self, servers: Sequence[Endpoint], *attributes: tuple[Attr, bytes], again: float = AGAIN, times: int = TIMES
    ) -> dict[Endpoint, Heard]:
        """Send a Binding with *attributes* to each of *servers*, *times* at the most and *again* seconds apart.

        Returns the successes by who was asked; from where they came is theirs to say.
        """
        asked = {server: request(Method.BINDING, *attributes) for server in servers}
        found: dict[Endpoint, Heard] = {}
        began = time.monotonic()
        for _ in range(times):
            for server in [one for one in servers if one not in found]:
                self.send(asked[server], server)
            with contextlib.suppress(TimeoutError):
                async with awake(again):
                    while len(found) < len(asked):
                        answer, source = await self._inbox.get()
                        for server, message in asked.items():
                            if answer.transaction == message.transaction and answer.cls is Class.SUCCESS:
                                took = time.monotonic() - began
                                found.setdefault(server, Heard(message=answer, source=source, took=took))
            if len(found) == len(asked):
                break
        return {server: found[server] for server in servers if server in found}  # whoever was quicker
