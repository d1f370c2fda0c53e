"""The published figures are counted rightly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.lab import accuracy, accuracy_page
from tests.lab.figures import Observed, Verdicts, figures
from tests.lab.scenario import Check, Expected, Scenario

ADVICE = {"id": "addresses-moved", "severity": "advice"}


def observed(
    outcome: str = "pass",
    verdict: str = "pass",
    *findings: str,
    expect: Expected | None = None,
    noisy: bool = False,
    site: str = "here",
    dig: str = "198.18.0.1",
) -> Observed:
    """Return a run with one check, one row and *findings*; all must pass there unless *expect* says otherwise."""
    plan = Scenario(title="", expect=expect or Expected(exit=0, verdict="pass"), noisy=noisy)
    report: dict[str, Any] = {
        "checks": [{"id": "dns/a:53/udp/direct", "kind": "dns", "outcome": outcome}],
        "rows": [{"id": "desktop/https", "client": "desktop", "verdict": verdict}],
        "findings": [*({"id": one, "severity": "blocking"} for one in findings), ADVICE],
    }
    return Observed(site=site, scenario=plan, report=report, answers={"dig": {"a": dig}})


def expecting(outcome: str, *findings: str, row: str = "pass", may: tuple[str, ...] = ()) -> Expected:
    """Return what a site file expects of that one check, that row, and the findings."""
    checks = (Check(id="dns/*", outcome=outcome),)
    return Expected(exit=0, verdict="pass", checks=checks, findings=findings, rows={"desktop/*": row}, may=may)


@pytest.mark.parametrize(
    ("outcome", "wanted", "dig", "kind"),
    [
        ("pass", "pass", "198.18.0.1", "true_passes"),
        ("pass", "fail", "NXDOMAIN", "false_passes"),
        ("fail", "fail", "NXDOMAIN", "true_fails"),
        ("fail", "pass", "198.18.0.1", "false_fails"),
        ("fail", "pass|fail", "NXDOMAIN", "either"),
        ("inconclusive", "pass", "198.18.0.1", "untold"),
        ("inconclusive", "inconclusive|fail", "NXDOMAIN", "untold_as_expected"),
        ("pass", "pass", "NXDOMAIN", "false_passes"),
        ("fail", "pass|fail", "198.18.0.1", "false_fails"),
    ],
)
def test_a_check_is_counted_by_what_is_true(outcome: str, wanted: str, dig: str, kind: str) -> None:
    """The site file says what is true, and the oracle has the last word."""
    found = figures([observed(outcome, expect=expecting(wanted), dig=dig)]).checks["dns"]
    assert getattr(found, kind) == found.total == 1


def test_what_was_not_tried_is_no_verdict() -> None:
    """Neither right nor wrong."""
    found = figures([observed("skipped", "not-tested")])
    assert found.checks["dns"].total == found.rows["desktop"].total == 0


def test_a_control_is_no_verdict_on_the_site() -> None:
    """It may end as it likes: it tells causes apart."""
    run = observed("fail")
    run.report["checks"][0]["control_of"] = "https/a:443/tls/direct"
    assert figures([run]).checks == {}


def test_a_run_without_time_is_left_out_and_told() -> None:
    """It says of itself that it could not listen: that is no verdict on the network."""
    found = figures([replace(observed("inconclusive"), starved=True), observed()])
    assert (found.runs, found.starved, found.checks["dns"].untold) == (1, ["here"], 0)
    assert "are not counted: here (1 x)." in accuracy_page.page(found)


def test_a_degraded_row_is_a_pass() -> None:
    """The client works, by a detour."""
    rows = figures([observed(verdict="degraded"), observed(verdict="fail")]).rows["desktop"]
    assert (rows.true_passes, rows.false_fails) == (1, 1)


def test_planted_causes_are_named_missed_or_invented() -> None:
    """Advice is none, and what a site file allows is none either."""
    plan = expecting("pass", "udp-blocked|udp-odd", may=("tcp-*",))
    found = figures([observed("pass", "pass", "udp-odd", "tcp-80-cut", expect=plan), observed("pass", expect=plan)])
    cause = found.causes["udp-blocked|udp-odd"]
    assert (cause.named, cause.missed, cause.sites) == (1, ["here"], {"here"})
    assert found.invented == {}
    assert figures([observed("pass", "pass", "offline", site="there", expect=plan)]).invented == {"offline": ["there"]}


def test_another_verdict_at_the_same_site_is_a_flip() -> None:
    """Checks, rows and findings alike; another site may differ."""
    found = figures([observed(), observed("inconclusive"), observed("fail", "fail", "offline", site="there")])
    assert found.flips == {"here": ["dns/a:53/udp/direct: 1 x inconclusive, 1 x pass"]}
    again = figures([observed(), observed("pass", "degraded", "offline")]).flips["here"]
    assert again == [
        "desktop/https: 1 x degraded, 1 x pass",
        "findings: 1 x addresses-moved, 1 x addresses-moved offline",
    ]


@pytest.mark.parametrize(
    ("run", "missed"),
    [
        (observed(), False),
        (observed("inconclusive"), False),
        (observed("fail"), True),
        (observed("pass", "fail"), True),
        (observed("pass", "pass", "offline"), True),
        (observed(expect=expecting("pass", "offline")), True),
        (observed(dig="NXDOMAIN"), True),
    ],
)
def test_a_goal_is_missed(run: Observed, missed: bool) -> None:
    """By a false verdict, a cause that is not named, or one that was not there."""
    assert accuracy.missed(figures([run])) is missed


def test_the_page_has_all_figures() -> None:
    """Numbers, causes with their sites, and what was wrong."""
    plan = expecting("pass", "udp-blocked|udp-odd")
    runs = [
        observed("fail", "pass", "offline", expect=plan, noisy=True),
        observed("pass", "pass", "udp-odd", expect=plan),
    ]
    found = figures(runs)
    told = accuracy_page.page(found)
    assert "2 times at 1 simulated sites" in told
    assert "| `dns` | 1 | 0 | 0 | 1 | 0 | 0 | 0 |" in told
    assert "| `udp-blocked &#124; udp-odd` | 1 | 1 | here (1 x) |" in told
    assert "| every planted cause is named | 1 of 2 |" in told
    assert "Named without having been planted: `offline` here (1 x)." in told
    assert "- here: dns/a:53/udp/direct: 1 x fail, 1 x pass; findings" in told
    assert accuracy_page.wrong(found).splitlines() == [
        "here: dns/a:53/udp/direct is fail (1 x)",
        "here: udp-blocked|udp-odd is not named (1 x)",
        "here: offline was not planted (1 x)",
        "here: dns/a:53/udp/direct is fail; dig 198.18.0.1: works (1 x)",
    ]


def test_nothing_wrong_is_said_so() -> None:
    """No empty lists on the page."""
    told = accuracy_page.page(figures([observed(), observed()]))
    assert "Named without having been planted: none." in told
    assert "Every check, row and finding came out the same" in told
    assert accuracy_page.wrong(figures([observed()])) == ""


def test_shares() -> None:
    """Of nothing, nothing."""
    assert [accuracy_page.share(1, 300), accuracy_page.share(0, 0)] == ["0.33 %", "0 %"]
    assert accuracy_page.together([Verdicts(untold=1), Verdicts(untold=2, either=1)]).total == 4
