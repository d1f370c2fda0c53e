"""Reports that are read back: what a rule or another run needs comes out; what is no report is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rainbow_probe.model import Alternative, Destination, Endpoint, Pac, PortRange, Proxy, Report, RowVerdict
from rainbow_probe.options import UsageError
from rainbow_probe.report import as_html, as_json, from_json
from rainbow_probe.rules import FORMATS, least, render
from tests import report_samples
from tests.judge_samples import PROXY_SITE, Fault, guide, past_the_proxy, report

JUDGED = report(Fault(match=past_the_proxy), site=PROXY_SITE)
TEXT = as_json.dumps(JUDGED)
HOSTILE = '";reboot\n-A RAINBOW -j ACCEPT\n$(id)`id`</script>\x1b[31m'


def test_a_report_comes_back() -> None:
    """Rows, checks, steps and findings, as far as they are needed."""
    again = from_json.loads(TEXT)
    assert [(row.id, row.verdict) for row in again.rows] == [(row.id, row.verdict) for row in JUDGED.rows]
    assert [r.verdict for r in again.results] == [r.verdict for r in JUDGED.results]
    assert [r.flow.target for r in again.results] == [r.flow.target for r in JUDGED.results]
    assert [s.facts for r in again.results for s in r.steps] == [s.facts for r in JUDGED.results for s in r.steps]
    assert [(f.id, f.who, f.proof, f.rows) for f in again.findings] == [
        (f.id, f.who, f.proof, f.rows) for f in JUDGED.findings
    ]
    assert again.site.proxy is not None


@pytest.mark.parametrize("make", [report_samples.broken_site, report_samples.hostile, report_samples.nothing_known])
def test_all_that_is_written_is_read(make: Callable[[], Report]) -> None:
    """Written again, a report that was read is the same to the last character."""
    destination = Destination(
        url="https://a/",
        target=Endpoint(host="a", port=443),
        choices=("PROXY p:1", "DIRECT"),
        used=Proxy(endpoint=Endpoint(host="p", port=1), socks=5),
        source="a PAC file",
        passed_over=("PROXY q:1: refused",),
    )
    ways = (Alternative(name="UDP/3478", verdict=RowVerdict.FAIL, path="UDP/3478", reason="no answer"),)
    report = make()
    site = replace(
        report.site,
        destinations=(destination, replace(destination, used=None)),
        pacs=(Pac(where="system", shown="http://wpad/"),),
    )
    rows = tuple(replace(row, ways=ways, protocol="STUN", source="any", proxy="no") for row in report.rows)
    written = as_json.dumps(replace(report, site=site, rows=rows, groups={"os": "This machine's ports"}))
    assert as_json.dumps(from_json.loads(written)) == written


def test_what_older_versions_did_not_write_may_be_missing() -> None:
    """Down to what the first version wrote; the same rows, checks and findings come out."""
    old = json.loads(TEXT)
    needed = {
        "rows": {"id", "client", "section", "title", "need", "verdict", "reason", "checks", "findings"},
        "checks": {"id", "kind", "target", "via", "outcome", "reason", "failure", "steps"},
        "findings": {"id", "title", "severity", "who", "proof", "rows", "fix"},
    }
    for part, keys in needed.items():
        old[part] = [{key: value for key, value in item.items() if key in keys} for item in old[part]]
    old["site"] = {key: old["site"][key] for key in ("proxy", "resolvers", "addresses")}
    for key in ("duration_s", "interrupted", "clients", "groups", "demands", "story"):
        old.pop(key, None)
    again = from_json.loads(json.dumps(old))
    assert [row.id for row in again.rows] == [row.id for row in JUDGED.rows]
    assert (again.duration, again.interrupted, again.clients) == (0.0, False, ())
    assert as_html.dumps(again)


def test_what_a_check_was_is_read_from_its_id() -> None:
    """The gateway's own ports, and tunnels by address."""
    again = {one.flow.id: one.flow for one in from_json.loads(TEXT).results}
    sources = {flow.source for identity, flow in again.items() if "/from-" in identity}
    assert sources == {PortRange(first=20000, last=29999)}
    assert all(flow.params["by"] == "address" for identity, flow in again.items() if identity.endswith("/by-address"))


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda top: top.update(schema="other/2"), "its schema is 'other/2'"),
        (lambda top: top.update(schema=7), "schema is not a string"),
        (lambda top: top.pop("schema"), "schema is not a string"),
        (lambda top: top.pop("guide"), "guide is not there"),
        (lambda top: top.pop("site"), "site is not there"),
        (lambda top: top.update(verdict="fine"), "verdict is not one of pass, degraded"),
        (lambda top: top.update(rows={}), "rows is not a list"),
        (lambda top: top.update(rows=[7]), "rows[0]: not an object"),
        (lambda top: top["rows"][3].pop("verdict"), "rows[3]: verdict is not a string"),
        (lambda top: top["rows"][0].update(checks=[None]), "rows[0]: checks is not a list of strings"),
        (lambda top: top["checks"][2].pop("target"), "checks[2]: target is not there"),
        (lambda top: top["checks"][2]["target"].update(port="443"), "target: port is not a number from 0 to 65535"),
        (lambda top: top["checks"][2]["target"].update(port=True), "target: port is not a number"),
        (lambda top: top["checks"][2]["target"].update(port=70000), "target: port is not a number"),
        (lambda top: top["checks"][2].update(outcome="PASS"), "checks[2]: outcome is not one of"),
        (lambda top: top["checks"][0].update(failure={"phase": "x"}), "phase is not one of"),
        (lambda top: top["checks"][0]["steps"][0].update(facts=[]), "facts is not an object"),
        (lambda top: top["findings"][0].update(who="me"), "findings[0]: who is not one of firewall"),
        (lambda top: top.update(summary="x" * 200_000), "summary is not a string"),
        (lambda top: top["site"]["proxy"].update(url="http://[x"), "site: proxy: url is not a URL"),
        (lambda top: top["site"]["proxy"].update(url=None), "site: proxy: url is not a string"),
        (lambda top: top.update(interrupted=1), "interrupted is not true or false"),
        (lambda top: top["findings"][0].update(hides={"TCP/80": ["smell"]}), "hides: TCP/80: 'smell' is not one of"),
        (lambda top: top["checks"][0].update(took_ms="1"), "took_ms is not a number"),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(change: Change, told: str) -> None:
    """By the place in it, and with what is wanted."""
    data = json.loads(TEXT)
    change(data)
    with pytest.raises(UsageError, match=r"^my\.json") as refused:
        from_json.loads(json.dumps(data), "my.json")
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "7", '"x"', TEXT[:-40], TEXT[:200], "[" * 100_000, "<html>", "\x00"]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    """A truncated file, a page, a bomb of brackets."""
    with pytest.raises(UsageError, match=r"^my\.json: not a"):
        from_json.loads(text, "my.json")


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    """By their name."""
    for name, make in (("gone", None), ("folder", Path.mkdir), ("binary", lambda path: path.write_bytes(b"\xff\xfe"))):
        if make:
            cast("Callable[[Path], object]", make)(tmp_path / name)
        with pytest.raises(UsageError, match=name):
            from_json.read(str(tmp_path / name))


def test_a_file_beyond_measure_is_refused_unread(tmp_path: Path) -> None:
    """A sparse file costs nothing to make."""
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(from_json.LARGEST + 1)
    with pytest.raises(UsageError, match="more than 64 MiB"):
        from_json.read(str(path))


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="platform: no endless file here")
def test_a_file_without_an_end_is_no_report() -> None:
    """A device says that it is empty, and never ends."""
    with pytest.raises(UsageError, match="more than 64 MiB"):
        from_json.read("/dev/zero")


def spots(tree: object) -> list[tuple[Any, Any]]:
    """List every string in *tree*, by what holds it and where."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    found: list[tuple[Any, Any]] = []
    for key, value in items:
        found += [(tree, key)] if isinstance(value, str) else spots(value)
    return found


PLACES = len(spots(json.loads(TEXT)))


@example({place for place, (_, key) in enumerate(spots(json.loads(TEXT))) if key == 0}, "")  # all that lists begin with
@given(st.sets(st.integers(0, PLACES - 1), min_size=1, max_size=300), st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_string_of_a_report_gets_into_a_rule_file(places: set[int], more: str) -> None:
    """Whichever are replaced by an attack, it is refused or the rules are those words that rules are made of."""
    data = json.loads(TEXT)
    found = spots(data)
    for place in places:
        holder, key = found[place]
        holder[key] = HOSTILE + more
    try:
        rules = least(from_json.loads(json.dumps(data)), guide(), degraded=True)
    except UsageError:
        return
    for name in FORMATS:
        text = render(rules, name)
        assert not any(part in text for part in ("reboot", "$(id)", "`", "-A RAINBOW -j", "\x1b", "script"))
