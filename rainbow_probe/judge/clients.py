"""Client kinds and the run as a whole, from rows: will it work from here, and who must act if not?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rainbow_probe.explanations.actors import ACTORS
from rainbow_probe.judge.words import count, named
from rainbow_probe.model import ClientLine, Finding, Need, Row, RowVerdict, Severity

UNTESTED = frozenset({RowVerdict.NOT_TESTED, RowVerdict.NOT_APPLICABLE})
MOST_ROWS = 3  # rows named in one line


def client_lines(clients: Mapping[str, str], rows: Sequence[Row]) -> tuple[ClientLine, ...]:
    """Judge the client kinds that have rows, in the guide's order."""
    own = {client: [row for row in rows if row.client == client] for client in clients}
    return tuple(_line(client, clients[client], found) for client, found in own.items() if found)


def _line(client: str, title: str, rows: Sequence[Row]) -> ClientLine:
    verdict = verdict_of(rows)
    return ClientLine(id=client, title=title, verdict=verdict, reason=_REASONS[verdict](rows))


def verdict_of(rows: Sequence[Row]) -> RowVerdict:
    """Return the verdict of *rows* together: the worst of those that are needed.

    Optional ones count where nothing else was tested; even then none of them fails a run.
    """
    tested = [row for row in rows if row.verdict not in UNTESTED]
    needed = [row for row in tested if row.need is not Need.OPTIONAL]
    counted = needed or tested
    if any(row.verdict is RowVerdict.FAIL for row in needed):
        return RowVerdict.FAIL
    if any(row.verdict is RowVerdict.INCONCLUSIVE for row in counted):
        return RowVerdict.INCONCLUSIVE
    if any(_lacks(row) for row in counted):
        return RowVerdict.DEGRADED
    return RowVerdict.PASS if tested else RowVerdict.NOT_TESTED


def _lacks(row: Row) -> bool:
    """Tell whether *row* is not as it should be, and nobody is stopped by it."""
    return row.verdict is RowVerdict.DEGRADED or (row.verdict is RowVerdict.FAIL and row.need is Need.OPTIONAL)


def _failing(rows: Sequence[Row]) -> str:
    bad = [row for row in rows if row.verdict is RowVerdict.FAIL and row.need is not Need.OPTIONAL]
    return f"does not work: {titles(bad)}"


def _unclear(rows: Sequence[Row]) -> str:
    bad = _untold(rows)
    return f"cannot be told: {titles(bad)}"


def _limited(rows: Sequence[Row]) -> str:
    """Say which fallbacks are used for what, and which optional rows fail."""
    paths: dict[str, list[Row]] = {}
    for row in rows:
        if _lacks(row):
            paths.setdefault(row.path, []).append(row)
    return "; ".join(
        f"only by {path}: {titles(found)}" if path else f"optional, and not as it should be: {titles(found)}"
        for path, found in paths.items()
    )


def _working(rows: Sequence[Row]) -> str:
    counts = Counter(row.verdict for row in rows)
    passed, missing = count(counts[RowVerdict.PASS], "row"), counts[RowVerdict.NOT_TESTED]
    told = f"{passed}; {missing} not tested" if missing else passed
    if optional := _optional(rows):
        return f"all that is needed and was tested works ({told}); {optional}"
    return f"all that was tested works ({told})"


def _optional(rows: Sequence[Row]) -> str:
    """Name the optional rows that are not as they should be, where all others are; empty if there are none."""
    found = titles([row for row in rows if _lacks(row)])
    return f"optional, and not as it should be: {found}" if found else ""


def _untested(rows: Sequence[Row]) -> str:
    reasons = Counter(row.reason for row in rows if row.verdict is RowVerdict.NOT_TESTED)
    return f"nothing was tested: {reasons.most_common(1)[0][0]}" if reasons else "nothing of it applies here"


_REASONS = {
    RowVerdict.FAIL: _failing,
    RowVerdict.INCONCLUSIVE: _unclear,
    RowVerdict.DEGRADED: _limited,
    RowVerdict.PASS: _working,
    RowVerdict.NOT_TESTED: _untested,
}


def titles(rows: Sequence[Row]) -> str:
    """Name *rows* by their titles, the mandatory ones first, each once."""
    ordered = sorted(rows, key=lambda row: list(Need).index(row.need))
    return named(dict.fromkeys(row.title for row in ordered), MOST_ROWS)


def overall(rows: Sequence[Row]) -> RowVerdict:
    """Return the verdict of the run; where nothing was tested, it cannot be told."""
    verdict = verdict_of(rows)
    return RowVerdict.INCONCLUSIVE if verdict is RowVerdict.NOT_TESTED else verdict


def summary(verdict: RowVerdict, rows: Sequence[Row], lines: Sequence[ClientLine], findings: Sequence[Finding]) -> str:
    """Answer in one sentence: will it work from here, and if not, who must change what?"""
    tested = sum(row.verdict not in UNTESTED for row in rows)
    match verdict:
        case RowVerdict.PASS:
            return _works(rows, findings)
        case RowVerdict.DEGRADED:
            return f"Yes, with limits: {_limited(_of_clients(rows, lines)) or _limited(rows)}.{_acts(findings)}"
        case RowVerdict.FAIL:
            return f"{_who_fails(rows, lines)}.{_acts(findings)}"
        case _ if tested:
            return f"It cannot be told: nothing that is needed fails, but not all could be judged. {_open(rows)}"
        case _:
            return "It cannot be told: nothing could be tested from here."


def _works(rows: Sequence[Row], findings: Sequence[Finding]) -> str:
    tested, of, nags = sum(row.verdict not in UNTESTED for row in rows), count(len(rows), "row"), _nags(findings)
    if optional := _optional(rows):
        return f"Yes: all that is needed and was tested works from here ({tested} of {of}); {optional}.{nags}"
    return f"Yes: all that was tested works from here ({tested} of {of}).{nags}"


def _of_clients(rows: Sequence[Row], lines: Sequence[ClientLine]) -> list[Row]:
    return [row for row in rows if row.client in {line.id for line in lines}]


def _who_fails(rows: Sequence[Row], lines: Sequence[ClientLine]) -> str:
    failing = [line for line in lines if line.verdict is RowVerdict.FAIL]
    sound = [line for line in lines if line.verdict in {RowVerdict.PASS, RowVerdict.DEGRADED}]
    if not failing:
        return f"Not entirely: {_failing(rows)}"
    if sound:
        return f"Not for all: {named(line.title for line in failing)} cannot work fully from here"
    mandatory = any(row.verdict is RowVerdict.FAIL and row.need is Need.MANDATORY for row in rows)
    answer = "No" if mandatory else "Only in part"
    return f"{answer}: {_failing([row for row in rows if row.client == failing[0].id])}{_alike(failing[1:])}"


def _alike(others: Sequence[ClientLine]) -> str:
    return f" ({count(len(others), 'more client kind')} cannot work fully either)" if others else ""


def _acts(findings: Sequence[Finding]) -> str:
    """Name who must act, and for what; the worst findings only."""
    worst = next((s for s in Severity if any(finding.severity is s for finding in findings)), None)
    tasks: dict[str, list[str]] = {}
    for finding in findings:
        if finding.severity is worst and worst is not Severity.ADVICE:
            tasks.setdefault(ACTORS[finding.who], []).append(finding.title)
    return "".join(f" To act: {who} ({named(what, 1)})." for who, what in tasks.items())


def _nags(findings: Sequence[Finding]) -> str:
    loose = [finding.title for finding in findings if finding.severity is not Severity.ADVICE]
    return f" Worth repair: {named(loose, 2)}." if loose else ""


def _open(rows: Sequence[Row]) -> str:
    unclear = _untold(rows)
    return f"Open: {titles(unclear)}." if unclear else ""


def _untold(rows: Sequence[Row]) -> list[Row]:
    """Return the needed rows that could not be told, or the optional ones where they alone are."""
    unclear = [row for row in rows if row.verdict is RowVerdict.INCONCLUSIVE]
    return [row for row in unclear if row.need is not Need.OPTIONAL] or unclear
