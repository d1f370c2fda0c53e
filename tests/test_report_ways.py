"""Which way each destination goes, as a reader sees it: grouped by equal choice, and nothing hostile in it."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rainbow_probe.model import Destination, Endpoint, Pac, Proxy, Report, Site
from rainbow_probe.report import as_html, terminal
from rainbow_probe.report.as_json import to_json
from rainbow_probe.report.wording import ways
from tests.report_samples import HOSTILE, open_site

SECOND = Proxy(endpoint=Endpoint(host="b.example", port=3128))


def screen(report: Report) -> str:
    """Print *report* as on a terminal."""
    stream = StringIO()
    terminal.render(report, terminal.open_console(stream))
    return stream.getvalue()


def way(host: str, *choices: str, used: Proxy | None = None, port: int = 443) -> Destination:
    """Make the way of one destination."""
    target = Endpoint(host=host, port=port)
    return Destination(url=f"https://{host}/", target=target, choices=choices, used=used, source="PAC file p.pac (s)")


SITE = Site(
    pacs=(Pac(where="--proxy", shown="http://pac.example/p.pac", url="http://nurse:Xq7-s3cr3t@pac.example/p.pac"),),
    destinations=(
        way("one.example", "PROXY a:1", "PROXY b.example:3128", used=SECOND),
        way("two.example", "PROXY a:1", "PROXY b.example:3128", used=SECOND),
        way("two.example", "PROXY a:1", "PROXY b.example:3128", used=SECOND, port=80),
        way("three.example", "DIRECT"),
    ),
)


def test_equal_choices_are_told_once() -> None:
    """Which of several is in use is said; of one it goes without saying."""
    assert ways(SITE) == [
        "PROXY a:1; PROXY b.example:3128 (in use: http://b.example:3128): one.example, two.example, two.example:80",
        "DIRECT: three.example",
    ]


def test_one_setting_for_all_needs_no_list() -> None:
    """Without a PAC file the line on the proxy says it all."""
    assert ways(replace(SITE, pacs=())) == []


def test_all_reports_tell_the_ways() -> None:
    """The PAC file's address is there, its password nowhere."""
    report = replace(open_site(), site=SITE)
    told = to_json(report)["site"]
    assert told["pac"] == [{"url": "http://pac.example/p.pac", "source": "--proxy"}]
    assert told["destinations"][0] == {
        "url": "https://one.example/",
        "host": "one.example",
        "port": 443,
        "choices": ["PROXY a:1", "PROXY b.example:3128"],
        "used": "http://b.example:3128",
        "passed_over": [],
        "source": "PAC file p.pac (s)",
    }
    assert told["destinations"][3]["used"] == "direct"
    for text in (as_html.dumps(report), screen(report), str(told)):
        assert "three.example" in text
        assert "pac.example/p.pac" in text
        assert "s3cr3t" not in text


def test_what_a_pac_file_writes_is_no_markup() -> None:
    """It comes from the network."""
    report = replace(open_site(), site=replace(SITE, destinations=(way("x.example", HOSTILE),)))
    assert "<script>alert" not in as_html.dumps(report)
    assert "\x1b" not in screen(report)
