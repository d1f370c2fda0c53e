"""Markdown for a ticket, a monitoring server's line, metrics: read by the readers they are for."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rainbow_probe.model import Need, Outcome, Report, Row, RowVerdict, Rule, Step
from rainbow_probe.outputs import put
from rainbow_probe.report import as_json, as_markdown, as_nagios, as_prometheus
from rainbow_probe.terms import Phase
from tests import measured_samples
from tests import report_samples as samples
from tests.commands import ROOT, command

ALL = [samples.broken_site, samples.open_site, samples.hostile, samples.crowded, samples.nothing_known]
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def measured() -> Report:
    """Make the broken site's report with one of each measured thing, and a certificate."""
    report = samples.broken_site()
    tls = Step(phase=Phase.TLS, subject="x", at=0, took=0.1, facts={"not_after": "2027-01-01T00:00:00+00:00"})
    drawn = [
        replace(result, steps=(tls,), verdict=replace(result.verdict, measured=each))
        for result, each in zip(report.results, measured_samples.ALL, strict=False)
    ]
    return replace(report, results=(*drawn, *report.results[len(drawn) :]))


def tokens(text: str) -> list[Token]:
    """Read Markdown as a ticket system does; those within lines too."""
    read = READER.parse(text)
    return [*read, *(child for token in read for child in token.children or [])]


@pytest.mark.parametrize("make", ALL)
def test_markdown_holds_no_markup_of_others(make: Callable[[], Report]) -> None:
    """No link, no picture, no HTML, and no heading but ours, whatever a peer has sent."""
    report = make()
    read = tokens(as_markdown.dumps(report))
    kinds = {token.type for token in read}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "code_block", "s_open", "em_open"}
    rows = any(row.verdict in {"fail", "degraded", "inconclusive"} for row in report.rows)
    assert sum(token.type == "heading_open" for token in read) == 1 + len(report.findings) + rows
    assert sum(token.type == "fence" for token in read) == sum(len(finding.rules) for finding in report.findings)


def test_markdown_says_what_to_do() -> None:
    """Verdict, clients, findings with the rule as it stands, and the rows that do not pass."""
    text = as_markdown.dumps(samples.broken_site())
    assert text.startswith("# FAIL: Sign-in and messages work; calls work on desktops only")
    assert "\n```\ndirection:   outbound, replies allowed\nsource: " in text
    assert "- **Who acts**: whoever runs the firewall\n" in text
    assert re.search(r"\| FAIL \| .+ \| .+ \| `mobile/fcm` \|", text)
    assert "`desktop/https`" not in text
    assert "28 rows pass; 38 were not tested or do not apply." in text


@pytest.mark.parametrize("rule", ["a\n```\n# b", "`````", "plain"])
def test_a_rule_stays_in_its_fence(rule: str) -> None:
    """It is longer than any within."""
    report = samples.broken_site()
    finding = replace(report.findings[0], rules=(Rule(format="text", text=rule),))
    fences = [t for t in tokens(as_markdown.dumps(replace(report, findings=(finding,)))) if t.type == "fence"]
    assert [fence.content for fence in fences] == [f"{rule}\n"]


@pytest.mark.parametrize("value", ["a`b", "``", "`", "", " ", "a|b", "x"])
def test_code_reads_as_it_is(value: str) -> None:
    """Backticks too; a bar, which would end a table's cell, looks nearly so."""
    [paragraph] = [token for token in READER.parse(f"a {as_markdown.code(value)} z") if token.type == "inline"]
    found = [child.content for child in paragraph.children or [] if child.type == "code_inline"]
    assert "".join(found).strip() == value.replace("|", "¦").strip()


def judged(verdict: RowVerdict, *, need: Need = Need.MANDATORY, interrupted: bool = False) -> Report:
    """Make a report of one row."""
    row = Row(id="a/b", client="a", section="1", title="t", need=need, verdict=verdict, reason="because")
    return replace(
        samples.broken_site(), rows=(row,), verdict=verdict, findings=(), results=(), interrupted=interrupted
    )


@pytest.mark.parametrize(
    ("report", "strict", "status"),
    [
        (judged(RowVerdict.PASS), False, 0),
        (judged(RowVerdict.DEGRADED), False, 1),
        (judged(RowVerdict.DEGRADED), True, 2),
        (judged(RowVerdict.FAIL), False, 2),
        (judged(RowVerdict.FAIL, interrupted=True), False, 2),
        (replace(judged(RowVerdict.FAIL, need=Need.OPTIONAL), verdict=RowVerdict.PASS), False, 0),
        (judged(RowVerdict.INCONCLUSIVE), False, 3),
        (judged(RowVerdict.NOT_TESTED), False, 3),
        (judged(RowVerdict.PASS, interrupted=True), False, 3),
    ],
)
def test_a_plugins_status(report: Report, strict: bool, status: int) -> None:
    """As the guidelines have them; the word in the line is the same."""
    assert as_nagios.status(report, strict=strict) == status
    assert as_nagios.dumps(report, strict=strict).startswith(f"RAINBOW {as_nagios.NAMES[status]}: ")


DATUM = re.compile(r"[a-z_0-9]+=[0-9.]+(?:s|ms|%)?;;;0(?:;[0-9]+)?")


@pytest.mark.parametrize("make", [*ALL, measured])
def test_a_plugins_line_is_one_with_performance_data(make: Callable[[], Report]) -> None:
    """One bar in the first line, none in the others; label=value[unit];warn;crit;min;max."""
    first, *rest = as_nagios.dumps(make()).rstrip("\n").split("\n")
    said, data = first.split(" | ")
    assert "|" not in said + "".join(rest)
    assert all(DATUM.fullmatch(each) for each in data.split(" "))
    assert len(rest) == len(make().findings)


def test_a_plugin_measures() -> None:
    """What a graph is drawn of."""
    data = as_nagios.dumps(measured()).split("\n")[0].split(" | ")[1]
    assert data.startswith("rows_pass=28;;;0;83 rows_degraded=8;;;0;83 rows_fail=8;;;0;83 ")
    assert data.endswith("time=8.235s;;;0 loss_1=1.000%;;;0;100 jitter_1=4.200ms;;;0 delay_1=21.000ms;;;0")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is missing: run tests/setup.sh")
@pytest.mark.parametrize("make", [measured, *ALL])
def test_prometheus_has_nothing_against_it(make: Callable[[], Report]) -> None:
    """Its own tool reads it, and finds every name and unit as it should be."""
    done = subprocess.run(
        ["promtool", "check", "metrics"],  # noqa: S607 - where setup.sh has put it
        input=as_prometheus.dumps(make()).encode(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_metrics_say_what_was_judged_and_measured() -> None:
    """States of verdicts, checks that could be told, base units."""
    lines = as_prometheus.dumps(measured()).splitlines()
    first = 'check="https/openrainbow.health:443/tls/proxy"'
    assert 'rainbow_probe_verdict{verdict="fail"} 1' in lines
    assert 'rainbow_probe_row_verdict{row="mobile/fcm",need="recommended",verdict="fail"} 1' in lines
    assert 'rainbow_probe_finding{finding="udp-blocked",severity="blocking",who="firewall"} 1' in lines
    assert 'rainbow_probe_findings{severity="advice"} 1' in lines
    assert "rainbow_probe_run_start_time_seconds 1795341600" in lines
    told = {line.rpartition(" ")[0].split("{")[0]: line for line in lines if first in line or "stream" in line}
    assert told["rainbow_probe_check_success"].endswith(
        ',kind="https",host="openrainbow.health",port="443",transport="tls",via="proxy"} 1'
    )
    assert told["rainbow_probe_certificate_not_after_timestamp_seconds"].endswith(" 1798761600")
    assert told["rainbow_probe_stream_loss_ratio"].endswith(" 0.01")
    assert told["rainbow_probe_ports_closed_ratio"].endswith('ports="49152-65535"} 0.375')
    capacity = next(line for line in lines if line.startswith("rainbow_probe_capacity_bytes_per_second{"))
    assert capacity.endswith('direction="round-trip"} 187500')


def test_what_cannot_be_told_is_neither_one_nor_zero() -> None:
    """An inconclusive check has no success; a skipped one took no time."""
    report = samples.broken_site()
    [one, two, *_] = report.results
    results = tuple(
        replace(result, verdict=replace(result.verdict, outcome=outcome))
        for result, outcome in ((one, Outcome.INCONCLUSIVE), (two, Outcome.SKIPPED))
    )
    text = as_prometheus.dumps(replace(report, results=results, started="yesterday"))
    assert "check_success" not in text
    assert "start_time" not in text
    assert text.count("rainbow_probe_check_duration_seconds{") == 1


def test_a_reader_never_finds_half_of_it(tmp_path: Path) -> None:
    """The new file takes the old one's place, readable for others, and leaves nothing beside it."""
    path = tmp_path / "rainbow.prom"
    path.write_text("old\n")
    with path.open() as reader:
        put(str(path), "new\n", whole=True)
        assert reader.read() == "old\n"
    assert path.read_text() == "new\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_through_a_link_its_target_is_replaced(tmp_path: Path) -> None:
    """A link stays one."""
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.prom"
    link.symlink_to(tmp_path / "there" / "real.prom")
    put(str(link), "new\n", whole=True)
    assert link.is_symlink()
    assert (tmp_path / "there" / "real.prom").read_text() == "new\n"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep the broken site's report in a file."""
    path = tmp_path_factory.mktemp("stored") / "run.json"
    path.write_text(as_json.dumps(samples.broken_site()))
    return path


def test_a_stored_report_is_written_in_every_format(stored: Path, tmp_path: Path) -> None:
    """By one command; the exit status does not judge, and the screen stays empty if it shall."""
    files = {name: tmp_path / name for name in ("html", "markdown", "junit", "csv", "prometheus", "json", "rules")}
    asked = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    ended = command("report", str(stored), "--quiet", *asked)
    assert (ended.status, ended.out, ended.err) == (0, "", "")
    for name, path in files.items():
        assert path.stat().st_size > 200, name
    assert files["json"].read_text() == stored.read_text()
    assert "Outbound UDP is blocked" in files["html"].read_text("utf-8")


def test_a_stored_report_is_shown(stored: Path) -> None:
    """As the run showed it; as Markdown on standard output and nothing else."""
    assert "Outbound UDP is blocked, except DNS" in command("report", str(stored)).out
    assert command("report", str(stored), "--markdown", "-").out.startswith("# FAIL: ")


def test_a_monitoring_server_is_told(stored: Path, tmp_path: Path) -> None:
    """The plugin's line and status; wrong use is UNKNOWN, never critical."""
    ended = command("report", str(stored), "--format", "nagios")
    assert (ended.status, ended.out.split(":")[0]) == (2, "RAINBOW CRITICAL")
    gone = command("report", str(tmp_path / "gone.json"), "--format", "nagios")
    assert (gone.status, gone.out.split(":")[0]) == (3, "RAINBOW UNKNOWN")
    assert "No such file" in gone.out
    wrong = command("report", "--format", "nagios")
    assert (wrong.status, wrong.out) == (3, "RAINBOW UNKNOWN: the command line is wrong; see standard error\n")
    assert "usage:" in wrong.err


def test_one_report_goes_to_standard_output(stored: Path) -> None:
    """Two would be none."""
    ended = command("report", str(stored), "--json", "-", "--markdown", "-")
    assert ended.status == 2
    assert "only one report goes to standard output, not --json and --markdown" in ended.err


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    """Half a character is no UTF-8; nothing is left beside."""
    path = tmp_path / "rainbow.prom"
    path.write_text("old\n")
    with pytest.raises(UnicodeEncodeError):
        put(str(path), "new \ud800\n", whole=True)
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_the_page_on_reports_has_every_metric() -> None:
    """And no other."""
    page = (ROOT / "docs" / "reports.md").read_text("utf-8")
    written = set(re.findall(r"^# TYPE (\w+)", as_prometheus.dumps(measured()), flags=re.MULTILINE))
    assert set(re.findall(r"`(rainbow_probe_\w+)`", page)) == written
