"""Rows that a run saw one way, and that must not be told as it saw them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rainbow_probe.judge.clients import client_lines, overall, summary
from rainbow_probe.model import Report, RowVerdict


def doubted(report: Report, reasons: Mapping[str, str]) -> Report:
    """Return *report* with the rows of *reasons* (by id) inconclusive for these; whatever is said of them follows.

    Findings that hit nothing else are left out; the checks stay, as what they saw is true.
    """
    rows = tuple(
        replace(row, verdict=RowVerdict.INCONCLUSIVE, reason=reasons[row.id], findings=()) if row.id in reasons else row
        for row in report.rows
    )
    hit = (replace(one, rows=tuple(row for row in one.rows if row not in reasons)) for one in report.findings)
    findings = tuple(now for now, one in zip(hit, report.findings, strict=True) if now.rows or not one.rows)
    lines = client_lines({line.id: line.title for line in report.clients}, rows)
    verdict = overall(rows)
    told = summary(verdict, rows, lines, findings)
    return replace(report, rows=rows, findings=findings, clients=lines, verdict=verdict, summary=told)
