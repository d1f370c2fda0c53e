"""The range of relayed ports: open, closed and partly open, and when nothing can be told."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from rainbow_probe.checks.udp_range import PORTS, STREAM_PORTS
from rainbow_probe.demo.loopback import CHUNK, Loopback, loopback, reach
from rainbow_probe.demo.turn_relay import Client
from rainbow_probe.measures import Direction, PortState, PortSurvey
from rainbow_probe.model import Cause, Credentials, Endpoint, Outcome, Phase, Proxy, Result, Scalar, Transport
from rainbow_probe.net.port_trial import CAME
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
LIMITS = replace(EASY, exchange=4.0)  # where UDP is silent, that is waited for
AMPLE = replace(EASY, exchange=60.0)  # nobody waits for it where all is answered
FIRST, MIDDLE, LAST = 49152, 57344, 65535
RANGE: dict[str, Scalar] = {"first": FIRST, "last": LAST}
SOME, MANY = 16, 32  # ports, where more would only be more work


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
        closed = shut_port(self._place)
        self._real[closed] = relayed[1]
        return sign(_with(message, Attr.XOR_RELAYED_ADDRESS, xor_address(HOST, closed, message.transaction)), KEY)


def shut_port(place: Loopback) -> int:
    """Give a port of the range that nobody else can have, and that refuses."""
    for _ in range(100):
        with contextlib.suppress(OSError):
            return place.rejecting(FIRST + secrets.randbelow(LAST - FIRST))
    raise AssertionError("no port is free")


def _with(message: Message, attr: Attr, value: bytes) -> Message:
    others = tuple(a for a in message.attributes if a[0] not in {attr, Attr.MESSAGE_INTEGRITY})
    return Message(message.kind, message.transaction, ((int(attr), value), *others))


class Half(OddTurn):
    """A server before whom only even ports are open: a token tells the port it was sent to."""

    def handle(self, packet: bytes, client: Client) -> None:
        """Take one packet, and lose what comes to closed ports."""

        def send(said: bytes) -> None:
            token = Message.parse(said).get(Attr.DATA) or b""
            name, _, rest = token.partition(b" ")
            port = rest.split()[:1]
            if name != b"rainbow-probe" or not port[0].isdigit() or self.is_open(int(port[0])):
                client.send(said)

        super().handle(packet, replace(client, send=send))

    def is_open(self, port: int) -> bool:
        """Tell whether *port* is open."""
        return port % 2 == 0


class Lower(Half):
    """A server before whom only the lower half of the ports is open."""

    def is_open(self, port: int) -> bool:
        """Tell whether *port* is open."""
        return port < MIDDLE


class Sparing(OddTurn):
    """A server at which a user may have nine allocations."""

    def __init__(self, place: Loopback, *rules: Rule, range_open: bool = True) -> None:
        """Lower the demo's quota."""
        super().__init__(place, *rules, range_open=range_open)
        self._quota = SOME // 2 + 1


def keeps_answers(message: Message | None, _packet: bytes) -> Sequence[bytes] | None:
    """Relay nothing back to plain sockets: between them and the relay, one way is open only."""
    said = b"" if message is None or message.method != Method.SEND else message.get(Attr.DATA) or b""
    return () if said.startswith(CAME) else None


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
    ports: int = SOME
    whole: Mapping[str, Scalar] = field(default_factory=lambda: RANGE)
    slow: bool = False
    """Whether every datagram is waited for in vain."""


async def sampled(site: Site) -> Result:
    """Run the check at *site*."""
    async with loopback() as place:
        server = site.server(place, *site.rules, range_open=site.range_open)
        shut = {UDP: place.silent(), TLS: place.refusing(), TCP: place.refusing()}
        ports = shut | {way: await listen(server, place, way) for way in site.ways}
        flow = a_flow(
            "udp-range",
            49152,
            UDP,
            {**site.whole, "ports": site.ports, **{f"{way}_port": port for way, port in ports.items()}},
        )
        limits = AMPLE if UDP in site.ways and not site.proxied else LIMITS
        route = replace(a_route(), turn=site.user, names=names(probe_test=site.addresses), limits=limits)
        if site.proxied:  # directly, each port leads to a shut one; the proxy takes the name and the real port
            door = Proxy(endpoint=Endpoint(host=DOOR, port=await place.tcp(Middle().handle)))
            maps = {Endpoint(host=NAME, port=ports[way]): Endpoint(host="", port=shut[way]) for way in ports}
            route = replace(route, site_proxy=door, maps=maps)
        return await probe(flow, route)


SITES = {
    "open": Site(ports=PORTS),
    "two addresses": Site(addresses=(SIX, HOST)),
    "first address dead": Site(ways=(TLS, TCP), addresses=("127.0.0.9", HOST)),
    "no UDP to the server": Site(ways=(TLS, TCP)),
    "only TCP to the server": Site(ways=(TCP,)),
    "few at a time": Site(server=Sparing, slow=True),
    "closed": Site(range_open=False, slow=True),
    "closed, no UDP to the server": Site(range_open=False, slow=True, ways=(TCP,)),
    "partly open": Site(server=Half, ports=MANY, slow=True),
    "lower half open": Site(server=Lower, ports=PORTS, slow=True),
    "out and not back": Site(rules=[keeps_answers], slow=True),
    "server keeps data": Site(rules=[keeps_data], range_open=False, slow=True),
    "rejected": Site(server=Rejecting, slow=True),
    "only a proxy": Site(proxied=True),
    "only a proxy, closed": Site(proxied=True, range_open=False, slow=True),
    "peers forbidden": Site(rules=[refuses(Method.CREATE_PERMISSION, 403)]),
    "nine ports": Site(ports=9),
    "quota of three": Site(rules=[refuses(Method.ALLOCATE, 486, after=3)]),
    "other ports": Site(whole={"first": 1024, "last": 2048}),
    "wrong password": Site(user=WRONG),
    "no server": Site(ways=(), slow=True),
}


AT_ONCE = 4  # each site makes many allocations
TRIES = 5  # a run for which this machine had no time says nothing, and says so: it is made again


async def heard(site: Site) -> Result:
    """Run the check at *site*, again where it was starved."""
    result = await sampled(site)
    for _ in range(TRIES - 1):
        starved = any(step.failure and step.failure.cause is Cause.BUDGET for step in result.steps)
        if not starved and "more could not be told" not in result.verdict.reason:
            break
        result = await sampled(site)
    return result


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """Run the sites side by side, as some take seconds of waiting, those first; not all, as that is much work."""

    async def run_all() -> dict[str, Result]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> Result:
            async with gate:
                return await heard(SITES[name])

        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(one(name)) for name in sorted(SITES, key=lambda n: not SITES[n].slow)}
        return {name: task.result() for name, task in tasks.items()}

    return asyncio.run(run_all())


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("open", PORTS),
        ("two addresses", SOME),
        ("first address dead", STREAM_PORTS),
        ("no UDP to the server", STREAM_PORTS),
        ("only TCP to the server", STREAM_PORTS),
        ("only a proxy", STREAM_PORTS),
        ("few at a time", SOME),
    ],
)
def test_the_range_is_open(results: dict[str, Result], name: str, count: int) -> None:
    """Whatever way the allocations were made: each sampled port gave back what was sent to it."""
    result = results[name]
    assert result.verdict.outcome is Outcome.PASS, result
    seen = facts(result, Phase.TURN_DATA)
    assert (seen["tried"], seen["open"], seen["closed"], seen["control"]) == (count, count, 0, True)
    assert (seen["relay"], seen["mapped"]) == (HOST, HOST)
    ports = [int(pair.split(":")[0]) for pair in str(seen["ports"]).split()]
    assert len(set(ports)) == count
    assert all(FIRST <= port <= LAST for port in ports)
    survey = surveyed(result)
    assert (survey.tried, survey.answered, survey.direction) == (count, count, Direction.ROUND_TRIP)
    assert survey.closed_percent.low == 0 < survey.closed_percent.high < 40
    assert f"{survey.closed_percent.high:.1f} % of the range is closed (95 %)" in result.verdict.reason


def surveyed(result: Result) -> PortSurvey:
    """Give what the check hands on for the report."""
    survey = result.verdict.measured
    assert isinstance(survey, PortSurvey)
    assert (survey.first, survey.last) == (survey.intervals[0].first, survey.intervals[-1].last) == (FIRST, LAST)
    assert survey.by == f"TURN relay {HOST} ({NAME})"
    return survey


FAILED = [
    ("closed", Cause.TIMEOUT, SOME, Direction.OUT),
    ("closed, no UDP to the server", Cause.TIMEOUT, STREAM_PORTS, Direction.OUT),
    ("rejected", Cause.REFUSED, SOME, Direction.OUT),
    ("out and not back", Cause.ONE_WAY, SOME, Direction.IN),
]


@pytest.mark.parametrize(("name", "cause", "count", "direction"), FAILED)
def test_the_range_is_closed(
    results: dict[str, Result], name: str, cause: Cause, count: int, direction: Direction
) -> None:
    """The server relays, and nothing comes out of it, or nothing comes back; all of the range is said to be so."""
    result = results[name]
    assert broke(result) == (Phase.TURN_DATA, cause)
    seen, survey = facts(result, Phase.TURN_DATA), surveyed(result)
    assert (seen["tried"], seen["open"], seen["control"]) == (count, 0, True)
    assert seen["out"] == (count if direction is Direction.IN else 0)
    assert (survey.direction, survey.answered) == (direction, 0)
    assert [(one.first, one.last, one.state) for one in survey.intervals] == [(FIRST, LAST, PortState.CLOSED)]
    assert f"{count} sampled ports" in result.verdict.reason


def test_alternating_ports_are_no_rule(results: dict[str, Result]) -> None:
    """The closed ones are named, and no more is asked for at edges that there are none of."""
    result = results["partly open"]
    assert broke(result) == (Phase.TURN_DATA, Cause.PARTLY_OPEN)
    closed = result.verdict.reason.partition("closed: ")[2].partition(";")[0].split()
    assert all(int(port) % 2 for port in closed)
    survey = surveyed(result)
    assert survey.tried == MANY
    seen = facts(result, Phase.TURN_DATA)
    assert (survey.answered, len(closed)) == (seen["open"], seen["closed"])
    assert survey.closed_percent.low < 80  # one time in twenty, chance keeps the 95 % interval from the truth, 50
    assert survey.closed_percent.high > 20


def test_where_the_open_ports_end(results: dict[str, Result]) -> None:
    """More ports are tried there, and what lies between the last open and the first closed one is not known."""
    result = results["lower half open"]
    assert broke(result) == (Phase.TURN_DATA, Cause.PARTLY_OPEN)
    survey = surveyed(result)
    below, edge, above = survey.intervals
    assert (below.state, edge.state, above.state) == (PortState.OPEN, PortState.UNKNOWN, PortState.CLOSED)
    assert below.last < MIDDLE <= above.first
    assert survey.tried >= PORTS
    assert f"open {FIRST}" not in result.verdict.reason  # only what was sampled
    assert f"{below.last}, closed {above.first}" in result.verdict.reason


UNTOLD = [
    ("server keeps data", Phase.TURN_DATA, Cause.CANNOT_TELL),
    ("only a proxy, closed", Phase.TURN_DATA, Cause.CANNOT_TELL),
    ("peers forbidden", Phase.TURN_PERMISSION, Cause.PERMISSION_DENIED),
    ("quota of three", Phase.TURN_ALLOCATE, Cause.QUOTA),
    ("nine ports", Phase.TURN_DATA, Cause.CANNOT_TELL),
    ("wrong password", Phase.TURN_ALLOCATE, Cause.BAD_CREDENTIALS),
    ("no server", Phase.TURN_ALLOCATE, Cause.TIMEOUT),
    ("other ports", Phase.TURN_DATA, Cause.CANNOT_TELL),
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
        params = {**RANGE, "udp_port": place.silent(), "tls_port": shut, "tcp_port": port}
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
