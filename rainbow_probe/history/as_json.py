"""Runs and changes as JSON, for a script: ids and closed words, and no sentence that is not in a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rainbow_probe.history.compare import Comparison, RowChange, Steps
from rainbow_probe.history.store import Run
from rainbow_probe.model import Finding, Report, Row

HISTORY, DIFF = "rainbow-probe/history/1", "rainbow-probe/diff/1"
"""What ``schema`` says; additions are compatible, renames are not."""


def history_json(
    runs: Sequence[Run], changes: Mapping[int, Steps | None], flaky: Mapping[str, Mapping[str, int]]
) -> dict[str, Any]:
    """Return the *runs*, newest first, each with its *changes*, and by site the rows that come and go."""
    return {
        "schema": HISTORY,
        "runs": [_run(run, changes.get(run.id)) for run in runs],
        "flaky": {site: dict(rows) for site, rows in flaky.items()},
    }


def _run(run: Run, changed: Steps | None) -> dict[str, Any]:
    return {
        "id": run.id,
        "site": run.series,
        "started": run.started,
        "duration_s": round(run.duration, 3),
        "guide": run.guide,
        "verdict": run.verdict.value,
        "summary": run.summary,
        "interrupted": run.interrupted,
        "changes": None if changed is None else {change.value: rows for change, rows in changed.items()},
    }


def diff_json(
    old: tuple[str, Report], new: tuple[str, Report], found: Comparison, flaky: Mapping[str, int]
) -> dict[str, Any]:
    """Return what changed from one run to another, each given with its name."""
    return {
        "schema": DIFF,
        "old": _named(*old),
        "new": _named(*new),
        "worse": found.worse,
        "unclear": found.unclear,
        "rows": [_row(row, flaky) for row in found.rows],
        "findings": {"new": _findings(found.new_findings), "gone": _findings(found.gone_findings)},
        "quality": [
            {"check": one.check, "what": one.what, "before": one.before, "after": one.after, "worse": one.worse}
            for one in found.quality
        ],
        "only_old": [row.id for row in found.only_before],
        "only_new": [row.id for row in found.only_after],
    }


def _named(name: str, report: Report) -> dict[str, Any]:
    return {"name": name, "started": report.started, "verdict": report.verdict.value, "summary": report.summary}


def _row(row: RowChange, flaky: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": row.after.id,
        "change": row.change.value,
        "need": row.after.need.value,
        "before": _seen(row.before),
        "after": _seen(row.after),
        "flips": flaky.get(row.after.id, 0),
    }


def _seen(row: Row) -> dict[str, Any]:
    return {"verdict": row.verdict.value, "path": row.path, "reason": row.reason}


def _findings(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "title": one.title, "severity": one.severity.value, "who": one.who.value} for one in findings
    ]
