"""A report put in reading order: tables, rows that were not tested, findings by weight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from rainbow_probe.model import Finding, Outcome, Report, Row, RowVerdict, Severity

UNTESTED = frozenset({RowVerdict.NOT_TESTED, RowVerdict.NOT_APPLICABLE})
_WEIGHT = {severity: place for place, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows of one client kind (or of one group of rows for the whole site) in one section of the guide."""

    client: str
    section: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Untested:
    """Rows without a verdict on the network, for one and the same reason."""

    verdict: RowVerdict
    reason: str
    rows: tuple[Row, ...]


def tables(report: Report, rows: Iterable[Row] | None = None) -> list[Table]:
    """Gather the *rows* (all, if not given) into tables, in the order in which the report has them."""
    titles = {**report.groups, **{client.id: client.title for client in report.clients}}
    gathered: dict[tuple[str, str], list[Row]] = {}
    for row in report.rows if rows is None else rows:
        gathered.setdefault((row.client, row.section), []).append(row)
    return [
        Table(client=client, section=section, title=titles.get(client) or _title(client), rows=tuple(found))
        for (client, section), found in gathered.items()
    ]


def judged(report: Report) -> list[Row]:
    """Return the rows whose verdict says something of the network."""
    return [row for row in report.rows if row.verdict not in UNTESTED]


def untested(report: Report) -> list[Untested]:
    """Gather the other rows by verdict and reason, the most numerous first."""
    gathered: dict[tuple[RowVerdict, str], list[Row]] = {}
    for row in report.rows:
        if row.verdict in UNTESTED:
            gathered.setdefault((row.verdict, row.reason), []).append(row)
    groups = [Untested(verdict=verdict, reason=why, rows=tuple(rows)) for (verdict, why), rows in gathered.items()]
    return sorted(groups, key=lambda group: (group.verdict is RowVerdict.NOT_APPLICABLE, -len(group.rows)))


def by_weight(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, blocking ones first, otherwise as the judge ordered them."""
    return sorted(findings, key=lambda finding: _WEIGHT[finding.severity])


def row_names(ids: Iterable[str]) -> str:
    """Name rows by their ids, each client said once: ``desktop: https, wss; room: fcm``."""
    return "; ".join(
        f"{client}: {', '.join(row.partition('/')[2] for row in found)}"
        for client, found in groupby(ids, key=lambda row: row.partition("/")[0])
    )


def tally(report: Report) -> str:
    """Count the checks by outcome: ``143 checks: 120 pass, 23 fail``."""
    counts = Counter(result.verdict.outcome for result in report.results)
    parts = [f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome]]
    return f"{len(report.results)} checks" + (f": {', '.join(parts)}" if parts else "")


def _title(group: str) -> str:
    return group.replace("-", " ").capitalize()
