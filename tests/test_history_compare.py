"""What changed between two runs: pure comparison, in tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from rainbow_probe.history.compare import Change, compare, steps, verdict_change
from rainbow_probe.history.confirm import SecondTry, confirmed
from rainbow_probe.history.flaky import flaky, flips
from rainbow_probe.history.telling import details, headline, in_short, when
from rainbow_probe.language import language
from rainbow_probe.measures import Estimate, Measured, PortSurvey, Quality, Ramp
from rainbow_probe.model import Need, Report, Row, RowVerdict
from tests import measured_samples as measured
from tests import report_samples as samples

PASS, DEGRADED, FAIL = RowVerdict.PASS, RowVerdict.DEGRADED, RowVerdict.FAIL
UNTOLD, UNTESTED, ELSEWHERE = RowVerdict.INCONCLUSIVE, RowVerdict.NOT_TESTED, RowVerdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (PASS, PASS, None),
        (PASS, DEGRADED, Change.BROKE),
        (PASS, FAIL, Change.BROKE),
        (DEGRADED, FAIL, Change.BROKE),
        (UNTOLD, FAIL, Change.BROKE),
        (FAIL, DEGRADED, Change.HEALED),
        (FAIL, PASS, Change.HEALED),
        (PASS, UNTOLD, Change.UNCLEAR),
        (FAIL, UNTOLD, Change.UNCLEAR),
        (UNTOLD, PASS, Change.MOVED),
        (UNTESTED, FAIL, Change.MOVED),
        (UNTESTED, PASS, Change.MOVED),
        (PASS, UNTESTED, Change.MOVED),
        (FAIL, ELSEWHERE, Change.MOVED),
        (UNTOLD, UNTESTED, Change.MOVED),
    ],
)
def test_a_step_between_verdicts(before: RowVerdict, after: RowVerdict, change: Change | None) -> None:
    """Only what was known can break or heal; what is tried for the first time has no past."""
    assert verdict_change(before, after) is change


@pytest.mark.parametrize(
    ("stood", "first", "second", "told", "stands"),
    [
        (PASS, FAIL, FAIL, FAIL, FAIL),
        (PASS, FAIL, PASS, PASS, PASS),
        (PASS, FAIL, DEGRADED, DEGRADED, DEGRADED),
        (PASS, DEGRADED, FAIL, DEGRADED, DEGRADED),
        (PASS, FAIL, UNTOLD, UNTOLD, PASS),
        (PASS, UNTOLD, FAIL, UNTOLD, PASS),
        (PASS, UNTOLD, UNTOLD, UNTOLD, UNTOLD),
        (PASS, UNTOLD, DEGRADED, UNTOLD, PASS),
        (PASS, FAIL, UNTESTED, UNTOLD, PASS),
        (PASS, FAIL, None, UNTOLD, PASS),
        (DEGRADED, FAIL, PASS, UNTOLD, DEGRADED),
        (DEGRADED, PASS, FAIL, UNTOLD, DEGRADED),
        (FAIL, PASS, PASS, PASS, PASS),
        (FAIL, PASS, FAIL, FAIL, FAIL),
        (FAIL, PASS, DEGRADED, DEGRADED, DEGRADED),
        (FAIL, PASS, UNTOLD, UNTOLD, FAIL),
        (UNTOLD, FAIL, FAIL, FAIL, FAIL),
        (UNTOLD, FAIL, PASS, UNTOLD, UNTOLD),
    ],
)
def test_what_two_tries_together_say(
    stood: RowVerdict, first: RowVerdict, second: RowVerdict | None, told: RowVerdict, stands: RowVerdict
) -> None:
    """No change is told that only one of them saw, to whichever side; a row that did not change is left alone."""
    seen = site(("a", first), ("b", FAIL))
    seen = replace(
        seen, findings=tuple(replace(samples.broken_site().findings[0], id=each, rows=(each,)) for each in "ab")
    )
    again = SecondTry(
        report=replace(site(("a", second or UNTESTED)), interrupted=second is None),
        joined=lambda _: site(("a", second or UNTESTED), ("b", FAIL)),
    )
    found = confirmed({"a": stood, "b": FAIL}, seen, again, ("a",))
    assert [row.verdict for row in found.report.rows] == [told, FAIL]
    assert found.stays.get("a", told) is stands
    assert ("a" in found.stays) is (verdict_change(stood, second or UNTESTED) is not verdict_change(stood, first))
    assert found.report.interrupted is (second is None)
    if told is UNTOLD and first is not UNTOLD and second is not UNTOLD:
        assert [one.id for one in found.report.findings] == ["b"]
    reason = found.report.rows[0].reason
    assert ("twice" in reason) is (
        (second not in {first, None} and (told, first) != (DEGRADED, DEGRADED)) or second is None
    )
    assert re.findall(r"\b(?:the|time|twice)\b", language("fr").said(reason)) == []


def site(*rows: tuple[str, RowVerdict], need: Need = Need.MANDATORY, path: str = "") -> Report:
    """Return a report with these rows."""
    made = tuple(
        Row(id=name, client="desktop", section="4.1", title=name, need=need, verdict=verdict, reason="seen", path=path)
        for name, verdict in rows
    )
    return replace(samples.open_site(), rows=made, results=(), findings=())


@pytest.mark.parametrize(
    ("old", "new", "worse", "unclear", "said"),
    [
        (site(("a", PASS)), site(("a", PASS)), False, False, "Nothing changed."),
        (site(("a", PASS)), site(("a", FAIL)), True, False, "Worse than before: 1 row got worse (a)."),
        (site(("a", FAIL)), site(("a", PASS)), False, False, "Not worse than before: 1 row healed (a)."),
        (site(("a", PASS)), site(("a", UNTOLD)), False, True,
         "Whether it is worse than before cannot be told: 1 row cannot be told any more (a)."),
        (site(("a", PASS), ("b", FAIL)), site(("a", FAIL), ("b", PASS)), True, False,
         "Worse than before: 1 row got worse (a); 1 row healed (b)."),
        (site(("a", PASS), need=Need.OPTIONAL), site(("a", FAIL), need=Need.OPTIONAL), False, False,
         "Not worse than before: 1 row got worse (a)."),
        (site(("a", PASS), path="TLS/443"), site(("a", PASS), path="UDP/3478"), False, False,
         "Not worse than before: 1 row moved (a)."),
        (site(("a", PASS)), site(("b", FAIL)), False, False, "Nothing changed."),
    ],
)  # fmt: skip
def test_whether_it_got_worse(old: Report, new: Report, worse: bool, unclear: bool, said: str) -> None:
    """Optional rows, other paths and rows that only one run was asked for make nothing worse."""
    found = compare(old, new)
    assert (found.worse, found.unclear, headline(found)) == (worse, unclear, said)


def test_rows_and_findings_in_words() -> None:
    """Row by row with the reason, findings that came and went, and rows known to come and go."""
    old = replace(samples.broken_site(), findings=samples.broken_site().findings[:1])
    new = samples.broken_site()
    broken = new.rows[0].id
    old = replace(old, rows=tuple(replace(row, verdict=PASS) if row.verdict is FAIL else row for row in old.rows))
    lines = list(details(compare(old, new), {row.id: 3 for row in new.rows}))
    text = "\n".join(lines)
    worse = [row.id for row in new.rows if row.verdict is FAIL]
    assert f"Got worse ({len(worse)})" in text
    assert all(f"  {row}" in text for row in worse)
    assert "pass -> FAIL [comes and goes: changed 3 times lately]" in text
    assert f"New findings ({len(new.findings) - 1})" in text
    assert "udp-blocked: Outbound UDP is blocked, except DNS (BLOCKING; whoever runs the firewall)" in text
    assert broken not in worse or broken in text
    back = "\n".join(details(compare(new, old), {}))
    assert "Healed" in back
    assert "Findings that are gone" in back
    alone = "\n".join(details(compare(site(("a", PASS), ("b", PASS)), site(("a", PASS), ("c", PASS))), {}))
    assert alone == "\nOnly the older run was asked for: b\n\nOnly the newer run was asked for: c"


def test_another_way_is_told() -> None:
    """A row that passes as before, by another path, merely moved."""
    found = compare(site(("a", PASS), path="TLS/443"), site(("a", PASS), path="UDP/3478"))
    assert list(details(found, {})) == ["", "Moved (1)", "  a: pass as before, by UDP/3478 instead of TLS/443"]


def test_hostile_texts_stay_on_their_line() -> None:
    """No control and no newline of a report reaches the terminal."""
    for line in details(compare(samples.open_site(), samples.hostile()), {}):
        assert line.isprintable()


def with_quality(what: Measured) -> Report:
    """Return a report whose first check measured *what*."""
    report = samples.open_site()
    first = report.results[0]
    return replace(report, results=(replace(first, verdict=replace(first.verdict, measured=what)),))


def quality(loss: Sequence[float] = (1, 0.7, 1.5), delay: Sequence[float] = (20, 19, 21)) -> Quality:
    """Return the quality of a call with these estimates: value, low, high."""
    one, other = (Estimate(value=v, low=low, high=high) for v, low, high in (loss, delay))
    return replace(measured.QUALITY, loss_percent=one, delay_ms=other)


def survey(closed: Sequence[float]) -> PortSurvey:
    """Return a survey of ports with this share of them closed."""
    value, low, high = closed
    return replace(measured.PORTS, closed_percent=Estimate(value=value, low=low, high=high))


def ramp(capacity: float, *, at_least: bool = False) -> Ramp:
    """Return a ramp that found this capacity."""
    return replace(measured.RAMP, capacity_kbit_s=capacity, at_least=at_least)


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        (quality(), quality((1.4, 1.0, 2.0)), []),
        (quality(), quality((5, 4, 6)), [True]),
        (quality((5, 4, 6)), quality(), [False]),
        (quality((0.01, 0.01, 0.01)), quality((0.02, 0.02, 0.02)), []),
        (quality(), quality((5, 4, 6), (60, 59, 61)), [True, True]),
        (quality(), replace(quality((5, 4, 6)), streams=1), []),
        (survey((0, 0, 4.6)), survey((37, 27, 50)), [True]),
        (survey((0, 0, 4.6)), survey((3, 1, 9)), []),
        (ramp(8000), ramp(2000), [True]),
        (ramp(8000), ramp(2000, at_least=True), []),
        (ramp(2000), ramp(8000, at_least=True), [False]),
        (ramp(2000, at_least=True), ramp(8000), []),
        (ramp(2000), ramp(2500), []),
        (ramp(2000), quality(), []),
    ],
)
def test_quality_beyond_chance(before: Measured, after: Measured, worse: list[bool]) -> None:
    """Intervals that touch say nothing, and a difference that nobody hears neither; "at least" has no upper end."""
    found = compare(with_quality(before), with_quality(after))
    assert [one.worse for one in found.quality] == worse
    assert found.worse is (True in worse)
    assert bool(worse) is ("beyond chance" in "\n".join(details(found, {})))
    assert ("measured value" in headline(found)) is bool(worse)


def test_quality_in_words() -> None:
    """With both intervals, so that the reader can judge."""
    (found,) = compare(with_quality(quality()), with_quality(quality((5, 4, 6)))).quality
    assert str(found).endswith(": loss 1 % (0.7-1.5) -> 5 % (4-6) (worse)")
    (found,) = compare(with_quality(ramp(2000)), with_quality(ramp(8000, at_least=True))).quality
    assert str(found).endswith(": capacity 2000 kbit/s -> at least 8000 kbit/s (better)")


@pytest.mark.parametrize(
    ("verdicts", "count"),
    [
        ([], 0),
        ([PASS, PASS], 0),
        ([PASS, FAIL, FAIL], 1),
        ([PASS, FAIL, PASS], 2),
        ([PASS, UNTOLD, PASS, UNTESTED, FAIL], 1),
        ([DEGRADED, PASS, DEGRADED, PASS], 3),
    ],
)
def test_how_often_a_row_flipped(verdicts: list[RowVerdict], count: int) -> None:
    """What could not be told is passed over: it is no flip."""
    assert flips(verdicts) == count


def test_which_rows_come_and_go() -> None:
    """There and back again is flaky, a change that stays is not; the worst comes first."""
    runs = [{"a": PASS, "b": PASS, "c": FAIL}, {"a": FAIL, "b": FAIL}, {"a": PASS, "b": FAIL}, {"a": FAIL, "b": PASS}]
    assert list(flaky(runs).items()) == [("a", 3), ("b", 2)]


def test_steps_without_reports() -> None:
    """The list of runs knows verdicts only; rows that one run was not asked for are passed over."""
    found = steps({"a": PASS, "b": FAIL, "c": PASS}, {"a": FAIL, "b": PASS, "d": FAIL})
    assert in_short(found) == "1 row got worse (a); 1 row healed (b)"
    assert in_short(steps({"a": UNTESTED}, {"a": PASS})) == "1 row moved (a)"


def test_a_time_is_told_by_the_clock_on_the_wall() -> None:
    """What is no time is told as it stands."""
    assert len(when("2026-11-22T10:00:00Z")) == len("2026-11-22 10:00")
    assert when("whenever\x1b") == "whenever\\x1b"
