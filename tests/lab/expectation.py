"""Compare a report with what the site file expects; every difference is one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from tests.lab.probe import Ended
from tests.lab.scenario import Check, Expected


def differences(expected: Expected, ended: Ended) -> list[str]:
    """Return what is not as expected; the last resort of a failing test is to read them all."""
    if not ended.report:
        return [f"no report; exit {ended.status}: {ended.err.strip()[-2000:]}"]
    return [
        *_ending(expected, ended),
        *_findings(expected, ended.report["findings"]),
        *_named("row", expected.rows, ended.report["rows"]),
        *_named("client", expected.clients, ended.report["clients"]),
        *_checks(expected.checks, ended.report["checks"]),
        *_faults_of_ours(ended.report["checks"]),
    ]


def _ending(expected: Expected, ended: Ended) -> Iterator[str]:
    if ended.status != expected.exit:
        yield f"exit {ended.status}, not {expected.exit}: {ended.err.strip()[-300:]}"
    if ended.report["verdict"] not in expected.verdict.split("|"):
        yield f"the verdict is {ended.report['verdict']}, not {expected.verdict}"


def _findings(expected: Expected, findings: list[dict[str, Any]]) -> Iterator[str]:
    found = {finding["id"]: finding for finding in findings}
    for wanted in expected.findings:
        if not any(_matches(key, tuple(wanted.split("|"))) for key in found):
            yield f"finding {wanted} is missing; found: {', '.join(found) or 'none'}"
    for key, finding in found.items():
        if _matches(key, expected.no_findings) or not _may_be_there(key, finding, expected):
            yield f"false finding {key}: {finding['title']} ({finding.get('detail', '')[:200]})"


def _may_be_there(key: str, finding: dict[str, Any], expected: Expected) -> bool:
    known = tuple(pattern for wanted in expected.findings for pattern in wanted.split("|"))
    return _matches(key, (*known, *expected.may)) or finding["severity"] == "advice"


def _matches(key: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def _named(what: str, wanted: Any, items: list[dict[str, Any]]) -> Iterator[str]:
    for pattern, verdicts in wanted.items():
        chosen = [item for item in items if fnmatchcase(item["id"], pattern)]
        if not chosen:
            yield f"no {what} {pattern}"
        for item in chosen:
            if item["verdict"] not in verdicts.split("|"):
                reason = item.get("reason", "")
                yield f"{what} {item['id']} is {item['verdict']}, not {verdicts}: {reason[:200]}"


def _checks(wanted: tuple[Check, ...], checks: list[dict[str, Any]]) -> Iterator[str]:
    for one in wanted:
        chosen = [check for check in checks if fnmatchcase(check["id"], one.id)]
        if not chosen:
            yield f"no check {one.id}"
        for check in chosen:
            if not _as_wanted(one, check):
                yield f"check {check['id']} is {_told(check)}, not {one.outcome} {one.phase} {one.cause}"


def _as_wanted(wanted: Check, check: dict[str, Any]) -> bool:
    failure = check["failure"] or {"phase": "", "cause": ""}
    return (
        check["outcome"] in wanted.outcome.split("|")
        and (not wanted.phase or failure["phase"] in wanted.phase.split("|"))
        and (not wanted.cause or failure["cause"] in wanted.cause.split("|"))
    )


def _told(check: dict[str, Any]) -> str:
    failure = check["failure"]
    why = f"{failure['phase']}: {failure['cause']}: {failure['detail']}" if failure else check["reason"]
    return f"{check['outcome']} ({why[:200]})"


def _faults_of_ours(checks: list[dict[str, Any]]) -> Iterator[str]:
    """Give the checks that ended by a fault of the probe: none is ever right."""
    for check in checks:
        if check["failure"] and check["failure"]["cause"] in {"unknown", "interrupted", "budget"}:
            yield f"check {check['id']}: {_told(check)}"
