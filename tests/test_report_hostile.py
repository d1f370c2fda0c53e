"""Reports whose every string is hostile, whatever strings the model has: nothing in any format can act.

The strings come from walking over the model's dataclasses, so that a field which is added is tested, too.
"""

from __future__ import annotations

import csv
import dataclasses
import itertools
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from html.parser import HTMLParser
from io import StringIO
from xml.etree import ElementTree as ET

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rich.console import Console

from rainbow_probe.model import Report
from rainbow_probe.report import as_csv, as_html, as_json, as_junit, as_markdown, as_nagios, as_prometheus, terminal
from rainbow_probe.report.progress import Progress
from tests.test_report_html import ATTRIBUTES, EMPTY, OURS

FEW = settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
TRICKS = [
    "\x1b[31m\x1b]0;owned\x07\x1b]8;;http://evil.example\x1b\\x\x1b]8;;\x1b\\",
    "\x9b31m\x9d0;owned\x9c\x90q\x9c\x85\x84",
    "\x00\x08\x7f\r\n\t\x0b\x0c\x0e\x0f",
    "\u202egnp.exe\u202c\u2066x\u2069\u200e\u061c",
    "\u200b\u200c\u200d\ufeff\u2060\u00ad",
    "\u2028\u2029\u0085",
    "\ud800\udfff\udcff x \ud83d",
    "\U000e0041\U000e007f\U0010fffe\ufffe\uffff",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    '"\' onmouseover="alert(1)" x=\'</title></style></pre></code></summary>',
    "<!-- --><![CDATA[ ]]> ]]> <?php ?> &amp; &#x1b; &lt;",
    "javascript:alert(1)",
    "[red]x[/red][link=http://evil.example]y[/link] :bomb: [/]",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "a;=cmd|' /C calc'!A0;\t-2+3+cmd",
    "+1\r\n-1\n\uff1d1",
    "%s %n {0} {x!r} $(id) `id` ${x}",
    "\u0301" * 40,
    "\u7530" * 300,
    "x" * 9000,
    "\\x1b[31m",
    "",
]
TEXTS = st.one_of(
    st.sampled_from(TRICKS),
    st.text(st.characters(), max_size=40),
    st.lists(st.sampled_from(TRICKS), max_size=3).map("".join),
)


def whole(texts: Sequence[str]) -> Report:
    """Make a report with two of everything the model has, and *texts*, one after the other, for its strings."""
    report = typing.cast("Report", one_of(Report, itertools.cycle(texts)))
    checks = tuple(result.flow.id for result in report.results)
    found = tuple(finding.id for finding in report.findings)
    rows = tuple(dataclasses.replace(row, checks=checks + row.checks, findings=found) for row in report.rows)
    return dataclasses.replace(report, rows=rows)


def one_of(kind: object, texts: Iterator[str]) -> object:
    """Make one value of a type of the model, with the next of *texts* wherever there is a string."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    plain: dict[object, object] = {bool: True, int: 1, float: 1.5, type(None): None}
    if kind is str:
        return next(texts)
    if kind in plain:
        return plain[kind]
    if origin in {typing.Union, types.UnionType}:
        return one_of(inside[0], texts)
    if origin is tuple:
        return (one_of(inside[0], texts), one_of(inside[0], texts))
    if origin is Mapping:
        return {one_of(inside[0], texts): one_of(inside[1], texts) for _ in range(2)}
    assert isinstance(kind, type), f"{kind}: say here how to make one"
    if issubclass(kind, Enum):
        return next(iter(kind))
    assert dataclasses.is_dataclass(kind), f"{kind}: say here how to make one"
    hints = typing.get_type_hints(kind)
    return kind(**{each.name: one_of(hints[each.name], texts) for each in dataclasses.fields(kind)})


REPORTS = st.lists(TEXTS, min_size=1, max_size=5).map(whole)


def acting(text: str) -> set[str]:
    """Give the characters of *text* that are neither to be seen nor blanks nor ends of lines."""
    return {char for char in text if not char.isprintable() and char != "\n"}


def page_of(report: Report, width: int, *, colour: bool = False) -> str:
    """Give the terminal's report."""
    stream = StringIO()
    console = Console(
        file=stream,
        width=width,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        force_terminal=colour,
        color_system="truecolor" if colour else None,
    )
    terminal.render(report, console)
    return stream.getvalue()


@FEW
@given(REPORTS, st.sampled_from([40, 80, 200]))
def test_nothing_reaches_a_terminal(report: Report, width: int) -> None:
    """Not in a pipe, and in colour nothing but the colours."""
    assert not acting(page_of(report, width))
    assert not acting(re.sub(r"\x1b\[[0-9;]*m", "", page_of(report, width, colour=True)))


@FEW
@given(REPORTS)
def test_json_is_plain_ascii_that_anybody_can_read(report: Report) -> None:
    """Without a control character, and without half a character, which strict readers refuse."""
    text = as_json.dumps(report)
    assert text.isascii()
    assert not acting(text)
    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")


class Page(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        super().__init__()
        self.open: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See that it is one of ours, and has none but our attributes."""
        assert tag in OURS
        self.scripts += tag == "script"
        for key, value in attrs:
            assert key in ATTRIBUTES
            assert key in {"hidden", "open"} or value is not None
            assert key != "href" or (value or "").startswith("#")
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """See that it ends what was opened last."""
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        """There are none."""
        raise AssertionError(data)

    unknown_decl = handle_pi = handle_comment


@FEW
@given(REPORTS)
def test_nothing_is_executable_in_html(report: Report) -> None:
    """Only our elements, with our attributes; every other character is text that can be seen."""
    text = as_html.dumps(report)
    assert not acting(text)
    assert text.lower().count("<script") == 1
    assert "<img" not in text.lower()
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert page.scripts == 1


@FEW
@given(REPORTS)
def test_junit_is_xml(report: Report) -> None:
    """Whatever the texts hold that XML cannot."""
    text = as_junit.dumps(report)
    assert not acting(text)
    root = ET.fromstring(text.encode())  # noqa: S314 - our own document, as a CI server reads it
    assert len(root.findall(".//testcase")) == len(report.rows)


@FEW
@given(REPORTS)
def test_no_cell_of_a_spreadsheet_is_a_formula(report: Report) -> None:
    """Not by the comma, and not where a spreadsheet of another country splits cells at the semicolon."""
    text = as_csv.dumps(report)
    assert not acting(text.replace("\r\n", "\n"))
    cells = [cell for line in csv.reader(StringIO(text, newline=""), strict=True) for cell in line]
    assert len(cells) == (len(report.rows) + 1) * len(as_csv.COLUMNS)
    for cell in [*cells, *(part for line in text.splitlines() for part in line.split(";"))]:
        assert (
            not cell.strip().strip('"').strip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
        )


@FEW
@given(REPORTS)
def test_nothing_reaches_the_line_of_progress(report: Report) -> None:
    """A name may come from a resolver, too."""
    progress = Progress(1)
    for result in report.results:
        progress.started(result.flow)
    assert not acting(progress.line())


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: ascii(trick)[:30])
def test_each_trick_in_every_place(trick: str) -> None:
    """One after the other, in every string at once: chance must not pass one over."""
    report = whole([trick])
    written = {
        "terminal": page_of(report, 80),
        "html": as_html.dumps(report),
        "json": as_json.dumps(report),
        "junit": as_junit.dumps(report),
        "csv": as_csv.dumps(report).replace("\r\n", "\n"),
        "markdown": as_markdown.dumps(report),
        "nagios": as_nagios.dumps(report),
        "prometheus": as_prometheus.dumps(report),
    }
    for form, text in written.items():
        assert not acting(text), form
