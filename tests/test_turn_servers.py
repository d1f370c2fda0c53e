"""Which TURN servers there are: given, resolved or found; never guessed."""

from __future__ import annotations

import time
from dataclasses import replace

from rainbow_probe.catalogue import FlowSpec, Guide, load
from rainbow_probe.demo.loopback import Loopback, loopback
from rainbow_probe.model import Transport
from rainbow_probe.net.names import LookUp, Names
from rainbow_probe.options import Options, TurnServer
from rainbow_probe.turn_servers import discover, known_servers
from tests.catalogue_samples import CLINIC, KINDS
from tests.servers import HOST, OddTurn, listen, names, says_instead

GUIDE = load(CLINIC, KINDS)
CANDIDATE = "turn-a.clinic.example"
GIVEN = TurnServer(host="turn.example")


def known() -> Names:
    """Resolve the guide's candidate."""
    return names({CANDIDATE: (HOST,)})


def published(port: int, *ranges: str) -> Guide:
    """Give a guide whose servers listen on *port* somewhere in *ranges*."""
    flows: dict[str, FlowSpec] = {
        spec.id: replace(spec, port=port) if spec.transport is Transport.UDP and spec.kind == "turn" else spec
        for spec in GUIDE.flows.values()
    }
    return replace(GUIDE, ranges=ranges, flows=flows)


async def served(place: Loopback) -> int:
    """Start a server; returns its UDP port."""
    return await listen(OddTurn(place), place, Transport.UDP)


async def test_who_is_given_is_believed() -> None:
    """And nobody is asked."""
    assert await known_servers(Options(turn=(GIVEN,)), GUIDE, known()) == (GIVEN,)


async def test_a_candidate_that_resolves_is_believed() -> None:
    """Before anybody is searched for."""
    options = Options(discover=True)
    assert await known_servers(options, published(1, "192.0.2.0/24"), known()) == (TurnServer(host=CANDIDATE),)


async def test_a_resolver_that_knows_every_name_makes_no_servers() -> None:
    """It gives its search page to what does not exist; a candidate with an address of its own is one all the same."""
    page = "198.51.100.80"
    assert await known_servers(Options(), GUIDE, Names(_all_lead_to(page), ipv6=False)) == ()
    found = await known_servers(Options(), GUIDE, Names(_all_lead_to(page, HOST), ipv6=False))
    assert found == (TurnServer(host=CANDIDATE),)


def _all_lead_to(page: str, *own: str) -> LookUp:
    async def look_up(host: str) -> tuple[str, ...]:
        return own if own and host == CANDIDATE else (page,)

    return look_up


async def test_without_any_there_is_none() -> None:
    """A name that does not resolve is no server, and nothing is sent without being asked for."""
    assert await known_servers(Options(), published(1, "192.0.2.0/24"), names()) == ()


async def test_a_server_is_found_by_asking() -> None:
    """One of the published addresses answers; the others refuse, or there is no way to them."""
    async with loopback() as place:
        guide = published(await served(place), "127.0.0.1/32", "127.0.0.2/31", "255.255.255.255/32", "2001:db8:17::/48")
        [found] = await known_servers(Options(discover=True), guide, names())
    assert found.host in {"localhost", HOST}
    assert found.ports == {}


async def test_noise_is_no_server() -> None:
    """It costs as short a while as silence."""
    async with loopback() as place:
        port = await listen(OddTurn(place, says_instead(b"noise")), place, Transport.UDP)
        began = time.monotonic()
        assert await discover(published(port, f"{HOST}/32")) == ()
    assert time.monotonic() - began < 30


async def test_a_guide_without_a_port_means_the_usual_one() -> None:
    """Nothing listens there on loopback, and nobody is found."""
    assert await discover(replace(GUIDE, ranges=(f"{HOST}/32",), flows={})) == ()
    assert await discover(replace(GUIDE, ranges=())) == ()
