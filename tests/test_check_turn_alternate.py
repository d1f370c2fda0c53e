"""TURN servers that send their clients to another one: 300 (Try Alternate), which clients follow (RFC 8489, 10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from rainbow_probe.demo.loopback import loopback
from rainbow_probe.demo.proxy import HttpProxy
from rainbow_probe.demo.services import TURN, Door
from rainbow_probe.model import Cause, Endpoint, Outcome, Phase, Proxy, Result, Transport
from rainbow_probe.protocols.stun import Attr, Message, Method, plain_address
from tests.servers import ALICE, DOOR, HOST, NAME, OddTurn, Rule, a_flow, a_route, broke, listen, probe, refuses

UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS


async def tried(*rules: Rule) -> Result:
    """Probe a server that follows *rules*."""
    async with loopback() as place:
        port = await listen(OddTurn(place, *rules), place, UDP)
        return await probe(a_flow("turn", port, UDP), replace(a_route(), turn=ALICE))


@pytest.mark.parametrize(
    ("where", "domain", "said"),
    [
        (("::1", 3478), b"", "use ::1 port 3478, where no client goes: it is an address of the other family"),
        (("127.0.0.2", 0), b"", "nothing can be there"),
        (("255.255.255.255", 9), b"", "nothing can be there"),
        (("127.0.0.2", 9), b"a b", "its domain is none"),
        (None, b"", "300 because"),
    ],
)
async def test_where_no_client_would_go(where: tuple[str, int] | None, domain: bytes, said: str) -> None:
    """It is named, and not followed: by no family of addresses that is not in use, to no place that is none."""
    alternate = [(int(Attr.ALTERNATE_SERVER), plain_address(*where))] if where else []
    alternate += [(int(Attr.ALTERNATE_DOMAIN), domain)] if domain else []
    result = await tried(refuses(Method.ALLOCATE, 300, *alternate))
    assert broke(result) == (Phase.TURN_ALLOCATE, Cause.TRY_ALTERNATE)
    assert result.verdict.reason.endswith(said)


@dataclass(frozen=True, kw_only=True)
class SendsOn:
    """A rule: signed requests for an allocation are sent to the port in *ports* (of this host), in turn."""

    ports: Sequence[int]
    domain: str = ""

    def __call__(self, message: Message | None, packet: bytes) -> Sequence[bytes] | None:
        """Answer one packet."""
        to = (int(Attr.ALTERNATE_SERVER), plain_address(HOST, self.ports[0]))
        named = [(int(Attr.ALTERNATE_DOMAIN), self.domain.encode())] if self.domain else []
        return refuses(Method.ALLOCATE, 300, to, *named)(message, packet)


@pytest.mark.parametrize("transport", [UDP, TCP])
async def test_servers_that_send_us_in_a_circle(transport: Transport) -> None:
    """Nobody goes where he was; a chain without end ends, too."""
    async with loopback() as place:
        first, second = list[int](), list[int]()
        first.append(await listen(OddTurn(place, SendsOn(ports=second)), place, transport))
        second.append(await listen(OddTurn(place, SendsOn(ports=first)), place, transport))
        circle = await probe(a_flow("turn", first[0], transport), replace(a_route(), turn=ALICE))
        third, fourth = list[int](), list[int]()
        third.append(await listen(OddTurn(place, SendsOn(ports=second)), place, transport))
        fourth.append(await listen(OddTurn(place, SendsOn(ports=third)), place, transport))
        chain = await probe(a_flow("turn", fourth[0], transport), replace(a_route(), turn=ALICE))
    for result, sent_on in ((circle, 1), (chain, 2)):
        assert broke(result) == (Phase.TURN_ALLOCATE, Cause.TRY_ALTERNATE)
        assert len([step for step in result.steps if step.facts.get("alternate")]) == sent_on
    assert "we have been there" in circle.verdict.reason


@pytest.mark.parametrize(
    ("domain", "cause"), [("", None), ("probe.test", None), ("elsewhere.test", Cause.TLS_WRONG_NAME)]
)
async def test_the_certificate_at_the_other_server(domain: str, cause: Cause | None) -> None:
    """It names the domain that we are sent to or, where none is told, the one we came from (RFC 8489, section 10)."""
    async with loopback() as place:
        there = await listen(OddTurn(place), place, TLS)
        here = await listen(OddTurn(place, SendsOn(ports=[there], domain=domain)), place, TLS)
        result = await probe(a_flow("turn", here, TLS), replace(a_route(), turn=ALICE))
    if cause is None:
        assert result.verdict.outcome is Outcome.PASS, result
    else:
        assert broke(result) == (Phase.TLS, cause)


async def test_the_other_server_goes_through_the_proxy_too() -> None:
    """The proxy is asked for the address that the server gave."""
    async with loopback() as place:
        there = await listen(OddTurn(place), place, TCP)
        here = await listen(OddTurn(place, SendsOn(ports=[there])), place, TCP)
        doors: dict[Door, int] = {
            (NAME, here, "tcp"): here,
            (TURN[0], there, "tcp"): there,
        }  # who gives the address means TURN
        proxy = Endpoint(host=DOOR, port=await place.tcp(HttpProxy(doors, {here, there}).handle))
        result = await probe(a_flow("turn", here, TCP), replace(a_route(), turn=ALICE, proxy=Proxy(endpoint=proxy)))
    assert result.verdict.outcome is Outcome.PASS, result
    assert f"{HOST}:{there}" in {step.subject for step in result.steps if step.phase is Phase.PROXY}
