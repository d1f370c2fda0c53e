"""CSV for a spreadsheet, JUnit XML for a CI server: read back by the readers they are for."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from xml.etree import ElementTree as ET

import pytest
from junitparser import JUnitXml

from rainbow_probe.model import Report, RowVerdict
from rainbow_probe.report import as_csv, as_junit
from tests import report_samples as samples

ALL = [samples.broken_site, samples.open_site, samples.hostile, samples.crowded, samples.nothing_known]


def read_csv(report: Report) -> list[dict[str, str]]:
    """Write *report* as CSV and read it back."""
    return list(csv.DictReader(StringIO(as_csv.dumps(report), newline=""), strict=True))


def read_junit(report: Report) -> ET.Element:
    """Write *report* as JUnit XML and read it back."""
    return ET.fromstring(as_junit.dumps(report).encode())  # noqa: S314 - our own document, as a CI server reads it


@pytest.mark.parametrize("make", ALL)
def test_csv_has_one_line_a_row(make: Callable[[], Report]) -> None:
    """Every row of the guide is one line with as many cells as the header, whatever its texts hold."""
    report = make()
    lines = read_csv(report)
    assert [line["id"] for line in lines] == [row.id for row in report.rows]
    assert [line["verdict"] for line in lines] == [row.verdict for row in report.rows]
    assert as_csv.dumps(report).count("\r\n") == len(report.rows) + 1
    assert all(tuple(line) == as_csv.COLUMNS and None not in line.values() for line in lines)


def test_csv_cells_hold_what_the_row_says() -> None:
    """Lists are in one cell, separated by spaces."""
    line = next(line for line in read_csv(samples.broken_site()) if line["id"] == "mobile/p2p-internet")
    assert (line["client"], line["section"], line["need"]) == ("mobile", "4.2", "mandatory")
    assert line["findings"] == "udp-blocked direct-443-blocked"
    assert line["destination"] == "TURN servers: UDP/3478, else TLS/443"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("\t=1", "\\x09=1"),
        ("\r\n=1", "\\x0d\\x0a=1"),
        ("a=b", "a=b"),
        ('say "x", y', 'say "x", y'),
    ],
)
def test_no_cell_is_a_formula(text: str, cell: str) -> None:
    """What a spreadsheet would run as a formula is marked as text; controls are shown."""
    report = samples.broken_site()
    [line] = read_csv(replace(report, rows=(replace(report.rows[0], reason=text),)))
    assert line["reason"] == cell


@pytest.mark.parametrize("make", ALL)
def test_junit_counts_agree(make: Callable[[], Report]) -> None:
    """The numbers in the heads are those of the cases; the document survives any text."""
    report = make()
    root = read_junit(report)
    assert int(root.attrib["tests"]) == len(report.rows) == len(root.findall(".//testcase"))
    for part in (root, *root):
        assert int(part.attrib["tests"]) == len(part.findall(".//testcase"))
        assert int(part.attrib["failures"]) == len(part.findall(".//failure"))
        assert int(part.attrib["skipped"]) == len(part.findall(".//skipped"))


@pytest.mark.parametrize(
    ("verdict", "tag"),
    [
        (RowVerdict.PASS, None),
        (RowVerdict.DEGRADED, None),
        (RowVerdict.FAIL, "failure"),
        (RowVerdict.INCONCLUSIVE, "skipped"),
        (RowVerdict.NOT_TESTED, "skipped"),
        (RowVerdict.NOT_APPLICABLE, "skipped"),
    ],
)
def test_junit_verdicts(verdict: RowVerdict, tag: str | None) -> None:
    """Only a row that fails is a failure; what could not be judged is skipped, and says why."""
    report = samples.broken_site()
    [case] = read_junit(replace(report, rows=(replace(report.rows[0], verdict=verdict, reason="so"),))).iter("testcase")
    found = next((child for child in case if child.tag in {"failure", "skipped", "error"}), None)
    assert (found.tag if found is not None else None) == tag
    if found is not None:
        assert found.attrib["message"].endswith("so")


def test_junit_failure_says_what_to_do() -> None:
    """A failure carries the need of its row, who must act, the fix and the rule."""
    root = read_junit(samples.broken_site())
    [failure] = root.findall(".//testcase[@name='mobile/fcm']/failure")
    assert failure.attrib == {"type": "recommended", "message": "no answer on 5228, 5229 and 5230"}
    assert failure.text is not None
    assert "whoever runs the firewall" in failure.text
    assert "Let TCP/5228-5230 out to mtalk.google.com" in failure.text
    assert "to mtalk.google.com, ports 5228, 5229, 5230" in failure.text


def test_junit_time_is_that_of_the_slowest_check() -> None:
    """Checks run side by side: a row took as long as its slowest check, and one without checks took no time."""
    times = {case.attrib["name"]: case.attrib["time"] for case in read_junit(samples.broken_site()).iter("testcase")}
    assert (times["desktop/https"], times["desktop/p2p-lan"]) == ("0.235", "0.000")


def test_junit_loads_where_others_load_it() -> None:
    """By a library that CI servers' tools stand on: suites, cases, results, times."""
    read = JUnitXml.fromstring(as_junit.dumps(samples.broken_site()).encode())
    cases = {case.name: case for suite in read for case in suite}
    assert (read.tests, read.failures, read.skipped) == (83, 8, 39)
    assert cases["mobile/fcm"].result[0].type == "recommended"
    assert cases["desktop/https"].is_passed
    assert cases["desktop/p2p-lan"].is_skipped
