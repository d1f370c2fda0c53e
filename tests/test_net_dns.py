"""One resolver asked directly, over UDP and TCP: answers, refusals, silence and lies."""

from __future__ import annotations

import time
from collections.abc import Sequence

import dns.edns
import dns.message
import dns.rcode
import dns.rrset
import pytest

from rainbow_probe.demo.loopback import loopback
from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Endpoint, PeerError, Phase, Transport
from rainbow_probe.net import dns as net_dns
from rainbow_probe.net.dns import Answer, anyone_knows, ask, ask_all
from tests.servers import HOST, NAME, Resolve, answers, nothing, resolver, zone

UDP, TCP = Transport.UDP, Transport.TCP


@pytest.mark.parametrize("transport", [UDP, TCP])
@pytest.mark.parametrize(
    ("answer", "kind", "expected"),
    [
        (zone("192.0.2.1", "2001:db8::1"), "A", Answer(rcode="NOERROR", addresses=("192.0.2.1",), ttl=60)),
        (zone("192.0.2.1", "2001:db8::1", ttl=5), "AAAA", Answer(rcode="NOERROR", addresses=("2001:db8::1",), ttl=5)),
        (zone("192.0.2.1"), "AAAA", Answer(rcode="NOERROR", addresses=())),
        (zone(rcode="NXDOMAIN"), "A", Answer(rcode="NXDOMAIN", addresses=())),
        (zone(rcode="SERVFAIL"), "A", Answer(rcode="SERVFAIL", addresses=())),
        (zone(rcode="REFUSED"), "A", Answer(rcode="REFUSED", addresses=())),
        (zone("192.0.2.1", cut=True), "A", Answer(rcode="NOERROR", addresses=(), truncated=True)),
    ],
)  # fmt: skip
async def test_what_a_resolver_says(answer: Resolve, kind: str, expected: Answer, transport: Transport) -> None:
    """Word for word, over either transport."""
    async with loopback() as place:
        server = await resolver(place, answer, answer)
        assert await ask(server, NAME, kind, transport) == expected


def _wrong_id(query: dns.message.Message) -> Sequence[bytes]:
    [right] = zone("192.0.2.1")(query)
    [lie] = zone("203.0.113.66")(query)
    forged = bytes([lie[0] ^ 1]) + lie[1:]
    other = dns.message.make_response(dns.message.make_query("other.test", "A", id=query.id)).to_wire()
    return [forged, other, b"junk", b"", right]


async def test_a_lie_is_no_answer() -> None:
    """A wrong number, a wrong question and plain noise are passed over; the real answer counts."""
    async with loopback() as place:
        answer = await ask(await resolver(place, _wrong_id), NAME, "A", UDP)
    assert answer.addresses == ("192.0.2.1",)


async def test_over_tcp_a_lie_is_all_there_is() -> None:
    """A stream has one answer, and it must be to the question."""
    async with loopback() as place:
        server = await resolver(place, nothing, lambda query: _wrong_id(query)[:1])
        with pytest.raises(PeerError) as caught:
            await ask(server, NAME, "A", TCP)
    assert caught.value.cause is Cause.UNEXPECTED_REPLY


async def test_a_lost_question_is_asked_again() -> None:
    """One lost datagram is not a dead resolver."""
    asked: list[int] = []

    def second(query: dns.message.Message) -> Sequence[bytes]:
        asked.append(query.id)
        return zone("192.0.2.1")(query) if len(asked) > 1 else ()

    async with loopback() as place:
        answer = await ask(await resolver(place, second), NAME, "A", UDP)
    assert (answer.addresses, len(asked), len(set(asked))) == (("192.0.2.1",), 2, 1)


async def _step(server: Endpoint, transport: Transport, name: str = NAME, limit: float = 30) -> Cause:
    rec = Recorder()
    with pytest.raises(StepError) as caught:
        async with rec.step(Phase.RESOLVE, server, limit=limit):
            await ask(server, name, "A", transport)
    failure = rec.steps[-1].failure
    assert failure is not None
    assert (failure.phase, failure.cause) == (Phase.RESOLVE, caught.value.failure.cause)
    return failure.cause


@pytest.mark.parametrize("transport", [UDP, TCP])
async def test_a_resolver_that_is_not_there(transport: Transport) -> None:
    """A refusal is told from silence, at once, and is the network's, not ours."""
    async with loopback() as place:
        port = place.rejecting() if transport is UDP else place.refusing()
        assert await _step(Endpoint(host=HOST, port=port), transport) is Cause.REFUSED


@pytest.mark.parametrize("transport", [UDP, TCP])
async def test_a_resolver_that_is_silent(transport: Transport) -> None:
    """Whoever asks owns the limit."""
    async with loopback() as place:
        assert await _step(await resolver(place, nothing, nothing), transport, limit=0.3) is Cause.NO_ANSWER


@pytest.mark.parametrize("said", [b"", b"\x00", b"\x00\x20short"])
async def test_a_resolver_that_hangs_up(said: bytes) -> None:
    """Within the length, within the message or before either."""
    async with loopback() as place:
        server = Endpoint(host=HOST, port=await place.tcp(answers(said, stays=False)))
        assert await _step(server, TCP) is Cause.CLOSED


@pytest.mark.parametrize("transport", [UDP, TCP])
async def test_a_name_that_dns_cannot_hold(transport: Transport) -> None:
    """Nobody needs to be asked."""
    assert await _step(Endpoint(host=HOST, port=1), transport, "x" * 64 + ".test") is Cause.NXDOMAIN


# All of them, as a client without a system would.


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (zone("192.0.2.1", "2001:db8::1"), nothing, ("192.0.2.1", "2001:db8::1")),
        (zone(rcode="SERVFAIL"), zone("192.0.2.2"), ("192.0.2.2",)),
        (zone(rcode="REFUSED"), zone("2001:db8::2"), ("2001:db8::2",)),
    ],
)
async def test_the_first_that_answers(first: Resolve, second: Resolve, expected: Sequence[str]) -> None:
    """A resolver that fails passes the question on to the next one."""
    async with loopback() as place:
        servers = [await resolver(place, first), await resolver(place, second)]
        assert await ask_all(servers, NAME) == tuple(expected)


@pytest.mark.parametrize(
    ("rcodes", "cause"),
    [
        (("NXDOMAIN", "NOERROR"), Cause.NXDOMAIN),
        (("NOERROR",), Cause.NXDOMAIN),
        (("SERVFAIL", "NXDOMAIN"), Cause.NXDOMAIN),
        (("SERVFAIL", "REFUSED"), Cause.REFUSED_BY_RESOLVER),
        ((), Cause.NO_ANSWER),
    ],
)
async def test_none_that_knows(rcodes: Sequence[str], cause: Cause) -> None:
    """That a name does not exist is an answer, and settles it; a failure is not and does not."""
    async with loopback() as place:
        servers = [await resolver(place, zone(rcode=rcode)) for rcode in rcodes]
        with pytest.raises(PeerError) as caught:
            await ask_all(servers, NAME)
    assert caught.value.cause is cause
    assert any(said in str(caught.value) for said in (*rcodes, "no resolver is configured", "no address"))


async def test_a_dead_resolver_does_not_hold_up_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal is passed over at once."""
    monkeypatch.setattr(net_dns, "LIMIT", 60.0)
    began = time.monotonic()
    async with loopback() as place:
        servers = [Endpoint(host=HOST, port=place.rejecting()), await resolver(place, zone("192.0.2.1"))]
        assert await ask_all(servers, NAME) == ("192.0.2.1",)
    assert time.monotonic() - began < 30


async def test_only_dead_resolvers() -> None:
    """Nobody answered, and the last error is told."""
    async with loopback() as place:
        with pytest.raises(PeerError, match="refused") as caught:
            await ask_all([Endpoint(host=HOST, port=place.rejecting())], NAME)
    assert caught.value.cause is Cause.NO_ANSWER


async def test_a_cut_answer_is_asked_for_again_over_tcp() -> None:
    """A full answer that does not fit a datagram is no missing address (RFC 7766, section 5)."""
    async with loopback() as place:
        server = await resolver(place, zone(cut=True), zone("192.0.2.1"))
        assert await ask_all([server], NAME) == ("192.0.2.1",)


async def test_an_impossible_name_exists_nowhere() -> None:
    """Neither does asking every resolver for it make it anything else."""
    with pytest.raises(PeerError) as caught:
        await ask_all([Endpoint(host=HOST, port=1)], "x" * 64 + ".test")
    assert caught.value.cause is Cause.NXDOMAIN


@pytest.mark.parametrize(
    ("first", "second", "known"),
    [
        (nothing, zone("192.0.2.1"), True),
        (nothing, zone("2001:db8::1"), True),
        (zone(rcode="NXDOMAIN"), zone(rcode="SERVFAIL"), False),
    ],
)
async def test_one_that_knows_is_enough(
    first: Resolve, second: Resolve, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not waited for the others."""
    monkeypatch.setattr(net_dns, "LIMIT", 60.0)
    began = time.monotonic()
    async with loopback() as place:
        servers = [await resolver(place, first), await resolver(place, second)]
        assert await anyone_knows(servers, NAME) is known
    assert time.monotonic() - began < 30


def _blocked(query: dns.message.Message) -> Sequence[bytes]:
    """Say by an extended error why, to whoever understands it."""
    answer = dns.message.make_response(query)
    answer.set_rcode(dns.rcode.NXDOMAIN)
    if query.edns >= 0:
        told = (dns.edns.EDEOption(dns.edns.EDECode.BLOCKED, "by policy"), dns.edns.EDEOption(dns.edns.EDECode.OTHER))
        errors: list[dns.edns.Option] = [*told]
        answer.use_edns(0, options=errors)
    return [answer.to_wire()]


@pytest.mark.parametrize(("extended", "said"), [(True, "Blocked (by policy); extended error 0"), (False, "")])
async def test_a_resolver_that_says_why(extended: bool, said: str) -> None:
    """Only if it is asked so (RFC 8914): plain questions are what clients send."""
    async with loopback() as place:
        answer = await ask(await resolver(place, _blocked), NAME, "A", UDP, extended=extended)
    assert (answer.rcode, answer.extended) == ("NXDOMAIN", said)
    assert answer.more == ({"extended": said} if said else {})


async def test_aliases_are_told() -> None:
    """A block host shows by its name."""

    def alias(query: dns.message.Message) -> Sequence[bytes]:
        answer, name = dns.message.make_response(query), query.question[0].name
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", "block.example."))
        answer.answer.append(dns.rrset.from_text("block.example.", 60, "IN", "A", "192.0.2.9"))
        return [answer.to_wire()]

    async with loopback() as place:
        answer = await ask(await resolver(place, alias), NAME, "A", UDP)
    assert (answer.aliases, answer.addresses) == (("block.example",), ("192.0.2.9",))
