"""A transfer through each proxy, with ``--full``; and what the judge makes of one that was cut."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.followups.volume import past_the_proxy, transfers
from rainbow_probe.model import Cause, Failure, Flow, Outcome, Phase, Result, RowVerdict, Severity, Verdict, Via, Who
from tests.judge_samples import OPEN_SITE, PROXY_SITE, Case, Fault, both, case, finding, guide, ids, kind, proxied

CUT = Failure(phase=Phase.TURN_DATA, cause=Cause.CUT_AFTER_BYTES, detail="cut after 250 KB (closed), and after 250 KB")


def asked(found: Case, *, full: bool = True) -> list[Flow]:
    """Return what is asked for in the run of *found*."""
    results = {one.flow.id: one for one in found.results}
    return follow_up(Sofar(guide=guide(), site=found.site, results=results, full=full), [transfers, past_the_proxy])


def without_data() -> Case:
    """Give a site with a proxy, for which there are no TURN credentials."""
    found = case(site=PROXY_SITE)
    return found.with_each(lambda r: replace(r, steps=tuple(s for s in r.steps if s.phase is not Phase.TURN_DATA)))


def test_one_transfer_over_the_relay() -> None:
    """Through the proxy, once."""
    flows = asked(case(site=PROXY_SITE))
    assert [(flow.kind, flow.params["over"], flow.via) for flow in flows] == [("volume", "relay", Via.PROXY)]
    assert flows[0].control_of


def test_without_credentials_it_is_requests() -> None:
    """To the REST API, whose answers are small."""
    flows = asked(without_data())
    assert [(flow.params["over"], flow.target.host) for flow in flows] == [("requests", "openrainbow.health")]


@pytest.mark.parametrize(
    "found",
    [
        case(site=OPEN_SITE),
        case(Fault(match=both(proxied, kind("turn")), phase=Phase.PROXY, cause=Cause.TIMEOUT), site=PROXY_SITE),
    ],
)
def test_where_no_call_goes_through_a_proxy_nothing_is_asked(found: Case) -> None:
    """There is nothing to find out."""
    assert asked(found) == []


def test_it_is_asked_with_time_only() -> None:
    """A usual run sends no megabytes."""
    assert asked(case(site=PROXY_SITE), full=False) == []


def ended(flow: Flow, *, cut: bool) -> Result:
    """Make the result of a transfer."""
    if not cut:
        return Result(flow=flow, verdict=Verdict(outcome=Outcome.PASS, reason="1517 KB pass on one connection"))
    return Result(flow=flow, verdict=Verdict(outcome=Outcome.FAIL, reason=str(CUT), failure=CUT))


def cut_case(found: Case, *, past: bool | None) -> Case:
    """Let the transfer through the proxy be cut, and the one past it: not be tried (None), be cut, or pass."""
    through = ended(asked(found)[0], cut=True)
    found = replace(found, results=(*found.results, through))
    beside = [flow for flow in asked(found) if flow.via is Via.DIRECT]
    assert [flow.control_of for flow in beside] == [through.flow.id]
    more = [] if past is None else [ended(flow, cut=past) for flow in beside]
    return replace(found, results=(*found.results, *more))


@pytest.mark.parametrize("past", [None, False])
def test_a_proxy_that_cuts_by_size_degrades(past: bool | None) -> None:
    """No row stands on it, and calls feel it; a relay itself cuts nothing by its size."""
    report = cut_case(case(site=PROXY_SITE), past=past).judged()
    assert ids(report) == ["proxy-byte-cut"]
    found = finding(report, "proxy-byte-cut")
    assert (found.severity, found.who) == (Severity.DEGRADING, Who.PROXY)
    assert "250 KB" in found.detail
    assert len(found.proof) == (1 if past is None else 2)
    assert report.verdict is RowVerdict.PASS


def test_what_is_cut_past_the_proxy_too_is_not_its_doing() -> None:
    """Nor is it known whose."""
    assert ids(cut_case(case(site=PROXY_SITE), past=True).judged()) == []


@pytest.mark.parametrize(("past", "expected"), [(None, []), (True, []), (False, ["proxy-byte-cut"])])
def test_a_web_server_may_cut_by_itself(past: bool | None, expected: list[str]) -> None:
    """So the way past the proxy must show that it does not."""
    assert ids(cut_case(without_data(), past=past).judged()) == expected
