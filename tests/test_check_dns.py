"""A name as the system resolves it, and what each resolver says by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest

from rainbow_probe.checks.dns import MOST_RESOLVERS, is_private, outside_of
from rainbow_probe.demo.loopback import loopback
from rainbow_probe.judge.traces import spared
from rainbow_probe.model import Cause, Endpoint, Flow, Outcome, PeerError, Phase, Result, Step, Transport
from rainbow_probe.net.dns import ask_all
from rainbow_probe.net.names import LookUp, Names, confirmed
from rainbow_probe.net.route import Limits, Route
from tests.servers import (
    HOST,
    NAME,
    Resolve,
    a_flow,
    a_route,
    broke,
    names,
    nothing,
    phases,
    probe,
    resolver,
    zone,
)

GOOD = zone("192.0.2.1", "2001:db8::1")


def asks(host: str = NAME) -> Flow:
    """Give a flow that asks for *host*."""
    return replace(a_flow("dns", 53, Transport.UDP), target=Endpoint(host=host, port=53))


def by(servers: Sequence[Endpoint]) -> Route:
    """Give a route of a machine whose system asks *servers*, and so do we."""

    async def look_up(host: str) -> tuple[str, ...]:
        return await ask_all(servers, host)

    return replace(a_route(), names=Names(look_up, ipv6=True), resolvers=tuple(map(str, servers)))


def own(result: Result, server: Endpoint, proto: Transport, kind: str) -> Step:
    """Give the step in which *server* was asked itself."""
    [step] = [step for step in result.steps if step.subject == f"{server} {proto} {kind}"]
    return step


async def test_a_name_that_resolves() -> None:
    """By the system, and by each resolver in four ways; all is evidence."""
    async with loopback() as place:
        server = await resolver(place, GOOD, GOOD)
        result = await probe(asks(), by([server]))
    assert result.verdict.reason == "resolves to 192.0.2.1, 2001:db8::1"
    assert result.verdict.outcome is Outcome.PASS
    assert set(phases(result)) == {Phase.RESOLVE}
    for proto in (Transport.UDP, Transport.TCP):
        assert own(result, server, proto, "A").facts == {
            "resolver": str(server),
            "proto": proto,
            "answer_type": "A",
            "rcode": "NOERROR",
            "ttl": 60,
            "addresses": "192.0.2.1",
        }
        assert own(result, server, proto, "AAAA").facts["addresses"] == "2001:db8::1"


FAILURES = [
    (zone(rcode="NXDOMAIN"), Cause.NXDOMAIN, "NXDOMAIN"),
    (zone(), Cause.NXDOMAIN, "NOERROR"),
    (zone(rcode="SERVFAIL"), Cause.REFUSED_BY_RESOLVER, "SERVFAIL"),
    (zone(rcode="REFUSED"), Cause.REFUSED_BY_RESOLVER, "REFUSED"),
]


@pytest.mark.parametrize(("said", "cause", "rcode"), FAILURES)
async def test_a_name_that_does_not_resolve(said: Resolve, cause: Cause, rcode: str) -> None:
    """The resolver's code is the cause and the evidence."""
    async with loopback() as place:
        server = await resolver(place, said, said)
        result = await probe(asks(), by([server]))
    assert broke(result) == (Phase.RESOLVE, cause)
    assert own(result, server, Transport.UDP, "A").facts["rcode"] == rcode
    assert own(result, server, Transport.UDP, "A").failure is None


async def test_silence_is_no_answer() -> None:
    """The system's time is up, and the resolver's own step says who was silent."""
    async with loopback() as place:
        server = await resolver(place, nothing, nothing)
        result = await probe(asks(), replace(by([server]), limits=Limits.within(0.4)), budget=0.5)
    assert broke(result) == (Phase.RESOLVE, Cause.NO_ANSWER)
    failures = {own(result, server, proto, "A").failure for proto in (Transport.UDP, Transport.TCP)}
    assert {failure.cause for failure in failures if failure} == {Cause.BUDGET}  # not the whole four seconds


async def test_tcp_may_be_refused() -> None:
    """Many resolvers take datagrams only: told, and told as the network's, and not held against the name."""
    async with loopback() as place:
        server = await resolver(place, GOOD)
        result = await probe(asks(), by([server]))
    assert result.verdict.outcome is Outcome.PASS
    failure = own(result, server, Transport.TCP, "A").failure
    assert failure is not None
    assert (failure.phase, failure.cause) == (Phase.RESOLVE, Cause.REFUSED)


async def test_one_resolver_of_several_fails() -> None:
    """The system's answer is the verdict; the dead resolver's step is there to see."""
    async with loopback() as place:
        servers = [await resolver(place, zone(rcode="SERVFAIL")), await resolver(place, GOOD)]
        result = await probe(asks(), by(servers))
    assert result.verdict.outcome is Outcome.PASS
    assert [own(result, s, Transport.UDP, "A").facts["rcode"] for s in servers] == ["SERVFAIL", "NOERROR"]


async def test_only_so_many_resolvers_are_asked() -> None:
    """As many as the C library would."""
    async with loopback() as place:
        servers = [await resolver(place, GOOD) for _ in range(MOST_RESOLVERS + 2)]
        result = await probe(asks(), by(servers))
    asked = {step.facts["resolver"] for step in result.steps if "resolver" in step.facts}
    assert asked == {str(server) for server in servers[:MOST_RESOLVERS]}


async def test_the_resolvers_words_confirm_the_systems() -> None:
    """A system that says "try again" for a name that does not exist is corrected."""

    async def again(_host: str) -> tuple[str, ...]:
        raise PeerError(Cause.NO_ANSWER, "the system's resolver: try again")

    async with loopback() as place:
        server = await resolver(place, zone(rcode="NXDOMAIN"))
        look_up: LookUp = confirmed(again, partial(ask_all, [server]))
        route = replace(by([server]), names=Names(look_up, ipv6=False))
        result = await probe(asks(), route)
    assert broke(result) == (Phase.RESOLVE, Cause.NXDOMAIN)
    assert "try again" in result.verdict.reason


async def test_an_impossible_name() -> None:
    """It is nobody's failure but the name's."""
    async with loopback() as place:
        server = await resolver(place, GOOD, GOOD)
        result = await probe(asks("x" * 64 + ".test"), by([server]))
    assert broke(result) == (Phase.RESOLVE, Cause.NXDOMAIN)
    assert all(step.failure and step.failure.cause is Cause.NXDOMAIN for step in result.steps)


# Where nothing needs to be asked.


@pytest.mark.parametrize(
    ("instead", "outcome"),
    [
        (Endpoint(host="192.0.2.9", port=443), Outcome.SKIPPED),
        (Endpoint(host="", port=8443), Outcome.PASS),
    ],
)
async def test_a_map_may_take_the_place_of_dns(instead: Endpoint, outcome: Outcome) -> None:
    """An address does, whatever the port; another port does not."""
    route = replace(a_route(), maps={Endpoint(host=NAME, port=443): instead})
    result = await probe(asks(), route)
    assert result.verdict.outcome is outcome
    assert bool(result.steps) is (outcome is Outcome.PASS)


@pytest.mark.parametrize(("host", "outcome"), [(NAME, Outcome.PASS), ("nowhere.test", Outcome.SKIPPED)])
async def test_behind_a_proxy_names_are_the_proxys(host: str, outcome: Outcome) -> None:
    """What the local resolver does not know is told, not failed."""
    result = await probe(asks(host), replace(a_route(), proxied_site=True))
    assert result.verdict.outcome is outcome
    assert ("nxdomain" in result.verdict.reason) is (outcome is Outcome.SKIPPED)


# Advice.


@pytest.mark.parametrize(
    ("addresses", "source", "outside", "private"),
    [
        (("192.0.2.1",), "system", "", ""),
        (("203.0.113.1",), "system", "203.0.113.1", ""),
        (("10.1.2.3", "192.0.2.1"), "system", "10.1.2.3", "10.1.2.3"),
        (("2001:db8::1",), "system", "", ""),
        (("fe80::1%lo",), "system", "", "fe80::1%lo"),
        (("10.1.2.3",), "resolver", None, None),
    ],
)
async def test_addresses_are_compared_with_the_guides(
    addresses: tuple[str, ...], source: str, outside: str | None, private: str | None
) -> None:
    """For advice only; a resolver of the user's own choice is the user's business."""
    route = replace(a_route(), ranges=("192.0.2.0/24",), names=names(source=source, probe_test=addresses))
    result = await probe(asks(), route)
    assert result.verdict.outcome is Outcome.PASS
    advice = [step.facts for step in result.steps if step.subject == "advice"]
    assert advice == ([] if outside is None else [{"outside_ranges": outside, "private": private}])


@pytest.mark.parametrize(
    ("address", "private"),
    [
        (HOST, True),
        ("10.0.0.1", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("192.168.1.1", True),
        ("169.254.1.1", True),
        ("100.64.0.1", False),
        ("198.18.0.1", False),
        ("192.0.2.1", False),
        ("::1", True),
        ("fd00::1", True),
        ("fe80::1%eth0", True),
        ("2001:db8::1", False),
    ],
)
def test_what_can_only_be_inside(address: str, private: bool) -> None:
    """Not what the standard library calls private: test networks serve as public ones in labs."""
    assert is_private(address) is private


def test_a_family_the_guide_does_not_speak_of_is_not_outside() -> None:
    """Ranges of IPv4 say nothing of IPv6."""
    assert outside_of(["192.0.2.0/24", "2001:db8::/32"], ["192.0.2.1", "2001:db9::1"]) == ["2001:db9::1"]
    assert outside_of(["192.0.2.0/24"], ["2001:db9::1"]) == []
    assert outside_of([], ["192.0.2.1"]) == []


# Over UDP only


def over_udp(host: str = NAME) -> Flow:
    """Give a flow that asks as a device does that knows nothing but UDP/53."""
    return replace(asks(host), params={"over": "udp"})


@pytest.mark.parametrize(
    ("udp", "cause"),
    [
        (GOOD, None),
        (zone(rcode="NXDOMAIN"), Cause.NXDOMAIN),
        (zone(rcode="SERVFAIL"), Cause.REFUSED_BY_RESOLVER),
    ],
)
async def test_over_udp_only_the_resolvers_own_answers_count(udp: Resolve, cause: Cause | None) -> None:
    """What the system knows, or says over TCP, is of no use to such a device."""
    async with loopback() as place:
        server = await resolver(place, udp, GOOD)
        result = await probe(over_udp(), replace(a_route(), resolvers=(str(server),)))
    assert (broke(result)[1] if cause else None) is cause
    assert result.verdict.outcome is (Outcome.FAIL if cause else Outcome.PASS)
    assert {step.facts.get("proto") for step in result.steps} <= {"udp", None}


async def test_silence_over_udp_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """However well TCP works; at a site with a proxy it may be done without."""
    monkeypatch.setattr("rainbow_probe.net.dns.LIMIT", 0.2)
    async with loopback() as place:
        route = replace(a_route(), resolvers=(str(await resolver(place, nothing, GOOD)),))
        alone, proxied = await probe(over_udp(), route), await probe(over_udp(), replace(route, proxied_site=True))
    assert broke(alone) == (Phase.RESOLVE, Cause.NO_ANSWER)
    assert proxied.verdict.outcome is Outcome.SKIPPED
    assert spared(proxied)


async def test_without_a_resolver_there_is_nobody_to_ask_over_udp() -> None:
    """As where the system keeps them to itself."""
    result = await probe(over_udp(), replace(a_route(), resolvers=()))
    assert result.verdict.outcome is Outcome.SKIPPED
    assert spared(result) is None
