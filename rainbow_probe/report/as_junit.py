"""The rows of the guide as JUnit XML: a test suite a client kind, a test case a row, for a CI server.

A row that fails is a failure whose type is the row's need. A row that is inconclusive, not tested or not applicable
is skipped, with its verdict and reason as the message: a network is not broken because it could not be judged, and
whoever wants to stop on that has the exit status 3. A degraded row passes and says so in its output.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from rainbow_probe.explanations.actors import ACTORS
from rainbow_probe.model import Finding, Report, Row, RowVerdict
from rainbow_probe.report.layout import UNTESTED, Table, tables
from rainbow_probe.report.wording import VERDICTS, lines, plain

_SKIPPED = UNTESTED | {RowVerdict.INCONCLUSIVE}


def dumps(report: Report) -> str:
    """Return the XML document, with a declaration for UTF-8."""
    root = ET.Element("testsuites", {"name": "rainbow-probe", **_counts(report.rows), "time": f"{report.duration:.3f}"})
    findings = {finding.id: finding for finding in report.findings}
    took = {result.flow.id: result.took for result in report.results}
    for table in tables(report):
        suite = ET.SubElement(root, "testsuite", _suite(report, table))
        for row in table.rows:
            _case(suite, row, findings, max((took.get(check, 0.0) for check in row.checks), default=0.0))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(report: Report, table: Table) -> dict[str, str]:
    return {
        "name": plain(f"{table.section} {table.title}"),
        **_counts(table.rows),
        "timestamp": plain(report.started).removesuffix("Z"),  # the format's schema knows no zone
        "hostname": plain(report.site.hostname),
    }


def _counts(rows: Sequence[Row]) -> dict[str, str]:
    failed = sum(row.verdict is RowVerdict.FAIL for row in rows)
    skipped = sum(row.verdict in _SKIPPED for row in rows)
    return {"tests": str(len(rows)), "failures": str(failed), "errors": "0", "skipped": str(skipped)}


def _case(suite: ET.Element, row: Row, findings: dict[str, Finding], took: float) -> None:
    names = {"classname": plain(row.client), "name": plain(row.id), "time": f"{took:.3f}"}
    case = ET.SubElement(suite, "testcase", names)
    if row.verdict is RowVerdict.FAIL:
        failure = ET.SubElement(case, "failure", {"type": row.need.value, "message": plain(row.reason)})
        failure.text = "\n".join(_advice(findings[found]) for found in row.findings if found in findings)
    elif row.verdict in _SKIPPED:
        ET.SubElement(case, "skipped", {"message": plain(f"{VERDICTS[row.verdict]}: {row.reason}")})
    ET.SubElement(case, "system-out").text = "\n".join(_output(row))


def _output(row: Row) -> list[str]:
    said = [row.title, f"{row.need}, to {row.destination}", f"{VERDICTS[row.verdict]}: {row.reason}", row.path]
    return [plain(line) for line in (*said, *row.checks) if line]


def _advice(finding: Finding) -> str:
    rules = [line for rule in finding.rules for line in lines(rule.text)]
    said = [f"{finding.title} ({ACTORS[finding.who]})", finding.detail, finding.fix]
    return "\n".join([*(plain(line) for line in said if line), *rules])
