"""Clients for the demo cloud that share nothing with it: curl, dig, openssl, coturn's own, and plain sockets."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from rainbow_probe.demo import DemoSite
from rainbow_probe.demo.services import Door
from rainbow_probe.protocols.stun import Message, Method, request

HOST = "127.0.0.1"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def needs(program: str) -> pytest.MarkDecorator:
    """Skip a test where *program* is not installed."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is missing: run tests/setup.sh")


async def run(*command: str, limit: float = 30.0) -> tuple[int, str]:
    """Run a program without input; return its status and all it said."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(limit):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode(errors="replace")


async def curl(site: DemoSite, url: str, *options: str, ca: str | None = None) -> tuple[int, str]:
    """Ask *url* as a browser in *site* would, directly: the real name, the mapped port."""
    host, port = url.split("/")[2], 443 if url.startswith("https:") else 80
    to = f"{host}:{port}:{HOST}:{site.ports[host, port, 'tcp']}"
    trust = ("--cacert", ca or str(site.public_ca))
    return await run("curl", "-sS", "-m", "20", "--noproxy", "*", "--connect-to", to, *trust, *options, url)


async def curl_by_proxy(site: DemoSite, url: str, *options: str, ca: str | None = None) -> tuple[int, str]:
    """Ask *url* through the proxy of *site*."""
    trust = ("--cacert", ca or str(site.public_ca))
    return await run("curl", "-sS", "-m", "20", "-x", str(site.proxy), *trust, *options, url)


async def s_client(site: DemoSite, door: Door, *options: str) -> tuple[int, str]:
    """Shake hands with *door* by openssl."""
    at = f"{HOST}:{site.ports[door]}"
    ca = str(site.public_ca)
    return await run("openssl", "s_client", "-connect", at, "-servername", door[0], "-CAfile", ca, *options)


@asynccontextmanager
async def connected(port: int, tls: ssl.SSLContext | None = None, name: str | None = None) -> AsyncGenerator[Streams]:
    """Give a connection to *port*."""
    reader, writer = await asyncio.open_connection(HOST, port, ssl=tls, server_hostname=name)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def trusting(path: object) -> ssl.SSLContext:
    """Return a context that trusts the authorities in the file at *path* and no others."""
    return ssl.create_default_context(cafile=str(path))


async def ask_udp(port: int, message: bytes, limit: float = 5.0) -> bytes | None:
    """Send one datagram to *port*; return the answer, or None if there is none within *limit* seconds."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, (HOST, port))
        await loop.sock_sendall(sock, message)
        try:
            async with asyncio.timeout(limit):
                return await loop.sock_recv(sock, 65536)
        except TimeoutError:
            return None


async def ask_tcp(port: int, message: bytes, limit: float = 5.0) -> bytes | None:
    """Send *message* on a new connection; return the first bytes back, or None if there are none in *limit* seconds."""
    async with connected(port) as (reader, writer):
        writer.write(message)
        try:
            async with asyncio.timeout(limit):
                return await reader.read(65536)
        except TimeoutError:
            return None


def binding() -> bytes:
    """Return a STUN Binding request."""
    return bytes(request(Method.BINDING))


def mapped(answer: bytes | None) -> tuple[str, int] | None:
    """Return the address in the answer to a Binding request; None if there was no answer."""
    return None if answer is None else Message.parse(answer).mapped_address()
