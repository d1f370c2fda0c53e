"""HTTP exchanges as bytes: versions, framings, ends, and what is not HTTP."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.model import Cause, PeerError
from rainbow_probe.protocols.http import BODY_SIZE, HEAD_SIZE, Client, Exchange
from tests.test_stun import FUZZ

PING = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"status":"OK"}'
ANSWERS = [
    PING,
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + PING,
]
CUT_BY_EOF = [
    b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\n\r\nhello",
]


def ask(method: str = "GET") -> Exchange:
    """Return an exchange whose request is out."""
    exchange = Exchange(method, "/api/rainbow/ping", "openrainbow.health")
    exchange.request()
    return exchange


def test_the_request() -> None:
    """It names the host and who asks, and carries what the caller adds."""
    exchange = Exchange("GET", "/x?y=1", "h.example:8443", {"Accept": "application/json", "X-Test": "1"})
    lines = exchange.request().split(b"\r\n")
    assert lines[0] == b"GET /x?y=1 HTTP/1.1"
    assert {b"Host: h.example:8443", b"Accept: application/json", b"X-Test: 1"} < set(lines[1:5])
    assert any(line.startswith(b"User-Agent: rainbow-probe/") for line in lines)
    assert lines[-2:] == [b"", b""]


def test_an_answer() -> None:
    """Status, reason, version, fields and body."""
    exchange = ask()
    exchange.feed(PING)
    assert exchange.done
    assert (exchange.status, exchange.reason, exchange.http_version) == (200, "OK", "1.1")
    assert exchange.headers == {"content-type": "application/json", "content-length": "15"}
    assert (exchange.body, exchange.truncated) == (b'{"status":"OK"}', False)


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_may_come_in_pieces(answer: bytes) -> None:
    """Byte by byte it is the same as at once."""
    whole, pieces = ask(), ask()
    whole.feed(answer)
    for byte in answer:
        assert not pieces.done
        pieces.feed(bytes([byte]))
    assert pieces.done
    assert (pieces.status, pieces.headers, pieces.body) == (whole.status, whole.headers, whole.body)


@pytest.mark.parametrize("answer", CUT_BY_EOF)
def test_the_end_of_the_stream_can_end_the_body(answer: bytes) -> None:
    """HTTP/1.0, or no length given."""
    exchange = ask()
    exchange.feed(answer)
    assert not exchange.done
    exchange.feed(b"")
    assert exchange.done
    assert exchange.body == b"hello"


def test_old_versions_are_told() -> None:
    """A report says HTTP/1.0 where it is."""
    exchange = ask()
    exchange.feed(CUT_BY_EOF[0])
    assert (exchange.http_version, exchange.headers["server"]) == ("1.0", "old")


def test_head_has_no_body() -> None:
    """Although it gives a length."""
    exchange = ask("HEAD")
    exchange.feed(PING[: PING.index(b"{")])
    assert exchange.done
    assert exchange.body == b""


def test_repeated_fields_are_joined() -> None:
    """RFC 9110 section 5.3; names in lower case."""
    exchange = ask()
    exchange.feed(b"HTTP/1.1 401 No\r\nVIA: 1.1 a\r\nVia: 1.1 b\r\nContent-Length: 0\r\n\r\n")
    assert exchange.headers["via"] == "1.1 a, 1.1 b"


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"220 mail.example ESMTP\r\n",
        b"<html>",
        b"HTTQ",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"http/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
    ],
)
def test_what_is_not_http(data: bytes) -> None:
    """Told at once, with the first bytes, fit to print."""
    exchange = ask()
    with pytest.raises(PeerError) as caught:
        exchange.feed(data)
    assert caught.value.cause is Cause.NOT_HTTP
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_a_banner_is_told_before_its_end() -> None:
    """No line end ever comes, and nobody waits for it."""
    exchange = ask()
    exchange.feed(b"HT")
    with pytest.raises(PeerError, match="HTML"):
        exchange.feed(b"ML")


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"", "before an answer"),
        (b"HTTP/1.1 200 O", "within 'HTTP/1.1 200 O'"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "within its answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "within its answer"),
    ],
)
def test_an_early_end(sent: bytes, text: str) -> None:
    """The connection was closed too early; that is not the same as a wrong answer."""
    exchange = ask()
    if sent:
        exchange.feed(sent)
    with pytest.raises(EOFError, match=text):
        exchange.feed(b"")


def test_an_endless_head_is_cut() -> None:
    """A server that never ends its header is not HTTP for us."""
    exchange = ask()
    with pytest.raises(PeerError) as caught:
        exchange.feed(b"HTTP/1.1 200 OK\r\nX: " + b"x" * (HEAD_SIZE + 1))
    assert caught.value.cause is Cause.NOT_HTTP


def test_a_long_body_is_cut() -> None:
    """What is judged is short; the rest is not even waited for."""
    client = Client("h.example")
    exchange = client.exchange("GET", "/")
    exchange.request()
    exchange.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    while not exchange.done:
        exchange.feed(b"x" * 10_000)
    assert len(exchange.body) == BODY_SIZE
    assert exchange.truncated
    assert not client.reusable


def test_one_connection_carries_two_exchanges() -> None:
    """As the ping and the about of one host do."""
    client = Client("h.example")
    for path in ("/ping", "/about"):
        exchange = client.exchange("GET", path)
        assert exchange.request().startswith(b"GET " + path.encode())
        exchange.feed(PING)
        assert exchange.done
        assert client.reusable


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", CUT_BY_EOF[0]]
)
def test_a_server_may_end_the_connection(answer: bytes) -> None:
    """Then there is no second exchange, and it is told before it is tried."""
    client = Client("h.example")
    exchange = client.exchange("GET", "/")
    exchange.request()
    exchange.feed(answer)
    assert not client.reusable
    with pytest.raises(EOFError):
        client.exchange("GET", "/")


@FUZZ
@given(st.lists(st.binary(max_size=100), max_size=5), st.sampled_from([b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n"]))
def test_any_bytes_are_an_answer_an_end_or_a_cause(pieces: list[bytes], start: bytes) -> None:
    """Nothing else comes out, however it is cut."""
    exchange = ask()
    with suppress(PeerError, EOFError):
        for piece in [start, *pieces, b""]:
            exchange.feed(piece)
    assert exchange.reason.isprintable()


@FUZZ
@given(st.sampled_from(ANSWERS), st.data())
def test_a_broken_answer_is_bearable(answer: bytes, data: st.DataObject) -> None:
    """One byte of a good answer changed."""
    at = data.draw(st.integers(0, len(answer) - 1))
    exchange = ask()
    with suppress(PeerError, EOFError):
        exchange.feed(answer[:at] + data.draw(st.binary(min_size=1, max_size=2)) + answer[at + 1 :])
        while not exchange.done:
            exchange.feed(b"")
    assert exchange.status is None or 200 <= exchange.status <= 999
