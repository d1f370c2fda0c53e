"""Testing again: the rows that were named, and those that a report saw fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.model import Phase
from rainbow_probe.options import UsageError
from rainbow_probe.plan import make_plan, select_rows
from rainbow_probe.selection import chosen
from tests.judge_samples import Fault, guide, report, udp

NO_UDP = Fault(match=udp, phase=Phase.STUN)
SUMMED = {row.id for row in guide().rows if row.section.startswith("4.")} - {"os/dynamic-ports"}


@pytest.mark.parametrize(
    ("only", "rows"),
    [
        (["desktop/wss"], {"desktop/wss"}),
        (["desktop/wss", "room/fcm"], {"desktop/wss", "room/fcm"}),
        (["*/fcm"], {"mobile/fcm", "room/fcm"}),
        (["border/firewall"], {"border/firewall", *SUMMED}),
    ],
)
def test_rows_are_named(only: list[str], rows: set[str]) -> None:
    """By id or pattern; a sum brings what it sums up."""
    assert set(chosen(guide(), only=only)) == rows


def test_only_what_the_rows_need_is_tried() -> None:
    """And the controls, which tell causes apart."""
    rows = select_rows(guide(), (), chosen(guide(), only=["room/fcm"]))
    plan = make_plan(guide(), rows, (), lambda _: None)
    assert {flow.kind for flow in plan.flows} == {"push", "portal"}


def test_rows_that_failed_are_tried_again() -> None:
    """Those that were degraded or inconclusive too, and no others."""
    judged = report(NO_UDP)
    again = chosen(guide(), failed_in="my.json", report=judged)
    assert set(again) == {row.id for row in judged.rows if row.verdict in {"fail", "degraded", "inconclusive"}}
    assert {"webrtc-gateway/ice-turn", "desktop/p2p-internet"} <= set(again)


def test_both_together_are_narrower() -> None:
    """Rows that failed, of those named, of those clients."""
    judged = report(NO_UDP)
    again = chosen(guide(), only=["*/p2p-internet"], failed_in="my.json", report=judged, clients=["mobile"])
    assert again == ("mobile/p2p-internet",)


@pytest.mark.parametrize(
    ("only", "told"),
    [(["desktop/ws"], "did you mean desktop/wss"), (["xyzzy"], "'rainbow-probe list' has them all"), (["\n"], r"\\n")],
)
def test_a_row_that_is_none_is_refused(only: list[str], told: str) -> None:
    """With the closest ones; what was typed is shown escaped."""
    with pytest.raises(UsageError, match=told):
        chosen(guide(), only=only)


def test_a_selection_of_nothing_is_refused() -> None:
    """A run that tests nothing would pass."""
    with pytest.raises(UsageError, match="--only desktop/wss --client room: no row is left"):
        chosen(guide(), only=["desktop/wss"], clients=["room"])
    with pytest.raises(UsageError, match=r"my\.json: no row failed"):
        chosen(guide(), failed_in="my.json", report=report())


@pytest.mark.parametrize("change", ["guide", "row"])
def test_a_report_of_another_guide_is_refused(change: str) -> None:
    """Its rows are not this guide's."""
    judged = report(NO_UDP)
    failed = next(row for row in judged.rows if row.verdict == "fail")
    strange = replace(judged, guide_id="other") if change == "guide" else replace(
        judged, rows=(replace(failed, id="desktop/other"),))  # fmt: skip
    with pytest.raises(UsageError, match=r"--failed-in my\.json: made by the guide"):
        chosen(guide(), failed_in="my.json", report=strange)
