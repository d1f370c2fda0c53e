"""What a mail about a run says, before it is text or HTML."""

from __future__ import annotations

from dataclasses import dataclass

from rainbow_probe.explanations.actors import ACTORS
from rainbow_probe.history.keeping import Occasion
from rainbow_probe.history.telling import details, in_short, when
from rainbow_probe.model import Finding, RowVerdict
from rainbow_probe.report.layout import by_weight, row_names
from rainbow_probe.report.wording import SEVERITIES, VERDICTS, clip, lines, more, number

_SUBJECT, _LINE, _TEXT = 120, 200, 900  # characters
_MOST_FINDINGS, _MOST_CHANGES, _MOST_ROWS, _MOST_RULES = 12, 40, 8, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A finding, as a mail tells it."""

    title: str
    severity: str
    particulars: tuple[tuple[str, str], ...]
    """Label and text."""
    rules: tuple[tuple[str, tuple[str, ...]], ...]
    """Format and lines to paste."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The parts of a mail from top to bottom; every text is on one line and fit to show."""

    subject: str
    verdict: RowVerdict
    word: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    clients: tuple[tuple[RowVerdict, str, str, str], ...]
    """Verdict, its word, title, reason."""
    changes: tuple[str, ...]
    advice: tuple[Advice, ...]
    ending: tuple[str, ...]


def content_of(occasion: Occasion) -> Content:
    """Return what is to be said on this *occasion*."""
    report = occasion.report
    found = by_weight(report.findings)
    return Content(
        subject=_subject(occasion),
        verdict=report.verdict,
        word=VERDICTS[report.verdict],
        summary=clip(report.summary, _TEXT),
        facts=tuple((label, clip(text, _LINE)) for label, text in _facts(occasion) if text),
        clients=tuple(
            (one.verdict, VERDICTS[one.verdict], clip(one.title, _LINE), clip(one.reason, _LINE))
            for one in report.clients
        ),
        changes=_changes(occasion),
        advice=tuple(_advice(finding) for finding in found[:_MOST_FINDINGS]),
        ending=tuple(_ending(occasion, len(found) - _MOST_FINDINGS)),
    )


def _subject(occasion: Occasion) -> str:
    """Say verdict, site and what changed; what matters most comes first, as phones cut the rest."""
    word = VERDICTS[occasion.report.verdict]
    told = f": {in_short(occasion.comparison.steps) or 'nothing changed'}" if occasion.before else ""
    return clip(f"{word}: Rainbow at {occasion.site}{told}", _SUBJECT)


def _facts(occasion: Occasion) -> list[tuple[str, str]]:
    report, before = occasion.report, occasion.before
    told = in_short(occasion.comparison.steps) or "nothing"
    since = f"{told}, since {when(before.started)}" if before else "not known: no earlier run is kept"
    machine = ", ".join(filter(None, [report.site.hostname, *report.site.addresses[:3]]))
    return [
        ("Site", occasion.site),
        ("Machine", machine),
        ("Time", f"{when(report.started)}, {report.duration:.1f} s"),
        ("Changed", since),
        ("Guide", f"{report.guide_title}, edition {report.guide_edition}"),
    ]


def _changes(occasion: Occasion) -> tuple[str, ...]:
    told = list(details(occasion.comparison, occasion.flaky))
    left = [f"and {number(len(told) - _MOST_CHANGES, 'more line')}"] if len(told) > _MOST_CHANGES else []
    again = [f"Tried a second time and as before, so not counted: {clip(row, 60)}" for row in occasion.unconfirmed[:8]]
    return (*told[:_MOST_CHANGES], *left, *again)


def _advice(finding: Finding) -> Advice:
    hit = f"{len(finding.rows)}: {row_names(finding.rows[:_MOST_ROWS])}{more(len(finding.rows) - _MOST_ROWS)}"
    told = [("Who acts", ACTORS[finding.who]), ("Seen", finding.detail), ("Fix", finding.fix)]
    told.append(("Rows hit", hit if finding.rows else ""))
    return Advice(
        title=clip(finding.title, _LINE),
        severity=SEVERITIES[finding.severity],
        particulars=tuple((label, clip(text, _TEXT)) for label, text in told if text),
        rules=tuple(
            (rule.format, tuple(clip(line, _TEXT) for line in lines(rule.text)[:_MOST_CHANGES]))
            for rule in finding.rules[:_MOST_RULES]
        ),
    )


def _ending(occasion: Occasion, left: int) -> list[str]:
    told = [f"{number(left, 'more finding')} in the attached report."] if left > 0 else []
    told.append("Attached: the whole report as a page (report.html) and for programs (report.json).")
    if occasion.number is not None:
        told.append(f"On that machine: rainbow-probe show {occasion.number}, rainbow-probe diff")
    return told
