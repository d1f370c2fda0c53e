"""The server's side of XMPP over WebSocket, up to the stream that follows a sign-in (RFC 7395, RFC 6120)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Iterator
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from rainbow_probe.demo.loopback import CHUNK
from rainbow_probe.demo.sasl import MECHANISMS, SASL, SignIn
from rainbow_probe.demo.services import AGENT, APEX
from rainbow_probe.model import Credentials

DOMAINS = frozenset({APEX, AGENT})
FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
STREAMS = "http://etherx.jabber.org/streams"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
LARGEST = 65536  # bytes of one stanza; before authentication they are short

CLOSE = f'<close xmlns="{FRAMING}"/>'


class Stream:
    """One XMPP stream: a text message in, text messages out; ``open`` until either side closed it."""

    def __init__(self, known: Credentials | None = None) -> None:
        """Wait for the client's ``<open/>``; let *known* sign in."""
        self.open = True
        self._sign_in = SignIn(known)

    def feed(self, text: str) -> Iterator[str]:
        """Yield the answers to one message."""
        name, attributes = root_of(text)
        if name == f"{FRAMING} open":
            yield from self._greet(attributes.get("to", ""))
        elif name == f"{FRAMING} close":
            yield from self._end()
        elif name in {f"{SASL} auth", f"{SASL} response"}:
            yield from self._sign_in.feed(name.partition(" ")[2], attributes, words_of(text))
        else:
            # No stanza is taken before authentication, RFC 6120 section 4.9.3.12.
            yield from self._fail("not-authorized" if name else "not-well-formed")

    def _greet(self, domain: str) -> Iterator[str]:
        known = domain.lower() in DOMAINS
        sender = domain if known else APEX
        identity = f'from={quoteattr(sender)} id="{secrets.token_hex(8)}"'
        yield f'<open xmlns="{FRAMING}" {identity} version="1.0" xml:lang="en"/>'
        if not known:
            yield from self._fail("host-unknown")
            return
        mechanisms = "".join(f"<mechanism>{name}</mechanism>" for name in MECHANISMS)
        offer = (
            f'<bind xmlns="{BIND}"/>' if self._sign_in.done else f'<mechanisms xmlns="{SASL}">{mechanisms}</mechanisms>'
        )
        yield f'<stream:features xmlns:stream="{STREAMS}">{offer}</stream:features>'

    def _fail(self, condition: str) -> Iterator[str]:
        yield (
            f'<stream:error xmlns:stream="{STREAMS}"><{condition} xmlns="urn:ietf:params:xml:ns:xmpp-streams"/>'
            "</stream:error>"
        )
        yield from self._end()

    def _end(self) -> Iterator[str]:
        self.open = False
        yield CLOSE


def root_of(text: str) -> tuple[str, dict[str, str]]:
    """Return ``namespace name`` and attributes of the outermost element; nothing for what is no plain XML."""
    seen: list[tuple[str, dict[str, str]]] = []

    def refuse(*_: object) -> None:
        raise ValueError("a document type: RFC 6120 section 11.1 forbids it")

    parser = expat.ParserCreate("utf-8", namespace_separator=" ")  # and nothing else, RFC 6120 section 11.6
    parser.StartElementHandler = lambda name, attributes: seen.append((name, attributes))
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except (expat.ExpatError, ValueError):
        return "", {}
    return seen[0]


def words_of(text: str) -> str:
    """Return the text of an element that ``root_of`` has read."""
    words: list[str] = []
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.CharacterDataHandler = words.append
    parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    return "".join(words)


Serving = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def serving_xmpp(known: Credentials) -> Serving:
    """Return what does as ``serve_xmpp``, and lets *known* sign in."""

    async def serve(first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve_xmpp(first, reader, writer, known)

    return serve


async def serve_xmpp(
    first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, known: Credentials | None = None
) -> None:
    """Take a connection over whose first bytes are a WebSocket handshake, and speak XMPP on it."""
    session, data = _Session(known), first
    while data:
        answers = session.feed(data)
        writer.write(b"".join(answers))
        await writer.drain()
        if b"" in answers:  # the protocol's way to say: close the connection now
            return
        data = await reader.read(CHUNK)


class _Session:
    """An XMPP stream in the text messages of a WebSocket: bytes in, bytes out."""

    def __init__(self, known: Credentials | None = None) -> None:
        subprotocols = [Subprotocol("xmpp")]
        self._socket = ServerProtocol(subprotocols=subprotocols, max_size=LARGEST)
        self._stream = Stream(known)
        self._text = b""

    def feed(self, data: bytes) -> list[bytes]:
        self._socket.receive_data(data)
        for event in self._socket.events_received():
            if isinstance(event, Request):
                self._socket.send_response(self._socket.accept(event))
            elif isinstance(event, Frame) and event.opcode in {Opcode.TEXT, Opcode.CONT}:
                self._collect(event)
        return self._socket.data_to_send()

    def _collect(self, frame: Frame) -> None:
        self._text += frame.data
        if frame.fin:
            text, self._text = self._text, b""
            with contextlib.suppress(InvalidState):  # the client is closing: it wants no answer
                self._answer(text.decode("utf-8", "replace"))

    def _answer(self, text: str) -> None:
        for answer in self._stream.feed(text):
            self._socket.send_text(answer.encode())
        if not self._stream.open:
            self._socket.send_close(1000)
