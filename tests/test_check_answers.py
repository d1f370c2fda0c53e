"""Who answers there: a control that is judged by the answer alone, whatever certificate comes with it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import loopback
from rainbow_probe.demo.pages import Asked, Page, serving
from rainbow_probe.model import Cause, Outcome, Phase, Result, Scalar, Transport
from tests.servers import (
    QUICK,
    OddTurn,
    a_flow,
    a_route,
    answers,
    broke,
    facts,
    listen,
    mute,
    page,
    probe,
    says,
    shows,
)

UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS
EXPECTED = ["/ping"] * 4 + ["/about"]  # after one answer of more than 500 bytes, three bring a packet more
PAGE = page("403 Forbidden", b"no", "Server: box", "Via: 1.1 gateway.test (squid)")


async def asked(port: int, speak: str, transport: Transport = TCP, **params: Scalar) -> Result:
    """Ask *port* in the protocol *speak*."""
    flow = a_flow("answers", port, transport, {"speak": speak, **params})
    return await probe(flow, replace(a_route(), limits=QUICK.scaled(2)))


@pytest.mark.parametrize(("transport", "speak"), [(UDP, "stun"), (TCP, "stun"), (TLS, "tls+stun")])
async def test_stun_is_answered(transport: Transport, speak: str) -> None:
    """Over each carrier, without an allocation."""
    async with loopback() as place:
        result = await asked(await listen(OddTurn(place), place, transport), speak, transport)
    assert result.verdict.outcome is Outcome.PASS
    assert result.verdict.reason == "STUN is answered; seen from outside as 127.0.0.1"


async def test_whoever_answers_http_is_named() -> None:
    """By the box's own field, if it has one."""
    async with loopback() as place:
        result = await asked(await place.tcp(answers(PAGE)), "http")
    assert result.verdict.reason == "HTTP is answered: 403 Forbidden, by 1.1 gateway.test (squid)"
    assert facts(result, Phase.HTTP)["via"] == "1.1 gateway.test (squid)"


@pytest.mark.parametrize(
    ("params", "name"), [({}, "probe.test"), ({"sni": "other.test"}, "other.test"), ({"sni": ""}, None)]
)
async def test_tls_asks_for_the_name_that_is_wanted(params: dict[str, Scalar], name: str | None) -> None:
    """Or for none; the certificate is noted and not judged."""
    seen: list[str | None] = []
    context = shows()
    context.sni_callback = lambda _tls, given, _context: seen.append(given)
    async with loopback() as place:
        result = await asked(await place.tcp(mute, context), "tls", TLS, **params)
    assert result.verdict.outcome is Outcome.PASS, result
    assert seen == [name]
    assert facts(result, Phase.TLS)["issuer"]


async def test_http_within_tls() -> None:
    """As a browser would begin."""
    async with loopback() as place:
        result = await asked(await place.tcp(answers(PAGE), shows()), "tls+http", TLS)
    assert "403" in result.verdict.reason
    assert [step.phase for step in result.steps][-2:] == [Phase.TLS, Phase.HTTP]


async def test_no_answer_is_told_by_its_phase() -> None:
    """In half the usual time."""
    async with loopback() as place:
        port = await place.tcp(mute)
        for speak, phase in (("stun", Phase.STUN), ("http", Phase.HTTP), ("tls", Phase.TLS)):
            assert broke(await asked(port, speak)) == (phase, Cause.TIMEOUT)
        stranger = await asked(await place.tcp(says(b"220 mail.test ESMTP\r\n")), "http")
    assert broke(stranger) == (Phase.HTTP, Cause.NOT_HTTP)


async def test_small_segments() -> None:
    """The system is told, and the connection works."""
    sizes: list[int] = []

    async def watch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sizes.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))
        await answers(PAGE)(reader, writer)

    async with loopback() as place:
        result = await asked(await place.tcp(watch), "http", segment=536)
    assert result.verdict.outcome is Outcome.PASS
    assert facts(result, Phase.CONNECT)["segment"] == 536
    assert sizes[0] <= 536


@pytest.mark.parametrize(("closes", "most"), [(False, 99), (True, 99), (False, 2)], ids=["keeps", "closes", "ends"])
async def test_several_paths_bring_no_less_than_the_check_had_to_fetch(*, closes: bool, most: int) -> None:
    """The first is asked for again until a packet more has come; who ends before is silent on what it had answered."""
    paths: list[str] = []

    def answer(each: Asked) -> Page:
        paths.append(each.path)
        return Page(body=b"0" * 400, headers={"Connection": "close"} if closes else {})

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pages = [page("200 OK", b"0" * 400)] * most
        await (answers(*pages)(reader, writer) if most < len(EXPECTED) else serving(answer)(reader, writer))

    async with loopback() as place:
        result = await asked(await place.tcp(handle), "http", paths="/ping /about")
    tried = [step.subject for step in result.steps if step.phase is Phase.HTTP]
    if most < len(EXPECTED):
        assert broke(result) == (Phase.HTTP, Cause.TIMEOUT)
        assert tried == ["/ping"] * (most + 1)
        return
    assert result.verdict.outcome is Outcome.PASS
    assert tried == paths == (["/ping", "/about"] if closes else EXPECTED)


def test_a_context_is_given_back() -> None:
    """What one session asked for is not asked of the next: one context serves all."""
    trust = a_route().trust
    for name, verify in ((None, False), ("probe.test", True)):
        session = trust.wrap(ssl.MemoryBIO(), ssl.MemoryBIO(), name, alpn="", verify=verify)
        assert session.server_hostname == name
