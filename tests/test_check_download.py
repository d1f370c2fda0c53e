"""What the CDN serves, fetched from real servers on loopback: how much came, and what is no answer of its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.demo.pages import Asked, Page, serving
from rainbow_probe.demo.web import SCRIPT_SIZE, resource
from rainbow_probe.measures import Direction, Ramp
from rainbow_probe.model import Cause, Outcome, Phase, Result, Transport
from rainbow_probe.protocols.assets import MOST, assets
from tests.servers import PUBLIC, a_flow, a_route, broke, facts, probe, shows

WANTED = 8000.0  # kbit/s
SECONDS = 0.5  # that as much would take


async def fetched(handle: Handler, *, issuer: str = PUBLIC, wanted: float = WANTED) -> Result:
    """Fetch from a server that answers so, up to so much."""
    async with loopback() as place:
        port = await place.tcp(handle, shows(issuer))
        route = replace(a_route(), quality_seconds=SECONDS / 0.2, bandwidth_kbit_s=wanted)
        flow = replace(a_flow("download", port, Transport.TLS, {"path": "/"}), inspection_allowed=True)
        return await probe(flow, route)


async def test_what_is_wanted_comes_and_no_more() -> None:
    """The page leads to its script, which is fetched again and again; claimed is what was wanted, and not how fast."""
    found = await fetched(serving(resource))
    ramp, seen = found.verdict.measured, facts(found, Phase.HTTP)
    assert isinstance(ramp, Ramp), found.verdict
    assert (ramp.direction, ramp.at_least, ramp.steps) == (Direction.IN, True, ())
    assert 0 < ramp.capacity_kbit_s <= WANTED
    wanted = WANTED * 125 * SECONDS
    assert wanted <= int(seen["bytes"] or 0) <= wanted + 4 * SCRIPT_SIZE
    assert int(seen["requests"] or 0) < 20


async def paced(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve a page without end, 100 bytes at a time, as a slow line does."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"fa\r\n" + bytes(250) + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def test_a_slow_line_is_left_after_a_while() -> None:
    """With the rate that it had: it never comes as fast as wanted, and the seconds are counted, too."""
    found = await fetched(paced, wanted=150.0)
    assert found.verdict.outcome is Outcome.PASS, found.verdict
    assert isinstance(found.verdict.measured, Ramp)
    assert found.verdict.measured.capacity_kbit_s < 150


def small(_asked: Asked) -> Page:
    """Answer with next to nothing, and then end the connection."""
    return Page(body=b"hello", headers={"Connection": "close"})


@pytest.mark.parametrize(
    ("handle", "issuer", "phase", "cause"),
    [
        (serving(small), PUBLIC, Phase.HTTP, Cause.CANNOT_TELL),
        (serving(lambda _: Page(status=403, body=bytes(90_000))), PUBLIC, Phase.HTTP, Cause.CANNOT_TELL),
        (serving(lambda _: Page(status=302, headers={"Location": "/"})), PUBLIC, Phase.HTTP, Cause.CANNOT_TELL),
        (serving(resource), "Nobody Knows", Phase.TLS, Cause.TLS_UNTRUSTED),
    ],
)
async def test_what_tells_nothing_fails_nothing(handle: Handler, issuer: str, phase: Phase, cause: Cause) -> None:
    """Pages of refusal, redirects, a few bytes: no rate; who cannot be reached is told by the checks of HTTPS."""
    found = await fetched(handle, issuer=issuer)
    assert broke(found, Outcome.INCONCLUSIVE) == (phase, cause)
    assert found.verdict.measured is None


def test_a_page_leads_to_its_own_host_only() -> None:
    """And to a few paths at most, each once and fit for a request, whatever it says."""
    told = b"""<html><script src="/a.js"></script><link href=style.css rel=stylesheet><img src='/b%20c d.png?x=1'>
    <script src="https://elsewhere.example/x.js"></script><img src="http://cdn.example/plain.png"><img src>
    <script src="/a.js"></script><img src="https://[bad/"><img src="/line\nbreak"><a href="/page">x</a>\xff"""
    found = assets(told, "cdn.example", "/app/index.html")
    assert found == ["/a.js", "/app/style.css", "/b%20c%20d.png?x=1", "/linebreak"]
    many = b"".join(b'<img src="/%d">' % number for number in range(5000))
    assert len(assets(many, "cdn.example")) == MOST
    assert assets(b'<img src="/' + b"x" * 5000 + b'">', "cdn.example") == []
