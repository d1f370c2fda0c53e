"""The boxes on the way: TLS decrypted under a company's CA, TCP/80 taken for HTTP."""

from __future__ import annotations

import ssl

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from rainbow_probe.demo import DemoSite, demo_cloud
from rainbow_probe.demo.certificates import Authorities
from rainbow_probe.demo.inspection import Decrypter, http_inspection
from rainbow_probe.demo.loopback import Loopback, loopback
from rainbow_probe.demo.pages import serving
from rainbow_probe.demo.services import AGENT, APEX, COURIERS, RESOURCES, TURN
from rainbow_probe.demo.web import control
from tests.demo_clients import (
    HOST,
    ask_tcp,
    ask_udp,
    binding,
    connected,
    curl,
    curl_by_proxy,
    mapped,
    needs,
    run,
    s_client,
    trusting,
)

PING = f"https://{APEX}/api/rainbow/ping"
COMPANY = "O = Example Corp TLS Inspection"
XMPP = [Subprotocol("xmpp")]


@needs("curl")
async def test_the_machine_that_trusts_the_company_gets_through() -> None:
    """The answer is the real server's, under a certificate made for its name."""
    async with demo_cloud(["tls-intercepted"]) as site:
        _, said = await curl(site, PING, "-v", ca=str(site.machine_ca))
    assert "issuer: O=Example Corp TLS Inspection" in said
    assert f'host "{APEX}" matched' in said
    assert '"status": "OK"' in said


async def test_an_untrusting_machine_is_told_no_authority() -> None:
    """The box is the same."""
    async with demo_cloud(["tls-untrusted"]) as site:
        assert site.machine_ca is None
        with pytest.raises(ssl.SSLCertVerificationError):
            await shake_hands(site, APEX)


async def shake_hands(site: DemoSite, host: str) -> None:
    """Shake hands with *host*, and leave."""
    async with connected(site.ports[host, 443, "tcp"], trusting(site.public_ca), host):
        pass


@needs("openssl")
@pytest.mark.parametrize("host", [APEX, *RESOURCES, AGENT, TURN[0], COURIERS[0], "mtalk.google.com"])
async def test_everything_on_443_is_decrypted(host: str) -> None:
    """Each name gets a certificate of its own, by the company."""
    async with demo_cloud(["tls-intercepted"]) as site:
        _, said = await s_client(site, (host, 443, "tcp"))
    assert f"issuer={COMPANY}" in said
    assert f"CN = {host}" in said


@needs("openssl")
async def test_other_ports_are_left_alone() -> None:
    """Such boxes look at the web's port."""
    async with demo_cloud(["tls-intercepted"]) as site:
        _, said = await s_client(site, ("mtalk.google.com", 5228, "tcp"))
        assert "Verification: OK" in said
        assert mapped(await ask_udp(site.ports[TURN[0], 3478, "udp"], binding()))


async def test_an_honest_box_lets_the_upgrade_through() -> None:
    """Decryption alone breaks no signalling."""
    async with demo_cloud(["tls-intercepted"]) as site:
        tls, port = trusting(site.machine_ca), site.ports[APEX, 443, "tcp"]
        uri = f"wss://{APEX}/websocket"
        async with connect(uri, host=HOST, port=port, ssl=tls, subprotocols=XMPP, proxy=None) as socket:
            assert socket.subprotocol == "xmpp"


async def test_decrypted_turn_falls_silent() -> None:
    """As with squid's bumping: the handshake succeeds, and then there is no HTTP to read."""
    async with demo_cloud(["tls-intercepted"]) as site:
        port = site.ports[TURN[0], 443, "tcp"]
        async with connected(port, trusting(site.machine_ca), TURN[0]) as (reader, writer):
            writer.write(binding())
            writer.write_eof() if writer.can_write_eof() else writer.close()
            assert await reader.read() == b""


@needs("curl")
async def test_a_proxy_without_upgrade_passes_plain_requests() -> None:
    """Signed by the company and by ``Via``."""
    async with demo_cloud(["proxy-no-upgrade"]) as site:
        status, said = await curl_by_proxy(site, PING, "-i", ca=str(site.machine_ca))
    assert status == 0
    assert '"status": "OK"' in said
    assert "\nVia: 1.1 gateway.example" in said


async def test_a_proxy_without_upgrade_takes_it_out() -> None:
    """The server sees a plain request and says so; its own Upgrade header is taken out as well."""
    async with demo_cloud(["proxy-no-upgrade"]) as site:
        with pytest.raises(InvalidStatus) as refused:
            await dial(site)
    response = refused.value.response
    assert response.status_code == 426
    assert "Upgrade" not in response.headers
    assert "gateway.example" in response.headers["Via"]


async def dial(site: DemoSite) -> None:
    """Open a WebSocket through the proxy."""
    tls = trusting(site.machine_ca)
    async with connect(f"wss://{APEX}/websocket", ssl=tls, subprotocols=XMPP, proxy=site.proxy):
        pass


@pytest.mark.parametrize(("host", "port"), [(TURN[0], 443), (TURN[0], 80), (AGENT, 443)])
async def test_a_proxy_without_upgrade_exempts_some_hosts(host: str, port: int) -> None:
    """TURN is exempt, as the guide asks, and the agent's host: one fault, one cause."""
    async with demo_cloud(["proxy-no-upgrade"]) as site:
        proxy = int(str(site.proxy).rpartition(":")[2])
        async with connected(proxy) as (reader, writer):
            writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            if port == 80:
                writer.write(binding())
                assert mapped(await reader.read(1000))
                return
            with pytest.raises(ssl.SSLCertVerificationError) if host == AGENT else trusted():
                await writer.start_tls(trusting(site.public_ca), server_hostname=host)


class trusted:  # noqa: N801 - reads as a statement
    """Nothing is raised."""

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *_: object) -> None:
        """Do nothing."""


async def test_inspection_of_port_80_answers_stun_as_http() -> None:
    """Directly, and it shows whose words they are."""
    async with demo_cloud(["turn-80-inspected"]) as site:
        answer = await ask_tcp(site.ports[TURN[0], 80, "tcp"], binding()) or b""
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert b"Server: gateway.example" in answer
        assert mapped(await ask_udp(site.ports[TURN[0], 3478, "udp"], binding()))


async def test_inspection_of_port_80_lies_beyond_the_proxy_too() -> None:
    """A tunnel that opens proves nothing."""
    async with demo_cloud(["turn-80-inspected", "proxy-only"]) as site:
        proxy = int(str(site.proxy).rpartition(":")[2])
        async with connected(proxy) as (reader, writer):
            writer.write(b"CONNECT %b:80 HTTP/1.1\r\nHost: a\r\n\r\n" % TURN[0].encode())
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            writer.write(binding())
            assert (await reader.read(1000)).startswith(b"HTTP/1.1 400 ")


async def test_inspection_of_port_80_lets_http_through() -> None:
    """To the real server."""
    async with loopback() as place:
        box = await place.tcp(http_inspection(await place.tcp(serving(control))))
        answer = await ask_tcp(box, b"GET /generate_204 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (answer or b"").startswith(b"HTTP/1.1 204 ")


async def box_towards(place: Loopback, port: int) -> tuple[int, ssl.SSLContext]:
    """Start a decrypting box in front of *port*; return its port and a context that sees through it."""
    authorities = Authorities()
    decrypter = Decrypter(authorities.corporate, authorities.client())
    anything = ssl.create_default_context()
    anything.check_hostname = False
    anything.verify_mode = ssl.CERT_NONE
    return await place.tcp(decrypter.towards(port, upgrades=True), decrypter.context()), anything


@pytest.mark.parametrize("host", [b"openrainbow.health", b".", b"", b"\xff"])
async def test_a_box_that_cannot_reach_the_server_says_503(host: bytes) -> None:
    """Whatever name the request has."""
    async with loopback() as place:
        port, tls = await box_towards(place, place.refusing())
        async with connected(port, tls, APEX) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % host)
            assert b" 503 " in await reader.readline()


async def test_a_box_does_not_accept_a_false_server() -> None:
    """It verifies for the machines behind it: an unknown certificate outside is a 503 inside."""
    async with loopback() as place:
        real = await place.tcp(serving(control), Authorities().rainbow())
        port, tls = await box_towards(place, real)
        async with connected(port, tls, APEX) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % APEX.encode())
            assert b" 503 " in await reader.readline()


async def test_a_box_shows_something_without_a_name() -> None:
    """A client by address gets a certificate for the address."""
    async with loopback() as place:
        port, tls = await box_towards(place, place.refusing())
        async with connected(port, tls) as (_, writer):
            assert writer.get_extra_info("ssl_object").version()


@needs("openssl")
@pytest.mark.parametrize(("name", "served"), [("a_b.example", False), ("-", False), ("ok.example", True)])
async def test_a_box_makes_no_certificate_for_what_is_no_name(name: str, served: bool) -> None:
    """It ends that handshake only; a good name is served as often as it comes."""
    async with loopback() as place:
        port, _ = await box_towards(place, place.refusing())
        for _ in range(2):
            _, shown = await run("openssl", "s_client", "-connect", f"{HOST}:{port}", "-servername", name)
            assert (f"CN = {name}" in shown) is served
