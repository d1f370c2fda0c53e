"""HTTP proxies on loopback that want to know who is there: right, old, forgetful and rude ones."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from rainbow_probe.demo.loopback import Loopback, discard, reach, relay
from rainbow_probe.model import Credentials, Endpoint, Proxy, Result, Transport
from rainbow_probe.net.route import Limits, Route
from rainbow_probe.runner import Job, Progressing, run_all
from tests.servers import DOOR, EASY, ESTABLISHED, Watcher, a_flow, a_route, page

ALICE = Credentials(user="alice", password="open-sesame-77")  # noqa: S106 - made up for these tests
WRONG = Credentials(user="alice", password="shut-sesame-13")  # noqa: S106 - made up for these tests
BASIC = 'Basic realm="door"'
FIELD = re.compile(rb"\r\nProxy-Authorization: ([^\r]+)")

Opinion = Callable[[str, bytes], Sequence[str] | None]
"""What a proxy thinks of an Authorization (empty if none came) and a request: None opens, else fields of a 407."""


def basic(credentials: Credentials = ALICE) -> Opinion:
    """Take Basic with *credentials*."""
    token = base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()
    return lambda given, _: None if given == f"Basic {token}" else (f"Proxy-Authenticate: {BASIC}",)


def digest(*nonces: str, credentials: Credentials = ALICE) -> Opinion:
    """Take Digest (MD5) with the last of *nonces*; the others are old by the time they are used."""
    left = list(nonces)

    def hashed(*parts: str) -> str:
        return hashlib.md5(":".join(parts).encode()).hexdigest()  # noqa: S324 - it is what Digest says

    def right(given: str, nonce: str) -> bool:
        told = dict(re.findall(r'(\w+)="?([^",]*)', given))
        secret = hashed(credentials.user, "door", credentials.password)
        middle = (nonce, told.get("nc", ""), told.get("cnonce", ""), "auth")
        return told.get("response") == hashed(secret, *middle, hashed("CONNECT", told.get("uri", "")))

    def opinion(given: str, _: bytes) -> Sequence[str] | None:
        nonce, told = left[0], ""
        if given.startswith("Digest") and right(given, nonce):
            if len(left) == 1:
                return None
            told = ", stale=true"
            nonce = left.pop(0) and left[0]
        return (f'Proxy-Authenticate: Digest realm="door", qop="auth", nonce="{nonce}"{told}',)

    return opinion


class Doorkeeper:
    """A proxy with an *opinion*; it keeps what it was asked. What it lets in goes to the same port of loopback."""

    def __init__(self, opinion: Opinion, *, closes: bool = False, tunnels: bool = True) -> None:
        """Close after each 407 if it *closes*; without *tunnels* the answer alone is all there is."""
        self.heads: list[bytes] = []
        self.connections = 0
        self._opinion = opinion
        self._closes = closes
        self._tunnels = tunnels

    @property
    def passwords(self) -> list[str]:
        """What came as Proxy-Authorization, in order."""
        return [found[1].decode() for head in self.heads if (found := FIELD.search(head))]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            found = FIELD.search(head)
            fields = self._opinion(found[1].decode() if found else "", head)
            if fields is None:
                break
            more = ("Connection: close",) if self._closes else ()
            writer.write(page("407 Who are you?", b"<h1>log in</h1>", *fields, *more))
            if self._closes:
                return
        await self._let_in(head, reader, writer)

    async def _let_in(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._tunnels:
            writer.write(page("503 Out of order"))
            await discard(reader, writer)
            return
        async with reach(int(head.split()[1].rpartition(b":")[2])) as far:
            writer.write(ESTABLISHED)
            await relay((reader, writer), far)


def through(port: int, user: Credentials | None = None, *, tls: bool = False, limits: Limits = EASY) -> Route:
    """Give a route through the proxy on *port*."""
    proxy = Proxy(endpoint=Endpoint(host=DOOR, port=port), tls=tls, credentials=user)
    return replace(a_route(), proxy=proxy, limits=limits)


async def many(place: Loopback, route: Route, count: int = 8) -> list[Result]:
    """Run *count* checks of the proxy at once, each to a target of its own that says nothing."""
    ports = [await place.tcp(discard) for _ in range(count)]
    jobs = [Job(flow=a_flow("proxy", port, Transport.TCP), route=route) for port in ports]
    run = Progressing()
    await run_all(jobs, run, Watcher(), budget=20, deadline=60)
    return [run.results[job.flow.id] for job in jobs]
