"""How long UDP flows live without traffic: on loopback a server forgets them, as a NAT would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import Loopback, Peer, loopback
from rainbow_probe.demo.turn_relay import Client
from rainbow_probe.followups import Sofar
from rainbow_probe.followups.bindings import lifetimes
from rainbow_probe.judge.findings.idle import forgotten
from rainbow_probe.judge.nat import nat_behaviour
from rainbow_probe.measures import Direction, Estimate, PortSurvey
from rainbow_probe.model import Cause, Outcome, Phase, Result, Severity, Site, Transport
from rainbow_probe.net.bindings import Lifetimes
from rainbow_probe.protocols.stun import Attr, Message, Method
from rainbow_probe.report.wording import translated
from tests.judge_samples import case, guide
from tests.servers import ALICE, OddTurn, Rule, a_flow, a_route, broke, facts, listen, probe, refuses

UDP = Transport.UDP
SHORT, LONG = 0.05, (4.0, 4.2)  # seconds of silence
MEMORY = 2.0  # seconds of a server that forgets


class Forgetful(OddTurn):
    """Sends nothing to a peer that has been silent for a while, as a NAT before that peer would not let it in."""

    def __init__(self, place: Loopback, *rules: Rule) -> None:
        """Remember nobody."""
        super().__init__(place, *rules)
        self._heard: dict[Peer, float] = {}

    def handle(self, packet: bytes, client: Client) -> None:
        """Take one packet; both ways, the peer is in it."""
        message = Message.parse(packet)
        peer = message.address(Attr.XOR_PEER_ADDRESS)
        if message.method == Method.SEND and peer and time.monotonic() - self._heard.get(peer, 0.0) > MEMORY:
            return

        def send(said: bytes) -> None:
            source = Message.parse(said).address(Attr.XOR_PEER_ADDRESS)
            if source:
                self._heard[source] = time.monotonic()
            client.send(said)

        super().handle(packet, replace(client, send=send))


def keeps_all(message: Message | None, _packet: bytes) -> Sequence[bytes] | None:
    """Relay nothing that comes from us."""
    return () if message and message.method == Method.SEND else None


async def waited(server: type[OddTurn], rules: Sequence[Rule], needed: float) -> Result:
    """Run the check."""
    async with loopback() as place:
        port, shut = await listen(server(place, *rules), place, UDP), place.refusing()
        flow = a_flow("udp-binding", 49152, UDP, {"udp_port": port, "tls_port": shut, "tcp_port": shut})
        return await probe(flow, replace(a_route(), turn=ALICE, udp_waits=(SHORT, *LONG), udp_needed=needed))


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """Run all side by side: most of it is waiting."""
    sites: dict[str, tuple[type[OddTurn], Sequence[Rule], float]] = {
        "loyal": (OddTurn, [], 3.0),
        "short": (Forgetful, [], 60.0),
        "long enough": (Forgetful, [], 1.0),
        "nothing comes back": (OddTurn, [keeps_all], 3.0),
        "no allocation": (OddTurn, [refuses(Method.ALLOCATE, 486)], 3.0),
        "no second one": (OddTurn, [refuses(Method.ALLOCATE, 486, after=1)], 3.0),
    }

    async def run_all() -> dict[str, Result]:
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(waited(*site)) for name, site in sites.items()}
        return {name: task.result() for name, task in tasks.items()}

    return asyncio.run(run_all())


def test_flows_that_live(results: dict[str, Result]) -> None:
    """As long as it was tried."""
    result = results["loyal"]
    assert result.verdict.outcome is Outcome.PASS, result
    assert result.verdict.reason == "a UDP flow without traffic is kept for 4.2 s or more"
    assert nat_behaviour([result], Site()) == {"udp_lived_s": 4.2}
    assert translated(nat_behaviour([result], Site())) == "UDP kept for 4.2 s or more when silent"


def test_flows_that_are_forgotten(results: dict[str, Result]) -> None:
    """Two are enough; the one with traffic lives, so that it was the silence."""
    result = results["short"]
    assert broke(result) == (Phase.TURN_DATA, Cause.CUT_AFTER_IDLE)
    seen = facts(result, Phase.TURN_DATA)
    assert (seen["lived_s"], seen["cut_s"], seen["kept"], seen["needed_s"]) == (SHORT, LONG[0], True, 60.0)
    assert translated(nat_behaviour([result], Site())) == "UDP kept 0.05 to 4.0 s when silent"


def test_flows_that_are_forgotten_later_than_clients_are_silent(results: dict[str, Result]) -> None:
    """A fact, and no fault."""
    result = results["long enough"]
    assert result.verdict.outcome is Outcome.PASS, result
    assert "between 0.05 s and 4 s, later than clients send something" in result.verdict.reason


@pytest.mark.parametrize(
    ("name", "phase", "cause"),
    [
        ("nothing comes back", Phase.TURN_DATA, Cause.CANNOT_TELL),
        ("no allocation", Phase.TURN_ALLOCATE, Cause.QUOTA),
        ("no second one", Phase.TURN_ALLOCATE, Cause.QUOTA),
    ],
)
def test_nothing_can_be_told(results: dict[str, Result], name: str, phase: Phase, cause: Cause) -> None:
    """Without a relay, or without a way back from it, there is no binding to look at."""
    assert broke(results[name], Outcome.INCONCLUSIVE) == (phase, cause)
    assert nat_behaviour([results[name]], Site()) == {}


@pytest.mark.parametrize(
    ("lived", "cut", "least", "most"),
    [
        ((1.0, 2.0), (), 2.0, None),
        ((1.0,), (2.0, 3.0), 1.0, 2.0),
        ((), (2.0,), 0.0, 2.0),
        ((1.0, 3.0), (2.0,), 1.0, 2.0),  # boxes count coarsely: no more is said than holds for all
    ],
)
def test_what_is_certain(lived: tuple[float, ...], cut: tuple[float, ...], least: float, most: float | None) -> None:
    """The longest silence that all survived, and the shortest that one did not."""
    told = Lifetimes(lived=lived, cut=cut, kept=True)
    assert (told.least, told.most) == (least, most)


def test_it_is_asked_once_and_only_where_there_is_time(results: dict[str, Result]) -> None:
    """With --full, at a server whose relay is reached both ways; and the finding rests on no row."""
    found = case()
    none = Estimate(value=0, low=0, high=5)
    survey = PortSurvey(
        first=1, last=2, transport=UDP, direction=Direction.ROUND_TRIP, tried=1, answered=1, intervals=(),
        closed_percent=none, by="",
    )  # fmt: skip
    ended = [replace(one, verdict=replace(one.verdict, measured=survey)) for one in found.results]
    ranges = {one.flow.id: one for one in ended if one.flow.kind == "udp-range"}
    sofar = Sofar(guide=guide(), site=found.site, results=ranges, full=True)
    assert len(list(lifetimes(sofar))) == 1
    assert list(lifetimes(replace(sofar, full=False))) == []
    unknown = {one.flow.id: one for one in found.results if one.flow.kind == "udp-range"}
    assert list(lifetimes(replace(sofar, results=unknown))) == []
    (asked,) = lifetimes(sofar)
    control = replace(results["short"], flow=asked)
    judged = replace(found, results=(*found.results, control)).judged()
    (named,) = [one for one in judged.findings if one.id == "udp-binding-short"]
    assert (named.severity, named.rows, named.proof) == (Severity.DEGRADING, (), (asked.id,))
    assert "forgotten after 4.0 s" in named.title
    assert forgotten(found.scene()) == []
