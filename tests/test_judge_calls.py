"""Calls judged: which are made, what their parts that do not pass are called, and the rows of the call flow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.followups.made import LIMITED, QUICK, over_addresses, why_no_call
from rainbow_probe.judge.review import reviewed
from rainbow_probe.model import Cause, Flow, Outcome, Phase, RowVerdict, Transport, Who
from tests.judge_samples import PROXY_SITE, Fault, both, case, ids, kind, passed, proxied, report, result, row, udp

ROWS = ("allocate-direct", "connectivity-checks", "dtls", "channel", "media")


def call_over_udp(flow: Flow) -> bool:
    """Match calls over UDP."""
    return flow.kind == "call" and flow.transport is Transport.UDP


def verdicts(*faults: Fault) -> dict[str, str]:
    """Judge the rows of the call flow."""
    judged = report(*faults)
    return {name: row(judged, f"call/{name}").verdict for name in ROWS}


@pytest.mark.parametrize(
    ("phase", "finding", "reached"),
    [
        (Phase.ICE, "ice-filtered", ("allocate-direct",)),
        (Phase.DTLS, "dtls-filtered", ("allocate-direct", "connectivity-checks")),
        (Phase.MEDIA, "srtp-filtered", ("allocate-direct", "connectivity-checks", "dtls", "channel")),
    ],
)
def test_a_part_of_a_call_that_is_filtered(phase: Phase, finding: str, reached: tuple[str, ...]) -> None:
    """TURN passed on the same way, so it is that part; the steps before it were done, those behind it not."""
    fault = Fault(match=call_over_udp, phase=phase)
    judged = report(fault)
    assert ids(judged) == [finding]
    assert judged.findings[0].who is Who.FIREWALL
    assert any(check.startswith("turn/") for check in judged.findings[0].proof)
    assert verdicts(fault) == {name: "pass" if name in reached else "degraded" for name in ROWS}
    # TURN's own check found nothing, and clients that go by UDP have no call all the same.
    assert row(judged, "desktop/p2p-internet").verdict is RowVerdict.DEGRADED
    assert "desktop/p2p-internet" in judged.findings[0].rows


def test_a_row_of_the_call_flow_tells_its_time() -> None:
    """Of the group of steps that it is about."""
    assert row(report(), "call/connectivity-checks").reason == "UDP/3478: works (in 100 ms)"


@pytest.mark.parametrize("cause", [Cause.RESET, Cause.CLOSED])
def test_a_call_that_is_cut_through_the_proxy(cause: Cause) -> None:
    """Whoever runs the proxy must act."""
    judged = report(Fault(match=both(kind("call"), proxied), phase=Phase.DTLS, cause=cause), site=PROXY_SITE)
    assert ids(judged) == ["dtls-filtered"]
    assert judged.findings[0].who is Who.PROXY


def test_a_call_that_falls_silent() -> None:
    """Nothing passes any more, so no part of it is to blame."""
    assert ids(report(Fault(match=call_over_udp, phase=Phase.MEDIA, cause=Cause.WENT_SILENT))) == ["path-goes-silent"]


@pytest.mark.parametrize("phase", [Phase.ICE, Phase.DTLS, Phase.MEDIA])
def test_a_call_that_is_altered(phase: Phase) -> None:
    """Its own finding: an exemption helps, and no open port."""
    judged = report(Fault(match=call_over_udp, phase=phase, cause=Cause.ALTERED))
    assert ids(judged) == ["call-altered"]
    assert row(judged, "call/media").verdict is RowVerdict.DEGRADED


def test_one_cause_gives_one_finding() -> None:
    """DTLS that does not pass shows in TURN's own handshake and in the call."""
    judged = report(Fault(match=udp, phase=Phase.DTLS), Fault(match=call_over_udp, phase=Phase.DTLS))
    assert ids(judged) == ["dtls-filtered"]
    proof = judged.findings[0].proof
    assert {check.split("/")[0] for check in proof} == {"turn", "call"}
    assert row(judged, "call/allocate-direct").verdict is RowVerdict.PASS


def test_what_a_call_meets_before_it_is_one_is_left_open_where_turn_passed() -> None:
    """A moment earlier the same was answered: neither a pass nor a failure of the path."""
    judged = report(Fault(match=call_over_udp, phase=Phase.STUN))
    assert ids(judged) == []
    assert row(judged, "call/media").verdict is RowVerdict.INCONCLUSIVE
    assert row(judged, "desktop/p2p-internet").verdict is RowVerdict.PASS


# Which calls are made


def asked(turn: Fault | None, *, quick: bool = False, transport: Transport = Transport.UDP) -> str:
    """Ask whether to call, where TURN ended as *turn* says."""
    flows = [one.flow for one in case().results if one.flow.transport is transport]
    beside = next(flow for flow in flows if flow.kind == "turn")
    call = next(flow for flow in flows if flow.kind == "call" and flow.target == beside.target)
    known = result(beside, turn) if turn else passed(beside)
    control = replace(result(beside, Fault(match=udp)), flow=replace(beside, id="a control", control_of=beside.id))
    return why_no_call(call, {"a control": control, beside.id: known}, quick=quick)


def test_a_call_is_made_where_turn_passes_or_only_its_handshake_fails() -> None:
    """The call must show the same then."""
    assert asked(None) == ""
    assert asked(Fault(match=udp, phase=Phase.DTLS)) == ""


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.INCONCLUSIVE])
def test_no_call_is_made_where_turn_does_not_pass(outcome: Outcome) -> None:
    """It would say the same once more; the row quotes TURN."""
    assert "did not pass on this way" in asked(Fault(match=udp, phase=Phase.STUN, outcome=outcome))
    assert verdicts(Fault(match=udp, phase=Phase.STUN)) == dict.fromkeys(ROWS, "degraded")


def test_no_call_is_made_where_too_few_packets_pass() -> None:
    """A control has counted them; other doors are not concerned."""
    flows = [one.flow for one in case().results if one.flow.kind in {"turn", "call"}]
    turn = next(flow for flow in flows if udp(flow))
    limit = result(replace(turn, id="pace"), Fault(match=udp, phase=Phase.STUN, cause=Cause.RATE_LIMITED))
    made = {call.transport: why_no_call(call, {"pace": limit}, quick=False) for call in flows if call.kind == "call"}
    assert made == {Transport.UDP: LIMITED, Transport.TLS: "", Transport.TCP: ""}
    for back, why in (
        (17, LIMITED),
        (70, ""),
    ):  # of datagrams sent fast; a limit told as loss, and a line that loses half
        paced = passed(replace(turn, id="pace"), Fault(match=udp, facts={"fast_sent": 150, "fast_back": back}))
        assert why_no_call(next(filter(call_over_udp, flows)), {"pace": paced}, quick=False) == why


def test_a_limit_of_packets_is_no_closed_range() -> None:
    """Large packets that are lost where only so many pass are lost by chance: nothing is said of the range."""
    flows = {name: next(f for one in case().results if (f := one.flow).kind == name) for name in ("turn", "udp-range")}
    turn = replace(flows["turn"], transport=Transport.UDP)
    span = replace(flows["udp-range"], target=replace(turn.target, port=49152))
    lost = result(turn, Fault(match=udp, phase=Phase.TURN_DATA, cause=Cause.LARGE_LOST))
    pace = result(
        replace(turn, id="pace", control_of=turn.id), Fault(match=udp, phase=Phase.STUN, cause=Cause.RATE_LIMITED)
    )
    assert [one.verdict.outcome for one in reviewed([lost, passed(span), pace])][1] is Outcome.PASS
    assert [one.verdict.outcome for one in reviewed([lost, passed(span)])][1] is Outcome.FAIL


@pytest.mark.parametrize(
    ("cause", "phase", "outcome"),
    [
        (Cause.CANNOT_TELL, Phase.DTLS, Outcome.FAIL),
        (Cause.CANNOT_TELL, Phase.TURN_DATA, Outcome.FAIL),
        (Cause.CANNOT_TELL, Phase.TURN_ALLOCATE, Outcome.INCONCLUSIVE),
        (Cause.BUDGET, Phase.DTLS, Outcome.INCONCLUSIVE),
    ],
)
def test_a_limit_of_packets_tells_what_losses_alone_could_not(cause: Cause, phase: Phase, outcome: Outcome) -> None:
    """What gets too little through the relay fails where a control shows that only so many packets pass."""
    turn = replace(next(f for one in case().results if (f := one.flow).kind == "turn"), transport=Transport.UDP)
    lossy = result(turn, Fault(match=udp, phase=phase, cause=cause, outcome=Outcome.INCONCLUSIVE))
    pace = result(
        replace(turn, id="pace", control_of=turn.id), Fault(match=udp, phase=Phase.STUN, cause=Cause.RATE_LIMITED)
    )
    assert reviewed([lossy, pace])[0].verdict.outcome is outcome


def test_a_call_goes_over_the_addresses_where_turn_passed() -> None:
    """What does not work there is TURN's to tell, once."""
    turn, call = (next(one.flow for one in case().results if one.flow.kind == name) for name in ("turn", "call"))
    alive = passed(turn)
    assert over_addresses(call, alive).params == {"addresses": " ".join(alive.verdict.alive)}
    assert over_addresses(call, None) == over_addresses(call, result(turn, Fault(match=udp))) == call


def test_in_a_hurry_only_the_call_over_udp_is_made() -> None:
    """The others are said to be left out."""
    assert asked(None, quick=True) == ""
    assert asked(None, quick=True, transport=Transport.TLS) == QUICK
