"""A proxy that takes NTLM and nothing else, and checks every message with pyspnego's server side: a real NTLMv2 peer.

A program of its own, run inside a namespace: ``python -m tests.lab.ntlm_box ADDRESS PORT``, with NTLM_USER_FILE set.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from contextlib import suppress
from pathlib import Path

import spnego
from spnego.exceptions import SpnegoError

from tests.lab import servers
from tests.lab.boxes import carry
from tests.lab.cloud_servers import PROGRAM
from tests.lab.names import PROXY, PROXY_PASSWORD, PROXY_USER
from tests.lab.netns import Namespace
from tests.lab.servers import Server

ASKS = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Agent: lab-ntlm\r\nContent-Length: 0\r\n"
OPENED = b"HTTP/1.1 200 Connection established\r\nProxy-Agent: lab-ntlm\r\n\r\n"
FIELD = b"proxy-authorization: ntlm "
REFUSED = "refused"
NAME = "ntlm-box"


def start(namespace: Namespace, folder: Path, port: int) -> Server:
    """Start the proxy on *port* of the proxy's address; it knows Alice of the domain SITE."""
    users = folder / "ntlm-users"
    users.write_text(f"SITE:{PROXY_USER}:{PROXY_PASSWORD}\n", encoding="ascii")
    command = [sys.executable, "-m", "tests.lab.ntlm_box", PROXY, str(port)]
    known = {**PROGRAM, "NTLM_USER_FILE": str(users)}
    return servers.start(namespace, NAME, command, folder=folder, ports=[f"tcp/{port}"], environment=known)


def refused(folder: Path) -> int:
    """Return how many proofs of a password were wrong."""
    log = folder / f"{NAME}.log"
    return log.read_text(encoding="utf-8").count(REFUSED) if log.exists() else 0


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection, whose client has to log in before it gets anywhere."""
    with suppress(asyncio.IncompleteReadError, OSError):
        host, port = await _target(reader, writer)
        await carry(reader, writer, (host, port), OPENED)
    writer.close()


async def _target(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    """Return where the client of a connection wants to go, once it has logged in."""
    server = spnego.server(protocol="ntlm")
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        asked = next((line for line in head.split(b"\r\n") if line.lower().startswith(FIELD)), None)
        answer = _answer(server, asked[len(FIELD) :]) if asked else b""
        if answer is None:
            host, _, port = head.split(b" ")[1].decode().rpartition(":")
            return host.strip("[]"), int(port)
        writer.write(ASKS + b"Proxy-Authenticate: NTLM" + answer + b"\r\n\r\n")


def _answer(server: spnego.ContextProxy, message: bytes) -> bytes | None:
    """Return what follows the scheme's name in the next 407; None if the client is who it says."""
    try:
        answer = server.step(base64.b64decode(message))
    except (SpnegoError, ValueError):
        print(REFUSED, flush=True)  # noqa: T201 - the box's log, which is counted
        return b""
    return None if server.complete else b" " + base64.b64encode(answer or b"")


async def _listen(address: str, port: int) -> None:
    await (await asyncio.start_server(serve, address, port)).serve_forever()


if __name__ == "__main__":
    asyncio.run(_listen(sys.argv[1], int(sys.argv[2])))
