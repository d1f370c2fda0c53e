"""What a proxy lets through besides what clients need: its own words, and nothing read into silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.model import Cause, Endpoint, Outcome, Proxy, Result, Scalar, Transport
from tests.servers import (
    DOOR,
    ESTABLISHED,
    QUICK,
    Middle,
    a_flow,
    a_route,
    answers,
    hangs_up,
    mute,
    page,
    probe,
    says,
)

CONNECT: dict[str, Scalar] = {"ask": "connect"}
FORWARD: dict[str, Scalar] = {"ask": "forward", "path": "/generate_204", "expect_status": 204}
SQUID = "X-Squid-Error: ERR_CONNECT_FAIL 111"


async def asked(handle: Handler, params: dict[str, Scalar], port: int = 25) -> Result:
    """Ask the proxy *handle*, which has little time."""
    async with loopback() as place:
        door = Endpoint(host=DOOR, port=await place.tcp(handle))
        route = replace(a_route(), proxy=Proxy(endpoint=door), limits=QUICK)
        return await probe(a_flow("proxy-policy", port, Transport.TCP, params), route)


def told(result: Result) -> Scalar:
    """Return the answer, None if there is none; nothing here ever fails."""
    assert result.verdict.outcome in {Outcome.PASS, Outcome.INCONCLUSIVE}, result.verdict
    found = [step.facts["lets_through"] for step in result.steps if "lets_through" in step.facts]
    assert (len(found) == 1) is (result.verdict.outcome is Outcome.PASS)
    return found[0] if found else None


async def test_a_tunnel_from_which_the_target_speaks() -> None:
    """As a mail server does, before it is spoken to."""
    async with loopback() as place:
        target = await place.tcp(says(b"220 mail.test ESMTP\r\n"))
        result = await asked(Middle().handle, CONNECT, target)
    assert told(result) is True
    assert "220 mail.test ESMTP" in result.verdict.reason


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (page("403 Forbidden", b"no"), False),
        (page("503 Service Unavailable", b"", SQUID), True),
        (page("502 Bad Gateway"), True),
        (page("503 Service Unavailable"), None),
        (page("407 Proxy Authentication Required", b"", "Proxy-Authenticate: Basic realm=x"), None),
        (b"SSH-2.0-x\r\n", None),
        (b"", None),
    ],
)
async def test_what_the_proxy_says_to_the_tunnel(reply: bytes, answer: bool | None) -> None:
    """It refuses; it has tried; or it says something else."""
    assert told(await asked(Middle(reply, tunnels=False).handle, CONNECT)) is answer


async def test_a_tunnel_in_which_nobody_speaks_proves_nothing() -> None:
    """Proxies that decrypt say 200 to what they refuse a moment later."""
    assert told(await asked(Middle(ESTABLISHED, tunnels=False).handle, CONNECT)) is None
    async with loopback() as place:
        assert told(await asked(Middle().handle, CONNECT, await place.tcp(hangs_up))) is None


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (page("204 No Content"), True),
        (page("403 Forbidden", b"<h1>Blocked</h1>"), False),
        (page("405 Method Not Allowed"), False),
        (page("407 Proxy Authentication Required"), None),
        (page("200 OK", b"log in"), None),
        (page("502 Bad Gateway"), None),
    ],
)
async def test_what_the_proxy_says_to_plain_http(reply: bytes, answer: bool | None) -> None:
    """Only the neutral host's own answer shows that it was asked."""
    assert told(await asked(answers(reply), FORWARD)) is answer


@pytest.mark.parametrize("handle", [mute, hangs_up])
async def test_silence_of_the_proxy_proves_nothing(handle: Handler) -> None:
    """Whatever was asked."""
    assert told(await asked(handle, FORWARD)) is None
    assert told(await asked(handle, CONNECT)) is None


async def test_the_proxy_is_asked_for_the_whole_address() -> None:
    """And for no tunnel; the time of its answer is nobody's clock."""
    proxy = Middle(page("204 No Content", b"", "Date: Mon, 01 Jan 2001 00:00:00 GMT"), tunnels=False)
    result = await asked(proxy.handle, FORWARD, 80)
    assert proxy.heads[0].startswith(b"GET http://probe.test/generate_204 HTTP/1.1\r\n")
    assert not any("clock_skew_s" in step.facts for step in result.steps)
    assert result.verdict.failure is None


async def test_a_proxy_that_cannot_be_reached_is_no_policy() -> None:
    """Nor a failure: others say that."""
    async with loopback() as place:
        route = replace(a_route(), proxy=Proxy(endpoint=Endpoint(host=DOOR, port=place.refusing())), limits=QUICK)
        result = await probe(a_flow("proxy-policy", 25, Transport.TCP, CONNECT), route)
    assert told(result) is None
    assert result.verdict.failure is not None
    assert result.verdict.failure.cause is Cause.CANNOT_TELL
