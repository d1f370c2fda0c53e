"""The rows of the guide as one flat table (RFC 4180), for a spreadsheet or a script."""

from __future__ import annotations

import csv
import re
from io import StringIO

from rainbow_probe.model import Report, Row
from rainbow_probe.report.wording import plain

COLUMNS = (
    "id", "client", "section", "need", "title", "destination", "verdict", "path", "reason", "findings", "checks",
)  # fmt: skip
# What makes a spreadsheet take a cell for a formula; the full-width forms count for some of them, too.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Where the decimal point is a comma, spreadsheets split cells at the semicolon, whatever is quoted.
_HIDDEN = re.compile(rf"(;\s*)(?=[{re.escape(''.join(_FORMULA))}])")


def dumps(report: Report) -> str:
    """Return the table, a header and one line a row; lists within a cell are separated by spaces."""
    text = StringIO(newline="")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    table.writerows([_cell(value) for value in _values(row)] for row in report.rows)
    return text.getvalue()


def _values(row: Row) -> tuple[str, ...]:
    about = (row.id, row.client, row.section, row.need, row.title, row.destination)
    return (*about, row.verdict, row.path, row.reason, " ".join(row.findings), " ".join(row.checks))


def _cell(value: str) -> str:
    shown = _HIDDEN.sub(r"\1'", plain(value))
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
