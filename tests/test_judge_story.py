"""The call flow as a story: what was done appears as done, in the guide's order, and nothing else does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import StringIO

from rainbow_probe.judge.story import story
from rainbow_probe.measures import StoryStep
from rainbow_probe.model import Cause, Failure, Flow, Outcome, Phase, Report, RowVerdict, Step, Transport
from rainbow_probe.report.terminal import open_console, render
from rainbow_probe.report.wording import in_steps
from tests.judge_samples import PROXY_SITE, Fault, case, kind, past_the_proxy, report

DIRECT = ["1-9", "10-13", "14", "15-18", "19-28", "29-35", "36-49", "50-53", "54-55", "56-57"]


def done(told: Report) -> list[str]:
    """Name the groups of steps that were done, each once."""
    return list(dict.fromkeys(step.number for step in told.story if step.outcome is not Outcome.SKIPPED))


def group(told: Report, number: str) -> Sequence[StoryStep]:
    """Give the steps of a group."""
    return [step for step in told.story if step.number == number]


def udp_call(flow: Flow) -> bool:
    """Match calls over UDP."""
    return flow.kind == "call" and flow.transport is Transport.UDP


def test_all_groups_are_told_in_the_guides_order() -> None:
    """What needs a proxy, an account or another person was not done, and says so."""
    told = report()
    assert list(dict.fromkeys(step.number for step in told.story)) == DIRECT
    assert done(told) == ["10-13", "29-35", "36-49", "50-53", "54-55", "56-57"]
    assert all(step.check == "" and step.took_ms == 0 for step in told.story if step.outcome is Outcome.SKIPPED)
    begins = [step.at_ms for step in told.story]
    assert begins == sorted(begins)


def test_who_speaks_to_whom_without_a_proxy() -> None:
    """Signalling goes to Rainbow, allocations to TURN, and the call itself to the other client."""
    told = report()
    assert [(step.sender, step.receiver, step.what) for step in group(told, "29-35")] == [
        ("client 2", "TURN", "Allocate"),
        ("client 2", "TURN", "CreatePermission"),
    ]
    assert {(step.sender, step.receiver) for step in group(told, "10-13")} == {("client 2", "Rainbow")}
    assert [(step.sender, step.receiver) for step in group(told, "56-57")] == [
        ("client 1", "client 2"),
        ("client 2", "client 1"),
    ]
    assert {step.check for step in told.story if step.number >= "36"} == {
        "call/turn-sbg1.openrainbow.health:3478/udp/direct"
    }


def test_the_proxy_is_asked_before_anything_else() -> None:
    """A connection and CONNECT go to it; what is inside the tunnel does not."""
    told = report(Fault(match=past_the_proxy), site=PROXY_SITE)
    assert [(step.receiver, step.what) for step in group(told, "19-28")] == [
        ("proxy", "TCP connection"),
        ("proxy", "CONNECT turn-sbg1.openrainbow.health:443"),
        ("TURN", "TLS handshake"),
        ("TURN", "Allocate"),
        ("TURN", "CreatePermission"),
    ]
    assert done(told) == ["1-9", "19-28", "36-49", "50-53", "54-55", "56-57"]


def test_the_call_that_came_furthest_is_told() -> None:
    """Where DTLS does not pass over UDP, the call over TLS is the one that was made."""
    told = report(Fault(match=udp_call, phase=Phase.DTLS))
    assert {step.check for step in group(told, "36-49")} == {"call/turn-sbg1.openrainbow.health:443/tls/direct"}
    assert {step.outcome for step in told.story if step.number >= "29"} == {Outcome.PASS}


def test_a_call_that_breaks_ends_the_story() -> None:
    """The step that failed is told, and what would have come after it was not done."""
    told = report(Fault(match=kind("call"), phase=Phase.DTLS))
    assert {step.outcome for step in group(told, "50-53")} == {Outcome.FAIL}
    assert done(told)[-1] == "50-53"
    doubtful = report(Fault(match=kind("call"), phase=Phase.DTLS, cause=Cause.BUDGET, outcome=Outcome.INCONCLUSIVE))
    assert {step.outcome for step in group(doubtful, "50-53")} == {Outcome.INCONCLUSIVE}
    assert "50-53 in 100 ms (FAIL); not done" in in_steps(told.story)


def test_without_a_call_turns_own_allocation_is_told() -> None:
    """Where no call was made, TURN's own check has allocated all the same."""
    told = report(Fault(match=lambda flow: flow.kind == "turn", phase=Phase.TURN_DATA, cause=Cause.NO_DATA_BACK))
    assert {step.check for step in group(told, "29-35")} == {"turn/turn-sbg1.openrainbow.health:3478/udp/direct"}
    assert done(told) == ["10-13", "29-35"]


def test_no_story_where_nobody_asked_for_the_rows() -> None:
    """One client's rows are no call flow."""
    assert case(clients=["desktop"]).judged().story == ()


def test_the_terminal_tells_it_in_short() -> None:
    """Beneath the rows of the call flow, and not where there is no story."""
    told = report()
    assert in_steps(told.story) == (
        "The call flow here: steps 10-13 in 200 ms, 29-35 in 100 ms, 36-49 in 100 ms, 50-53 in 100 ms, "
        "54-55 in 100 ms, 56-57 in 100 ms; not done: 1-9, 14, 15-18, 19-28"
    )
    for shown, expected in ((told, True), (replace(told, story=()), False)):
        stream = StringIO()
        render(shown, open_console(stream, no_color=True))
        assert ("The call flow here:" in stream.getvalue()) is expected
    assert in_steps(told.story[:1]) == "The call flow here: not done: 1-9"


def test_each_request_with_the_account_is_told() -> None:
    """Who signed in has not got a list of TURN servers for that."""
    told = report()
    asked = next(one for one in told.results if one.flow.kind == "account")
    no_list = Failure(phase=Phase.ACCOUNT, cause=Cause.TIMEOUT, detail="503")
    steps = (
        Step(phase=Phase.CONNECT, subject="198.51.100.1:443", at=3.0, took=0.1),
        Step(phase=Phase.ACCOUNT, subject="/login", at=3.2, took=0.3),
        Step(phase=Phase.ACCOUNT, subject="/iceservers", at=3.5, took=0.2, failure=no_list),
        Step(phase=Phase.ACCOUNT, subject="/logout", at=3.8, took=0.1),
    )
    row = replace(next(row for row in told.rows if row.id == "call/ice-config"), verdict=RowVerdict.FAIL)
    row = replace(row, checks=(asked.flow.id,))
    (before, *found) = [one for one in story([row], [replace(asked, steps=steps)]) if one.number in {"14", "15-18"}]
    assert [(one.what, one.outcome) for one in found] == [
        ("TCP connection", Outcome.PASS),
        ("GET /login", Outcome.PASS),
        ("GET /iceservers", Outcome.FAIL),
        ("GET /logout", Outcome.PASS),
    ]
    assert [round(one.at_ms - before.at_ms) for one in found] == [0, 200, 500, 800]
