"""A real peer for NTLM and Negotiate: a proxy that checks the client's messages with pyspnego's server side."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Sequence
from pathlib import Path

import spnego
from spnego.exceptions import SpnegoError

from rainbow_probe.demo.loopback import CHUNK, discard, reach, relay
from rainbow_probe.model import Credentials
from tests.servers import ESTABLISHED, page

FIELD = re.compile(rb"\r\nProxy-Authorization: (\w+) ([^\r]*)")


def users(folder: Path, *known: Credentials, domain: str = "EXAMPLE") -> str:
    """Write the file in which pyspnego finds who is known; the variable NTLM_USER_FILE is to name it."""
    file = folder / "users"
    file.write_text("".join(f"{domain}:{one.user}:{one.password}\n" for one in known), "utf-8")
    return str(file)


class NtlmProxy:
    """A proxy that takes NTLM, or NTLM inside Negotiate, and nothing else."""

    def __init__(self, scheme: str = "NTLM", *beside: str, closes_after: int = 99) -> None:
        """Offer *scheme* and others *beside* it; close the connection with answer number *closes_after*."""
        self.messages: list[int] = []
        """Which NTLM messages came, in order: 1 and 3."""
        self.logged_in: list[str] = []
        self.connections = 0
        self._scheme = scheme
        self._offers = (scheme, *beside)
        self._closes_after = closes_after

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: the exchange is this connection's, and no other's."""
        self.connections += 1
        server = spnego.server(protocol=self._scheme.lower())
        for count in range(1, 99):
            head = await reader.readuntil(b"\r\n\r\n")
            fields = self._judge(server, head)
            if fields is None:
                return await self._let_in(head, reader, writer)
            more = ("Connection: close",) if count == self._closes_after else ()
            writer.write(page("407 Who are you?", b"x" * 40, *fields, *more))
            if more:
                return await discard(reader, writer)
        return None

    def _judge(self, server: spnego.ContextProxy, head: bytes) -> Sequence[str] | None:
        """Return the fields of the next 407, or None if it is somebody who is known."""
        found = FIELD.search(head)
        if found is None or found[1].decode() != self._scheme:
            return [f"Proxy-Authenticate: {name}" for name in self._offers]
        token = base64.b64decode(found[2])
        self.messages.append(token[token.index(b"NTLMSSP\0") + 8])
        try:
            answer = server.step(token)
        except SpnegoError:
            return [f"Proxy-Authenticate: {name}" for name in self._offers]
        if server.complete:
            self.logged_in.append(str(server.client_principal))
            return None
        return [f"Proxy-Authenticate: {self._scheme} {base64.b64encode(answer or b'').decode()}"]

    async def _let_in(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with reach(int(head.split()[1].rpartition(b":")[2])) as far:
            writer.write(ESTABLISHED)
            await relay((reader, writer), far)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a 407 that repeats all it was sent, and offers NTLM."""
    while head := await reader.read(CHUNK):
        writer.write(page("407 No", head, "Proxy-Authenticate: NTLM"))
