"""The JSON report keeps its contract, and the schema describes it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rainbow_probe.model import Cause, Need, Outcome, Phase, Report, RowVerdict, Severity, Site, Transport, Via, Who
from rainbow_probe.report import as_csv, as_html, as_json, as_junit
from tests import report_samples as samples

SCHEMA_FILE = Path(__file__).parent.parent / "docs" / "report.schema.json"
SCHEMA: dict[str, Any] = json.loads(SCHEMA_FILE.read_text("utf-8"))
ALL = [samples.broken_site, samples.open_site, samples.hostile, samples.crowded, samples.nothing_known]


def problems(report: dict[str, Any], schema: dict[str, Any] = SCHEMA) -> list[str]:
    """List what the schema has against *report*."""
    return [error.json_path for error in Draft202012Validator(schema).iter_errors(report)]


def closed(part: dict[str, Any]) -> dict[str, Any]:
    """Return *part* of a schema so that it refuses every key it does not name; to be used by ``json.loads``."""
    named = "properties" in part and part.get("type") == "object"
    return {**part, "additionalProperties": False} if named else part


def test_the_schema_is_one() -> None:
    """The schema itself is valid JSON Schema 2020-12."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("make", ALL)
def test_reports_follow_the_schema(make: Callable[[], Report]) -> None:
    """Whatever the report says, its text is JSON that the schema accepts, and it holds no key the schema hides."""
    report = json.loads(as_json.dumps(make()))
    assert problems(report) == []
    assert problems(report, json.loads(json.dumps(SCHEMA), object_hook=closed)) == []


@pytest.mark.parametrize(
    ("place", "model"),
    [
        ("verdict", RowVerdict),
        ("phase", Phase),
        ("cause", Cause),
        ("row.need", Need),
        ("check.outcome", Outcome),
        ("check.via", Via),
        ("check.target.transport", Transport),
        ("finding.severity", Severity),
        ("finding.who", Who),
    ],
)
def test_the_schema_knows_every_word(place: str, model: type[StrEnum]) -> None:
    """A new member of a closed enum is new in the schema, too."""
    part = SCHEMA["$defs"]
    for step in place.split("."):
        part = part.get("properties", part)[step]
    assert part["enum"] == [member.value for member in model]


def spoil(report: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return a copy of *report* with *value* at *path* (or, if that is ``...``, without it)."""
    spoilt: Any = copy.deepcopy(report)
    *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    part = spoilt
    for key in way:
        part = part[key]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return dict(spoilt)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", "rainbow-probe/report/2"),
        ("verdict", "not-tested"),
        ("started", "yesterday"),
        ("site.proxy", "http://proxy"),
        ("site.proxy.source", ...),
        ("site.mapped_addresses", ...),
        ("clients.0.verdict", "FAIL"),
        ("rows.0.id", "no-client"),
        ("rows.0.need", "essential"),
        ("rows.0.checks", ...),
        ("checks.0.id", "https"),
        ("checks.0.target.port", 65536),
        ("checks.0.target.transport", "sctp"),
        ("checks.0.outcome", "fail"),  # without a failure
        ("checks.0.failure", {"phase": "tls", "cause": "timeout", "detail": ""}),  # although it passed
        ("checks.0.steps.0.phase", "thinking"),
        ("checks.0.steps.0.facts.list", []),
        ("checks.0.took_ms", -1),
        ("findings.0.who", "nobody"),
        ("findings.0.rules.0", {"format": "text"}),
    ],
)
def test_the_schema_refuses_what_breaks_the_contract(path: str, value: object) -> None:
    """A renamed key, an unknown word, a fail without its failure: each is found."""
    report = as_json.to_json(samples.broken_site())
    report["findings"][0]["rules"].append({"format": "text", "text": ""})
    assert problems(report) == []
    assert problems(spoil(report, path, value)) != []


def test_additions_are_compatible() -> None:
    """A reader of this version accepts keys that come later."""
    report = as_json.to_json(samples.broken_site())
    for place in (report, report["site"], report["rows"][0], report["checks"][0], report["findings"][0]):
        place["later"] = {"anything": [1]}
    assert problems(report) == []


def test_the_frame_of_the_contract() -> None:
    """The top of the report says who judged what, when, for how long, and how it ended."""
    report = as_json.to_json(samples.broken_site())
    assert report["schema"] == "rainbow-probe/report/1"
    assert report["tool"] == {"name": "rainbow-probe", "version": "0.1.0"}
    assert (report["guide"]["id"], report["guide"]["edition"]) == ("hds-ed21", "21")
    assert (report["started"], report["duration_s"]) == ("2026-11-22T10:00:00Z", 8.235)
    assert report["verdict"] == "fail"
    assert report["clients"][2]["id"] == "mobile"
    assert report["clients"][2]["verdict"] == "fail"


def test_a_check_in_json() -> None:
    """A check names its target, its outcome with phase and cause, and its steps in tenths of milliseconds."""
    checks = {check["id"]: check for check in as_json.to_json(samples.broken_site())["checks"]}
    check = checks["turn/turn-gra1.openrainbow.health:3478/udp/direct"]
    failure = {"phase": "stun", "cause": "timeout", "detail": "no answer to 7 requests in 7.9 s"}
    assert check["target"] == {"host": "turn-gra1.openrainbow.health", "port": 3478, "transport": "udp"}
    assert (check["kind"], check["via"], check["outcome"], check["failure"]) == ("turn", "direct", "fail", failure)
    assert check["took_ms"] == pytest.approx(234.6)
    resolve, stun = check["steps"]
    assert (resolve["phase"], resolve["at_ms"], resolve["took_ms"]) == ("resolve", 0.0, 12.3)
    assert (resolve["ok"], resolve["failure"]) == (True, None)
    assert (stun["ok"], stun["failure"], stun["facts"]) == (False, failure, {"n": 2})


def test_the_site_in_json() -> None:
    """The site says by what it goes out and who said so, never with which password."""
    report = as_json.to_json(samples.broken_site())
    site = report["site"]
    assert site["proxy"] == {"url": "http://proxy.corp.example:3128", "source": "HTTPS_PROXY in the environment"}
    assert site["dynamic_ports"] == {"first": 32768, "last": 60999}
    assert site["mapped_addresses"] == ["198.51.100.7"]
    assert site["self_check"] == {"max_lag_ms": 3.2, "cpu_s": 0.41, "stalled": False}


def test_nothing_found_is_null() -> None:
    """Without a proxy there is no empty proxy, and without a known port range no empty range."""
    site = as_json.to_json(replace(samples.broken_site(), site=Site()))["site"]
    assert (site["proxy"], site["dynamic_ports"]) == (None, None)


def test_hostile_text_stays_whole_and_harmless() -> None:
    """The text is pure ASCII with no control but the line feed, yet reads back as it was; NaN becomes text."""
    text = as_json.dumps(samples.hostile())
    assert text.isascii()
    assert [c for c in text if not c.isprintable() and c != "\n"] == []
    report = json.loads(text)
    assert report["summary"] == samples.HOSTILE.replace("\ud800", "\ufffd")
    assert report["checks"][0]["steps"][0]["facts"]["nan"] == "nan"


@pytest.mark.parametrize("dumps", [as_json.dumps, as_csv.dumps, as_html.dumps, as_junit.dumps])
def test_no_password_in_any_file(dumps: Callable[[Report], str]) -> None:
    """The proxy's password stays in memory, whatever is written."""
    assert samples.PASSWORD not in dumps(samples.broken_site())
