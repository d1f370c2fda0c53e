"""The HTML part of a mail: no script, no picture, nothing loaded; inline styles, which mail programs keep."""

from __future__ import annotations

from pathlib import Path

from rainbow_probe.language import ENGLISH, Language
from rainbow_probe.mail.content import Content
from rainbow_probe.model import RowVerdict
from rainbow_probe.report.templating import environment

TEMPLATES = Path(__file__).parent / "templates"
_COLOURS = {
    RowVerdict.PASS: "#1a7f37",
    RowVerdict.DEGRADED: "#9a6700",
    RowVerdict.FAIL: "#cf222e",
    RowVerdict.INCONCLUSIVE: "#6639ba",
}
_GREY = "#57606a"


def html_of(content: Content, language: Language = ENGLISH) -> str:
    """Return the mail as one HTML page, with its headings in *language*, as the *content* is."""
    template = environment(TEMPLATES).get_template("mail.html.j2")
    return template.render(content=content, colour=_colour, _=language.say, colon=language.colon)


def _colour(verdict: RowVerdict) -> str:
    return _COLOURS.get(verdict, _GREY)
