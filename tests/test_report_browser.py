"""The HTML report in real Chromium: a quiet console, accessible, on a phone and on paper, and its buttons work."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from rainbow_probe.model import Report
from rainbow_probe.report import as_html
from rainbow_probe.report.past import Past
from tests import measured_samples, trend_samples
from tests import report_samples as samples
from tests.lab.browser import Browser, Message, opened

MISSING = [name for name in ("chromium", "certutil", "pdfinfo", "pdftotext") if shutil.which(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} missing: run tests/setup.sh")
ALL_TOGETHER = 1200.0  # seconds for all pages on the busiest machine; one test has its own limit
WIDTHS = (360, 820, 1600)


def measured() -> Report:
    """Make the broken site's report with all that can be drawn."""
    report = samples.broken_site()
    drawn = [
        replace(result, verdict=replace(result.verdict, measured=each))
        for result, each in zip(report.results, measured_samples.ALL, strict=False)
    ]
    results = (*drawn, *report.results[len(drawn) :])
    return replace(report, results=results, demands=measured_samples.DEMANDS, story=measured_samples.STORY)


def part_of() -> Report:
    """Make a few rows, checks and findings of each kind: more of the same would tell nothing more."""
    report = measured()
    verdicts = {row.verdict: row for row in report.rows}
    outcomes = {result.verdict.outcome: result for result in report.results[3:]}
    return replace(report, rows=tuple(verdicts.values()), results=(*report.results[:3], *outcomes.values()))


class Reader:
    """Somebody who opens reports in one browser, and hears all that it complains of."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        """Listen to the console, the log and the network."""
        self.browser, self._folder = browser, folder
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self._opened = 0
        browser.heard = self._hear
        for domain in ("Page", "Runtime", "Log", "Network"):
            browser.do(f"{domain}.enable")

    def _hear(self, method: str, told: Message) -> None:
        if method in {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Page.javascriptDialogOpening"}:
            self.complaints.append(f"{method}: {told}")
        elif method == "Log.entryAdded":
            self.complaints.append(told["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])

    def open(
        self, report: Report, *, width: int = 1200, dark: bool = False, at: str = "", past: Sequence[Past] = ()
    ) -> str:
        """Open the page of *report* and its *past*, and return its address."""
        self._opened += 1
        page = self._folder / f"report-{self._opened}.html"
        page.write_text(as_html.dumps(report, past=past), "utf-8")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.browser.do("Emulation.setEmulatedMedia", media="", features=[scheme])
        self.browser.do("Emulation.setDeviceMetricsOverride", **size)
        self.complaints.clear()
        self.asked.clear()
        address = page.as_uri() + at
        self.browser.do("Page.navigate", url=address)
        while not self.run("at => location.href === at && document.readyState === 'complete'", address):
            pass
        return address

    def run(self, function: str, argument: object = None) -> Any:  # noqa: ANN401 - whatever JSON the page answers
        """Call *function* in the page."""
        return self.browser.call(f"async given => (await ({function})(given)) ?? null", argument)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """One browser for all pages."""
    folder = tmp_path_factory.mktemp("browser")
    with opened([], folder, trusted=(), flags=(), environment={}, longest=ALL_TOGETHER) as browser:
        yield Reader(browser, folder)


@pytest.mark.parametrize("make", [measured, samples.hostile, samples.nothing_known])
def test_a_page_is_quiet_and_asks_nobody(reader: Reader, make: Callable[[], Report]) -> None:
    """Nothing is complained of, nothing is loaded but the file, nothing of a peer's runs."""
    address = reader.open(make())
    assert reader.complaints == []
    assert reader.asked == [address]
    assert reader.run("() => document.scripts.length") == 1
    assert reader.run("() => document.querySelector('.filter').hidden") is False


@pytest.mark.parametrize(("width", "dark", "unfold"), [(360, True, False), (1600, False, True)])
def test_axe_finds_nothing(reader: Reader, width: int, dark: bool, unfold: bool) -> None:
    """Names, roles, order, contrast: of the page as it opens on a phone, and with all unfolded on a wide screen."""
    axe = files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
    reader.open(part_of(), width=width, dark=dark, past=trend_samples.past(7))
    reader.run("unfold => { if (unfold) document.querySelector('[name=expand]').click(); }", unfold)
    reader.browser.do("Runtime.evaluate", expression=axe)
    found = reader.run("async () => (await axe.run()).violations.map(v => [v.id, v.nodes.map(n => n.html)])")
    assert found == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out(reader: Reader, width: int) -> None:
    """Not even with everything unfolded does the page scroll sideways, whatever a peer has sent."""
    for make in (measured, samples.hostile):
        reader.open(make(), width=width, past=trend_samples.past(29))
        reader.run("() => document.querySelector('[name=expand]').click()")
        assert reader.run("() => document.documentElement.scrollWidth") <= width


SHOWN = "what => [...document.querySelectorAll(what)].filter(e => e.checkVisibility()).length"
CLICK = "what => document.querySelector(what).click()"
TYPE = """([what, text]) => {
    const field = document.querySelector(what);
    field.value = text;
    field.dispatchEvent(new Event('input', {bubbles: true}));
}"""


def test_rows_and_checks_are_filtered(reader: Reader) -> None:
    """By verdict, by client, by words, and all of it together; what is shown is counted aloud."""
    report = measured()
    reader.open(report)
    assert reader.run(SHOWN, ".row") == len(report.rows)
    reader.run(CLICK, "input[value=fail]")
    failed = [row for row in report.rows if row.verdict == "fail"]
    assert reader.run(SHOWN, ".row") == len(failed)
    [told] = [reader.run("() => document.querySelector('output').textContent")]
    assert told.startswith(f"{len(failed)} rows and ")
    number = reader.run("() => [...document.querySelectorAll('option')].find(o => o.text.includes('Android')).value")
    reader.run(TYPE, ["select", number])
    assert reader.run(SHOWN, ".row") == len([row for row in failed if row.client == "mobile"])
    assert reader.run(SHOWN, "#rows .table") == 1
    assert reader.run(SHOWN, ".finding") == 2
    reader.run(TYPE, ["input[type=search]", "GOOGLE push"])
    assert reader.run(SHOWN, ".finding") == 1
    reader.run(CLICK, "button[type=reset]")
    reader.run("() => new Promise(done => setTimeout(done))")
    assert reader.run(SHOWN, ".row") == len(report.rows)


def test_links_lead_into_what_is_folded_or_filtered_away(reader: Reader) -> None:
    """From a finding's proof to its check, which unfolds, though a filter had hidden it."""
    reader.open(measured())
    reader.run(TYPE, ["input[type=search]", "no such words"])
    assert reader.run(SHOWN, ".check") == 0
    reader.run("""() => new Promise(done => {
        addEventListener('hashchange', () => setTimeout(done), {once: true});
        document.querySelector('.proof a').click();
    })""")
    target = "document.querySelector(location.hash)"
    assert reader.run(f"() => {target}.open && {target}.checkVisibility()")
    assert reader.run("() => document.querySelector('input[type=search]').value") == ""


def test_a_rule_is_copied(reader: Reader) -> None:
    """As it stands, line by line, to the clipboard; the button says so."""
    reader.browser.do("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    reader.open(samples.broken_site())
    reader.browser.do("Page.bringToFront")
    told = reader.run("""() => new Promise(done => {
        const button = document.querySelector('.copy');
        new MutationObserver(() => done(button.textContent)).observe(button, {childList: true});
        button.click();
    })""")
    assert told == "Copied"
    copied = reader.run("() => navigator.clipboard.readText()")
    assert copied.startswith("direction:   outbound, replies allowed\nsource: ")


def test_the_keyboard_reaches_all(reader: Reader) -> None:
    """First of all the way past the rest; and nothing traps it."""
    reader.open(samples.broken_site())
    for name in ("keyDown", "keyUp"):
        reader.browser.do("Input.dispatchKeyEvent", type=name, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert reader.run("() => [document.activeElement.className, document.activeElement.checkVisibility()]") == [
        "skip",
        True,
    ]


def test_it_prints_on_a4(reader: Reader, tmp_path: Path) -> None:
    """Every page numbered, the verdict first, findings with their rules, no button; few pages."""
    reader.open(measured(), past=trend_samples.past(29))
    printed = reader.browser.do("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    file = tmp_path / "report.pdf"
    file.write_bytes(base64.b64decode(printed["data"]))
    about = told("pdfinfo", file)
    assert "Page size:       59" in about
    assert "(A4)" in about
    pages = int(about.split("Pages:")[1].split()[0])
    assert 4 <= pages <= 14
    text = told("pdftotext", "-layout", file, "-")
    assert f"1 / {pages}" in text
    for part in (
        "FAIL Sign-in and messages work",
        "To paste (nftables)",
        "counter accept",
        "push/mtalk.google.com:5228",
        "Over the last 30 runs",
        "Delay 21 ms",
    ):
        assert part in " ".join(text.split())
    for part in ("Copy", "Expand all", "All clients"):
        assert part not in text


def told(*command: str | Path) -> str:
    """Return what a tool of poppler says."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - a fixed command
