"""What a responder sends unasked: where it arrives, where it does not, and where that cannot be told."""

from __future__ import annotations

import random
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from rainbow_probe.measures import Direction, PortState, PortSurvey
from rainbow_probe.model import Cause, Endpoint, Outcome, Phase, PortRange, Result, Transport
from rainbow_probe.net import responder as asking
from rainbow_probe.net import sweep_pace, unasked
from rainbow_probe.net.many import bind_all
from rainbow_probe.net.unasked import Unasked, Wanted
from rainbow_probe.protocols.binding import Answerer
from rainbow_probe.protocols.stun import Attr, Message
from tests.peers import HOST, Peer, peer
from tests.servers import QUICK, a_flow, a_route, probe

SIZE = 120
TOKEN = "of this test only"  # noqa: S105 - made up


BESIDE = (30000, 32700)
"""Ports that neither Linux gives to anybody nor a gateway sends from, as other tests' flows do beside this one."""


def block() -> range:
    """Find ports in a row that nobody has."""
    for _ in range(200):
        first = random.randrange(BESIDE[0], BESIDE[1] - SIZE)  # noqa: S311 - any will do
        found = range(first, first + SIZE)
        with bind_all(found, socket.SOCK_DGRAM) as bound:
            if len(bound.sockets) == SIZE:
                return found
    raise AssertionError("no free ports in a row")


@contextmanager
def responding(ports: range, monkeypatch: pytest.MonkeyPatch, token: str = "") -> Iterator[Peer]:
    """Run a responder that says it could send from the last of *ports*: on one machine, both cannot have it."""
    last = ports[-1]
    with peer(2, token=token, claims=[last]) as found:
        monkeypatch.setattr(asking, "CONTROL_PORTS", (found.first,))
        yield found


async def sent(ports: range, token: str = "") -> Result:
    """Have the responder send to *ports*."""
    flow = a_flow("sweep-in", ports[0], Transport.UDP, {"first": ports[0], "last": ports[-1]})
    flow = replace(flow, target=Endpoint(host=HOST, port=ports[0]))
    return await probe(flow, replace(a_route(), limits=QUICK, peer_token=token), budget=30)


@pytest.mark.parametrize("token", ["", TOKEN])
async def test_it_arrives_at_every_port(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    """Nothing is in the way here."""
    ports = block()
    with responding(ports, monkeypatch, token):
        result = await sent(ports, token)
    assert result.verdict.outcome is Outcome.PASS, result
    assert f"arrives at {SIZE} of {SIZE} ports" in result.verdict.reason
    measured = result.verdict.measured
    assert isinstance(measured, PortSurvey)
    assert (measured.direction, measured.answered) == (Direction.IN, SIZE)
    assert [one.state for one in measured.intervals] == [PortState.OPEN]


async def test_ports_in_use_here_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """One does not matter; many make it no test."""
    ports = block()
    with responding(ports, monkeypatch), bind_all(ports[:1], socket.SOCK_DGRAM):
        one = await sent(ports)
    with responding(ports, monkeypatch), bind_all(ports[:50], socket.SOCK_DGRAM):
        many = await sent(ports)
    assert one.verdict.outcome is Outcome.PASS, one
    assert many.verdict.outcome is Outcome.SKIPPED
    assert "50 of 120 ports are in use on this machine" in many.verdict.reason


async def test_without_the_token_nothing_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, and accuses nobody."""
    ports = block()
    with responding(ports, monkeypatch, TOKEN):
        result = await sent(ports)
    assert result.verdict.outcome is Outcome.INCONCLUSIVE
    assert "wants its token" in result.verdict.reason


@pytest.mark.parametrize("over_tcp", [True, False])
async def test_who_cannot_be_asked_sends_nothing(monkeypatch: pytest.MonkeyPatch, over_tcp: bool) -> None:
    """Nobody there, or over TCP only."""
    ports = block()
    with peer(1) as found:
        monkeypatch.setattr(asking, "CONTROL_PORTS", (found.tcp,) if over_tcp else ())
        result = await sent(ports)
    assert result.verdict.failure
    assert (result.verdict.failure.phase, result.verdict.failure.cause) == (Phase.STUN, Cause.CANNOT_TELL)
    assert ("over TCP" if over_tcp else "may not be running") in result.verdict.reason
    assert result.verdict.measured is None


async def test_the_responder_must_have_the_port_it_shall_send_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a rule that names both ports would be wronged."""
    ports = block()
    with peer(1) as found:
        monkeypatch.setattr(asking, "CONTROL_PORTS", (found.first,))
        result = await sent(ports)
    assert f"does not serve UDP/{ports[-1]}" in result.verdict.reason


def test_where_nothing_arrives_the_responder_was_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answers to plain questions are the control; without them nothing is settled."""
    ports = block()
    with peer(1) as found:
        heard = Unasked(Wanted(host=HOST, at=found.first, leave_by=0, ports=ports[:3]))
        arrived = heard.run()
    monkeypatch.setattr(unasked, "PATIENCE", (0.1, 0.2))
    gone = Unasked(Wanted(host=HOST, at=found.first, leave_by=0, ports=ports[:3])).run()
    assert arrived.open == set(ports[:3])
    assert arrived.settled
    assert gone.open == set()
    assert not gone.settled


def _lossy(own: socket.socket, loses: int) -> None:
    """Answer plain questions every third time, and send where else it was asked to only after *loses* times."""
    port = own.getsockname()[1]
    answerer, plain = Answerer([PortRange(first=port, last=port)]), 0
    while True:
        packet, place = own.recvfrom(2048)
        if not packet:
            return
        said = answerer.reply(packet, place[0], place[1], port)
        if Message.parse(packet).get(Attr.RESPONSE_PORT) is None:
            plain += 1
            lost = plain % 3 != 0
        else:
            loses -= 1
            lost = loses >= 0
        if said and not lost:
            own.sendto(said.packet, (place[0], said.to_port or place[1]))


def test_a_port_is_not_closed_because_some_packets_to_it_were_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many rounds are made as the loss of the others asks for: two lost in a row are chance on such a network."""
    monkeypatch.setattr(unasked, "PATIENCE", (0.05, 0.05, 1.0))
    with bind_all([0], socket.SOCK_DGRAM, HOST) as held:
        free = held.sockets[0].getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((HOST, 0))
        at = own.getsockname()[1]
        serving = threading.Thread(target=_lossy, args=(own, 4))
        serving.start()
        arrived = Unasked(Wanted(host=HOST, at=at, leave_by=at, ports=[free])).run()
        own.sendto(b"", own.getsockname())
        serving.join()
    if arrived.heard and arrived.tried:  # unless this machine had no time, or somebody took the port
        assert arrived.open == {free}
        assert arrived.rounds >= 5


def _held_back(own: socket.socket, first: int, passes: int) -> None:
    """Send to at most *passes* ports in each of the first two rounds, as a limit does, and to all of them later."""
    port = own.getsockname()[1]
    answerer, sent = Answerer([PortRange(first=first, last=first)]), dict.fromkeys(range(1, 3), 0)
    while True:
        packet, place = own.recvfrom(2048)
        if not packet:
            return
        round_ = int.from_bytes(packet[18:20], "big")
        asked = Message.parse(packet).get(Attr.RESPONSE_PORT) is not None
        sent[round_] = sent.get(round_, -SIZE) + asked
        said = answerer.reply(packet, place[0], place[1], port)
        if said and (not asked or sent[round_] <= passes):
            own.sendto(said.packet, (place[0], said.to_port or place[1]))


@pytest.mark.parametrize("time_enough", [True, False])
async def test_a_limit_is_kept_to_or_named(monkeypatch: pytest.MonkeyPatch, time_enough: bool) -> None:
    """As many in each round are a limit, if slower questions find more; without time for these, it says how to ask."""
    ports = block()
    monkeypatch.setattr(sweep_pace, "TOLD_BELOW", 10**9)  # two rounds over loopback are fast
    if not time_enough:
        monkeypatch.setattr(unasked, "ROUNDS", 2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((HOST, 0))
        at = own.getsockname()[1]
        monkeypatch.setattr(asking, "CONTROL_PORTS", (at,))
        serving = threading.Thread(target=_held_back, args=(own, ports[-1], 20))
        serving.start()
        result = await sent(ports)
        own.sendto(b"", own.getsockname())
        serving.join()
    reason = result.verdict.reason
    assert "answers a second came, however fast was asked" in reason, result
    if time_enough:
        assert result.verdict.outcome is Outcome.PASS
        assert f"arrives at {SIZE} of {SIZE} ports; no more than about" in reason
    else:
        assert result.verdict.outcome is Outcome.INCONCLUSIVE
        assert re.search(r"arrives at 40 of 120 ports; .*: with --sweep-rate \d+ all are asked within \d+ s", reason)
