"""From rows to client kinds, and to the answer of the whole run."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.catalogue import Guide
from rainbow_probe.judging.rows import COUNTS
from rainbow_probe.model import ClientLine, Finding, Row, RowVerdict, Severity

_SHOWN = 3


def client_lines(guide: Guide, rows: Sequence[Row]) -> list[ClientLine]:
    """Return one line for each client kind that has rows."""
    return [_line(client, title, found) for client, title in guide.clients.items() if (found := _of(client, rows))]


def _of(client: str, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.client == client]


def _line(client: str, title: str, rows: Sequence[Row]) -> ClientLine:
    verdict = overall(rows)
    return ClientLine(id=client, title=title, verdict=verdict, reason=_reason(verdict, rows))


def overall(rows: Sequence[Row]) -> RowVerdict:
    """Judge rows together; an optional row can degrade the whole, and never fail it."""
    counting = {row.verdict for row in rows if row.need in COUNTS}
    everything = {row.verdict for row in rows}
    for verdict in (RowVerdict.FAIL, RowVerdict.INCONCLUSIVE):
        if verdict in counting:
            return verdict
    if everything & {RowVerdict.DEGRADED, RowVerdict.FAIL}:
        return RowVerdict.DEGRADED
    return RowVerdict.PASS if RowVerdict.PASS in everything else RowVerdict.NOT_TESTED


def _reason(verdict: RowVerdict, rows: Sequence[Row]) -> str:
    tested = [row for row in rows if row.verdict not in {RowVerdict.NOT_TESTED, RowVerdict.NOT_APPLICABLE}]
    if verdict is RowVerdict.PASS:
        return f"all {len(tested)} rows that could be tested work"
    if verdict is RowVerdict.NOT_TESTED:
        return "no row could be tested"
    worst = [row for row in tested if row.verdict is verdict] or [
        row for row in tested if row.verdict is RowVerdict.FAIL
    ]
    named = ", ".join(row.title for row in worst[:_SHOWN]) + (", ..." if len(worst) > _SHOWN else "")
    said = {RowVerdict.FAIL: "does not work", RowVerdict.DEGRADED: "works only by a fallback"}
    return f"{named}: {said.get(verdict, 'could not be told')}"


def whole(rows: Sequence[Row]) -> RowVerdict:
    """Judge the run: pass, degraded, fail or inconclusive; a run that tested nothing cannot tell."""
    verdict = overall(rows)
    return RowVerdict.INCONCLUSIVE if verdict is RowVerdict.NOT_TESTED else verdict


def summary(verdict: RowVerdict, clients: Sequence[ClientLine], findings: Sequence[Finding]) -> str:
    """Answer in one sentence: will it work from here, and if not, who must change what?"""
    if verdict is RowVerdict.PASS:
        return "Rainbow will work from here: everything that could be tested works."
    acting = [f for f in findings if f.severity is not Severity.ADVICE]
    who = f" First: {acting[0].title} ({acting[0].who})." if acting else ""
    if verdict is RowVerdict.DEGRADED:
        return f"Rainbow will work from here, partly by a fallback.{who}"
    if verdict is RowVerdict.INCONCLUSIVE:
        return f"Nothing failed, but it could not be told whether all of Rainbow will work from here.{who}"
    broken = [client.title for client in clients if client.verdict is RowVerdict.FAIL]
    return f"Not all of Rainbow will work from here{': ' + ', '.join(broken) if broken else ''}.{who}"
