"""Boxes on the way: one that decrypts TLS under a company's CA, one that takes TCP/80 for HTTP."""

from __future__ import annotations

import asyncio
import re
import ssl

import trustme

from rainbow_probe.demo.certificates import HTTP, server_context
from rainbow_probe.demo.loopback import CHUNK, Handler, Streams, reach, relay
from rainbow_probe.demo.pages import html
from rainbow_probe.demo.services import HOST

SIGNATURE = b"1.1 gateway.example (demo)"
HOP_BY_HOP = (b"upgrade", b"connection", b"sec-websocket-")
HTTP_REQUEST = re.compile(rb"[A-Z]{3,10} \S+ HTTP/1\.[01]\r\n")


class Decrypter:
    """Ends TLS with certificates of *authority*, reads HTTP, and opens TLS again towards the real server.

    What is no HTTP gets no answer and goes nowhere, as with squid's bumping: TURN falls silent.
    """

    def __init__(self, authority: trustme.CA, outside: ssl.SSLContext) -> None:
        """Sign with *authority*; verify the real servers with *outside*."""
        self._authority = authority
        self._outside = outside
        self._shown: dict[str, ssl.SSLContext] = {}

    def context(self) -> ssl.SSLContext:
        """Return a server's context that shows, for whatever name is asked, a certificate made for it."""
        context = server_context(self._authority.issue_cert(HOST, common_name=HOST), HTTP)
        context.sni_callback = self._show
        return context

    def towards(self, port: int, *, upgrades: bool) -> Handler:
        """Return a handler that passes HTTP on to the server at *port*, its Upgrades only with *upgrades*."""

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            try:
                async with reach(port, self._outside, _host(head)) as far:
                    await _pass_on(head, (reader, writer), far, upgrades=upgrades)
            except (OSError, ValueError) as exc:  # what ``Host`` names may be no name at all
                writer.write(_page(b"503 Service Unavailable", type(exc).__name__))

        return handle

    def _show(self, connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        if name is not None:
            try:
                connection.context = self._context_for(name)
            except ValueError:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        return None

    def _context_for(self, name: str) -> ssl.SSLContext:
        if name not in self._shown:
            self._shown[name] = server_context(self._authority.issue_cert(name, common_name=name), HTTP)
        return self._shown[name]


def http_inspection(port: int) -> Handler:
    """Return a handler that lets HTTP through to *port* and answers all else as a broken request."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(CHUNK)
        if not HTTP_REQUEST.match(first):
            writer.write(_page(b"400 Bad Request", "This gateway does not understand your request."))
            return
        async with reach(port) as far:
            far[1].write(first)
            await relay((reader, writer), far)

    return handle


async def _pass_on(head: bytes, near: Streams, far: Streams, *, upgrades: bool) -> None:
    if upgrades:
        far[1].write(head)
    else:
        far[1].write(_without_upgrade(head))
        near[1].write(_without_upgrade(await far[0].readuntil(b"\r\n\r\n")))
    await relay(near, far)


def _without_upgrade(head: bytes) -> bytes:
    """Drop what belongs to one hop, as a proxy must (RFC 9110 section 7.6.1), and sign (section 7.6.3)."""
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(HOP_BY_HOP)]
    return b"\r\n".join([first, *kept, b"Via: " + SIGNATURE, b"Connection: close"]) + b"\r\n\r\n"


def _host(head: bytes) -> str:
    found = re.search(rb"\r\nhost:[ \t]*([^\r:\s]+)", head, re.IGNORECASE)
    return found[1].decode("latin-1") if found else HOST


def _page(status: bytes, text: str) -> bytes:
    body = html(status.decode(), text)
    head = b"HTTP/1.1 %s\r\nServer: gateway.example\r\nVia: %s\r\nContent-Type: text/html\r\n" % (status, SIGNATURE)
    return head + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
