"""The exit status of a run, from its report."""

from __future__ import annotations

from rainbow_probe.model import Need, Report, RowVerdict

OPEN, FAILED, UNCLEAR = 0, 1, 3


def exit_status(report: Report, *, strict: bool = False) -> int:
    """Return 0 if no needed row failed, 1 if one did (*strict*: or is degraded), 3 if it could not be told.

    Optional rows do not count, as they do not for the verdict.
    """
    needed = {row.verdict for row in report.rows if row.need is not Need.OPTIONAL}
    if RowVerdict.FAIL in needed or (strict and RowVerdict.DEGRADED in {report.verdict, *needed}):
        return FAILED
    return UNCLEAR if report.verdict is RowVerdict.INCONCLUSIVE else OPEN
