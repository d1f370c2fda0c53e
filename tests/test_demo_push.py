"""The demo's push services as openssl sees them: TLS from the first byte, whose certificate, which protocol."""

from __future__ import annotations

import pytest

from rainbow_probe.demo import demo_cloud
from rainbow_probe.demo.services import COURIERS, MTALK
from tests.demo_clients import connected, needs, s_client, trusting


@needs("openssl")
@pytest.mark.parametrize("port", [5228, 5229, 5230, 443])
@pytest.mark.parametrize("host", [MTALK[0], MTALK[3]])
async def test_googles_push_is_publicly_signed(host: str, port: int) -> None:
    """On the three ports and on the one to fall back to."""
    async with demo_cloud() as site:
        _, said = await s_client(site, (host, port, "tcp"), "-verify_hostname", host)
    assert "Verification: OK" in said
    assert "CN = *.google.com" in said


@needs("openssl")
@pytest.mark.parametrize("port", [443, 5223])
async def test_apples_push_is_signed_by_apple(port: int) -> None:
    """And speaks the protocol of devices."""
    async with demo_cloud() as site:
        options = ("-alpn", "apns-security-v3", "-verify_hostname", COURIERS[1])
        _, said = await s_client(site, (COURIERS[1], port, "tcp"), *options)
    assert "Verification: OK" in said
    assert "O = Apple Demo CA" in said
    assert "ALPN protocol: apns-security-v3" in said


@needs("openssl")
async def test_another_protocol_is_not_agreed_on() -> None:
    """A probe that asks for the wrong one must see it."""
    async with demo_cloud() as site:
        _, said = await s_client(site, (COURIERS[0], 443, "tcp"), "-alpn", "h2")
    assert "ALPN protocol: apns" not in said


async def test_push_servers_wait_for_the_client() -> None:
    """They read and say nothing, and end when the client ends."""
    async with demo_cloud() as site:
        port = site.ports[MTALK[0], 5228, "tcp"]
        async with connected(port, trusting(site.public_ca), MTALK[0]) as (reader, writer):
            writer.write(b"a log-in nobody checks")
            writer.close()
            assert await reader.read() == b""


@needs("openssl")
@pytest.mark.parametrize("port", [5228, 5229, 5230])
async def test_fcm_blocked_refuses_its_ports(port: int) -> None:
    """Of the push hosts only; the rest of the world stays."""
    async with demo_cloud(["fcm-blocked"]) as site:
        status, said = await s_client(site, (MTALK[0], port, "tcp"))
        assert status != 0
        assert "refused" in said
        _, other = await s_client(site, (MTALK[0], 443, "tcp"))
        assert "Verification: OK" in other
