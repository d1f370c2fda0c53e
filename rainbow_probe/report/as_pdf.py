"""The report as PDF on A4, laid out by WeasyPrint, an extra: what a reader of paper needs, without what passed.

It has templates of its own: paper has no filters, and the layout is kept to what WeasyPrint does quickly. Nothing is
fetched.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, NoReturn

from rainbow_probe.language import ENGLISH, Language
from rainbow_probe.model import Report
from rainbow_probe.options import UsageError
from rainbow_probe.report.as_html import page
from rainbow_probe.report.past import Past

MISSING = "--pdf needs the extra 'pdf': pip install 'rainbow-probe[pdf]', and on Linux the library Pango"


def check() -> None:
    """Raise ``UsageError`` where WeasyPrint, or the library that it stands on, is not there."""
    try:
        importlib.import_module("weasyprint")
    except (ImportError, OSError) as exc:  # OSError: Pango cannot be loaded
        raise UsageError(MISSING) from exc


def render(report: Report, language: Language = ENGLISH, past: Sequence[Past] = ()) -> bytes:
    """Return the PDF; *past* is what earlier runs of the same site found, the oldest first."""
    weasyprint: Any = importlib.import_module("weasyprint")  # it has no types
    text = page("paper.html.j2", "paper.css", report, language, past)
    made: bytes = weasyprint.HTML(string=text, url_fetcher=_refuse).write_pdf()
    return made


def _refuse(url: str) -> NoReturn:
    raise ValueError(f"a report loads nothing: {url[:60]!a}")
