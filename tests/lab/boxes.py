"""The small servers that Debian has no package for: push hosts, and the boxes that spoil a connection.

A program of its own, run inside a namespace: ``python -m tests.lab.boxes FILE.json`` with a list of listeners.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
METHODS = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"OPTIONS ", b"CONNECT ", b"PATCH ")
LOGIN = b"<html><head><title>Welcome to Hotel Lab</title></head><body>Please sign in to use the network.</body></html>"
MOST = 65536
FILTERED = b"openrainbow.health"
NAMED = b"\0" + len(FILTERED).to_bytes(2, "big") + FILTERED  # a host_name of server_name, RFC 6066 section 3
ALPN_HTTP = b"\x08http/1.1"  # an entry of the ALPN extension, RFC 7301 section 3.1


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take everything and never answer."""
    del writer
    while await reader.read(MOST):
        pass


async def inspector(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a box that lets only HTTP pass on TCP/80: 400 at once to anything else."""
    head = await reader.read(MOST)
    status = b"204 No Content" if head.startswith(METHODS) else b"400 Bad Request"
    body = b"" if status.startswith(b"204") else b"<html>Bad request: not HTTP</html>"
    headers = b"Server: lab-dpi/1.0\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    writer.write(b"HTTP/1.1 " + status + b"\r\n" + headers + body)
    await writer.drain()


async def portal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a captive portal: every request is sent to the login page, which is here as well."""
    with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(_login_page() if b"portal.test" in head else _to_login())
        await writer.drain()


def _to_login() -> bytes:
    return (
        b"HTTP/1.1 302 Found\r\nServer: lab-portal\r\nLocation: http://portal.test/login\r\n"
        b"Content-Length: 0\r\nConnection: close\r\n\r\n"
    )


def _login_page() -> bytes:
    head = b"HTTP/1.1 200 OK\r\nServer: lab-portal\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
    return head % len(LOGIN) + LOGIN


async def http10(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a proxy for CONNECT that answers as HTTP/1.0, as tinyproxy does."""
    with suppress(asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        opened = b"HTTP/1.0 200 Connection established\r\nProxy-agent: lab-tinyproxy/1.0\r\n\r\n"
        await carry(reader, writer, (host.strip("[]"), int(port)), opened)


async def byte_cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a proxy that ends a tunnel when it has carried 256 KB, both ways together."""
    with suppress(asyncio.IncompleteReadError):
        host, _, port = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode().rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(host.strip("[]"), int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        left = [256 * 1024]
        async with asyncio.TaskGroup() as both:
            for source, sink in ((reader, far_writer), (far_reader, writer)):
                both.create_task(_pour_some(source, sink, left, (writer, far_writer)))


async def _pour_some(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, left: list[int], ends: tuple[asyncio.StreamWriter, ...]
) -> None:
    with suppress(OSError):
        while data := await source.read(4096):
            left[0] -= len(data)
            if left[0] < 0:
                break
            sink.write(data)
            await sink.drain()
    for end in ends:
        end.transport.abort() if left[0] < 0 else end.close()


async def carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int], opened: bytes
) -> None:
    """Connect to *target*, say *opened*, and carry bytes both ways until one side ends."""
    far_reader, far_writer = await asyncio.open_connection(*target)
    writer.write(opened)
    async with asyncio.TaskGroup() as both:
        both.create_task(_pour(reader, far_writer))
        both.create_task(_pour(far_reader, writer))


async def says_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a proxy that says 200 to CONNECT and shows its own page in the tunnel, as soon as the client speaks."""
    with suppress(asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 Connection established\r\nProxy-Agent: lab-filter/2.0\r\n\r\n")
        await reader.read(MOST)
        writer.write(b"HTTP/1.1 403 Forbidden\r\nServer: lab-filter/2.0\r\n\r\n<html>Blocked by the lab</html>")
        await writer.drain()


async def sni_filter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a filter that resets connections whose first message names the REST host, and passes on all others."""
    hello = await reader.read(MOST)
    if NAMED in hello:
        _reset(writer)
        return
    await _pass_on(hello, reader, writer)


async def web_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be deep inspection that takes TLS without ALPN for no web traffic, and falls silent at its first data."""
    hello = await reader.read(MOST)
    if ALPN_HTTP in hello:
        await _pass_on(hello, reader, writer)
        return
    far_reader, far_writer = await asyncio.open_connection(*_asked_for(writer))
    far_writer.write(hello)
    async with asyncio.TaskGroup() as both:
        both.create_task(_pour(far_reader, writer))
        far_writer.write(await reader.read(MOST))  # the end of the handshake
        await mute(reader, writer)


async def _pass_on(first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    far_reader, far_writer = await asyncio.open_connection(*_asked_for(writer))
    far_writer.write(first)
    async with asyncio.TaskGroup() as both:
        both.create_task(_pour(reader, far_writer))
        both.create_task(_pour(far_reader, writer))


def _asked_for(writer: asyncio.StreamWriter) -> tuple[str, int]:
    """Return where a redirected connection was to go: SO_ORIGINAL_DST of linux/netfilter_ipv4.h."""
    told = writer.get_extra_info("socket").getsockopt(socket.SOL_IP, 80, 16)
    return socket.inet_ntoa(told[4:8]), int.from_bytes(told[2:4], "big")


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(MOST):
            writer.write(data)
            await writer.drain()
    writer.close()


def page(text: str) -> Handler:
    """Return a web server that gives *text* to whoever asks, as a PAC file is given."""
    body = text.encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ns-proxy-autoconfig\r\nContent-Length: %d\r\n" % len(body)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head + b"Connection: close\r\n\r\n" + body)
            await writer.drain()

    return serve


HANDLERS: Mapping[str, Handler] = {
    "mute": mute,
    "inspector": inspector,
    "portal": portal,
    "push": mute,
    "http10": http10,
    "byte-cut": byte_cut,
    "says-page": says_page,
    "sni-filter": sni_filter,
    "web-only": web_only,
}


def closing(handler: Handler) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Wrap *handler* so that the connection ends with it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await handler(reader, writer)
        writer.close()

    return serve


async def listen(spec: Mapping[str, Any]) -> asyncio.Server:
    """Start one listener: ``kind``, ``addresses``, ``port``; with TLS ``certificate``, ``key``, ``alpn``; ``text``."""
    context: ssl.SSLContext | None = None
    if "certificate" in spec:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(spec["certificate"], spec["key"])
        context.set_alpn_protocols(spec.get("alpn", []))
    handler = page(spec["text"]) if spec["kind"] == "page" else HANDLERS[spec["kind"]]
    return await asyncio.start_server(closing(handler), spec["addresses"], spec["port"], ssl=context)


async def serve(specs: list[Mapping[str, Any]]) -> None:
    """Serve all listeners until killed."""
    servers = [await listen(spec) for spec in specs]
    async with asyncio.TaskGroup() as group:
        for server in servers:
            group.create_task(server.serve_forever())


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
