"""The demo's web servers as curl sees them."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainbow_probe.demo import demo_cloud
from rainbow_probe.demo.accounts import Accounts
from rainbow_probe.demo.loopback import loopback
from rainbow_probe.demo.pages import serving
from rainbow_probe.demo.services import APEX, CONTROL, RESOURCES
from rainbow_probe.demo.web import rest
from tests.demo_clients import ask_tcp, connected, curl, needs, trusting
from tests.test_check_account import HOSTS, ME, TURN

ACCOUNTS = Accounts(ME, TURN, HOSTS)
PING = f"https://{APEX}/api/rainbow/ping"
ABOUT = f"https://{APEX}/api/rainbow/authentication/v1.0/about"


@needs("curl")
async def test_rest_calls_without_an_account_answer_json() -> None:
    """As the service's description has them."""
    async with demo_cloud() as site:
        _, ping = await curl(site, PING)
        _, about = await curl(site, ABOUT + "?anything=1")
    assert json.loads(ping) == {"status": "OK"}
    assert {"version", "description"} <= set(json.loads(about))


@needs("curl")
@pytest.mark.parametrize(
    ("url", "options", "head"),
    [
        (PING, [], "200 OK"),
        (PING, ["-X", "POST", "-d", "body"], "200 OK"),
        (PING, ["-I"], "200 OK"),
        (PING, ["-H", "Connection: close"], "200 OK"),
        (PING, ["--http1.0"], "200 OK"),
        (PING, ["-H", "Upgrade: h2c"], "200 OK"),
        (f"https://{APEX}/nothing", [], "404 Not Found"),
        (f"https://{APEX}/websocket", [], "426 Upgrade Required"),
        *((f"https://{host}/", [], "200 OK") for host in RESOURCES),
        ("https://agent.openrainbow.health/", ["-k"], "426 Upgrade Required"),
        (f"http://{CONTROL}/generate_204", [], "204 No Content"),
        (f"http://{CONTROL}/", [], "404 Not Found"),
    ],
)
async def test_every_page_has_its_status(url: str, options: list[str], head: str) -> None:
    """And says who answers and when: the date is the probe's control of the clock."""
    async with demo_cloud() as site:
        status, said = await curl(site, url, "-i", *options)
    assert status == 0, said
    assert f" {head}" in said.splitlines()[0]
    assert "\nDate: " in said
    assert "\nServer: rainbow-demo" in said


async def test_a_connection_serves_many_requests() -> None:
    """Two calls on one connection, as the probe makes them."""
    async with demo_cloud() as site:
        tls, port = trusting(site.public_ca), site.ports[APEX, 443, "tcp"]
        async with connected(port, tls, APEX) as (reader, writer):
            for url in (PING, ABOUT, PING):
                writer.write(f"GET {urlsplit(url).path} HTTP/1.1\r\nHost: {APEX}\r\n\r\n".encode())
                assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
                assert await reader.readuntil(b"}")


@needs("curl")
@pytest.mark.parametrize(
    ("faults", "url", "complaint"),
    [
        ([], PING, ""),
        (["cert-expired"], PING, "certificate has expired"),
        (["cert-expired"], f"https://{RESOURCES[0]}/", "certificate has expired"),
        ([], "https://agent.openrainbow.health/", "unable to get local issuer"),
        (["tls-intercepted"], PING, "unable to get local issuer"),
    ],
)
async def test_who_signs_is_told_by_the_certificate(faults: list[str], url: str, complaint: str) -> None:
    """Public names are publicly signed; the agent's host shows the operator's own authority, as the real one did."""
    async with demo_cloud(faults) as site:
        _, said = await curl(site, url)
    assert complaint in said if complaint else "OK" in said


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x00\x01\x00\x00" + bytes(16), b"400"),
        (b"no request\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"GET /websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", b"426"),
    ],
)
async def test_what_is_no_request_is_a_bad_request(request_: bytes, status: bytes) -> None:
    """STUN too, at once, without waiting for the end of a header that never comes."""
    async with loopback() as place:
        answer = await ask_tcp(await place.tcp(serving(rest(ACCOUNTS))), request_)
        assert (answer or b"").split(b" ")[1] == status


async def test_half_a_request_gets_no_answer() -> None:
    """The client left in the middle: there is nobody to answer."""
    async with loopback() as place, connected(await place.tcp(serving(rest(ACCOUNTS)))) as (reader, writer):
        writer.write(b"GET / HT")
        writer.write_eof()
        assert b" 200 " not in await reader.read()


@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"GET / HTTP/1.1\r\nHost: a\r\n", b"\r\n"]), max_size=5))
@settings(max_examples=50, deadline=None)
async def test_no_bytes_break_the_server(pieces: list[bytes]) -> None:
    """A fault of a handler would end the whole demo, and the block with it."""
    async with loopback() as place, connected(await place.tcp(serving(rest(ACCOUNTS)))) as (reader, writer):
        writer.write(b"".join(pieces))
        writer.write_eof()
        await reader.read()
