"""Controls that only a suspicion needs: asked for once, kept apart from what rows stand on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.model import Cause, Flow, Outcome, Phase, RowVerdict
from tests.judge_samples import OPEN_SITE, TURN, Case, Fault, case, guide, result, udp


def suspect_udp(sofar: Sofar) -> Iterable[Flow]:
    """Ask for a control of each TURN check over UDP that failed."""
    for one in sofar.ended("turn"):
        if udp(one.flow) and one.verdict.outcome is Outcome.FAIL:
            yield replace(one.flow, id=f"{one.flow.id}/control", control_of=one.flow.id)


def sofar(found: Case) -> Sofar:
    """Give the run of *found* when it has ended."""
    return Sofar(guide=guide(), site=OPEN_SITE, results={one.flow.id: one for one in found.results})


def test_where_nothing_is_wrong_nothing_is_followed_up() -> None:
    """By any follow-up there is: a site where all works is asked nothing more, but what its NAT is like."""
    assert {flow.kind for flow in follow_up(sofar(case()))} <= {"nat"}
    assert follow_up(sofar(case()), [suspect_udp]) == []


def test_a_control_is_asked_for_once() -> None:
    """However many follow-ups want it."""
    flows = follow_up(sofar(case(Fault(match=udp, phase=Phase.STUN))), [suspect_udp, suspect_udp])
    assert len(flows) == len({flow.id for flow in flows}) == 2 * len(TURN)
    assert all(flow.control_of for flow in flows)


def test_controls_are_not_followed_up_themselves() -> None:
    """Only what rows need is suspected."""
    found = case(Fault(match=udp, phase=Phase.STUN))
    controls = [replace(one, flow=replace(one.flow, control_of="another")) for one in found.results]
    assert follow_up(sofar(replace(found, results=tuple(controls))), [suspect_udp]) == []


def test_a_failing_control_fails_no_row_and_makes_no_finding() -> None:
    """It is evidence for the judge, and stands apart from what is judged."""
    found = case()
    first = next(one for one in found.results if one.flow.kind == "https")
    flow = replace(first.flow, id=f"{first.flow.id}/control", control_of=first.flow.id)
    control = result(flow, Fault(match=lambda _: True, phase=Phase.TLS, cause=Cause.RESET))
    followed = replace(found, results=(*found.results, control))
    scene, report = followed.scene(), followed.judged()
    assert scene.controls_of(first) == [control]
    assert control not in scene.results
    assert control not in scene.failing
    assert report.findings == found.judged().findings
    assert report.verdict is RowVerdict.PASS
    assert control in report.results
