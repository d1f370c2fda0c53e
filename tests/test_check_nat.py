"""How one UDP socket is seen by several servers, and who gets in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import Datagrams, Loopback, Peer, loopback
from rainbow_probe.demo.services import HOST
from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.followups.nat import behaviour
from rainbow_probe.judge.nat import nat_behaviour
from rainbow_probe.model import Cause, Flow, Outcome, Phase, Result, Scalar, Site, Step, Transport, Verdict
from rainbow_probe.protocols.stun import Attr, Class, Message, plain_address, reply, xor_address
from rainbow_probe.report.wording import translated
from tests.judge_samples import OPEN_SITE, TURN, Fault, both, case, guide, host, ids, udp
from tests.servers import a_flow, a_route, broke, facts, probe

OUTSIDE = "198.51.100.7"


def says(port: int | None, host: str = HOST) -> Callable[[Datagrams, bytes, Peer], None]:
    """Answer that the socket is seen at *port* of *host*; None for its own."""

    def answer(own: Datagrams, data: bytes, peer: Peer) -> None:
        asked = Message.parse(data)
        mapped = xor_address(host, port or peer[1], asked.transaction)
        own.send(bytes(reply(asked, Class.SUCCESS, (Attr.XOR_MAPPED_ADDRESS, mapped))), peer)

    return answer


async def asked(*servers: int) -> Result:
    """Run the check with *servers* on loopback."""
    params = {"ask": " ".join(f"{HOST}:{port}" for port in servers)}
    return await probe(a_flow("nat", servers[0], Transport.UDP, params), a_route())


async def told(*seen: int | None) -> Mapping[str, Scalar]:
    """Return what is said of a NAT where servers see us at *seen*."""
    async with loopback() as place:
        servers = [place.udp(says(port)).port for port in seen]
        found = await asked(*servers)
    assert found.verdict.outcome is Outcome.PASS, found
    return nat_behaviour([from_outside(found)], Site())


def from_outside(found: Result) -> Result:
    """Give the host of what servers saw an address beyond a NAT: a test sends nothing there."""
    views = [(s, str(s.facts.get("mapped", ""))) for s in found.steps]
    steps = (
        replace(s, facts={**s.facts, **({"mapped": seen.replace(HOST, OUTSIDE)} if seen else {})}) for s, seen in views
    )
    return replace(found, steps=tuple(steps))


async def test_the_same_port_for_all_is_endpoint_independent() -> None:
    """Whatever port it is."""
    assert await told(4000, 4000) == {
        "mapping": "endpoint-independent",
        "seen_as": f"{OUTSIDE}:4000",
        "exits": 1,
        "hairpinning": False,
        "port_preserved": False,
    }


@pytest.mark.parametrize("turns_back", [True, False])
async def test_hairpinning_is_told_and_is_no_fault(turns_back: bool) -> None:
    """In RFC 5780's terms: with what comes back from the outside address, and without, nothing is found wrong."""
    async with loopback() as place:
        servers = [place.udp(says(None if turns_back else 4000)).port for _ in range(2)]
        found = from_outside(await asked(*servers))
    known = nat_behaviour([found], Site())
    assert (known["mapping"], known["hairpinning"]) == ("endpoint-independent", turns_back)
    whole = case()
    beside = replace(found, flow=replace(found.flow, control_of="turn"))
    assert ids(replace(whole, results=(*whole.results, beside)).judged()) == []


async def test_the_sockets_own_port_is_preserved() -> None:
    """As many NATs do where they can."""
    seen = await told(None, None)
    assert (seen["mapping"], seen["port_preserved"]) == ("endpoint-independent", True)


async def test_another_port_for_another_server() -> None:
    """On loopback both are ports of one address: that shows that the port counts."""
    seen = await told(4000, 4001)
    assert (seen["mapping"], seen["seen_as"]) == ("address-and-port-dependent", f"{OUTSIDE}:4000 {OUTSIDE}:4001")


async def test_a_silent_server_leaves_nothing_to_compare() -> None:
    """One view is no comparison; that is nobody's fault."""
    async with loopback() as place:
        found = await asked(place.udp(says(4000)).port, place.silent())
    assert broke(found, Outcome.INCONCLUSIVE) == (Phase.STUN, Cause.CANNOT_TELL)
    assert nat_behaviour([found], Site()) == {}


def views(*seen: tuple[str, str]) -> Mapping[str, Scalar]:
    """Return what is said where the server at each address sees the socket 40000 as told."""
    steps = [Step(phase=Phase.STUN, subject=at, at=0.0, took=0.0, facts=fact(mapped)) for at, mapped in seen]
    passed = Verdict(outcome=Outcome.PASS, reason="as the test says")
    return nat_behaviour(
        [Result(flow=a_flow("nat", 3478), verdict=passed, steps=tuple(steps))], Site(addresses=("10.0.0.5",))
    )


def fact(mapped: str) -> dict[str, Scalar]:
    """Give the facts of one server's view."""
    return {"mapped": mapped, "local_port": 40000}


ONE, ONE_B, TWO = "203.0.113.1:3478", "203.0.113.1:80", "203.0.113.2:3478"


@pytest.mark.parametrize(
    ("seen", "mapping", "exits"),
    [
        ([(ONE, "198.51.100.7:1"), (TWO, "198.51.100.7:1")], "endpoint-independent", 1),
        ([(ONE, "198.51.100.7:1"), (TWO, "198.51.100.7:2")], "destination-dependent", 1),
        ([(ONE, "198.51.100.7:1"), (TWO, "198.51.100.8:1")], "destination-dependent", 2),
        ([(ONE, "198.51.100.7:1"), (ONE_B, "198.51.100.7:1"), (TWO, "198.51.100.7:2")], "address-dependent", 1),
        (
            [(ONE, "198.51.100.7:1"), (ONE_B, "198.51.100.7:3"), (TWO, "198.51.100.7:2")],
            "address-and-port-dependent",
            1,
        ),
        ([(ONE, "10.0.0.5:40000"), (TWO, "10.0.0.5:40000")], "none", 1),
        ([(ONE, "127.0.0.1:40000"), (TWO, "127.0.0.1:40000")], "none", 1),
    ],
)
def test_what_the_views_are_called(seen: list[tuple[str, str]], mapping: str, exits: int) -> None:
    """In the words of RFC 4787; where no server was heard on two ports, no more is said than is known."""
    said = views(*seen)
    assert (said["mapping"], said["exits"]) == (mapping, exits)


# Filtering


def able(place: Loopback, *, lets_in: bool, obeys: bool = True, host: str = HOST) -> tuple[int, int]:
    """Start a server with two ports; return them.

    What comes unasked from the other port is let in or not; *obeys*: whether it does as CHANGE-REQUEST asks.
    """
    spoken_to: set[tuple[int, Peer]] = set()
    both: list[Datagrams] = []

    def answer(own: Datagrams, data: bytes, peer: Peer) -> None:
        spoken_to.add((own.port, peer))
        asked = Message.parse(data)
        other = next(one for one in both if one is not own)
        by = other if obeys and asked.get(Attr.CHANGE_REQUEST) else own
        told = plain_address(host, other.port)
        mapped = xor_address(HOST, 4000, asked.transaction)
        if lets_in or (by.port, peer) in spoken_to:
            attributes = (Attr.XOR_MAPPED_ADDRESS, mapped), (Attr.OTHER_ADDRESS, told)
            by.send(bytes(reply(asked, Class.SUCCESS, *attributes)), peer)

    both += [place.udp(answer), place.udp(answer)]
    return both[0].port, both[1].port


@pytest.mark.parametrize(
    ("lets_in", "obeys", "host", "filtering"),
    [
        (True, True, HOST, "port-independent"),
        (False, True, HOST, "address-and-port-dependent"),
        (True, False, HOST, None),  # it answers from where it was asked: that proves nothing
        (True, True, "127.0.0.2", None),  # it says that it has another address, and answers from this one
    ],
)
async def test_who_gets_in(lets_in: bool, obeys: bool, host: str, filtering: str | None) -> None:
    """Told only where the server was seen to answer from elsewhere."""
    async with loopback() as place:
        one, _ = able(place, lets_in=lets_in, obeys=obeys, host=host)
        found = await asked(one, place.udp(says(4000)).port)
    assert nat_behaviour([found], Site()).get("filtering") == filtering


async def test_where_packets_are_lost_silence_is_no_filter() -> None:
    """A question had to be repeated: nothing is said of who gets in."""
    asked_once: set[Peer] = set()

    def forgetful(own: Datagrams, data: bytes, peer: Peer) -> None:
        if peer in asked_once:
            says(4000)(own, data, peer)
        asked_once.add(peer)

    async with loopback() as place:
        one, _ = able(place, lets_in=True)
        found = await asked(one, place.udp(forgetful).port)
    assert nat_behaviour([from_outside(found)], Site())["mapping"] == "endpoint-independent"
    assert "filtering" not in facts(found, Phase.STUN)


async def test_a_server_that_swallows_the_change_is_no_filter() -> None:
    """Its silence is its own."""

    def answer(own: Datagrams, data: bytes, peer: Peer) -> None:
        if Message.parse(data).get(Attr.CHANGE_REQUEST) is None:
            asked = Message.parse(data)
            mapped = xor_address(HOST, 4000, asked.transaction)
            other = (Attr.OTHER_ADDRESS, plain_address(HOST, own.port ^ 1))
            own.send(bytes(reply(asked, Class.SUCCESS, (Attr.XOR_MAPPED_ADDRESS, mapped), other)), peer)

    async with loopback() as place:
        found = await asked(place.udp(answer).port, place.udp(says(4000)).port)
    assert "filtering" not in facts(found, Phase.STUN)
    assert nat_behaviour([from_outside(found)], Site())["mapping"] == "endpoint-independent"


# When it is asked


def followed(*faults: Fault) -> list[Flow]:
    """Return what is asked where TURN servers answer at addresses of their own, but for *faults*."""
    seen: dict[str, Result] = {}
    for one in case(*faults).results:
        place = f"203.0.113.{1 + TURN.index(one.flow.target.host)}:3478" if one.flow.target.host in TURN else ""
        steps = [replace(s, subject=place) if s.phase is Phase.CONNECT and place else s for s in one.steps]
        seen[one.flow.id] = replace(one, steps=tuple(steps))
    return follow_up(Sofar(guide=guide(), site=OPEN_SITE, results=seen), [behaviour])


def test_two_servers_that_answer_are_compared() -> None:
    """Once, whichever was first, on doors that the guide opens."""
    flows = followed()
    assert [flow.kind for flow in flows] == ["nat"]
    assert flows[0].params == {"ask": "203.0.113.1:3478 203.0.113.2:3478", "ports": "80 443"}
    assert flows[0].control_of


def test_one_server_has_nothing_to_be_compared_with() -> None:
    """The other one is silent."""
    assert followed(Fault(match=both(udp, host(TURN[1])), phase=Phase.STUN)) == []


def test_the_line_of_a_report() -> None:
    """Short, however many ports there are, and no word of a fault."""
    assert translated({}) == ""
    assert translated(views((ONE, "198.51.100.7:1"), (TWO, "198.51.100.7:1"))) == (
        "endpoint-independent mapping; seen from outside as 198.51.100.7:1"
    )
    assert translated(views((ONE, "198.51.100.7:1"), (ONE_B, "198.51.100.8:3"), (TWO, "198.51.100.7:2"))) == (
        "address- and port-dependent mapping (symmetric; no fault: TURN passes); 2 outside addresses; "
        "seen from outside as 198.51.100.7:1, 198.51.100.8:3 and more"
    )
