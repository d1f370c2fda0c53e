"""Which rows to test again: those that were named, and those that a stored report saw fail."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from rainbow_probe.catalogue import Guide, RowSpec
from rainbow_probe.model import Report, RowVerdict
from rainbow_probe.options import UsageError

AGAIN = frozenset({RowVerdict.FAIL, RowVerdict.DEGRADED, RowVerdict.INCONCLUSIVE})


def chosen(
    guide: Guide,
    *,
    only: Sequence[str] = (),
    failed_in: str = "",
    report: Report | None = None,
    clients: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the ids of the rows to test: those in *only* that the *report* in the file *failed_in* saw fail.

    A row that sums up others brings those along, if it was named. Raises ``UsageError`` for what matches no row, and
    if no row is left.
    """
    named = [identity for pattern in only for identity in _matching(pattern, guide)]
    failed = _failed(report, guide, failed_in) if report else ()
    rows = [row for row in guide.rows if not clients or row.client in clients]
    left = [row.id for row in rows if (not only or row.id in named) and (not report or row.id in failed)]
    if not left:
        asked = [f"--only {one}" for one in only] + [f"--client {one}" for one in clients]
        raise UsageError(f"{' '.join([*asked, *([f'--failed-in {failed_in}'] if report else [])])}: no row is left")
    return tuple(left)


def _matching(pattern: str, guide: Guide) -> list[str]:
    rows = [row for row in guide.rows if fnmatchcase(row.id, pattern)]
    if not rows:
        near = get_close_matches(pattern, [row.id for row in guide.rows], n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "'rainbow-probe list' has them all"
        raise UsageError(f"--only {pattern!a}: the guide {guide.id} has no such row; {hint}")
    return [row.id for row in guide.rows if row in rows or any(_sums(row, one) for one in rows)]


def _sums(row: RowSpec, one: RowSpec) -> bool:
    """Tell whether *row* is among those that *one* sums up."""
    return any(row.section == section or row.section.startswith(f"{section}.") for section in one.sections)


def _failed(report: Report, guide: Guide, where: str) -> Collection[str]:
    known = {row.id for row in guide.rows}
    found = [row.id for row in report.rows if row.verdict in AGAIN]
    if report.guide_id != guide.id or not known >= set(found):
        raise UsageError(f"--failed-in {where}: made by the guide {report.guide_id!a}, and this run has {guide.id}")
    if not found:
        raise UsageError(f"--failed-in {where}: no row failed, was degraded or inconclusive: nothing to test again")
    return found
