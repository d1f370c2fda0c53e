"""The demo's HTTP proxy, through curl and byte by byte."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainbow_probe.demo import DemoSite, demo_cloud
from rainbow_probe.demo.loopback import loopback
from rainbow_probe.demo.proxy import HttpProxy
from rainbow_probe.demo.services import APEX, MTALK, TURN
from tests.demo_clients import HOST, Streams, ask_tcp, binding, connected, curl_by_proxy, mapped, needs, trusting

PING = f"https://{APEX}/api/rainbow/ping"


def port_of(site: DemoSite) -> int:
    """Return the port of the site's proxy."""
    return int(str(site.proxy).rpartition(":")[2])


async def ask(site: DemoSite, authority: str, *headers: str) -> bytes:
    """Send CONNECT and return the first bytes of the answer."""
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}", *headers, "", ""]
    return await ask_tcp(port_of(site), "\r\n".join(lines).encode()) or b""


async def opened(streams: Streams, authority: str, early: bytes = b"") -> int:
    """Open a tunnel, with *early* bytes sent behind the request; return the status."""
    reader, writer = streams
    writer.write(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode() + early)
    return int((await reader.readuntil(b"\r\n\r\n")).split(b" ")[1])


@needs("curl")
async def test_curl_gets_through() -> None:
    """With the real server's certificate: the proxy does not look inside."""
    async with demo_cloud(["proxy-only"]) as site:
        _, said = await curl_by_proxy(site, PING, "-v")
    assert "HTTP/1.1 200 Connection established" in said
    assert "Demo Public CA" in said
    assert '"status": "OK"' in said


async def test_there_is_a_proxy_only_where_a_fault_says_so() -> None:
    """Nobody is sent through one otherwise."""
    async with demo_cloud() as site:
        assert site.proxy is None


@pytest.mark.parametrize("host", [*TURN, TURN[0].upper(), HOST])
async def test_turn_passes_by_name_and_by_address(host: str) -> None:
    """On port 80, with the first request sent along with the CONNECT."""
    async with demo_cloud(["proxy-only"]) as site, connected(port_of(site)) as streams:
        assert await opened(streams, f"{host}:80", early=binding()) == 200
        assert mapped(await streams[0].read(1000))


@pytest.mark.parametrize("host", [TURN[0], HOST])
async def test_turn_over_tls_passes_by_name_and_by_address(host: str) -> None:
    """On port 443; TLS is verified by the name in either case."""
    async with demo_cloud(["proxy-only"]) as site, connected(port_of(site)) as (reader, writer):
        assert await opened((reader, writer), f"{host}:443") == 200
        await writer.start_tls(trusting(site.public_ca), server_hostname=TURN[0])
        writer.write(binding())
        assert mapped(await reader.read(1000))


@pytest.mark.parametrize(
    ("fault", "authority", "status"),
    [
        ("proxy-only", f"{MTALK[0]}:5228", 403),
        ("proxy-only", f"{APEX}:22", 403),
        ("proxy-only", f"{MTALK[0]}:443", 200),
        ("proxy-only", "nowhere.example:443", 503),
        ("proxy-only", f"{APEX}:80", 503),
        ("proxy-only", APEX, 400),
        ("proxy-only", f"{APEX}:https", 400),
        ("proxy-only", f"{APEX}:" + "9" * 5000, 400),
        ("proxy-denies-80", f"{TURN[0]}:80", 403),
        ("proxy-denies-80", f"{TURN[0]}:443", 200),
        ("proxy-denies-80", f"{APEX}:443", 200),
        ("proxy-auth", f"{APEX}:443", 407),
    ],
)
async def test_who_is_let_through(fault: str, authority: str, status: int) -> None:
    """Each refusal has the status that says why."""
    async with demo_cloud([fault]) as site:
        answer = await ask(site, authority)
    assert re.match(rb"HTTP/1\.1 %d [A-Z]" % status, answer)
    assert status == 200 or b"\r\nVia: 1.1 demo-proxy\r\n" in answer


@needs("curl")
async def test_the_right_credentials_open_the_proxy() -> None:
    """The site knows them; a probe is not told."""
    async with demo_cloud(["proxy-auth"]) as site:
        login = site.proxy_credentials
        assert login is not None
        _, said = await curl_by_proxy(site, PING, "-U", f"{login.user}:{login.password}")
        assert '"status": "OK"' in said
        _, said = await curl_by_proxy(site, PING, "-v", "-U", f"{login.user}:wrong")
        assert "407 Proxy Authentication Required" in said


async def test_the_schemes_offered_are_named() -> None:
    """What the probe tells the user."""
    async with demo_cloud(["proxy-auth"]) as site:
        assert b'\r\nProxy-Authenticate: Basic realm="demo proxy"\r\n' in await ask(site, f"{APEX}:443")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n", b"501"),
        (b"HEAD http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n", b"501"),
        (b"POST http://example.org/ HTTP/1.1\r\nHost: example.org\r\nContent-Length: 3\r\n\r\nabc", b"501"),
        (b"CONNECT a:443 HTTP/1.1\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x00\x05hello", b"400"),
    ],
)
async def test_what_is_no_tunnel_is_refused(request_: bytes, status: bytes) -> None:
    """With an answer, never with silence."""
    async with loopback() as place:
        answer = await ask_tcp(await place.tcp(HttpProxy({}).handle), request_)
        assert (answer or b"").split(b" ")[1] == status


async def test_a_server_that_refuses_is_the_proxys_503() -> None:
    """As squid answers; the proxy itself is well."""
    async with loopback() as place:
        proxy = HttpProxy({(APEX, 443, "tcp"): place.refusing()})
        answer = await ask_tcp(
            await place.tcp(proxy.handle), b"CONNECT %b:443 HTTP/1.1\r\nHost: a\r\n\r\n" % APEX.encode()
        )
        assert (answer or b"").startswith(b"HTTP/1.1 503 ")


async def test_the_proxy_resolves_names_itself() -> None:
    """A site whose resolver knows nothing works through the proxy."""
    async with demo_cloud(["proxy-only", "dns-nxdomain"]) as site:
        assert (await ask(site, f"{APEX}:443")).startswith(b"HTTP/1.1 200 ")


async def test_a_client_that_leaves_early_breaks_nothing() -> None:
    """Before the request, in the middle of it, and after."""
    async with demo_cloud(["proxy-only"]) as site:
        for begun in (b"", b"CONN", f"CONNECT {APEX}:443 HTTP/1.1\r\nHost: a\r\n\r\n".encode()):
            async with connected(port_of(site)) as (_, writer):
                writer.write(begun)
        assert (await ask(site, f"{APEX}:443")).startswith(b"HTTP/1.1 200 ")


@given(st.binary(max_size=60) | st.text(max_size=30).map(lambda t: f"CONNECT {t} HTTP/1.1\r\nHost: a\r\n\r\n".encode()))
@settings(max_examples=50, deadline=None)
async def test_no_bytes_break_the_proxy(request_: bytes) -> None:
    """A fault of a handler would end the whole demo, and the block with it."""
    async with loopback() as place, connected(await place.tcp(HttpProxy({}).handle)) as (reader, writer):
        writer.write(request_)
        writer.write_eof()
        await reader.read()
