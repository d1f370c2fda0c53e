"""All floods at once, seen from outside: how much a process grows that meets them."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.model import Transport
from tests.hostile import STREAMS, floods
from tests.servers import PUBLIC, pem, shows
from tests.test_hostile_websocket import FIN, frame, switches

GROWTH = 32 * 2**20  # bytes, for all of them together; they send some hundred megabytes
OK = b"HTTP/1.1 200 OK\r\n"
FLOODS: dict[str, tuple[str, Handler]] = {
    "zeros": ("https", floods(b"\0")),
    "a field": ("https", floods(b"a", head=OK + b"X: ")),
    "a body": ("https", floods(b"a", head=OK + b"\r\n")),
    "chunks": ("portal", floods(b"400\r\n" + b"a" * 1024 + b"\r\n", head=OK + b"Transfer-Encoding: chunked\r\n\r\n")),
    "promises": ("portal", floods(b"HTTP/1.1 100 Continue\r\n\r\n")),
    "pings": ("xmpp", switches(floods(frame(FIN | 9, b"x" * 99)))),
    "fragments": ("xmpp", switches(floods(frame(0, b"a" * 99), head=frame(1, b"a")))),
    "a huge frame": ("xmpp", switches(floods(b"a", head=frame(FIN | 1, length=2**40)))),
    "letters": ("turn-tcp", floods(b"A")),
    "STUN to others": ("turn-tls", floods(b"\x01\x01\x00\x00\x21\x12\xa4\x42" + bytes(12))),
}


@pytest.mark.skipif(sys.platform == "win32", reason="platform: Windows does not tell a process's peak in this way")
async def test_all_floods_at_once(tmp_path: Path) -> None:
    """The process stays small, every check ends by itself, and none of them passes or is a fault of ours."""
    async with loopback() as place:
        targets: list[str] = []
        for surface, handle in FLOODS.values():
            kind, transport, _ = STREAMS[surface]
            port = await place.tcp(handle, shows() if transport is Transport.TLS else None)
            targets.append(f"{kind}:{transport}:{port}")
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.hostile_child", pem(tmp_path, PUBLIC), *targets),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await child.communicate()
    told = json.loads(said)
    for name, (outcome, cause) in zip(FLOODS, told["ends"], strict=True):
        assert outcome != "pass", name
        assert cause not in {"unknown", "interrupted", "tls-untrusted"}, name
    assert told["grown"] < GROWTH
