"""Proxies that say one thing and do another: pages behind a 200, 407 without an end, refusals full of escapes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.model import Cause, Credentials, Endpoint, Phase, Proxy, Result, Transport
from rainbow_probe.net.route import Limits
from tests.hostile import PROXIES, TERMINAL, bounded, drips, fails, floods
from tests.servers import ALICE, DOOR, EASY, ESTABLISHED, a_flow, a_route, answers, mute, page

PAGE = b"<html><script>alert(1)</script>" + TERMINAL.encode()
KINDS = {
    "https": (Transport.TLS, Phase.TLS, {Cause.NOT_TLS}),
    "turn": (Transport.TCP, Phase.STUN, {Cause.NOT_STUN, Cause.HTTP_INSTEAD_OF_STUN}),
    "portal": (Transport.TCP, Phase.HTTP, {Cause.NOT_HTTP}),
}


async def through(
    handle: Handler,
    kind: str = "https",
    *,
    socks: int = 0,
    user: Credentials | None = None,
    limits: Limits = EASY,
) -> Result:
    """Check a target through a proxy that is *handle*."""
    async with loopback() as place:
        door = Endpoint(host=DOOR, port=await place.tcp(handle))
        proxy = Proxy(endpoint=door, socks=socks, credentials=user)
        flow = a_flow(kind, 443, KINDS[kind][0])
        return await bounded(flow, replace(a_route(), proxy=proxy, limits=limits))


LIES: dict[str, Handler] = {
    "a page behind a 200": answers(ESTABLISHED, PAGE),
    "a page at once": answers(ESTABLISHED + PAGE),
    "a page as the body of a 200": answers(page("200 OK", PAGE)),
    "a page in chunks": answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<html\r\n0\r\n\r\n"),
    "a page without an end": floods(PAGE, head=ESTABLISHED),
    "a page that drips": drips(ESTABLISHED + b"<html>" * 9),
    "promises and a page": answers(b"HTTP/1.1 100 Continue\r\n\r\n" * 9 + ESTABLISHED + PAGE),
    "another 2xx": answers(b"HTTP/1.1 299 Whatever\r\nContent-Length: 9999\r\n\r\n" + PAGE),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lie", LIES)
async def test_a_tunnel_to_a_page(lie: str, kind: str) -> None:
    """A 200 is no proof: what stands behind it is judged, and it is none of the target's protocol."""
    _, phase, causes = KINDS[kind]
    fails(await through(LIES[lie], kind), phase, *causes)


async def test_a_tunnel_to_nowhere() -> None:
    """Nor is it one where nothing follows."""
    fails(await through(answers(ESTABLISHED), limits=PROXIES), Phase.TLS, Cause.TIMEOUT)


GIANT = TERMINAL.encode() * 5000
REFUSALS: dict[str, tuple[Handler, Cause]] = {
    "a giant page of escapes": (answers(page("403 Forbidden", GIANT)), Cause.PROXY_DENIED),
    "a page without an end": (floods(GIANT, head=b"HTTP/1.1 403 no\r\n\r\n"), Cause.PROXY_DENIED),
    "a reason of escapes": (answers(b"HTTP/1.1 403 \x9b31m\xe2\x80\xae<script>\r\n\r\n"), Cause.PROXY_DENIED),
    "a page in drips": (drips(page("403 Forbidden", PAGE)), Cause.PROXY_DENIED),
    "an error of squid's in escapes": (
        answers(page("503 x", PAGE, "X-Squid-Error: ERR_DNS_FAIL \x9b31m", "Proxy-Status: \x9b; error=dns_error")),
        Cause.PROXY_RESOLVE_FAILED,
    ),
    "a page in broken chunks": (
        answers(b"HTTP/1.1 403 no\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
        Cause.PROXY_DENIED,
    ),
    "a redirect to itself": (answers(page("302 Found", b"", "Location: /")), Cause.PROXY_DENIED),
    "a redirect to a script": (answers(page("302 Found", b"", "Location: javascript:alert(1)")), Cause.PROXY_DENIED),
}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_refusals_in_hostile_words(refusal: str) -> None:
    """They are refusals, and the beginning of their pages is kept, fit to show."""
    handle, cause = REFUSALS[refusal]
    fails(await through(handle), Phase.PROXY, cause)


def asks(*fields: str, body: bytes = b"no") -> Handler:
    """Return a proxy that answers every request with 407 and never with anything else."""
    said = page("407 Proxy Authentication Required", body, *(f"Proxy-Authenticate: {field}" for field in fields))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(said)
            await writer.drain()

    return handle


CHALLENGES: dict[str, Handler] = {
    "Basic": asks('Basic realm="x"'),
    "Digest": asks('Digest realm="x", nonce="n", qop="auth"'),
    "Digest that is stale for ever": asks('Digest realm="x", nonce="n", qop="auth", stale=true'),
    "Digest in escapes": asks('Digest realm="\x9b31m\\"\xff", nonce="\x9b\xe2\x80\xae", opaque="\\\\", qop="auth"'),
    "Digest of nothing": asks("Digest"),
    "Digest of a kind to come": asks('Digest realm="x", nonce="n", algorithm=SHA-512-256, qop="auth-int"'),
    "a huge nonce": asks(f'Digest realm="x", qop="auth", nonce="{"n" * 20_000}"'),
    "NTLM": asks("NTLM"),
    "NTLM in junk": asks("NTLM TlRMTVNTUAACAAAA////////////////////////"),
    "Negotiate in junk": asks("Negotiate " + "A" * 9000),
    "hundreds": asks(*(f'X{n} realm="x"' for n in range(400))),
    "commas": asks("," * 20_000),
    "quotes": asks('"' * 20_000),
    "a quote that is never closed": asks('Basic realm="' + "\\" * 20_000),
    "none": asks(),
    "escapes": asks("\x9b31m<script>alert(1)</script>"),
    "a page without an end": floods(GIANT, head=b'HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n'),
    "a page of no length told": answers(b'HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n', stays=False),
}


@pytest.mark.parametrize("user", [None, ALICE], ids=["nobody", "alice"])
@pytest.mark.parametrize("challenge", CHALLENGES)
async def test_challenges_without_an_end(challenge: str, user: Credentials | None) -> None:
    """However often and however it asks: the password goes out once, and shows nowhere."""
    result = await through(CHALLENGES[challenge], user=user, limits=PROXIES)
    fails(result, Phase.PROXY, Cause.PROXY_AUTH, Cause.PROXY_AUTH_UNTRIED)
    assert ALICE.password not in repr(result)


SOCKS: dict[str, tuple[Handler, tuple[Cause, ...]]] = {
    "zeros": (floods(b"\0"), (Cause.NOT_SOCKS,)),
    "letters": (floods(b"A"), (Cause.NOT_SOCKS,)),
    "HTTP": (answers(page("400 Bad Request", PAGE)), (Cause.NOT_SOCKS,)),
    "fives for ever": (floods(b"\x05"), (Cause.PROXY_AUTH,)),
    "a method that nobody offered": (answers(b"\x05\x7f"), (Cause.PROXY_AUTH,)),
    "a kind of address to come": (answers(b"\x05\0", b"\x05\0\0\x09" + bytes(9)), (Cause.NOT_SOCKS,)),
    "a reply to come": (answers(b"\x05\0", b"\x05\xff\0\x01" + bytes(9)), (Cause.PROXY_DENIED,)),
    "half an answer": (answers(b"\x05\0", b"\x05\0\0\x03\xff", stays=False), (Cause.CLOSED,)),
    "escapes": (answers(TERMINAL.encode()), (Cause.NOT_SOCKS,)),
    "a byte, and nothing": (answers(b"\x05"), (Cause.TIMEOUT,)),
    "drips": (drips(b"\x05\0\x05\0\0\x03\xff" + b"a" * 100), (Cause.TIMEOUT,)),
    "silence": (mute, (Cause.TIMEOUT,)),
    "a tunnel to a page": (answers(b"\x05\0", b"\x05\0\0\x01" + bytes(6) + PAGE), (Cause.NOT_TLS,)),
}


@pytest.mark.parametrize("breach", SOCKS)
async def test_socks_proxies_that_break_the_rules(breach: str) -> None:
    """They are told from those that refuse, and a tunnel is no proof."""
    handle, causes = SOCKS[breach]
    behind = Cause.NOT_TLS in causes
    fails(await through(handle, socks=5, limits=PROXIES), Phase.TLS if behind else Phase.PROXY, *causes)
