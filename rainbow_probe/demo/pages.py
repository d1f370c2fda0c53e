"""Web pages over HTTP/1.1, with connections kept alive and a way out for an Upgrade."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus

import h11

from rainbow_probe.demo.loopback import CHUNK, Handler

JSON = "application/json"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is answered to one request."""

    status: int = 200
    content_type: str = HTML
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for: the path without its query, the Upgrade wanted, and all header fields by lower-case name."""

    path: str
    upgrade: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


Answer = Callable[[Asked], Page]
Upgrade = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Takes a connection over; the first bytes are the request as it came."""


def serving(answer: Answer, upgrade: Upgrade | None = None, paths: Collection[str] = ()) -> Handler:
    """Return a handler that answers requests; one that asks for a WebSocket goes to *upgrade*, on *paths* or on all."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            while (request := await _next_request(connection, reader)) is not None:
                asked = _asked(request)
                if upgrade and asked.upgrade == "websocket" and (not paths or asked.path in paths):
                    await upgrade(_as_sent(request) + connection.trailing_data[0], reader, writer)
                    return
                writer.write(rendered(connection, answer(asked), request.method))
                await writer.drain()
                if connection.our_state is not h11.DONE:
                    return
                connection.start_next_cycle()
        except h11.ProtocolError as exc:
            writer.write(rendered(connection, _bad_request(str(exc))))

    return handle


def html(title: str, text: str) -> bytes:
    """Return a small page of HTML; both arguments are ours, never a peer's."""
    head = f"<!DOCTYPE html><html><head><title>{title}</title></head>"
    return f"{head}<body><h1>{title}</h1>{text}</body></html>".encode()


async def _next_request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """Return the next request once its body, which nobody wants, is in; None when the peer has ended."""
    request: h11.Request | None = None
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(CHUNK))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.ConnectionClosed | h11.EndOfMessage) or event is h11.PAUSED:
            return request


def _asked(request: h11.Request) -> Asked:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
    path = request.target.decode("latin-1").partition("?")[0]
    return Asked(path=path, upgrade=headers.get("upgrade", "").lower(), headers=headers)


def _as_sent(request: h11.Request) -> bytes:
    lines = [b"%s %s HTTP/%s" % (request.method, request.target, request.http_version)]
    lines += [b"%s: %s" % header for header in request.headers.raw_items()]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def rendered(connection: h11.Connection, page: Page, method: bytes = b"GET") -> bytes:
    """Return *page* as the answer to a request of *method*; nothing if an answer was begun already."""
    if connection.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
        return b""
    headers = {
        "Date": formatdate(usegmt=True),
        "Server": "rainbow-demo",
        "Content-Length": str(len(page.body)),
        **({"Content-Type": page.content_type} if page.body else {}),
        **page.headers,
    }
    if page.status == 204:
        del headers["Content-Length"]  # RFC 9110 section 8.6
    events: tuple[h11.Event, ...] = (
        h11.Response(status_code=page.status, headers=list(headers.items()), reason=_phrase(page.status)),
        h11.Data(data=b"" if method == b"HEAD" else page.body),
        h11.EndOfMessage(),
    )
    return b"".join(connection.send(event) or b"" for event in events)


def _phrase(status: int) -> bytes:
    return HTTPStatus(status).phrase.encode()


def _bad_request(reason: str) -> Page:
    return Page(status=400, content_type="text/plain", body=reason.encode(), headers={"Connection": "close"})
