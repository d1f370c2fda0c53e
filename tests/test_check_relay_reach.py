"""Another server's relay as a control: what it reaches and we do not, is closed on our side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rainbow_probe.demo.loopback import loopback
from rainbow_probe.followups import Sofar
from rainbow_probe.followups.ranges import from_elsewhere
from rainbow_probe.judge.findings.ranges import high_range
from rainbow_probe.judge.review import reviewed
from rainbow_probe.model import Cause, Outcome, Phase, Result, Scalar, Step, Transport, Verdict
from rainbow_probe.protocols.stun import Method
from tests.judge_samples import TURN as SERVERS
from tests.judge_samples import Case, Fault, both, case, guide, host, kind
from tests.servers import (
    ALICE,
    HOST,
    OddTurn,
    Rule,
    a_flow,
    a_route,
    broke,
    facts,
    keeps_data,
    listen,
    names,
    probe,
    refuses,
)

BESIDE = "beside.test"
UDP = Transport.UDP


async def asked(*rules: Rule, beside: Sequence[Rule] = (), range_open: bool = True, listens: bool = True) -> Result:
    """Run the check between two servers; the first of them breaks *rules*, and may be closed to strangers."""
    async with loopback() as place:
        ours = await listen(OddTurn(place, *rules, range_open=range_open), place, UDP)
        theirs = await listen(OddTurn(place, *beside), place, UDP) if listens else place.silent()
        shut = place.refusing()
        ports: dict[str, Scalar] = {"udp_port": ours, "tls_port": shut, "tcp_port": shut}
        params: dict[str, Scalar] = {
            **ports,
            "beside": BESIDE,
            **{f"beside_{key}": port for key, port in ports.items()},
        }
        flow = a_flow("relay-reach", 49152, UDP, {**params, "beside_udp_port": theirs})
        route = replace(a_route(), turn=ALICE, names=names({BESIDE: (HOST,)}))
        return await probe(flow, route if listens else replace(route, limits=replace(route.limits, exchange=0.5)))


async def test_what_is_reached_from_elsewhere() -> None:
    """Every port, and each answers."""
    result = await asked()
    assert result.verdict.outcome is Outcome.PASS, result
    seen = facts(result, Phase.TURN_DATA)
    assert (seen["tried"], seen["reached"], seen["answered"], seen["from"]) == (16, 16, 16, HOST)


async def test_a_server_whose_own_end_is_shut() -> None:
    """Its relay sends, and lets nobody in but its own clients."""
    result = await asked(range_open=False)
    assert broke(result) == (Phase.TURN_DATA, Cause.NO_DATA_BACK)
    assert facts(result, Phase.TURN_DATA)["reached"] == 0


async def test_a_server_that_sends_nothing_out() -> None:
    """It is reached, and does not answer."""
    result = await asked(keeps_data)
    seen = facts(result, Phase.TURN_DATA)
    assert (result.verdict.outcome, seen["reached"], seen["answered"]) == (Outcome.PASS, 16, 0)


@pytest.mark.parametrize("refused", [Method.ALLOCATE, Method.CREATE_PERMISSION])
async def test_a_policy_tells_nothing(refused: Method) -> None:
    """Neither that of the one server nor that of the other."""
    for rules, beside in ([refuses(refused, 403)], []), ([], [refuses(refused, 403)]):
        result = await asked(*rules, beside=beside)
        assert result.verdict.outcome is Outcome.INCONCLUSIVE, result
        assert Phase.TURN_DATA not in {step.phase for step in result.steps}


async def test_no_other_server() -> None:
    """Nobody to ask."""
    assert (await asked(listens=False)).verdict.outcome is Outcome.INCONCLUSIVE


# When it is asked, and what comes of it.

CLOSED = Fault(match=kind("udp-range"), phase=Phase.TURN_DATA, detail="0 of 64 sampled ports open")
ONE_WAY = replace(CLOSED, cause=Cause.ONE_WAY, detail="packets go out at 64 of 64")
PARTLY = replace(CLOSED, cause=Cause.PARTLY_OPEN, detail="32 of 64")


def with_controls(found: Case, reached: int, answered: int) -> tuple[Result, ...]:
    """Add the controls that *found* makes necessary; each counts the same of 16."""
    sofar = Sofar(guide=guide(), site=found.site, results={one.flow.id: one for one in found.results})
    counts = {"tried": 16, "reached": reached, "answered": answered}
    step = Step(phase=Phase.TURN_DATA, subject="", at=0.0, took=0.1, facts=counts)
    verdict = Verdict(outcome=Outcome.PASS, reason="counted")
    return (*found.results, *(Result(flow=flow, verdict=verdict, steps=(step,)) for flow in from_elsewhere(sofar)))


@pytest.mark.parametrize(
    ("fault", "reached", "answered", "outcome"),
    [
        (CLOSED, 16, 16, Outcome.FAIL),
        (CLOSED, 1, 0, Outcome.FAIL),
        (CLOSED, 0, 0, Outcome.INCONCLUSIVE),
        (replace(CLOSED, cause=Cause.REFUSED), 0, 0, Outcome.INCONCLUSIVE),
        (ONE_WAY, 16, 16, Outcome.FAIL),
        (ONE_WAY, 16, 0, Outcome.INCONCLUSIVE),
        (PARTLY, 16, 16, Outcome.FAIL),
        (PARTLY, 9, 9, Outcome.INCONCLUSIVE),
    ],
)
def test_what_fails_from_elsewhere_too_is_no_fault_of_this_network(
    fault: Fault, reached: int, answered: int, outcome: Outcome
) -> None:
    """The servers' own ends may be shut, and no finding names a firewall here."""
    results = reviewed(with_controls(case(fault), reached, answered))
    ranges = [one for one in results if one.flow.kind == "udp-range"]
    assert {one.verdict.outcome for one in ranges} == {outcome}
    assert len(ranges) == len([one for one in results if one.flow.kind == "relay-reach"]) == len(SERVERS)
    if outcome is Outcome.INCONCLUSIVE:
        assert all("own end may be shut" in one.verdict.reason for one in ranges)


@pytest.mark.parametrize(
    ("fault", "identity", "words"),
    [
        (CLOSED, "udp-range-blocked", "is blocked (no answer at all), though UDP/3478 works"),
        (ONE_WAY, "udp-range-one-way", "goes out, and what comes back from there is dropped, though UDP/3478 works"),
        (PARTLY, "udp-range-partly", "is open only in part, though UDP/3478 works"),
        (replace(PARTLY, facts={"ordered": False}), "udp-range-partly", "on ports in no order"),
    ],
)
def test_the_finding_has_the_control_as_its_proof(fault: Fault, identity: str, words: str) -> None:
    """It says that the server's own end is open, or that this could not be tried."""
    found = case(fault)
    judged = replace(found, results=with_controls(found, 16, 16)).judged()
    named = [one for one in judged.findings if one.id.startswith("udp-")]
    assert [one.id for one in named] == [identity]
    assert words in named[0].title
    assert f"the relay of {SERVERS[0]} reaches these ports of {SERVERS[1]}" in named[0].detail
    assert {f"relay-reach/{name}:49152/udp/direct" for name in SERVERS} <= set(named[0].proof)
    assert "could not be tried" in next(one for one in found.judged().findings if one.id == identity).detail


def test_one_server_alone() -> None:
    """Where the range of another is open, the title says to whom it is closed."""
    found = case(replace(CLOSED, match=both(kind("udp-range"), host(SERVERS[0]))))
    scene = found.scene()
    (named,) = high_range(scene)
    assert f", to {SERVERS[0]} and not to {SERVERS[1]}" in named.title


@pytest.mark.parametrize(
    "fault",
    [
        replace(CLOSED, phase=Phase.TURN_ALLOCATE, outcome=Outcome.INCONCLUSIVE),
        replace(CLOSED, cause=Cause.CANNOT_TELL, outcome=Outcome.INCONCLUSIVE),
        replace(CLOSED, match=kind("turn")),
    ],
)
def test_nothing_is_asked_where_nothing_is_known(fault: Fault) -> None:
    """No relay, no control; and none where all is well."""
    found = case(fault)
    assert len(with_controls(found, 0, 0)) == len(found.results)
