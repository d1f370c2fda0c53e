"""The HTML report: one page that stands alone, runs nothing, and shows hostile text as text."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from rainbow_probe.model import Report
from rainbow_probe.report import as_html
from rainbow_probe.report.markup import Html, element
from rainbow_probe.report.wording import plain
from tests import report_samples as samples

ALL = [samples.broken_site, samples.open_site, samples.hostile, samples.crowded, samples.nothing_known]
OURS = frozenset(
    {"html", "head", "meta", "title", "style", "body", "header", "section", "h1", "h2", "h3", "p", "div", "span", "a"}
    | {"table", "thead", "tbody", "tr", "th", "td", "code", "pre", "dl", "dt", "dd", "details", "summary"}
)


class Page(HTMLParser):
    """What a browser makes of a page: its elements, their attributes, its text."""

    def __init__(self, text: str) -> None:
        """Read *text*."""
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and its attributes."""
        self.tags.append(tag)
        self.attributes += [(key, value or "") for key, value in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """See that elements end in the order in which they were opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Gather the text."""
        self.text += data

    def values(self, key: str) -> list[str]:
        """Return all values of the attribute *key*."""
        return [value for name, value in self.attributes if name == key]


@pytest.mark.parametrize("make", ALL)
def test_pages_are_whole(make: Callable[[], Report]) -> None:
    """Every element is one of ours and ends; every link leads to a place on the page; no place has its name twice."""
    page = Page(as_html.dumps(make()))
    assert page.open == []
    assert set(page.tags) <= OURS
    places = page.values("id")
    assert len(places) == len(set(places))
    assert {link.removeprefix("#") for link in page.values("href")} <= set(places)


@pytest.mark.parametrize("make", ALL)
def test_pages_load_and_run_nothing(make: Callable[[], Report]) -> None:
    """There is no script, no handler, no address to load from, and the policy forbids all of it."""
    text = as_html.dumps(make())
    page = Page(text)
    keys = {key for key, _ in page.attributes}
    assert keys <= {"lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "scope"}
    [policy] = [content for content in page.values("content") if "default-src" in content]
    [style] = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_hostile_text_is_text() -> None:
    """What a peer sent is read as it was sent, with its controls and direction marks as escapes."""
    text = as_html.dumps(samples.hostile())
    assert plain(samples.HOSTILE) in Page(text).text
    assert [c for c in text if not c.isprintable() and c != "\n"] == []
    assert text.encode()


def test_a_page_says_it_all() -> None:
    """Verdict, clients, findings with their rules, rows with errata, checks with their steps and facts."""
    text = Page(as_html.dumps(samples.broken_site())).text
    for part in (
        "✘ FAIL Sign-in and messages work",
        "Rainbow Room",
        "Outbound UDP is blocked, except DNS",
        "destination: turn*.openrainbow.health (51.83.83.128/27, 135.125.46.128/27)\nprotocol:    UDP",
        "Erratum in the guide: the guide prints 49512 for Linux",
        "stun: timeout: no answer to 7 requests in 7.9 s",
        "addresses: 51.83.83.130, 135.125.46.130",
        "desktop/softphone-lan",
        "http://proxy.corp.example:3128",
    ):
        assert part in text


def test_what_stands_unjudged_behind_a_finding_is_said() -> None:
    """As on the terminal."""
    assert "not judged: TCP/80, TCP/8080 (stun, turn-allocate); TCP/443 (tls)" in as_html.dumps(samples.broken_site())


def test_findings_come_first_and_by_weight() -> None:
    """Unlike on a terminal, one reads from the top: findings stand before the rows, blocking ones first."""
    text = Page(as_html.dumps(samples.broken_site())).text
    findings = ["Findings (4)", "✘ BLOCKING", "! degrading", "i advice"]
    order = [*findings, "Rows of the guide", "This machineName", "16 checks:"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_dangling_names_do_no_harm() -> None:
    """A row or a finding that names a check or a finding nobody has is shown without a link."""
    report = samples.broken_site()
    rows = tuple(replace(row, checks=("gone/x:1/tcp/direct",), findings=("gone",)) for row in report.rows)
    page = Page(as_html.dumps(replace(report, rows=rows, results=())))
    assert page.values("href") == []
    assert "turn/turn-gra1.openrainbow.health:3478/udp/direct" in page.text


def test_elements_escape_what_is_not_an_element() -> None:
    """Strings are escaped in text and in attributes; elements are not escaped twice."""
    inner = element("b", "<&>")
    assert inner == Html("<b>&lt;&amp;&gt;</b>")
    assert element("p", inner, "\x1b", class_='"><x', id="") == Html(
        '<p class="&quot;&gt;&lt;x"><b>&lt;&amp;&gt;</b>\\x1b</p>'
    )
    assert element("meta", charset="utf-8") == Html('<meta charset="utf-8">')
