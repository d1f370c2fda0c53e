"""The judge: results to rows, clients, findings and the answer of the run. Pure functions over data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rainbow_probe.catalogue import Guide, RowSpec
from rainbow_probe.judging.clients import client_lines, summary, whole
from rainbow_probe.judging.findings import find
from rainbow_probe.judging.findings.case import Case
from rainbow_probe.judging.findings.turn import mapped_addresses
from rainbow_probe.judging.rows import Tried, judge_rows
from rainbow_probe.model import Assignment, Finding, Report, Result, Row, RowVerdict, Site

EXIT = {RowVerdict.PASS: 0, RowVerdict.DEGRADED: 0, RowVerdict.FAIL: 1, RowVerdict.INCONCLUSIVE: 3}


def judge(
    *,
    guide: Guide,
    rows: Sequence[RowSpec],
    assignments: Mapping[str, Assignment],
    results: Sequence[Result],
    site: Site,
    have_credentials: bool,
) -> Report:
    """Judge *results*; the caller adds when it was, how long it took, and the self-check."""
    tried = Tried(
        results={result.flow.id: result for result in results},
        assignments=assignments,
        have_credentials=have_credentials,
        proxied_site=site.proxy is not None,
    )
    judged = judge_rows(rows, tried)
    findings = find(Case(guide=guide, site=site, results=results, rows=judged))
    clients = client_lines(guide, judged)
    verdict = whole(judged)
    return Report(
        version="",
        guide_id=guide.id,
        guide_edition=guide.edition,
        guide_title=guide.title,
        started="",
        duration=0.0,
        verdict=verdict,
        summary=summary(verdict, clients, findings),
        site=site,
        groups=guide.groups,
        mapped_addresses=mapped_addresses(results),
        clients=tuple(clients),
        rows=tuple(_with_findings(row, findings) for row in judged),
        results=tuple(results),
        findings=tuple(findings),
    )


def _with_findings(row: Row, findings: Sequence[Finding]) -> Row:
    return replace(row, findings=tuple(finding.id for finding in findings if row.id in finding.rows))


def exit_status(report: Report, *, strict: bool) -> int:
    """Return the exit status of a run that was not interrupted: 0, 1 or 3."""
    if strict and report.verdict is RowVerdict.DEGRADED:
        return 1
    return EXIT.get(report.verdict, 3)
