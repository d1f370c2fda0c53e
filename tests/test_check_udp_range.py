"""The range of relayed ports: open, closed and partly open, and when nothing can be told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from rainbow_probe.checks.udp_range import PORTS
from rainbow_probe.demo.loopback import CHUNK, Loopback, loopback, reach
from rainbow_probe.demo.turn_relay import Client
from rainbow_probe.model import Cause, Credentials, Endpoint, Outcome, Phase, Proxy, Result, Transport
from rainbow_probe.protocols.stun import Attr, Message, Method, xor_address
from rainbow_probe.protocols.stun_auth import sign
from tests.servers import (
    ALICE,
    DOOR,
    EASY,
    HOST,
    KEY,
    NAME,
    SIX,
    WRONG,
    Middle,
    OddTurn,
    Rule,
    a_flow,
    a_route,
    broke,
    facts,
    keeps_data,
    listen,
    names,
    phases,
    probe,
    refuses,
)

UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS
LIMITS = replace(EASY, exchange=2.5)


class Rejecting(OddTurn):
    """A server whose relayed ports are shut to all but its own clients: a firewall before it rejects."""

    def __init__(self, place: Loopback, *rules: Rule, range_open: bool = True) -> None:
        """Shut every port that will be relayed."""
        super().__init__(place, *rules, range_open=range_open)
        self._place = place
        self._real: dict[int, int] = {}

    def handle(self, packet: bytes, client: Client) -> None:
        """Take one packet; both ways, the shut ports stand for the real ones."""
        super().handle(self._opened(packet), replace(client, send=lambda said: client.send(self._shut(said))))

    def _opened(self, packet: bytes) -> bytes:
        message = Message.parse(packet)
        peer = message.address(Attr.XOR_PEER_ADDRESS)
        if message.method != Method.SEND or peer is None:
            return packet
        real = xor_address(peer[0], self._real[peer[1]], message.transaction)
        return bytes(_with(message, Attr.XOR_PEER_ADDRESS, real))

    def _shut(self, said: bytes) -> bytes:
        message = Message.parse(said)
        relayed = message.address(Attr.XOR_RELAYED_ADDRESS)
        if relayed is None:
            return said
        closed = self._place.udp(lambda *_: None)
        closed.close()
        self._real[closed.port] = relayed[1]
        return sign(_with(message, Attr.XOR_RELAYED_ADDRESS, xor_address(HOST, closed.port, message.transaction)), KEY)


def _with(message: Message, attr: Attr, value: bytes) -> Message:
    others = tuple(a for a in message.attributes if a[0] not in {attr, Attr.MESSAGE_INTEGRITY})
    return Message(message.kind, message.transaction, ((int(attr), value), *others))


class Half(OddTurn):
    """A server before whom only even ports are open: a token tells the port it was sent to."""

    def handle(self, packet: bytes, client: Client) -> None:
        """Take one packet, and lose what comes to odd ports."""

        def send(said: bytes) -> None:
            token = Message.parse(said).get(Attr.DATA) or b""
            if not token.startswith(b"rainbow") or int(token.split()[1]) % 2 == 0:
                client.send(said)

        super().handle(packet, replace(client, send=send))


@dataclass(frozen=True, kw_only=True)
class Site:
    """A site and a server, as one test wants them."""

    server: type[OddTurn] = OddTurn
    rules: Sequence[Rule] = ()
    range_open: bool = True
    ways: Sequence[Transport] = (UDP, TLS, TCP)
    proxied: bool = False
    """Whether only a proxy reaches the server."""
    user: Credentials = ALICE
    addresses: tuple[str, ...] = (HOST,)
    slow: bool = False
    """Whether every datagram is waited for in vain."""


async def sampled(site: Site) -> Result:
    """Run the check at *site*."""
    async with loopback() as place:
        server = site.server(place, *site.rules, range_open=site.range_open)
        shut = {UDP: place.silent(), TLS: place.refusing(), TCP: place.refusing()}
        ports = shut | {way: await listen(server, place, way) for way in site.ways}
        flow = a_flow("udp-range", 49152, UDP, {f"{way}_port": port for way, port in ports.items()})
        route = replace(a_route(), turn=site.user, names=names(probe_test=site.addresses), limits=LIMITS)
        if site.proxied:  # directly, each port leads to a shut one; the proxy takes the name and the real port
            door = Proxy(endpoint=Endpoint(host=DOOR, port=await place.tcp(Middle().handle)))
            maps = {Endpoint(host=NAME, port=ports[way]): Endpoint(host="", port=shut[way]) for way in ports}
            route = replace(route, site_proxy=door, maps=maps)
        return await probe(flow, route)


SITES = {
    "open": Site(),
    "two addresses": Site(addresses=(SIX, HOST)),
    "first address dead": Site(ways=(TLS, TCP), addresses=("127.0.0.9", HOST)),
    "no UDP to the server": Site(ways=(TLS, TCP)),
    "only TCP to the server": Site(ways=(TCP,)),
    "quota of seven": Site(rules=[refuses(Method.ALLOCATE, 486, after=10)]),
    "closed": Site(range_open=False, slow=True),
    "closed, no UDP to the server": Site(range_open=False, slow=True, ways=(TCP,)),
    "partly open": Site(server=Half, slow=True),
    "server keeps data": Site(rules=[keeps_data], range_open=False, slow=True),
    "rejected": Site(server=Rejecting, slow=True),
    "only a proxy": Site(proxied=True),
    "only a proxy, closed": Site(proxied=True, range_open=False, slow=True),
    "peers forbidden": Site(rules=[refuses(Method.CREATE_PERMISSION, 403)]),
    "quota of three": Site(rules=[refuses(Method.ALLOCATE, 486, after=3)]),
    "wrong password": Site(user=WRONG),
    "no server": Site(ways=(), slow=True),
}


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """Run the sites side by side, as some take seconds of waiting; not all, as each makes many allocations."""

    async def run_some(names: Sequence[str]) -> dict[str, Result]:
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(sampled(SITES[name])) for name in names}
        return {name: task.result() for name, task in tasks.items()}

    slow = [name for name, site in SITES.items() if site.slow]
    quick = [name for name in SITES if name not in slow]
    return {**asyncio.run(run_some(slow)), **asyncio.run(run_some(quick))}


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("open", PORTS),
        ("two addresses", PORTS),
        ("first address dead", PORTS),
        ("no UDP to the server", PORTS),
        ("only TCP to the server", PORTS),
        ("only a proxy", PORTS),
        ("quota of seven", 7),
    ],
)
def test_the_range_is_open(results: dict[str, Result], name: str, count: int) -> None:
    """Whatever way the allocations were made: each sampled port gave back what was sent to it."""
    result = results[name]
    assert result.verdict.outcome is Outcome.PASS, result
    seen = facts(result, Phase.TURN_DATA)
    assert (seen["tried"], seen["open"], seen["control"]) == (count, count, True)
    assert (seen["relay"], seen["mapped"]) == (HOST, HOST)
    ports = [int(pair.split(":")[0]) for pair in str(seen["ports"]).split()]
    assert len(set(ports)) == count
    assert all(49152 <= port <= 65535 for port in ports)


FAILED = [
    ("closed", Cause.TIMEOUT, 0),
    ("closed, no UDP to the server", Cause.TIMEOUT, 0),
    ("rejected", Cause.REFUSED, 0),
    ("partly open", Cause.PARTLY_OPEN, None),
]


@pytest.mark.parametrize(("name", "cause", "count"), FAILED)
def test_the_range_is_closed(results: dict[str, Result], name: str, cause: Cause, count: int | None) -> None:
    """The server relays, and nothing or not all comes back from our own sockets."""
    result = results[name]
    assert broke(result) == (Phase.TURN_DATA, cause)
    seen = facts(result, Phase.TURN_DATA)
    opened = [pair for pair in str(seen["ports"]).split() if pair.endswith(":1")]
    assert (seen["tried"], seen["control"]) == (PORTS, True)
    assert seen["open"] == len(opened)
    assert len(opened) == count or (count is None and 0 < len(opened) < PORTS)
    assert f"{len(opened)} of {PORTS} sampled ports open" in result.verdict.reason


def test_the_closed_ports_are_named(results: dict[str, Result]) -> None:
    """So that a rule can be found that covers them."""
    _, _, closed = results["partly open"].verdict.reason.partition("closed: ")
    assert closed or "open" in results["partly open"].verdict.reason
    assert all(int(port) % 2 for port in closed.split())


UNTOLD = [
    ("server keeps data", Phase.TURN_DATA, Cause.CANNOT_TELL),
    ("only a proxy, closed", Phase.TURN_DATA, Cause.CANNOT_TELL),
    ("peers forbidden", Phase.TURN_PERMISSION, Cause.PERMISSION_DENIED),
    ("quota of three", Phase.TURN_ALLOCATE, Cause.QUOTA),
    ("wrong password", Phase.TURN_ALLOCATE, Cause.BAD_CREDENTIALS),
    ("no server", Phase.STUN, Cause.TIMEOUT),
]


@pytest.mark.parametrize(("name", "phase", "cause"), UNTOLD)
def test_nothing_can_be_told(results: dict[str, Result], name: str, phase: Phase, cause: Cause) -> None:
    """A policy, a quota or a server that relays nothing is no closed range."""
    assert broke(results[name], Outcome.INCONCLUSIVE) == (phase, cause)


async def test_a_control_that_breaks_off() -> None:
    """When the link to the TURN server ends, nobody is left to tell what came through the range."""
    async with loopback() as place:
        behind = await listen(OddTurn(place), place, TCP)

        async def cuts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async with reach(behind) as (said, asks), asyncio.TaskGroup() as group:
                there = group.create_task(_carried(reader, asks))
                while b"rainbow-probe" not in (data := await said.read(CHUNK)):
                    writer.write(data)
                there.cancel()

        port, shut = await place.tcp(cuts), place.refusing()
        params = {"udp_port": place.silent(), "tls_port": shut, "tcp_port": port}
        flow = a_flow("udp-range", 49152, UDP, params)
        result = await probe(flow, replace(a_route(), turn=ALICE, limits=LIMITS))
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.TURN_DATA, Cause.CANNOT_TELL)


async def _carried(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(CHUNK):
        sink.write(data)


async def test_without_credentials_nothing_is_sent() -> None:
    """And it is said how to give them."""
    result = await probe(a_flow("udp-range", 49152, UDP), a_route())
    assert (result.verdict.outcome, result.steps) == (Outcome.SKIPPED, ())
    assert "--turn-user" in result.verdict.reason


async def test_a_server_without_a_name() -> None:
    """Nothing is known of the range then."""
    flow = replace(a_flow("udp-range", 49152, UDP), target=Endpoint(host="nowhere.test", port=49152))
    result = await probe(flow, replace(a_route(), turn=ALICE))
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.RESOLVE, Cause.NXDOMAIN)
    assert Phase.CONNECT not in phases(result)
