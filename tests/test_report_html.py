"""The HTML report: one page that stands alone, runs nothing, and shows hostile text as text."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from rainbow_probe.model import Alternative, Phase, Report, RowVerdict, Scalar, Step
from rainbow_probe.report import as_html
from rainbow_probe.report.waterfall import waterfall
from rainbow_probe.report.wording import plain
from tests import report_samples as samples

ALL = [samples.broken_site, samples.open_site, samples.hostile, samples.crowded, samples.nothing_known]
OURS = frozenset(
    {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "script",
        "body",
        "header",
        "nav",
        "main",
        "section",
        "article",
        "footer",
    }
    | {"h1", "h2", "h3", "p", "div", "span", "strong", "a", "code", "pre", "time", "ul", "ol", "li", "dl", "dt", "dd"}
    | {"table", "thead", "tbody", "tr", "th", "td", "details", "summary", "svg", "rect"}
    | {"figure", "figcaption", "g", "path", "polygon", "polyline", "text"}
    | {"form", "fieldset", "legend", "label", "input", "select", "option", "button", "output"}
)
ATTRIBUTES = frozenset(
    {"lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "scope", "role", "colspan", "datetime"}
    | {"hidden", "open", "tabindex", "type", "value", "placeholder", "autocomplete", "viewbox", "preserveaspectratio"}
    | {"aria-label", "aria-labelledby", "aria-hidden", "aria-live", "x", "y", "width", "height", "d", "points"}
    | {"data-verdict", "data-clients", "data-label", "data-shown", "data-copied", "data-failed"}
)
EMPTY = frozenset({"meta", "input"})


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
        if tag not in EMPTY:
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
def test_pages_load_nothing_and_run_one_script(make: Callable[[], Report]) -> None:
    """There is no handler and no address to load from; the policy allows our style and our script by their hashes."""
    text = as_html.dumps(make())
    page = Page(text)
    assert {key for key, _ in page.attributes} <= ATTRIBUTES
    assert page.tags.count("script") == page.tags.count("style") == 1
    [policy] = [content for content in page.values("content") if "default-src" in content]
    allowed = {name: re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)[0] for name in ("style", "script")}
    assert allowed["script"] == (as_html.TEMPLATES / "report.js").read_text("utf-8")
    hashes = {name: base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for name, body in allowed.items()}
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


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
    order = [*findings, "4.1 Desktop", "16 checks:", "lab-laptop, Linux 6.1"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_a_row_stands_as_in_the_guide_with_a_verdict_a_way() -> None:
    """What is spoken, from where, to where, whether a proxy may carry it, and how each way ended by itself."""
    report = samples.broken_site()
    ways = (
        Alternative(name="UDP/3478", path="UDP/3478", verdict=RowVerdict.FAIL, reason="no answer"),
        Alternative(name="TLS/443", path="TLS/443 through the proxy", verdict=RowVerdict.PASS),
    )
    row = replace(
        report.rows[0], ways=ways, path="TLS/443 through the proxy", protocol="DTLS-SRTP", source="any", proxy="yes: by"
    )
    text = Page(as_html.dumps(replace(report, rows=(row,)))).text
    cells = [
        row.title,
        "DTLS-SRTP",
        "any",
        row.destination,
        "yes: by",
        "✘ UDP/3478 FAIL",
        "✔ TLS/443 through the proxy",
    ]
    places = [text.index(cell, text.index("Ways, each by itself")) for cell in cells]
    assert places == sorted(places)
    assert "pass, in use" in text[places[-1] :]


def test_a_site_is_called_what_its_people_call_it() -> None:
    """At the top, and with its labels below."""
    report = samples.broken_site()
    site = replace(report.site, name="Clinique du Parc", labels={"ward": "3 <b>"})
    text = Page(as_html.dumps(replace(report, site=site))).text
    assert text.index("Clinique du Parc · lab-laptop") < text.index("Findings (4)")
    assert "Clinique du Parc, ward: 3 <b>" in text


def test_steps_are_bars_on_the_time_of_their_check() -> None:
    """In their places, with a chain link by link and bytes as they were seen."""
    facts: dict[str, Scalar] = {"chain": "CN=a < CN=b, Inc. < CN=root", "body": "<html>blocked", "status": 200}
    steps = (
        Step(phase=Phase.RESOLVE, subject="x", at=0.0, took=0.25),
        Step(phase=Phase.TLS, subject="x", at=0.25, took=0.75, facts=facts),
        Step(phase=Phase.HTTP, subject="x", at=1.0, took=0.0),
    )
    first = samples.broken_site().results[0]
    bars = waterfall(replace(first, steps=steps, took=1.0))
    assert [(bar.left, bar.width) for bar in bars] == [(0, 25), (25, 75), (99.6, 0.4)]
    assert bars[1].chain == ("CN=a", "CN=b, Inc.", "CN=root")
    assert bars[1].seen == (("body", "<html>blocked"),)
    assert bars[1].facts == (("status", "200"),)
    assert [bar.look for bar in waterfall(replace(first, steps=()))] == []


def test_dangling_names_do_no_harm() -> None:
    """A row or a finding that names a check or a finding nobody has is shown without a link."""
    report = samples.broken_site()
    rows = tuple(replace(row, checks=("gone/x:1/tcp/direct",), findings=("gone",)) for row in report.rows)
    page = Page(as_html.dumps(replace(report, rows=rows, results=())))
    assert [link for link in page.values("href") if re.match("#(check|finding)-", link)] == []
    assert "turn/turn-gra1.openrainbow.health:3478/udp/direct" in page.text
