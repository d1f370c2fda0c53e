"""Earlier runs beside this one: verdicts and lines of the same site, with gaps where nothing was measured."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from rainbow_probe.arguments import parser
from rainbow_probe.cli import main
from rainbow_probe.history.remembered import remembered
from rainbow_probe.history.store import open_store
from rainbow_probe.language import ENGLISH, language
from rainbow_probe.measures import Quality
from rainbow_probe.model import Report, RowVerdict
from rainbow_probe.options import Options, UsageError
from rainbow_probe.report import as_html
from rainbow_probe.report.as_json import dumps
from rainbow_probe.report.past import past_in, past_of
from rainbow_probe.report.trends import MOST_RUNS, Trends, trends
from rainbow_probe.session import perform, read_guide
from tests import measured_samples, trend_samples
from tests import report_samples as samples

REPORT = trend_samples.measured_site()
FAIL, PASS = RowVerdict.FAIL, RowVerdict.PASS


def drawn(runs: int, report: Report = REPORT) -> Trends:
    """Return what is drawn of *report* after so many earlier *runs*."""
    found = trends(report, trend_samples.past(runs), ENGLISH)
    assert found
    return found


def test_without_a_past_nothing_is_drawn() -> None:
    """Neither a section nor a link to it."""
    assert trends(REPORT, (), ENGLISH) is None
    assert "trends" not in as_html.dumps(REPORT).partition("<body>")[2]


def test_verdicts_stand_side_by_side() -> None:
    """Of all and of each client, with since when it is so; a client that was not asked for leaves its place empty."""
    found = drawn(7)
    whole, desktop = found.strips[:2]
    assert whole.verdicts == (PASS, PASS, FAIL, PASS, PASS, PASS, FAIL, FAIL)
    assert (whole.now, whole.since) == (FAIL, 2)
    assert (desktop.title, desktop.verdicts[trend_samples.ALONE]) == (REPORT.clients[0].title, None)
    assert (desktop.now, desktop.since) == (RowVerdict.DEGRADED, 1)
    assert found.times[-1] == REPORT.started


def test_what_was_measured_becomes_lines() -> None:
    """From left to right with what else it may be; broken where a run did not measure; with round ends of the axis."""
    quality, ramp = drawn(7).ways
    loss, jitter, delay, mos = quality.trends
    assert [trend.name for trend in quality.trends] == ["loss", "jitter", "delay", "mos"]
    assert [point and point.value for point in loss.points] == [0.0, 0.1, 0.2, None, 0.4, 0.5, 0.6, 1.0]
    assert (loss.low, loss.high, loss.now, loss.bottom, loss.top) == ("0", "1", "1", "0", "1.5")
    assert loss.line == "M62.5,100L187.5,93.3L312.5,86.7 M562.5,73.3L687.5,66.7L812.5,60L937.5,33.3"
    assert loss.band.count("Z") == 2
    assert loss.dots.count("h0") == 7
    assert (mos.bottom, mos.top, mos.now) == ("1", "5", "4.33")
    assert (jitter.now, delay.now) == ("4.2", "21")
    assert [(trend.name, trend.now) for trend in ramp.trends] == [("capacity", "1500")]


def test_what_is_not_the_same_measurement_is_not_joined() -> None:
    """Another codec has other numbers; and one number alone makes no line."""
    quality = replace(measured_samples.QUALITY, codec="Opus")
    results = [
        replace(one, verdict=replace(one.verdict, measured=quality))
        if isinstance(one.verdict.measured, Quality)
        else one
        for one in REPORT.results
    ]
    assert [way.trends[0].name for way in drawn(3, replace(REPORT, results=tuple(results))).ways] == ["capacity"]


def test_only_as_many_runs_as_can_be_told_apart() -> None:
    """The newest of them, and this one."""
    assert len(drawn(29).times) == MOST_RUNS
    many = (*trend_samples.past(20), *trend_samples.past(29))
    found = trends(REPORT, many, ENGLISH)
    assert found
    assert len(found.times) == MOST_RUNS


def test_it_is_read_aloud_and_in_figures() -> None:
    """Each drawing says what it shows, and a table has every number; in French as well."""
    text = as_html.dumps(REPORT, past=trend_samples.past(7))
    for part in (
        "Over the last 8 runs",
        "Verdict: FAIL in the last 2 of 8 runs",
        "Loss over 8 runs: 0 to 1 %, now 1",
        "since 2026-10-07 10:00 UTC (2 runs)",
        "0.4 (0.2-0.8) %",
        "new with this run",
    ):
        assert part in text, part
    assert len(re.findall(r'class="cell [a-z-]+"', text)) == 8 * (1 + len(REPORT.clients))
    french = as_html.dumps(REPORT, language("fr"), trend_samples.past(7))
    assert "depuis le 2026-10-07 10:00 UTC (2 exécutions)" in french
    assert "in all 8 runs" in as_html.dumps(
        replace(REPORT, verdict=FAIL), past=[replace(one, verdict=FAIL) for one in trend_samples.past(7)]
    )


def test_a_past_without_anything_measured_is_drawn_too() -> None:
    """Verdicts alone; also of reports that know nothing, or are hostile."""
    for report in (samples.nothing_known(), samples.hostile()):
        text = as_html.dumps(report, past=[past_of(report)] * 2)
        assert "Over the last 3 runs" in text
        assert "<script>alert" not in text


def test_the_same_is_read_from_a_report_and_from_its_json() -> None:
    """What is drawn later does not need the whole report to be read."""
    assert past_in(dumps(REPORT), "x") == past_of(REPORT)
    for text in ("{", "{}", '{"schema": "other"}'):
        with pytest.raises(UsageError, match=r"^x: "):
            past_in(text, "x")


def test_paper_tells_the_past_too() -> None:
    """In the words of the page."""
    text = as_html.page("paper.html.j2", "paper.css", REPORT, ENGLISH, trend_samples.past(7))
    assert "Over the last 8 runs" in text
    assert "Loss over 8 runs: 0 to 1 %, now 1; Jitter" in text
    assert "Over the last" not in as_html.page("paper.html.j2", "paper.css", REPORT, ENGLISH, ())


def test_runs_that_are_kept_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a run and later by its number; not those of another site, nor interrupted ones, nor what cannot be read."""
    monkeypatch.setenv("RAINBOW_PROBE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("RAINBOW_PROBE_STORE", "")
    page, guide = tmp_path / "report.html", read_guide(Options().guide, ())
    site = tmp_path / "clinic.toml"
    site.write_text('name = "clinic"\n', "utf-8")

    def ended(report: Report, *words: str) -> str:
        arguments = parser().parse_args(["run", "--quiet", "--site", str(site), "--html", str(page), *words])
        perform(arguments, guide, lambda _: report)
        return page.read_text("utf-8")

    assert "Over the last" not in ended(REPORT)
    ended(replace(REPORT, interrupted=True))
    with open_store(tmp_path / "data") as store:
        store.keep(REPORT, "elsewhere")
        store.keep(REPORT, "clinic")
        store.database.execute("UPDATE runs SET report = ? WHERE id = 4", (zlib.compress(b"{}"),))
    assert "Over the last" not in ended(REPORT, "--no-store")
    assert main(["report", "1", "--quiet", "--html", str(page)]) == 0
    assert "Over the last" not in page.read_text("utf-8")
    with open_store(tmp_path / "data") as store:
        assert remembered(store, "clinic", REPORT.guide_id) == (past_of(REPORT),)
        assert remembered(store, "clinic", "another") == ()
    assert "Over the last 2 runs" in ended(REPORT)
    assert main(["report", "last", "--quiet", "--html", str(page)]) == 0
    assert "Over the last 2 runs" in page.read_text("utf-8")
    stored = tmp_path / "run.json"
    stored.write_text(dumps(REPORT), "utf-8")
    assert main(["report", str(stored), "--quiet", "--html", str(page)]) == 0
    assert "Over the last" not in page.read_text("utf-8")
