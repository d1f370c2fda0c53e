"""The report as one HTML file to send on: it needs nothing else and loads nothing.

The templates in ``templates/`` escape every text, whoever wrote it, and what cannot be seen is shown as an escape. The
one script filters, searches and copies; without it nothing is missing. The policy in the page lets that script and that
style act, by their hashes, and nothing else (Content Security Policy Level 3, Trusted Types).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from rainbow_probe.explanations.actors import ACTORS
from rainbow_probe.language import ENGLISH, Language
from rainbow_probe.model import Report
from rainbow_probe.report.past import Past
from rainbow_probe.report.plots import curves, demand_bars, estimate, figure, load_bars, port_bar, port_lists
from rainbow_probe.report.sequence import sequence
from rainbow_probe.report.shown import Page, grouped
from rainbow_probe.report.templating import environment
from rainbow_probe.report.trends import trends
from rainbow_probe.report.wording import (
    CURVES,
    DIRECTIONS,
    NEEDS,
    OUTCOMES,
    PORT_STATES,
    SEVERITIES,
    VERDICTS,
    because,
    pasted,
    unjudged,
)

TEMPLATES = Path(__file__).parent / "templates"
_MARKS = {
    "pass": "✔", "fail": "✘", "blocking": "✘", "degraded": "!", "degrading": "!", "inconclusive": "?",
    "advice": "i",
}  # fmt: skip

_DRAWING: dict[str, Any] = {
    one.__name__: one for one in (curves, demand_bars, estimate, figure, load_bars, port_bar, port_lists, sequence)
}


def dumps(report: Report, language: Language = ENGLISH, past: Sequence[Past] = ()) -> str:
    """Return the whole page; every text in it is escaped, whoever wrote it.

    *past* is what earlier runs of the same site found, the oldest first.
    """
    return page("report.html.j2", "report.css", report, language, past)


def page(template: str, style: str, report: Report, language: Language, past: Sequence[Past]) -> str:
    """Return the page that *template* makes of *report* and its *past*, in the look of *style*."""
    look, script = _file(style), _file("report.js")
    return (
        environment(TEMPLATES)
        .get_template(template)
        .render(
            report=report,
            page=Page(report, language),
            trends=trends(report, past, language),
            language=language.code,
            _=language.say,
            tr=language.said,
            style=Markup(look),  # noqa: S704 - a file of ours
            script=Markup(script),  # noqa: S704 - a file of ours
            policy=policy(look, script),
            marks=_MARKS,
            because=because,
            grouped=grouped,
            pasted=pasted,
            unjudged=unjudged,
            **_DRAWING,
            **_vocabulary(language),
        )
    )


def policy(style: str, script: str) -> str:
    """Return the policy under which *style* and *script* act, and nothing else does."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _file(name: str) -> str:
    return (TEMPLATES / name).read_text("utf-8")


def _vocabulary(language: Language) -> dict[str, Any]:
    """Return the closed words of a report in *language*, by what they are words for."""
    closed: dict[str, Mapping[Any, str]] = {
        "verdicts": VERDICTS,
        "severities": SEVERITIES,
        "actors": ACTORS,
        "outcomes": OUTCOMES,
        "needs": NEEDS,
        "directions": DIRECTIONS,
        "states": PORT_STATES,
        "measures": CURVES,
    }
    return {name: {key: language.say(word) for key, word in words.items()} for name, words in closed.items()}
