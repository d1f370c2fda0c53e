"""HTTP that lies about its length, never ends, or grows: at the REST API, the control host, the WebSocket, a proxy."""

from __future__ import annotations

import gzip
import zlib

import pytest

from rainbow_probe.model import Cause, Outcome, Phase
from tests.hostile import HANDSHAKES, PROXIED, PROXIES, TERMINAL, fails, floods, meet
from tests.servers import ENDLESS, answers, page

PHASES = {
    "https": Phase.HTTP,
    "portal": Phase.HTTP,
    "xmpp": Phase.WEBSOCKET,
    "proxy": Phase.PROXY,
    "proxy-tls": Phase.PROXY,
}
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


HEADS = {
    "a status line without an end": floods(b"A", head=b"HTTP/1.1 200 "),
    "a field without an end": floods(b"a", head=OK + b"X-Fill: "),
    "a field name without an end": floods(b"a", head=OK),
    "fields without an end": floods(b"X-Fill: " + b"a" * 90 + b"\r\n", head=OK),
    "empty fields without an end": floods(b"a:\r\n", head=OK),
    "folded fields without an end": floods(b" a\r\n", head=OK + b"X-Fill: a\r\n"),
    "a field without a name": answers(OK + b": a\r\n\r\n"),
    "NUL in a field": answers(OK + b"Server: a\0b\r\n\r\n"),
    "two lengths": answers(OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
    "a length below nothing": answers(OK + b"Content-Length: -1\r\n\r\n"),
    "a length beyond measure": answers(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n"),
    "a status of four digits": answers(b"HTTP/1.1 2000 OK\r\n\r\n"),
    "a version of letters": answers(b"HTTP/x.y 200 OK\r\n\r\n"),
}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("surface", PHASES)
async def test_a_head_that_breaks_the_rules(surface: str, head: str) -> None:
    """No head is longer than the protocol's bound, and nothing in it is believed once a part of it is broken."""
    result = await meet(surface, HEADS[head], PROXIES if surface in PROXIED else HANDSHAKES)
    fails(result, PHASES[surface], Cause.NOT_HTTP)


@pytest.mark.parametrize("surface", PHASES)
async def test_a_switch_that_nobody_asked_for(surface: str) -> None:
    """Whoever switches to another protocol has not answered."""
    switch = answers(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\nConnection: Upgrade\r\n\r\n")
    cause = Cause.UPGRADE_REFUSED if surface == "xmpp" else Cause.NOT_HTTP
    fails(await meet(surface, switch), PHASES[surface], cause)


@pytest.mark.parametrize("status", [b"100 Continue", b"103 Early Hints", b"199 x"])
@pytest.mark.parametrize("surface", PHASES)
async def test_promises_without_an_answer(surface: str, status: bytes) -> None:
    """Interim answers are no answer, and some are enough to tell that none will come."""
    result = await meet(surface, floods(b"HTTP/1.1 " + status + b"\r\n\r\n"))
    fails(result, PHASES[surface], Cause.UPGRADE_REFUSED if surface == "xmpp" else Cause.NOT_HTTP)


@pytest.mark.parametrize("surface", ["https", "portal", "xmpp", "proxy"])
async def test_escapes_in_every_field(surface: str) -> None:
    """What servers say of themselves is kept as evidence, and cannot act."""
    said = TERMINAL.replace("\r\n", "").replace("\x1b", "\x9b").replace("\x07", "").encode()
    names = (b"Server", b"Via", b"Location", b"Date", b"X-Cache", b"Content-Type", b"Proxy-Agent", b"Proxy-Status")
    fields = b"".join(name + b": " + said + b"\r\n" for name in names)
    result = await meet(surface, answers(b"HTTP/1.1 403 " + said + b"\r\n" + fields + b"Content-Length: 0\r\n\r\n"))
    assert result.verdict.outcome is not Outcome.PASS
    kept = " ".join(str(value) for step in result.steps for value in step.facts.values())
    assert "alert(1)" in kept


HUGE = "https://else.example/" + "a" * 8000
WHERE = [
    "/",
    "//",
    "/generate_204",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://[",
    "\u00e9://",
    HUGE,
    "",
    "?" * 9,
]


@pytest.mark.parametrize("status", [301, 302, 307, 399])
@pytest.mark.parametrize("where", WHERE, ids=ascii)
async def test_redirects_lead_nowhere(where: str, status: int) -> None:
    """To itself, in a loop, to a script or to a huge address: none is followed, and none is an answer."""
    sent = answers(page(f"{status} Moved", b"", f"Location: {where}"))
    fails(await meet("https", sent), Phase.HTTP, Cause.UNEXPECTED_REPLY)
    causes = (Cause.CAPTIVE_PORTAL,) if where == HUGE else (Cause.UNEXPECTED_REPLY,)
    fails(await meet("portal", sent), Phase.HTTP, *causes)
    fails(await meet("xmpp", sent), Phase.WEBSOCKET, Cause.UPGRADE_REFUSED)


def told_short(length: int, body: bytes) -> bytes:
    """Give an answer that says *length* of its *body*."""
    return OK + f"Content-Length: {length}\r\n\r\n".encode() + body


BODIES = {
    "a body without an end": (floods(b"a", head=OK + b"\r\n"), Cause.UNEXPECTED_REPLY),
    "a body of many chunks": (floods(b"8\r\naaaaaaaa\r\n", head=CHUNKED), Cause.UNEXPECTED_REPLY),
    "a chunk without an end": (floods(b"a", head=CHUNKED + b"ffffffffffffffff\r\n"), Cause.UNEXPECTED_REPLY),
    "a chunk size without an end": (floods(b"0", head=CHUNKED), Cause.NOT_HTTP),
    "a chunk extension without an end": (floods(b"a", head=CHUNKED + b"1;a="), Cause.NOT_HTTP),
    "trailers without an end": (floods(b"a: b\r\n", head=CHUNKED + b"0\r\n"), Cause.NOT_HTTP),
    "a chunk of no size": (answers(CHUNKED + b"xyz\r\n"), Cause.NOT_HTTP),
    "a chunk longer than told": (answers(CHUNKED + b"1\r\nabc\r\n0\r\n\r\n"), Cause.NOT_HTTP),
    "less than told": (answers(told_short(999, b"{}"), stays=False), Cause.CLOSED),
    "less than told, and waiting": (answers(told_short(999, b"{}")), Cause.TIMEOUT),
    "more than told": (answers(told_short(9, b'{"status": "OK"}')), Cause.UNEXPECTED_REPLY),
    "a bomb": (answers(page("200 OK", gzip.compress(bytes(10**7)), "Content-Encoding: gzip")), Cause.UNEXPECTED_REPLY),
    "a bomb that is told as no bomb": (answers(page("200 OK", zlib.compress(bytes(10**7)))), Cause.UNEXPECTED_REPLY),
    "an encoding that is none": (
        answers(page("200 OK", b"{}", "Content-Encoding: br, br, gzip")),
        Cause.UNEXPECTED_REPLY,
    ),
    "JSON without a bottom": (answers(page("200 OK", b'{"a":' * 12_000)), Cause.UNEXPECTED_REPLY),
    "JSON with a huge number": (answers(page("200 OK", b'{"status": ' + b"9" * 60_000 + b"}")), Cause.UNEXPECTED_REPLY),
    "JSON with a key twice": (answers(page("200 OK", b'{"status": "OK", "status": "KO"}')), Cause.UNEXPECTED_REPLY),
    "escapes": (answers(page("200 OK", TERMINAL.encode())), Cause.UNEXPECTED_REPLY),
}


@pytest.mark.parametrize("body", BODIES)
async def test_a_body_that_lies(body: str) -> None:
    """No more of a body is read than what can be judged; nothing is unpacked."""
    handle, cause = BODIES[body]
    limits = HANDSHAKES if cause is Cause.TIMEOUT else ENDLESS
    fails(await meet("https", handle, limits), Phase.HTTP, cause)
