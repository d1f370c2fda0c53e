"""HTTP CONNECT as bytes: what opens a tunnel, what refuses one and why."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.model import Cause, Credentials, PeerError
from rainbow_probe.protocols.connect import DRAIN_SIZE, REFUSAL_SIZE, Tunnel
from tests.test_stun import FUZZ

ALICE = Credentials(user="alice", password="p@ss<word>")  # noqa: S106 - made up, to look for it
TOKEN = "YWxpY2U6cEBzczx3b3JkPg"  # noqa: S105 - the same, as Basic spells it


def tunnel(
    credentials: Credentials | None = None, authority: str = "turn.example:443", authorization: str = ""
) -> Tunnel:
    """Return a tunnel whose request is out."""
    machine = Tunnel(authority, credentials, authorization)
    machine.request()
    return machine


def refusal(machine: Tunnel, answer: bytes) -> PeerError:
    """Return what the tunnel makes of a refusal."""
    with pytest.raises(PeerError) as caught:
        machine.feed(answer)
    assert str(caught.value).isprintable()
    return caught.value


def test_the_request() -> None:
    """HTTP/1.1, with the Host that squid insists on, and no credentials nobody gave."""
    lines = Tunnel("turn.example:443").request().split(b"\r\n")
    assert lines[:2] == [b"CONNECT turn.example:443 HTTP/1.1", b"Host: turn.example:443"]
    assert lines[2].startswith(b"User-Agent: rainbow-probe/")
    assert lines[3:] == [b"Proxy-Connection: keep-alive", b"", b""]


def test_an_answer_goes_with_the_request() -> None:
    """Bytes that are not ASCII come back to the proxy as it had them; without an answer no password is sent."""
    assert b"\r\nProxy-Authorization: Basic eA==\r\n" in Tunnel("h:1", ALICE, "Basic eA==").request()
    machine = tunnel()
    refusal(machine, b'HTTP/1.1 407 No\r\nProxy-Authenticate: Digest realm="\xfc", nonce=n\r\n\r\n')
    realm = machine.challenges[0].parameters["realm"]
    assert b'Digest realm="\xfc"' in Tunnel("h:1", ALICE, f'Digest realm="{realm}"').request()
    assert b"Authorization" not in Tunnel("h:1", ALICE).request()


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.0 200 Connection established\r\n\r\n",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",  # to be ignored, RFC 9110 section 9.3.6
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\nVia: x\n\n",
    ],
)
def test_any_2xx_opens(head: bytes) -> None:
    """And what follows it belongs to the tunnel."""
    machine = tunnel()
    machine.feed(head + b"hello")
    assert machine.open
    assert machine.leftover == b"hello"
    assert machine.http_version == head[5:8].decode()


def test_an_answer_may_come_in_pieces() -> None:
    """Byte by byte."""
    machine = tunnel()
    for byte in b"HTTP/1.1 200 OK\r\nVia: 1.1 box\r\n\r\n":
        assert not machine.open
        machine.feed(bytes([byte]))
    assert machine.open
    assert machine.leftover == b""


def test_the_facts() -> None:
    """What the report shows of the proxy."""
    machine = tunnel()
    machine.feed(b"HTTP/1.0 200 Go\r\nServer: s\r\nVia: 1.0 v\r\nProxy-Agent: tinyproxy/1.11\r\n\r\n")
    assert machine.facts() == {
        "authority": "turn.example:443",
        "status": 200,
        "reason": "Go",
        "http_version": "1.0",
        "server": "s",
        "via": "1.0 v",
        "proxy_agent": "tinyproxy/1.11",
    }
    assert tunnel().facts() == {"authority": "turn.example:443"}


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (300, Cause.PROXY_DENIED),
        (302, Cause.PROXY_DENIED),
        (400, Cause.PROXY_DENIED),
        (401, Cause.PROXY_DENIED),
        (403, Cause.PROXY_DENIED),
        (404, Cause.PROXY_DENIED),
        (405, Cause.PROXY_DENIED),
        (407, Cause.PROXY_AUTH),
        (429, Cause.PROXY_DENIED),
        (500, Cause.PROXY_TARGET_FAILED),
        (501, Cause.PROXY_DENIED),
        (502, Cause.PROXY_TARGET_FAILED),
        (503, Cause.PROXY_TARGET_FAILED),
        (504, Cause.PROXY_TARGET_FAILED),
    ],
)
def test_every_refusal_has_its_cause(status: int, cause: Cause) -> None:
    """Who must change something differs with the status."""
    machine = tunnel()
    exc = refusal(machine, b"HTTP/1.1 %d Sorry\r\nContent-Length: 4\r\n\r\nbody" % status)
    assert exc.cause is cause
    assert f"{status} Sorry" in str(exc)
    assert (machine.open, machine.status, machine.body) == (False, status, "body")


@pytest.mark.parametrize(
    ("status", "field", "cause"),
    [
        (503, b"X-Squid-Error: ERR_DNS_FAIL 0", Cause.PROXY_RESOLVE_FAILED),
        (503, b"X-Squid-Error: ERR_CONNECT_FAIL 111", Cause.PROXY_TARGET_FAILED),
        (503, b"X-Squid-Error: ERR_CANNOT_FORWARD 0", Cause.PROXY_TARGET_FAILED),
        (500, b"X-Squid-Error: ERR_CANNOT_FORWARD 0", Cause.PROXY_RESOLVE_FAILED),  # squid 5.7, a name without address
        (503, b"X-Squid-Error: ERR_ACCESS_DENIED 0", Cause.PROXY_DENIED),
        (503, b"X-Squid-Error:", Cause.PROXY_TARGET_FAILED),
        (403, b"X-Squid-Error: ERR_SOMETHING_NEW 0", Cause.PROXY_DENIED),
        (407, b"X-Squid-Error: ERR_CACHE_ACCESS_DENIED 0", Cause.PROXY_AUTH),
        (502, b'Proxy-Status: edge; error=dns_error; rcode="NXDOMAIN"', Cause.PROXY_RESOLVE_FAILED),
        (504, b"Proxy-Status: edge;error=dns_timeout", Cause.PROXY_RESOLVE_FAILED),
        (502, b"Proxy-Status: edge; error=connection_refused", Cause.PROXY_TARGET_FAILED),
        (502, b"Proxy-Status: edge; error=http_request_denied", Cause.PROXY_DENIED),
        (502, b"Proxy-Status: edge; error=of_its_own", Cause.PROXY_TARGET_FAILED),
    ],
)
def test_the_proxys_own_word_counts(status: int, field: bytes, cause: Cause) -> None:
    """A machine-readable reason says more than the status, and is quoted."""
    exc = refusal(tunnel(), b"HTTP/1.1 %d No\r\n%b\r\n\r\n" % (status, field))
    assert exc.cause is cause
    if status != 407:
        assert field.split(b":")[0].decode().lower() in str(exc)


@pytest.mark.parametrize("authority", ["192.0.2.1:80", "[2001:db8::1]:80"])
def test_an_address_needs_no_resolving(authority: str) -> None:
    """So squid's words for "no address found" mean something else there."""
    answer = b"HTTP/1.1 500 No\r\nX-Squid-Error: ERR_CANNOT_FORWARD 0\r\n\r\n"
    assert refusal(tunnel(authority=authority), answer).cause is Cause.PROXY_TARGET_FAILED


@pytest.mark.parametrize(
    ("sent", "fields", "text"),
    [
        ("", b"Proxy-Authenticate: Basic realm=x\r\n", "offers Basic; no credentials were sent"),
        ("Basic eDp5", b"Proxy-Authenticate: Basic realm=x\r\n", "offers Basic; Basic was sent"),
        ("NTLM eDp5", b"Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n", "offers Negotiate, NTLM; NTLM"),
        ("", b"", "offers no scheme; no credentials were sent"),
    ],
)
def test_a_407_says_what_is_wanted(sent: str, fields: bytes, text: str) -> None:
    """The schemes offered, and whether credentials were sent."""
    exc = refusal(tunnel(authorization=sent), b"HTTP/1.1 407 Auth\r\n" + fields + b"\r\n")
    assert text in str(exc)


REFUSED = b"HTTP/1.%d 407 No\r\nProxy-Authenticate: NTLM\r\n%b\r\n"


@pytest.mark.parametrize(
    ("minor", "fields", "lasts"),
    [
        (1, b"Content-Length: 4\r\n", True),
        (1, b"Transfer-Encoding: chunked\r\n", True),
        (1, b"Content-Length: 4\r\nConnection: Keep-Alive\r\n", True),
        (1, b"Content-Length: 4\r\nConnection: close\r\n", False),
        (1, b"Content-Length: 4\r\nProxy-Connection: close\r\n", False),
        (1, b"", False),  # the end of the connection is the end of the page
        (0, b"Content-Length: 4\r\n", False),
        (0, b"Content-Length: 4\r\nProxy-Connection: keep-alive\r\n", True),
    ],
)
def test_whether_the_connection_takes_another_request(minor: int, fields: bytes, lasts: bool) -> None:
    """RFC 9112 section 9.3, and what proxies of HTTP/1.0 say."""
    machine = tunnel()
    refusal(machine, REFUSED % (minor, fields))
    assert machine.lasts is lasts


def test_a_refusal_can_be_read_to_its_end() -> None:
    """In pieces; an early end is one."""
    machine = tunnel()
    refusal(machine, REFUSED % (1, b"Content-Length: 4\r\n") + b"a")
    assert [machine.drain(piece) for piece in (b"b", b"cd")] == [False, True]
    machine = tunnel()
    refusal(machine, REFUSED % (1, b"Content-Length: 4\r\n"))
    with pytest.raises(EOFError, match="closed within"):
        machine.drain(b"")


def test_a_refusal_without_end_is_not_read() -> None:
    """Nobody waits for the end of a flood."""
    machine = tunnel()
    refusal(machine, REFUSED % (1, b"Content-Length: 999999999\r\n") + b"x" * DRAIN_SIZE)
    with pytest.raises(EOFError, match="does not end"):
        machine.drain(b"x")


def test_a_redirect_says_where() -> None:
    """A login page of the proxy, for example."""
    exc = refusal(tunnel(), b"HTTP/1.1 302 Found\r\nLocation: http://login.example/?x\r\n\r\n")
    assert "location: http://login.example/?x" in str(exc)


def test_a_refusal_does_not_wait_for_its_page() -> None:
    """The head is enough; a page that never comes must not look like a time-out."""
    machine = tunnel()
    assert refusal(machine, b"HTTP/1.1 403 No\r\nContent-Length: 5000\r\n\r\nsorr").cause is Cause.PROXY_DENIED
    assert machine.facts()["body"] == "sorr"


def test_a_long_page_is_cut() -> None:
    """And shown without control characters."""
    machine = tunnel()
    refusal(machine, b"HTTP/1.1 403 No\r\nContent-Length: 9000\r\n\r\n\x1b" + b"x" * 8999)
    assert len(machine.body) == REFUSAL_SIZE
    assert machine.body.startswith("\\x1bx")


LONG = "YIIHNQYGKwYBBQUCoIIHKTCCByWgDTALBgkqhkiG9xIBAgKiggcSBIIHDmCC" + "Bwo" * 999
SPELLINGS = [
    ("", TOKEN + "=="),
    ("", TOKEN + "%3D%3D"),
    ("", "p@ss<word>"),
    ("", "p%40ss%3Cword%3E"),
    ("", "p@ss&lt;word&gt;"),
    ("", "user=alice"),
    ("Negotiate " + LONG, LONG),
    ("Negotiate " + LONG, LONG[:100]),  # cut off
    ("NTLM TlRMTVNTUAADAAAA+/+/AAAA", "TlRMTVNTUAADAAAA%2B%2F%2B%2FAAAA"),
    ('Digest username="alice", response="753927fa0e85d155564e2e272a28d180"', "753927fa0e85d155564e2e272a28d180"),
]


@pytest.mark.parametrize(("sent", "spelling"), SPELLINGS)
def test_our_secrets_do_not_come_back(sent: str, spelling: str) -> None:
    """Error pages like to repeat the request; the report must not."""
    machine = tunnel(ALICE, authorization=sent)
    secret = spelling.encode()
    head = b"HTTP/1.1 403 No %b\r\nServer: %b\r\nX-Squid-Error: %b\r\nContent-Length: 99\r\n\r\n" % ((secret,) * 3)
    exc = refusal(machine, head + secret)
    shown = f"{exc} {machine.facts()} {machine.headers}"
    assert "***" in shown
    for part in (TOKEN, "p@ss<word>", "p%40ss%3Cword%3E", "&lt;word", "alice", "753927fa", "YIIH", "Bwo", "AAAA"):
        assert part not in shown


def test_a_short_password_garbles_nothing() -> None:
    """Hiding it would punch holes into words, and name it by them."""
    machine = tunnel(Credentials(user="u", password="o"))  # noqa: S106 - made up
    refusal(machine, b"HTTP/1.1 403 Forbidden\r\n\r\n")
    assert machine.reason == "Forbidden"


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-x\r\n",
        b"\x05\x00",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"HTTP/1.1 no\r\n\r\n",
        b"HTTP/1.1 101 Up\r\n\r\n",
    ],
)
def test_what_is_not_a_proxy(data: bytes) -> None:
    """Something else listens there; its first bytes are shown."""
    exc = refusal(tunnel(), data)
    assert exc.cause is Cause.NOT_HTTP


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nVia: x"])
def test_an_early_end(sent: bytes) -> None:
    """The proxy hangs up without a whole answer."""
    machine = tunnel()
    if sent:
        machine.feed(sent)
    with pytest.raises(EOFError, match="closed"):
        machine.feed(b"")


@FUZZ
@given(
    st.lists(st.binary(max_size=100), max_size=5),
    st.sampled_from([b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 407 A\r\nProxy-Authenticate: "]),
)
def test_any_bytes_open_refuse_or_end(pieces: list[bytes], start: bytes) -> None:
    """Nothing else comes out, however it is cut."""
    machine = tunnel(ALICE)
    with suppress(PeerError, EOFError):
        for piece in [start, *pieces, b""]:
            machine.feed(piece)
            if machine.open:
                break
    assert all(isinstance(value, str | int) for value in machine.facts().values())
