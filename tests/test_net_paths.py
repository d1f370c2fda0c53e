"""From a flow to open links: every protocol over every way, and what becomes of a name's addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import Loopback, loopback
from rainbow_probe.demo.pages import Page, serving
from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import (
    Cause,
    Endpoint,
    Failure,
    Flow,
    Outcome,
    PeerError,
    Phase,
    PortRange,
    Proxy,
    Transport,
    Verdict,
)
from rainbow_probe.net.names import Names
from rainbow_probe.net.paths import MOST_ADDRESSES, Hop, each_address, failed, passed, resolve, together
from rainbow_probe.net.route import Limits, Route
from tests.servers import (
    DOOR,
    ENDLESS,
    HOST,
    NAME,
    QUICK,
    SIX,
    Middle,
    OddTurn,
    a_flow,
    a_route,
    broke,
    facts,
    listen,
    mute,
    names,
    on_six,
    phases,
    probe,
    shows,
    xmpp,
)

TCP, TLS, UDP = Transport.TCP, Transport.TLS, Transport.UDP
OWN = {
    "https": [Phase.HTTP],
    "xmpp": [Phase.WEBSOCKET, Phase.XMPP, Phase.XMPP],
    "turn": [Phase.STUN, Phase.TURN_ALLOCATE],
}


async def serve(kind: str, place: Loopback, transport: Transport) -> int:
    """Start a server of *kind*; returns its port."""
    if kind == "turn":
        return await listen(OddTurn(place), place, transport)
    handle = xmpp() if kind == "xmpp" else serving(lambda _: Page(body=b"hello"))
    return await place.tcp(handle, shows() if transport is TLS else None)


@pytest.mark.parametrize("via", ["direct", "http", "https"])
@pytest.mark.parametrize(
    ("kind", "transport"),
    [("https", TLS), ("https", TCP), ("xmpp", TLS), ("xmpp", TCP), ("turn", TLS), ("turn", TCP)],
)
async def test_every_protocol_over_every_way(kind: str, transport: Transport, via: str) -> None:
    """The same check runs over TCP or TLS, directly, through a proxy and through a proxy with TLS of its own."""
    async with loopback() as place:
        port = await serve(kind, place, transport)
        middle = Middle()
        door = await place.tcp(middle.handle, shows() if via == "https" else None)
        proxy = Proxy(endpoint=Endpoint(host=DOOR, port=door), tls=via == "https")
        route = replace(a_route(), proxy=None if via == "direct" else proxy)
        result = await probe(a_flow(kind, port, transport, {"domain": NAME}), route)
    assert result.verdict.outcome is Outcome.PASS, result
    before = {"direct": [], "http": [Phase.PROXY], "https": [Phase.TLS, Phase.PROXY]}[via]
    inside = [Phase.TLS] if transport is TLS else []
    assert phases(result) == [Phase.RESOLVE, Phase.CONNECT, *before, *inside, *OWN[kind]]
    asked = [b"CONNECT probe.test:%d HTTP/1.1" % port] if before else []
    assert [head.splitlines()[0] for head in middle.heads] == asked
    assert all(b"\r\nHost: probe.test:%d\r\n" % port in head for head in middle.heads)


async def test_turn_over_udp() -> None:
    """Datagrams take no detour."""
    async with loopback() as place:
        result = await probe(a_flow("turn", await serve("turn", place, UDP), UDP), a_route())
    assert result.verdict.outcome is Outcome.PASS
    assert phases(result) == [Phase.RESOLVE, Phase.CONNECT, Phase.STUN, Phase.TURN_ALLOCATE]


# One phase falls silent.

SILENT = [
    ("https", TCP, False, Phase.HTTP),
    ("https", TLS, False, Phase.TLS),
    ("https", TLS, True, Phase.HTTP),
    ("xmpp", TLS, False, Phase.TLS),
    ("xmpp", TLS, True, Phase.WEBSOCKET),
    ("turn", TCP, False, Phase.STUN),
    ("turn", TLS, False, Phase.TLS),
    ("turn", TLS, True, Phase.STUN),
    ("push", TLS, False, Phase.TLS),
]


@pytest.mark.parametrize(("kind", "transport", "shakes_hands", "phase"), SILENT)
async def test_silence_is_told_by_its_phase(kind: str, transport: Transport, shakes_hands: bool, phase: Phase) -> None:
    """Whoever accepts and then says nothing is found in the phase that waits for him."""
    async with loopback() as place:
        port = await place.tcp(mute, shows() if shakes_hands else None)
        result = await probe(a_flow(kind, port, transport), replace(a_route(), limits=QUICK))
    assert broke(result) == (phase, Cause.TIMEOUT)
    assert phases(result)[-1] is phase


async def test_a_silent_udp_port_times_out() -> None:
    """A firewall that drops shows after the whole limit, and every repetition is counted."""
    async with loopback() as place:
        route = replace(a_route(), limits=Limits.within(0.7))
        result = await probe(a_flow("turn", place.silent(), UDP), route)
    assert broke(result) == (Phase.STUN, Cause.TIMEOUT)
    assert facts(result, Phase.STUN)["requests"] == 2


async def test_a_refused_udp_port_is_told_at_once() -> None:
    """An ICMP refusal comes as an error, not as silence."""
    async with loopback() as place:
        result = await probe(a_flow("turn", place.rejecting(), UDP), replace(a_route(), limits=ENDLESS))
    assert broke(result) == (Phase.STUN, Cause.REFUSED)


@pytest.mark.parametrize("kind", ["https", "xmpp", "turn", "push"])
async def test_a_refused_tcp_port(kind: str) -> None:
    """Nothing listens: the failure is the connection's, whatever would have come after it."""
    async with loopback() as place:
        result = await probe(a_flow(kind, place.refusing(), TCP), a_route())
    assert broke(result) == (Phase.CONNECT, Cause.REFUSED)
    assert result.verdict.dead == (f"{HOST}:{result.flow.target.port}",)


# Every address of a name.


async def test_one_dead_address_does_not_fail_a_flow() -> None:
    """A client tries the next address; the report names the dead one."""
    async with loopback() as place:
        port = await serve("https", place, TLS)
        route = replace(a_route(), names=names(probe_test=(SIX, HOST)))
        result = await probe(a_flow("https", port), route)
    assert result.verdict.outcome is Outcome.PASS
    assert (result.verdict.alive, result.verdict.dead) == ((f"{HOST}:{port}",), (f"[{SIX}]:{port}",))
    assert result.verdict.reason.endswith("(1 of 2 addresses)")


async def test_both_families_are_tried() -> None:
    """IPv4 and IPv6 are each their own steps."""
    async with loopback() as place:
        port = await place.tcp(serving(lambda _: Page()))
        await on_six(place, serving(lambda _: Page()), port)
        result = await probe(a_flow("https", port, TCP), replace(a_route(), names=names(probe_test=(HOST, SIX))))
    assert set(result.verdict.alive) == {f"{HOST}:{port}", f"[{SIX}]:{port}"}
    assert result.verdict.dead == ()
    assert phases(result).count(Phase.CONNECT) == phases(result).count(Phase.HTTP) == 2


async def test_ipv6_is_left_out_where_this_machine_has_none() -> None:
    """As clients leave it out; the evidence says so."""
    async with loopback() as place:
        port = await serve("https", place, TLS)
        route = replace(a_route(), names=names(ipv6=False, probe_test=(SIX, HOST)))
        result = await probe(a_flow("https", port), route)
    assert (result.verdict.alive, result.verdict.dead) == ((f"{HOST}:{port}",), ())
    assert facts(result, Phase.RESOLVE)["skipped_ipv6"] == SIX


async def test_the_failure_that_came_furthest_is_told() -> None:
    """Of two dead addresses, the one that got further says more."""
    async with loopback() as place:
        port = await place.tcp(mute, shows())
        route = replace(a_route(), limits=QUICK, names=names(probe_test=(SIX, HOST)))
        result = await probe(a_flow("https", port), route)
    assert broke(result) == (Phase.HTTP, Cause.TIMEOUT)
    assert len(result.verdict.dead) == 2


async def test_a_resolver_does_not_choose_how_much_we_send() -> None:
    """A name with a hundred addresses costs sixteen attempts."""
    async with loopback() as place:
        many = tuple(f"127.0.1.{n}" for n in range(1, 101))
        result = await probe(a_flow("https", place.refusing(), TCP), replace(a_route(), names=names(probe_test=many)))
    assert len(result.verdict.dead) == phases(result).count(Phase.CONNECT) == MOST_ADDRESSES


def test_what_could_not_be_told_outweighs_a_failure() -> None:
    """As long as one address may work, the flow has not failed."""
    lost = failed(Failure(phase=Phase.TLS, cause=Cause.TIMEOUT, detail=""))
    unsure = failed(Failure(phase=Phase.CONNECT, cause=Cause.BUDGET, detail=""))
    assert unsure.outcome is Outcome.INCONCLUSIVE
    both = together([("a", lost), ("b", unsure)])
    assert (both.outcome, both.failure, both.dead) == (Outcome.INCONCLUSIVE, unsure.failure, ("a",))
    assert together([("a", lost), ("b", unsure), ("c", passed("yes"))]).alive == ("c",)


# Names, maps and proxies.

MAPS = [
    ({Endpoint(host=NAME, port=443): Endpoint(host="192.0.2.1", port=8443)}, ["192.0.2.1:8443"], "map"),
    ({Endpoint(host=NAME, port=443): Endpoint(host="", port=8443)}, [f"{HOST}:8443"], "system"),
    ({Endpoint(host=NAME, port=443): Endpoint(host=DOOR, port=443)}, [f"{HOST}:443"], "map"),
    ({Endpoint(host=NAME, port=80): Endpoint(host="192.0.2.1", port=80)}, [f"{HOST}:443"], "system"),
    ({}, [f"{HOST}:443"], "system"),
]


@pytest.mark.parametrize(("maps", "found", "source"), MAPS)
async def test_a_map_comes_before_the_resolver(maps: dict[Endpoint, Endpoint], found: list[str], source: str) -> None:
    """As curl's --connect-to: name and port must both match, and an empty host keeps the name."""
    rec = Recorder()
    got = await resolve(Endpoint(host=NAME, port=443), replace(a_route(), maps=maps), rec)
    assert [str(endpoint) for endpoint in got] == found
    assert rec.steps[0].facts["source"] == source


async def test_what_the_system_is_late_with_is_waited_for_if_it_is_known() -> None:
    """A resolver that never answers for AAAA makes each look-up of the system slow, and none of them fails."""
    answer = asyncio.Event()

    async def late(_host: str) -> tuple[str, ...]:
        await answer.wait()
        return (HOST,)

    async def knows(_host: str) -> bool:
        asyncio.get_running_loop().call_later(0.2, answer.set)
        return True

    route = replace(a_route(), limits=Limits(resolve=0.1), names=Names(late, ipv6=False, knows=knows, late=0.0))
    rec = Recorder()
    assert await resolve(Endpoint(host=NAME, port=443), route, rec) == [Endpoint(host=HOST, port=443)]
    assert [step.failure and step.failure.cause for step in rec.steps] == [Cause.NO_ANSWER, None]


async def test_a_name_that_does_not_exist() -> None:
    """The resolver's word is the failure."""
    flow = replace(a_flow("https", 443), target=Endpoint(host="nowhere.test", port=443))
    result = await probe(flow, a_route())
    assert broke(result) == (Phase.RESOLVE, Cause.NXDOMAIN)
    assert phases(result) == [Phase.RESOLVE]


async def hops(flow: Flow, route: Route, rec: Recorder | None = None) -> Sequence[Hop]:
    """List what would be tried."""
    tried: list[Hop] = []

    async def attempt(hop: Hop) -> Verdict:
        tried.append(hop)
        return passed("")

    await each_address(flow, route, rec or Recorder(), attempt)
    return tried


async def test_every_failure_tells_at_which_address_it_was_met() -> None:
    """Also where what is asked for is no address, and where an answer was judged when all was said."""
    route = replace(a_route(), names=names(probe_test=(HOST, SIX)))
    refused = Failure(phase=Phase.HTTP, cause=Cause.SERVER_ERROR, detail="500")
    rec = Recorder()

    async def attempt(hop: Hop) -> Verdict:
        async with rec.step(Phase.HTTP, "/api", limit=1):
            if hop.address.host == HOST:
                raise PeerError(Cause.NOT_HTTP, "noise")
        return failed(refused)

    await each_address(a_flow("https", 443), route, rec, attempt)
    told = {step.failure.cause: step.facts.get("address") or step.subject for step in rec.steps if step.failure}
    assert told == {Cause.NOT_HTTP: f"{HOST}:443", Cause.SERVER_ERROR: f"[{SIX}]:443"}


def through(door: str = DOOR) -> Route:
    """Give a route through a proxy."""
    return replace(a_route(), proxy=Proxy(endpoint=Endpoint(host=door, port=3128)))


async def test_the_proxy_gets_the_name() -> None:
    """Behind a proxy a client resolves the proxy only, so a target that DNS does not know is no failure."""
    flow = replace(a_flow("turn", 443), target=Endpoint(host="inside.test", port=443))
    [hop] = await hops(flow, through())
    assert (str(hop.address), str(hop.authority), hop.label) == (f"{HOST}:3128", "inside.test:443", f"{HOST}:3128")


async def test_the_proxy_gets_the_address_where_the_flow_says_so() -> None:
    """Old gateways put an address into CONNECT: each of the target's is asked for at each of the proxy's."""
    route = replace(through(), names=names(probe_test=("192.0.2.1", "192.0.2.2"), proxy_test=(HOST, SIX)))
    tried = await hops(a_flow("turn", 80, TCP, {"by": "address"}), route)
    assert [(hop.address.host, str(hop.authority)) for hop in tried] == [
        (HOST, "192.0.2.1:80"),
        (HOST, "192.0.2.2:80"),
        (SIX, "192.0.2.1:80"),
        (SIX, "192.0.2.2:80"),
    ]
    assert tried[0].label == "192.0.2.1:80"


async def test_a_proxy_whose_name_is_unknown() -> None:
    """It is the proxy that cannot be reached, not the target that does not resolve."""
    rec = Recorder()
    with pytest.raises(StepError) as caught:
        await hops(a_flow("turn", 443), through("nowhere.test"), rec)
    assert (caught.value.failure.phase, caught.value.failure.cause) == (Phase.PROXY, Cause.PROXY_UNREACHABLE)


async def test_our_own_haste_is_not_the_proxys_fault() -> None:
    """A look-up of the proxy that our budget cut short proves nothing."""

    async def never(_host: str) -> tuple[str, ...]:
        await asyncio.Event().wait()
        return ()

    slow = Names(never, ipv6=False)
    with pytest.raises(StepError) as caught:
        await hops(a_flow("turn", 443), replace(through(), names=slow), Recorder(budget=0.05))
    slow.close()
    assert caught.value.failure.cause is Cause.BUDGET


async def test_datagrams_leave_from_the_clients_ports() -> None:
    """A flow that names source ports uses one of them, past those that are taken."""
    async with loopback() as place:
        came: list[int] = []
        sink = place.udp(lambda _socket, _data, peer: came.append(peer[1]))
        taken = place.silent()
        flow = replace(a_flow("turn", sink.port, UDP), source=PortRange(first=taken, last=taken + 9))
        await probe(flow, replace(a_route(), limits=QUICK))
    assert came
    assert all(taken < port <= taken + 9 for port in came)


async def test_a_source_range_without_a_free_port_is_told() -> None:
    """That is this machine's trouble, seen before anything is sent."""
    async with loopback() as place:
        taken = place.silent()
        flow = replace(a_flow("turn", place.silent(), UDP), source=PortRange(first=taken, last=taken))
        result = await probe(flow, a_route())
    assert broke(result)[0] is Phase.CONNECT


async def test_datagrams_over_ipv6() -> None:
    """A source range holds for IPv6 too; nobody listens there, and that is told at once."""
    async with loopback() as place:
        free = place.silent()
        flow = replace(a_flow("turn", free, UDP), source=PortRange(first=free, last=free + 20))
        result = await probe(flow, replace(a_route(), names=names(probe_test=(SIX,))))
    assert broke(result) == (Phase.STUN, Cause.REFUSED)
