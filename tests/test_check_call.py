"""What a call needs beyond a relay candidate: large packets and DTLS, and a control for each that does not pass."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import loopback
from rainbow_probe.demo.turn_relay import Client
from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.model import Cause, Outcome, Phase, Result, Scalar, Transport, Who
from rainbow_probe.net import call
from rainbow_probe.net.dtls import Handshake
from rainbow_probe.net.route import Limits
from rainbow_probe.protocols.channel import parse_channel_data
from rainbow_probe.protocols.dtls import Dtls, DtlsError, looks_like
from rainbow_probe.protocols.stun import Attr, Class, Message, Method, kind_of
from tests.judge_samples import OPEN_SITE, Fault, case, guide, ids, report, result, udp
from tests.servers import ALICE, EASY, ENDLESS, OddTurn, Rule, a_flow, a_route, broke, facts, listen, probe

UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS
SOON = Limits(connect=5.0, handshake=5.0, exchange=1.0, datagrams=1.0)
"""For what is meant to fall silent: a control must have the time to pass."""


async def tried(
    *rules: Rule, transport: Transport = UDP, limits: Limits = EASY, params: dict[str, Scalar] | None = None
) -> Result:
    """Probe a server that follows *rules*."""
    async with loopback() as place:
        port = await listen(OddTurn(place, *rules), place, transport)
        return await probe(a_flow("turn", port, transport, params), replace(a_route(), turn=ALICE, limits=limits))


def payload(message: Message | None, packet: bytes) -> bytes:
    """Return what a client asks to be relayed."""
    if message is not None:
        return message.get(Attr.DATA) or b""
    return (parse_channel_data(packet) or (0, b""))[1]


def keeps_dtls(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
    """Relay everything but DTLS."""
    return () if looks_like(payload(message, packet)) else None


def keeps_large(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
    """Relay no large packets."""
    return () if len(payload(message, packet)) > 1000 else None


def ends_at_dtls() -> Rule:
    """Relay nothing any more once DTLS was seen, as a filter that ends the flow."""
    seen: list[bytes] = []

    def rule(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
        data = payload(message, packet)
        seen.extend([data] * looks_like(data))
        return () if seen and data else None

    return rule


def cuts_at_dtls(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
    """End the connection at DTLS."""
    if looks_like(payload(message, packet)):
        raise EOFError("enough")
    return None


def breaks_dtls(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
    """Answer DTLS with DTLS that no handshake gave."""
    if message is None or not looks_like(payload(message, packet)):
        return None
    alert = b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28"  # handshake_failure, RFC 5246 section 7.2
    data = (message.attributes[0], (int(Attr.DATA), alert))
    return [bytes(Message(kind_of(Method.DATA, Class.INDICATION), message.transaction, data))]


@pytest.mark.parametrize("transport", [UDP, TCP, TLS])
async def test_a_call_would_connect(transport: Transport) -> None:
    """Large packets come back, and both ends finish a real handshake."""
    result = await tried(transport=transport)
    assert result.verdict.outcome is Outcome.PASS, result
    assert "; DTLS in " in result.verdict.reason
    seen = facts(result, Phase.DTLS)
    assert int(seen["datagrams"] or 0) >= 4
    assert 100 < int(seen["size"] or 0) <= 1200


async def test_dtls_that_does_not_pass() -> None:
    """Data of the same size does at that moment, so it is no loss and no silence."""
    result = await tried(keeps_dtls, limits=SOON)
    assert broke(result) == (Phase.DTLS, Cause.TIMEOUT)
    assert "while other data passes" in result.verdict.reason


def on_a_lossy_line(rule: Rule) -> Rule:
    """Follow *rule*, and lose half of all that is relayed."""
    chance = random.Random(7)  # noqa: S311 - the same losses each time

    def loses(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
        return () if payload(message, packet) and chance.random() < 0.5 else rule(message, packet)

    return loses


@pytest.mark.parametrize("rule", [keeps_dtls, keeps_large])
async def test_what_is_missing_on_a_lossy_line_proves_nothing(rule: Rule) -> None:
    """Where most packets are lost, so few tries may all have been lost by chance."""
    result = await tried(on_a_lossy_line(rule), limits=SOON)
    assert broke(result, Outcome.INCONCLUSIVE)[1] is Cause.CANNOT_TELL, result
    assert "on a line that loses " in result.verdict.reason


async def test_a_machine_that_comes_to_no_end_in_time_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is waited for within a step takes less time than the step has."""
    monkeypatch.setattr(call, "WHOLE", 0.3)
    result = await tried(keeps_dtls, limits=SOON)
    assert broke(result, Outcome.INCONCLUSIVE)[1] is Cause.BUDGET
    assert "too busy to come to an end in time" in result.verdict.reason


class SlowTurn(OddTurn):
    """All that it is sent takes its time."""

    def handle(self, packet: bytes, client: Client) -> None:
        """Take one packet, later."""
        asyncio.get_running_loop().call_later(0.15, super().handle, packet, client)


@pytest.mark.parametrize("rule", [keeps_dtls, keeps_large])
async def test_what_is_missing_on_a_slow_line_proves_nothing(rule: Rule) -> None:
    """The time for it would not do for a few packets there and back."""
    async with loopback() as place:
        port = await listen(SlowTurn(place, rule), place, UDP)
        result = await probe(a_flow("turn", port, UDP), replace(a_route(), turn=ALICE, limits=SOON))
    assert result.verdict.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("channels", [True, False])
async def test_dtls_that_passes_in_one_of_two_wrappings(*, channels: bool) -> None:
    """A browser begins in indications and goes on in channels: one that is let through is enough."""

    def keeps(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
        return keeps_dtls(message, packet) if (message is None) is channels else None

    assert (await tried(keeps, limits=SOON)).verdict.outcome is Outcome.PASS


async def test_a_flow_that_ends_with_dtls() -> None:
    """Other data no longer passes there: the control on another flow must tell."""
    assert broke(await tried(ends_at_dtls(), limits=SOON)) == (Phase.DTLS, Cause.WENT_SILENT)
    plain = await tried(ends_at_dtls(), limits=SOON, params={"plain": True})
    assert plain.verdict.outcome is Outcome.PASS
    assert "40 large packets" in plain.verdict.reason


async def test_a_connection_that_is_cut_at_dtls() -> None:
    """That is told at once."""
    result = await tried(cuts_at_dtls, transport=TCP, limits=ENDLESS)
    assert broke(result) == (Phase.DTLS, Cause.CLOSED)


async def test_dtls_that_somebody_breaks() -> None:
    """The other end never sent that."""
    assert broke(await tried(breaks_dtls)) == (Phase.DTLS, Cause.TLS_ALERT)


@pytest.mark.parametrize("transport", [UDP, TCP])
async def test_large_packets_that_do_not_pass(transport: Transport) -> None:
    """A relay candidate is not a call: video is made of large packets."""
    result = await tried(keeps_large, transport=transport, limits=SOON)
    assert broke(result) == (Phase.TURN_DATA, Cause.LARGE_LOST)
    assert f"packets of {1200 if transport is UDP else 1400} bytes" in result.verdict.reason


async def test_a_path_that_falls_silent() -> None:
    """After the first packets nothing passes, whatever its size."""
    passed: list[bytes] = []

    def late(message: Message | None, packet: bytes) -> Sequence[bytes] | None:
        data = payload(message, packet)
        passed.extend([data] * bool(data))
        return () if data and len(passed) > 20 else None

    assert broke(await tried(late, limits=SOON)) == (Phase.TURN_DATA, Cause.WENT_SILENT)


class Wire:
    """One direction pair of a link in memory that carries as many messages as it is told, and loses the others."""

    def __init__(self, out: asyncio.Queue[bytes], back: asyncio.Queue[bytes], carried: int) -> None:
        """Put what is sent into *out*, and take what comes from *back*."""
        self._out, self._back, self._left = out, back, carried
        self.used = asyncio.Event()

    async def send(self, data: bytes) -> None:
        """Carry *data*, or lose it."""
        self.used.set()
        self._left -= 1
        if self._left >= 0:
            await self._out.put(data)

    async def receive(self) -> bytes:
        """Return what comes next."""
        return await self._back.get()


async def test_a_slow_handshake_is_told_from_one_that_is_stopped() -> None:
    """By when it last came further: late in its time on a slow line, early before a filter."""
    there, back = asyncio.Queue[bytes](), asyncio.Queue[bytes]()
    near, far = Wire(there, back, 1), Wire(back, there, 0)
    slow = Handshake(near, far, began=time.monotonic() - 60)
    running = asyncio.ensure_future(slow.run())
    await far.used.wait()  # the server answers the one message that came
    assert slow.under_way
    assert not slow.done
    slow.began = time.monotonic()  # as if the first message had come at once, and none since
    assert not slow.under_way
    running.cancel()
    await asyncio.wait({running})


@pytest.mark.parametrize(("reliable", "most"), [(False, 21), (True, 3)])
async def test_a_handshake_does_not_fill_a_slow_line(reliable: bool, most: int) -> None:
    """Nobody answers yet: the flight is sent again ever more rarely, on a stream hardly at all."""
    near, far = Wire(asyncio.Queue(), asyncio.Queue(), 99), Wire(asyncio.Queue(), asyncio.Queue(), 99)
    silent = Handshake(near, far, reliable=reliable)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await silent.run()
    assert 1 <= silent.datagrams <= most


# The machine


def shake(*lost: int) -> int:
    """Shake hands while the datagrams with the numbers *lost* vanish; returns how many were sent."""
    client, server, sent = Dtls(server=False), Dtls(server=True), 0
    while not (client.done and server.done):
        for end, other in ((client, server), (server, client)):
            for datagram in end.flight:
                sent += 1
                if sent not in lost:
                    other.feed(datagram)
    return sent


@pytest.mark.parametrize("lost", [(), (1,), (2,), (3, 4), (1, 2, 3, 5, 8, 9)])
def test_a_handshake_survives_loss(lost: tuple[int, ...]) -> None:
    """Flights are sent again, and repetitions do no harm."""
    assert shake(*lost) >= 4 + bool(lost)


def test_what_is_not_dtls_is_passed_over() -> None:
    """And what breaks the handshake is told."""
    client = Dtls(server=False)
    assert not client.feed(b"not DTLS at all, not in the least")
    with pytest.raises(DtlsError):
        client.feed(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28")


# The judge


def stopped(cause: Cause, control: Fault | None) -> tuple[str, ...]:
    """Let DTLS over UDP end by *cause*, and its control as *control* says."""
    found = case(Fault(match=udp, phase=Phase.DTLS, cause=cause))
    asked = follow_up(Sofar(guide=guide(), site=OPEN_SITE, results={one.flow.id: one for one in found.results}))
    assert {flow.params.get("plain") for flow in asked} == {True}
    judged = replace(found, results=(*found.results, *(result(flow, control) for flow in asked))).judged()
    return tuple(ids(judged))


@pytest.mark.parametrize("cause", [Cause.TIMEOUT, Cause.WENT_SILENT, Cause.CLOSED])
def test_dtls_is_filtered_where_plain_data_passes(cause: Cause) -> None:
    """The control sends more of it, by a way of its own."""
    assert stopped(cause, None) == ("dtls-filtered",)


def test_a_path_on_which_plain_data_falls_silent_too() -> None:
    """DTLS is not the reason."""
    also = Fault(match=lambda _: True, phase=Phase.TURN_DATA, cause=Cause.WENT_SILENT)
    assert stopped(Cause.WENT_SILENT, also) == ("path-goes-silent",)


def test_filtered_dtls_fails_the_rows_of_calls() -> None:
    """Who must act is whoever inspects."""
    judged = report(Fault(match=udp, phase=Phase.DTLS))
    assert ids(judged) == ["dtls-filtered"]
    assert judged.findings[0].who is Who.FIREWALL
    assert "desktop/p2p-internet" in judged.findings[0].rows
