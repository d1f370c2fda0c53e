"""The way through an HTTP proxy: what it refuses, what it does instead, and that nothing behind its answer is lost."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.demo.pages import Page, serving
from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Cause, Credentials, Endpoint, Outcome, Phase, Proxy, Transport
from rainbow_probe.net.paths import open_stream
from rainbow_probe.net.route import Route
from tests.servers import (
    CORPORATE,
    DOOR,
    EASY,
    ESTABLISHED,
    HOST,
    PUBLIC,
    QUICK,
    SIX,
    Middle,
    a_flow,
    a_hop,
    a_route,
    answers,
    broke,
    facts,
    hangs_up,
    mute,
    names,
    page,
    phases,
    probe,
    resets,
    says,
    shows,
    trust,
)

SQUID = ("Server: squid/5.7", "Via: 1.1 gw (squid/5.7)")


def through(port: int, *, tls: bool = False, user: Credentials | None = None) -> Route:
    """Give a route through the proxy on *port*."""
    return replace(a_route(), proxy=Proxy(endpoint=Endpoint(host=DOOR, port=port), tls=tls, credentials=user))


REFUSALS = [
    (page("407 Proxy Authentication Required", b"", "Proxy-Authenticate: Digest, Basic"), Cause.PROXY_AUTH),
    (page("403 Forbidden", b"<html>no</html>", *SQUID, "X-Squid-Error: ERR_ACCESS_DENIED 0"), Cause.PROXY_DENIED),
    (page("403 Forbidden"), Cause.PROXY_DENIED),
    (page("502 Bad Gateway", b"", *SQUID, "X-Squid-Error: ERR_CONNECT_FAIL 111"), Cause.PROXY_TARGET_FAILED),
    (page("503 Service Unavailable", b"", *SQUID, "X-Squid-Error: ERR_DNS_FAIL 0"), Cause.PROXY_RESOLVE_FAILED),
    (page("502 Bad Gateway", b"", "Proxy-Status: gw; error=dns_error"), Cause.PROXY_RESOLVE_FAILED),
    (page("504 Gateway Timeout"), Cause.PROXY_TARGET_FAILED),
    (page("302 Found", b"", "Location: http://portal.test/"), Cause.PROXY_DENIED),
    (b"SSH-2.0-OpenSSH_9\r\n", Cause.NOT_HTTP),
]


@pytest.mark.parametrize(("reply", "cause"), REFUSALS)
async def test_the_proxy_says_no(reply: bytes, cause: Cause) -> None:
    """A refused CONNECT is the proxy's failure, not the target's, and its own words say why."""
    async with loopback() as place:
        route = through(await place.tcp(Middle(reply, tunnels=False).handle))
        result = await probe(a_flow("turn", 443), route)
    assert broke(result) == (Phase.PROXY, cause)
    assert phases(result)[-2:] == [Phase.CONNECT, Phase.PROXY]
    assert facts(result, Phase.PROXY)["authority"] == "probe.test:443"


async def test_what_the_proxy_said_is_kept() -> None:
    """Status, version, product and the schemes it offers: an expert may disagree with us."""
    reply = page("407 Who are you?", b"<h1>log in</h1>", *SQUID, 'Proxy-Authenticate: Negotiate, Basic realm="x, y"')
    async with loopback() as place:
        route = through(await place.tcp(Middle(reply, tunnels=False).handle))
        result = await probe(a_flow("turn", 443), route)
    assert facts(result, Phase.PROXY) == {
        "address": f"{HOST}:{route.proxy.endpoint.port if route.proxy else 0}",
        "authority": "probe.test:443",
        "status": 407,
        "reason": "Who are you?",
        "http_version": "1.1",
        "server": "squid/5.7",
        "via": "1.1 gw (squid/5.7)",
        "offered": "Negotiate, Basic",
        "body": "<h1>log in</h1>",
    }


async def test_credentials_are_sent_and_never_shown() -> None:
    """A proxy that repeats what it got does not get it into the report."""
    user = Credentials(user="bob", password="hush hush")  # noqa: S106 - made up, to look for it
    basic = base64.b64encode(b"bob:hush hush").decode()
    echo = page("407 Wrong", f"Basic {basic} hush hush".encode(), f"Via: {basic}")
    middle = answers(page("407 Who?", b"", "Proxy-Authenticate: Basic"), echo)
    async with loopback() as place:
        result = await probe(a_flow("turn", 443), through(await place.tcp(middle), user=user))
    assert facts(result, Phase.PROXY)["via"] == "***"
    assert facts(result, Phase.PROXY)["body"] == "Basic *** ***"
    assert broke(result) == (Phase.PROXY, Cause.PROXY_AUTH)
    assert "hush" not in repr(result)
    assert basic not in repr(result)


BROKEN: list[tuple[Handler, Cause]] = [(mute, Cause.TIMEOUT), (hangs_up, Cause.CLOSED), (resets, Cause.RESET)]


@pytest.mark.parametrize(("handle", "cause"), BROKEN)
async def test_a_proxy_that_accepts_and_breaks_off(handle: Handler, cause: Cause) -> None:
    """A mute proxy is told from a mute target by its phase."""
    async with loopback() as place:
        route = replace(through(await place.tcp(handle)), limits=QUICK if cause is Cause.TIMEOUT else EASY)
        result = await probe(a_flow("turn", 443), route)
    assert broke(result) == (Phase.PROXY, cause)


async def test_a_proxy_that_is_not_there() -> None:
    """The connection that failed was the proxy's, and its address is told."""
    async with loopback() as place:
        port = place.refusing()
        result = await probe(a_flow("turn", 443), through(port))
    assert broke(result) == (Phase.PROXY, Cause.PROXY_UNREACHABLE)
    assert f"proxy {HOST}:{port}: refused" in result.verdict.reason
    assert phases(result) == [Phase.RESOLVE, Phase.CONNECT]


async def test_one_dead_address_of_the_proxy() -> None:
    """A proxy with two addresses serves as long as one lives."""
    async with loopback() as place:
        target = await place.tcp(serving(lambda _: Page()))
        port = await place.tcp(Middle().handle)
        route = replace(through(port), names=names(proxy_test=(SIX, HOST)))
        result = await probe(a_flow("https", target, Transport.TCP), route)
    assert (result.verdict.alive, result.verdict.dead) == ((f"{HOST}:{port}",), (f"[{SIX}]:{port}",))


@pytest.mark.parametrize(
    ("transport", "phase"), [(Transport.TLS, Phase.TLS), (Transport.TCP, Phase.STUN)], ids=["tls", "tcp"]
)
async def test_a_proxy_that_closes_after_its_yes(transport: Transport, phase: Phase) -> None:
    """A 200 proves nothing: what comes next must answer."""
    async with loopback() as place:
        route = through(await place.tcp(answers(ESTABLISHED, stays=False)))
        result = await probe(a_flow("turn", 443, transport), route)
    assert broke(result) == (phase, Cause.CLOSED)
    assert facts(result, Phase.PROXY)["status"] == 200


@pytest.mark.parametrize("reply", [ESTABLISHED, b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 204 Yes\r\nVia: x\r\n\r\n"])
async def test_bytes_behind_the_answer_are_the_tunnels(reply: bytes) -> None:
    """A server that speaks first may be heard in the same packet as the proxy."""
    rec = Recorder()
    async with loopback() as place:
        target = await place.tcp(says(b" and the rest"))
        port = await place.tcp(Middle(reply + b"hello").handle)
        flow = a_flow("turn", target, Transport.TCP)
        async with open_stream(a_hop(port, target), flow, through(port), rec) as stream:
            await stream.send(b"x")
            got = b""
            while len(got) < len(b"hello and the rest"):
                got += await stream.receive()
    assert got == b"hello and the rest"
    assert rec.steps[-1].facts["http_version"] == reply[5:8].decode()


async def test_a_drop_at_a_time() -> None:
    """An answer may come in any number of pieces."""

    async def dribbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for byte in ESTABLISHED + b"ab":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        await mute(reader, writer)

    async with loopback() as place:
        port = await place.tcp(dribbles)
        flow = a_flow("turn", 9, Transport.TCP)
        async with open_stream(a_hop(port), flow, through(port), Recorder()) as stream:
            got = await stream.receive()
            while len(got) < 2:
                got += await stream.receive()
    assert got == b"ab"


@pytest.mark.parametrize(
    ("issuer", "machine", "outcome"),
    [
        (PUBLIC, (), Outcome.PASS),
        (CORPORATE, (CORPORATE,), Outcome.PASS),
        (CORPORATE, (), Outcome.FAIL),
    ],
)
async def test_the_proxys_own_certificate(issuer: str, machine: tuple[str, ...], outcome: Outcome) -> None:
    """A company's proxy may show what only its machines trust: that is no inspection of what goes through it."""
    async with loopback() as place:
        target = await place.tcp(serving(lambda _: Page(status=403)), shows())
        route = replace(through(await place.tcp(Middle().handle, shows(issuer)), tls=True), trust=trust(*machine))
        result = await probe(a_flow("https", target), route)
    assert result.verdict.outcome is outcome, result.verdict
    assert "decrypted" not in result.verdict.reason
    assert all("intercepted_by" not in step.facts for step in result.steps)


async def test_a_proxy_that_speaks_no_tls() -> None:
    """An https:// in the settings where http:// was meant."""
    async with loopback() as place:
        middle = await place.tcp(answers(page("400 Bad Request")))
        result = await probe(a_flow("https", 443), through(middle, tls=True))
    assert broke(result) == (Phase.TLS, Cause.NOT_TLS)
