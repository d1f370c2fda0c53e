"""What each proxy is asked once, when it has opened a tunnel; and what the report makes of the answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.followups.policy import of_the_proxy
from rainbow_probe.model import Cause, Flow, Outcome, Phase, Report, Result, RowVerdict, Severity, Verdict, Via, Who
from rainbow_probe.report import as_html
from rainbow_probe.report.wording import let_through
from tests.judge_samples import OPEN_SITE, PROXY_SITE, Case, Fault, case, finding, guide, ids, proxied, step

PORT_25 = "proxy-policy/smtp.openrainbow.health:25/tcp/proxy/"
PLAIN = "proxy-policy/connectivitycheck.gstatic.com:80/tcp/proxy/"


def asked(found: Case) -> list[Flow]:
    """Return what is asked for in the run of *found*."""
    return follow_up(
        Sofar(guide=guide(), site=found.site, results={r.flow.id: r for r in found.results}), [of_the_proxy]
    )


def judged(answers: dict[str, bool | None]) -> Report:
    """Judge a site with a proxy which answers so to ids that begin so."""
    found = case(site=PROXY_SITE)
    controls = [_answer(flow, next(v for k, v in answers.items() if flow.id.startswith(k))) for flow in asked(found)]
    return replace(found, results=(*found.results, *controls)).judged()


def _answer(flow: Flow, lets: bool | None) -> Result:
    if lets is None:
        return Result(flow=flow, verdict=Verdict(outcome=Outcome.INCONCLUSIVE, reason="cannot be told"))
    verdict = Verdict(outcome=Outcome.PASS, reason="as the proxy says")
    noted = replace(step(flow, Phase.PROXY), facts={"lets_through": lets})
    return Result(flow=flow, verdict=verdict, steps=(noted,))


def test_a_proxy_is_asked_twice_and_no_more() -> None:
    """For a tunnel to port 25 of a host that nobody needs by a proxy, and for plain HTTP to the neutral host."""
    flows = asked(case(site=PROXY_SITE))
    assert [flow.id.startswith(begin) for flow, begin in zip(flows, (PORT_25, PLAIN), strict=True)] == [True, True]
    assert all(flow.control_of and flow.via is Via.PROXY for flow in flows)
    assert flows[1].params["expect_status"] == 204


def test_each_proxy_is_asked() -> None:
    """A PAC file may name several."""
    found = case(site=PROXY_SITE)
    through = [one for one in found.results if one.flow.via is Via.PROXY]
    other = replace(through[0], flow=replace(through[0].flow, id="other", proxy="http://other.test:8080"))
    assert len(asked(replace(found, results=(*found.results, other)))) == 4


def test_who_opens_nothing_is_not_asked() -> None:
    """Nor is anybody where there is no proxy."""
    assert asked(case(site=OPEN_SITE)) == []
    assert asked(case(Fault(match=proxied, phase=Phase.PROXY, cause=Cause.PROXY_DENIED), site=PROXY_SITE)) == []


@pytest.mark.parametrize("lets", [True, False])
def test_the_answers_stand_in_the_policy(lets: bool) -> None:
    """Beside what the rows showed, on the page too."""
    report = judged({PORT_25: lets, PLAIN: lets})
    assert (report.proxy_policy["connect_port_25"], report.proxy_policy["plain_http"]) == (lets, lets)
    assert report.verdict is RowVerdict.PASS
    line = let_through(report.proxy_policy)
    assert ("not port 25, plain HTTP" in line) is not lets
    assert line in as_html.dumps(report)


def test_a_tunnel_that_should_be_refused_is_advice() -> None:
    """It fails nothing."""
    report = judged({PORT_25: True, PLAIN: True})
    assert ids(report) == ["proxy-open-ports"]
    found = finding(report, "proxy-open-ports")
    assert (found.severity, found.who, found.rows) == (Severity.ADVICE, Who.PROXY, ())
    assert "port 25" in found.title


@pytest.mark.parametrize("port_25", [False, None])
def test_a_refusal_or_silence_is_none(port_25: bool | None) -> None:
    """And plain HTTP is nobody's fault either way; what is not known is left out."""
    report = judged({PORT_25: port_25, PLAIN: None})
    assert ids(report) == []
    assert "plain_http" not in report.proxy_policy
    assert ("connect_port_25" in report.proxy_policy) is (port_25 is False)
