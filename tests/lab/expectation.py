"""Compare a report with what the site file expects; every difference is one sentence.

A site file names what is broken there; everything it does not name must have worked. So each run is also a count of
false passes and false failures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from tests.lab.probe import Ended
from tests.lab.scenario import Check, Expected, Scenario, base

OURS = {"unknown", "interrupted", "budget"}  # causes that are a fault of the probe, and never right
CALL = "call/"
OF_EXITS = ("mapped-differs*", "*-other-exit*")
Item = dict[str, Any]


def differences(scenario: Scenario, ended: Ended) -> list[str]:
    """Return what is not as *scenario* expects."""
    expected = scenario.expect
    if not ended.report:
        return [f"no report; exit {ended.status}: {ended.err.strip()[-2000:]}"]
    return [
        *_ending(expected, ended),
        *_nat(expected.nat, ended.report),
        *_findings(scenario, ended.report["findings"]),
        *_rows(scenario, ended.report["rows"]),
        *_clients(expected, ended.report["clients"]),
        *_checks(expected.checks, ended.report["checks"]),
    ]


def _ending(expected: Expected, ended: Ended) -> Iterator[str]:
    allowed = expected.exit if isinstance(expected.exit, tuple) else (expected.exit,)
    if ended.status not in allowed:
        yield f"exit {ended.status}, not {expected.exit}: {ended.err.strip()[-300:]}"
    if not is_one_of(ended.report["verdict"], expected.verdict):
        yield f"the verdict is {ended.report['verdict']}, not {expected.verdict}"


def _nat(wanted: str, report: Item) -> Iterator[str]:
    told = report.get("site", {}).get("nat", {})
    found = f"mapping {told.get('mapping', 'unknown')}, filtering {told.get('filtering', 'unknown')}"
    untold = f"{wanted.partition(', ')[0]}, filtering unknown"  # as where this machine was slow to answer
    if wanted and found not in {wanted, untold}:
        yield f"the NAT is told as {found}, not {wanted}"


def _findings(scenario: Scenario, findings: list[Item]) -> Iterator[str]:
    expected = scenario.expect
    ids = [finding["id"] for finding in findings]
    for wanted in expected.findings:
        if not any(matches(key, wanted.split("|")) for key in ids):
            yield f"finding {wanted} is missing; found: {', '.join(ids) or 'none'}"
    if not scenario.firewall.other_exit:
        yield from (f"false finding {key}: this site has one way out" for key in ids if matches(key, OF_EXITS))
    known = [pattern for wanted in expected.findings for pattern in wanted.split("|")]
    for finding in findings:
        expected_here = matches(finding["id"], (*known, *expected.may)) or finding["severity"] == "advice"
        if matches(finding["id"], expected.no_findings) or not expected_here:
            yield f"false finding {finding['id']}: {finding['title']} ({finding.get('detail', '')[:200]})"


def _rows(scenario: Scenario, rows: list[Item]) -> Iterator[str]:
    yield from _unmatched("row", scenario.expect.rows, rows)
    for row in rows:
        wanted = expected_verdict(scenario, row["id"])
        if not is_one_of(row["verdict"], wanted):
            yield f"row {row['id']} is {row['verdict']}, not {wanted}: {row['reason'][:200]}"


def expected_verdict(scenario: Scenario, row: str) -> str:
    """Return what *row* must have come to at the site: what its file says, else pass."""
    always = base()
    if scenario.http_proxy is None and matches(row, always.proxy_rows):
        return "not-applicable|not-tested"
    if matches(row, always.not_tested):
        return scenario.expect.rows.get(row, "not-tested")  # only by its own name: it is not tested unless asked for
    named = (verdict for patterns, verdict in scenario.expect.rows.items() if matches(row, patterns.split()))
    return next(named, "pass")


def _clients(expected: Expected, clients: list[Item]) -> Iterator[str]:
    found = {client["id"]: client["verdict"] for client in clients}
    for client, verdict in expected.clients.items():
        if not is_one_of(found.get(client, ""), verdict):
            yield f"client {client} is {found.get(client, 'missing')}, not {verdict}"


def _checks(wanted: tuple[Check, ...], checks: list[Item]) -> Iterator[str]:
    yield from _unmatched("check", (one.id for one in wanted), checks)
    for check in checks:
        one = expected_outcome(wanted, check["id"], control=bool(check.get("control_of")))
        if not _as_wanted(one, check):
            yield f"check {check['id']} is {_told(check)}, not {one.outcome} {one.phase} {one.cause}".rstrip()


def expected_outcome(wanted: Sequence[Check], check: str, *, control: bool = False) -> Check:
    """Return what *check* must have come to: what the site's file says, else pass; a *control* may fail as it likes."""
    if matches(check, base().skipped) and not any(one.id == check for one in wanted):
        return Check(id=check, outcome="skipped")
    if control:
        return Check(id=check, outcome="pass|fail|inconclusive|skipped")
    if check.startswith(CALL) and not any(matches(check, _of_calls(one)) for one in wanted):
        return _call(wanted, check)
    named = (one for one in wanted if matches(check, one.id.split()))
    return next(named, Check(id=check, outcome="pass"))


def _of_calls(one: Check) -> list[str]:
    """Return the patterns that are about calls and nothing else."""
    return [pattern for pattern in one.id.split() if pattern.startswith(CALL)]


def _call(wanted: Sequence[Check], check: str) -> Check:
    """Return what a call must have come to that the file does not name: none is made where TURN does not pass."""
    turn = expected_outcome(wanted, check.replace(CALL, "turn/", 1)).outcome
    made = ["pass"] if is_one_of("pass", turn) else []
    return Check(id=check, outcome="|".join([*made, *["skipped"] * (turn != "pass")]))


def _unmatched(what: str, patterns: Iterable[str], items: list[Item]) -> Iterator[str]:
    """Name the patterns that match nothing: they would prove nothing."""
    for pattern in (one for patterns_together in patterns for one in patterns_together.split()):
        if not any(fnmatchcase(item["id"], pattern) for item in items):
            yield f"no {what} {pattern}"


def _as_wanted(wanted: Check, check: Item) -> bool:
    failure = check["failure"] or {"phase": "", "cause": ""}
    return (
        is_one_of(check["outcome"], wanted.outcome)
        and failure["cause"] not in (OURS - {"budget"} if check.get("control_of") else OURS)
        and (not wanted.phase or is_one_of(failure["phase"], wanted.phase))
        and (not wanted.cause or is_one_of(failure["cause"], wanted.cause))
    )


def _told(check: Item) -> str:
    failure = check["failure"]
    why = f"{failure['phase']}: {failure['cause']}: {failure['detail']}" if failure else check["reason"]
    return f"{check['outcome']} ({why[:200]})"


def is_one_of(value: str, wanted: str) -> bool:
    """Tell whether *value* is one of the alternatives in *wanted*, which have ``|`` between them."""
    return value in wanted.split("|")


def matches(value: str, patterns: Iterable[str]) -> bool:
    """Tell whether *value* matches one of *patterns*."""
    return any(fnmatchcase(value, pattern) for pattern in patterns)
