"""Questions to the REST API under an account, with evidence that holds no secret."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Account, Flow, PeerError, Phase, Transport
from rainbow_probe.net.http import authority, describe
from rainbow_probe.net.links import ByteStream
from rainbow_probe.net.paths import HTTP1, Hop, open_stream
from rainbow_probe.net.route import Route
from rainbow_probe.options import TurnServer, UsageError, merged, turn_server
from rainbow_probe.protocols.http import Client, Exchange
from rainbow_probe.protocols.rainbow import ANSWER_SIZE, IceServer, IceServers, SignedIn
from rainbow_probe.protocols.secrets import HIDDEN, SHORTEST_SECRET, Secrets

T = TypeVar("T")
FIRST = 16  # characters of a secret by which the rest of it is found, see ``Secrets``
USUAL = {Transport.UDP: 3478, Transport.TLS: 443, Transport.TCP: 80}
"""The ports of the guide: of several of one transport, that one is tested."""


class Talk:
    """One question after the other, to one address, on one connection for as long as the server keeps it."""

    def __init__(self, hop: Hop, flow: Flow, route: Route, rec: Recorder, stack: AsyncExitStack) -> None:
        """Ask nothing yet; what is opened is closed with *stack*."""
        self._hop, self._flow, self._route, self._rec, self._stack = hop, flow, route, rec, stack
        self._secrets = _Hidden()
        self._client: Client | None = None
        self._stream: ByteStream | None = None

    def keep(self, secrets: Iterable[str]) -> None:
        """Let none of *secrets* into the evidence."""
        self._secrets.learn(secrets)

    async def connected(self) -> tuple[Client, ByteStream]:
        """Return a connection that takes a question; a new one where the last answer ended the old."""
        if self._client is None or self._stream is None or not self._client.reusable:
            opened = open_stream(self._hop, self._flow, self._route, self._rec, alpn=HTTP1)
            self._stream = await self._stack.enter_async_context(opened)
            self._client = Client(authority(self._flow.target), body_size=ANSWER_SIZE)
        return self._client, self._stream

    async def ask(self, path: str, headers: Mapping[str, str], read: Callable[[Exchange], T]) -> T:
        """GET *path* and return what *read* makes of the answer, whose body is no evidence; no redirect is followed."""
        client, stream = await self.connected()
        limit = self._route.limits.exchange
        async with self._rec.step(Phase.ACCOUNT, path.partition("?")[0], limit=limit) as facts:
            exchange = client.exchange("GET", path, headers)
            try:
                await stream.send(exchange.request())
                while not exchange.done:
                    exchange.feed(await stream.receive())
                return read(exchange)
            except PeerError as exc:
                raise PeerError(exc.cause, self._secrets.hidden(str(exc))) from None
            except EOFError as exc:
                raise EOFError(self._secrets.hidden(str(exc))) from None
            finally:
                seen = {key: value for key, value in describe(exchange).items() if key != "body"}
                facts |= {k: self._secrets.hidden(v) if isinstance(v, str) else v for k, v in seen.items()}


@asynccontextmanager
async def talk(hop: Hop, flow: Flow, route: Route, rec: Recorder) -> AsyncGenerator[Talk]:
    """Talk over *hop*, and close what was opened when the block ends."""
    async with AsyncExitStack() as stack:
        yield Talk(hop, flow, route, rec, stack)


def secrets_of(account: Account, sent: Mapping[str, str]) -> list[str]:
    """Return what must not show of *account*, and of the header fields that were *sent* for it."""
    tokens = [value.partition(" ")[2] for key, value in sent.items() if key.lower().endswith(("auth", "authorization"))]
    return [account.user.user, account.user.password, account.app.user, account.app.password, *tokens]


def secrets_given(signed_in: SignedIn) -> list[str]:
    """Return what must not show of a log-in's answer."""
    xmpp = [signed_in.xmpp.user, signed_in.xmpp.password] if signed_in.xmpp else []
    return [signed_in.token, *xmpp]


def granted(listed: IceServers) -> tuple[TurnServer, ...]:
    """Return the TURN servers that are *listed*, each once; what is no URI is left out."""
    read = [server for one in listed.servers if (server := _server(one))]
    return merged(tuple(sorted(read, key=_is_usual)))


def _server(listed: IceServer) -> TurnServer | None:
    try:
        server = turn_server(listed.uri)
    except UsageError:
        return None
    return TurnServer(host=server.host.lower(), ports=server.ports, credentials=listed.credentials)


def _is_usual(server: TurnServer) -> bool:
    return all(USUAL[transport] == port for transport, port in server.ports.items())


class _Hidden:
    def __init__(self) -> None:
        self._secrets: list[str] = []
        self._patterns = Secrets()

    def learn(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted(
            {s for s in (*self._secrets, *secrets) if len(s) >= SHORTEST_SECRET}, key=len, reverse=True
        )
        for secret in self._secrets:
            self._patterns.learn(f"Bearer {secret}")  # a token may come back cut off

    def hidden(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        text = self._patterns.hidden(text)
        for secret in self._secrets:
            text = re.sub(_cut_off(secret), HIDDEN, text)
        return text


def _cut_off(secret: str) -> str:
    """Match the beginning of *secret* where a quotation ends: what is quoted is cut to its size."""
    lengths = range(min(len(secret), FIRST) - 1, SHORTEST_SECRET - 1, -1)
    return "|".join(rf"{re.escape(secret[:length])}(?=['\"]|$)" for length in lengths) or "(?!)"
