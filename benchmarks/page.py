"""How long a browser takes to open the HTML report of a thousand checks, and the probe to write it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure
from rainbow_probe.model import Report
from rainbow_probe.report import as_html
from tests.lab.browser import Browser, opened
from tests.report_samples import broken_site

CHECKS, STEPS, REPEATS = 1000, 6, 5
OPENED = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
    const shown = performance.getEntriesByType('navigation')[0];
    done(shown.loadEventEnd ? performance.now() : -1);
})))"""


def large() -> Report:
    """Make a report of a thousand checks with six steps each."""
    report = broken_site()
    results = tuple(
        replace(
            result,
            flow=replace(result.flow, id=f"{result.flow.id}/{place}"),
            steps=(result.steps * STEPS)[:STEPS],
        )
        for place, result in enumerate((report.results * CHECKS)[:CHECKS])
    )
    return replace(report, results=results)


def figures() -> Iterable[Figure]:
    """Measure writing, and opening in Chromium until two frames are drawn after all is loaded."""
    report = large()
    begun = time.process_time()
    text = as_html.dumps(report)
    yield _figure("writing a page of 1,000 checks, CPU", (time.process_time() - begun) * 1000, 1000.0)
    with tempfile.TemporaryDirectory() as name:
        page = Path(name) / "report.html"
        page.write_text(text, "utf-8")
        with opened([], Path(name), trusted=(), flags=(), environment={}) as browser:
            browser.do("Performance.enable", timeDomain="threadTicks")
            took = [_opening(browser, page) for _ in range(REPEATS)]
            worked = _worked(browser)
    yield _figure(f"opening it in Chromium ({len(text) // 1024} KiB)", median(took), 1000.0)
    yield _figure("of which the page's own thread worked", worked, 1000.0)


def _opening(browser: Browser, page: Path) -> float:
    """Return the milliseconds from the navigation to the second frame after the page has loaded."""
    browser.do("Page.navigate", url="about:blank")
    browser.do("Page.navigate", url=page.as_uri())
    while True:
        ready = browser.call("at => location.href === at && document.readyState === 'complete'", page.as_uri())
        if ready and (took := browser.call(OPENED, None)) > 0:
            return float(took)


def _worked(browser: Browser) -> float:
    """Return the CPU milliseconds of the last page's main thread: of no other program that runs meanwhile."""
    told = {metric["name"]: metric["value"] for metric in browser.do("Performance.getMetrics")["metrics"]}
    return float(told["TaskDuration"]) * 1000


def _figure(name: str, took: float, limit: float) -> Figure:
    return Figure(name=name, value=took, unit="ms", against="one second", base=1000.0, limit=limit, goal="under 1 s")


if __name__ == "__main__":
    import sys

    from benchmarks.figures import table

    sys.stdout.write(table(figures()) + "\n")
