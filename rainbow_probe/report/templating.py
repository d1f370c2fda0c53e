"""Templates of ours: every text in them is escaped, whoever wrote it, and what cannot be seen is shown as an escape."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rainbow_probe.report.wording import clip, lines, plain

PASSAGE = 600  # characters


@cache
def environment(folder: Path) -> Environment:
    """Return what renders the templates of a *folder*."""
    found = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_visible,
    )
    found.filters.update(block=_block, date=_date, minute=_minute, short=_short)
    return found


def _visible(value: object) -> object:
    """Return a text with all that cannot be seen as escapes; markup of ours as it is."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _block(text: str) -> Markup:
    """Return a text whose line breaks are ours, such as a rule."""
    return Markup("\n").join(lines(text))


def _short(text: str) -> str:
    """Return a text as long as paper has room for; all of it is in the page and in the JSON report."""
    return clip(text, PASSAGE)


def _date(iso: str) -> str:
    """Return a time as the report has it (ISO 8601, UTC) for a reader."""
    return iso.replace("T", " ").replace("Z", " UTC")


def _minute(iso: str) -> str:
    """Return the same to the minute, where many stand side by side."""
    return iso[:16].replace("T", " ")
