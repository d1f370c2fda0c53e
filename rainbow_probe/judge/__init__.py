"""Results to rows, clients and findings: pure functions over what the checks saw. Nothing is judged after this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rainbow_probe.capacity import Load
from rainbow_probe.catalogue import Guide, RowSpec
from rainbow_probe.explanations import FINDINGS, meaning
from rainbow_probe.judge.clients import client_lines, overall, summary
from rainbow_probe.judge.demands import demands
from rainbow_probe.judge.findings import find
from rainbow_probe.judge.findings.outside import mapped_addresses
from rainbow_probe.judge.nat import nat_behaviour
from rainbow_probe.judge.needs import Known
from rainbow_probe.judge.policy import proxy_policy
from rainbow_probe.judge.review import reviewed
from rainbow_probe.judge.rows import judge_rows
from rainbow_probe.judge.scene import Scene
from rainbow_probe.judge.status import exit_status
from rainbow_probe.judge.story import story
from rainbow_probe.model import Assignment, Finding, Report, Result, Row, Site

__all__ = ["FINDINGS", "exit_status", "judge", "meaning"]


def judge(
    guide: Guide,
    rows: Sequence[RowSpec],
    assignments: Mapping[str, Assignment],
    results: Sequence[Result],
    site: Site,
    *,
    have_credentials: bool = False,
    load: Load | None = None,
) -> Report:
    """Judge *rows* of *guide* by what was planned for its flows and what came of it.

    When it began, how long it took and which version did it is the caller's to fill in.
    """
    results = reviewed(results)
    known = Known(
        specs=guide.flows,
        assignments=assignments,
        results={result.flow.id: result for result in results},
        site=site,
        have_credentials=have_credentials,
        load=load or Load(),
    )
    judged = judge_rows(rows, known)
    findings = find(Scene.of(guide, site, judged, results, assignments))
    lines = client_lines(guide.clients, judged)
    verdict = overall(judged)
    return Report(
        version="",
        guide_id=guide.id,
        guide_edition=guide.edition,
        guide_title=guide.title,
        started="",
        duration=0.0,
        verdict=verdict,
        summary=summary(verdict, judged, lines, findings),
        site=site,
        groups=guide.groups,
        mapped_addresses=mapped_addresses(results),
        nat=nat_behaviour(results, site),
        proxy_policy=proxy_policy(results),
        clients=lines,
        rows=_linked(judged, findings),
        results=results,
        findings=findings,
        story=story(judged, results),
        demands=demands(rows, known),
    )


def _linked(rows: Sequence[Row], findings: Sequence[Finding]) -> tuple[Row, ...]:
    """Tell each row which findings hit it."""
    return tuple(replace(row, findings=tuple(f.id for f in findings if row.id in f.rows)) for row in rows)
