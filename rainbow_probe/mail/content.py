"""What a mail about a run says, before it is text or HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rainbow_probe.explanations.actors import ACTORS
from rainbow_probe.history.keeping import Occasion
from rainbow_probe.history.telling import details, in_short, when
from rainbow_probe.language import ENGLISH, Language
from rainbow_probe.model import ClientLine, Finding, RowVerdict
from rainbow_probe.report.layout import by_weight, row_names
from rainbow_probe.report.wording import SEVERITIES, VERDICTS, clip, lines, pasted

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

    language: str
    """The code of the language (BCP 47)."""
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


def content_of(occasion: Occasion, language: Language = ENGLISH) -> Content:
    """Return what is to be said on this *occasion*."""
    report = occasion.report
    found = by_weight(report.findings)
    return Content(
        language=language.code,
        subject=_subject(occasion, language),
        verdict=report.verdict,
        word=language.say(VERDICTS[report.verdict]),
        summary=clip(language.said(report.summary), _TEXT),
        facts=tuple((label, clip(text, _LINE)) for label, text in _facts(occasion, language) if text),
        clients=tuple(_client(one, language) for one in report.clients),
        changes=_changes(occasion, language),
        advice=tuple(_advice(finding, language) for finding in found[:_MOST_FINDINGS]),
        ending=tuple(_ending(occasion, len(found) - _MOST_FINDINGS, language)),
    )


def _client(one: ClientLine, language: Language) -> tuple[RowVerdict, str, str, str]:
    title, reason = (clip(language.said(text), _LINE) for text in (one.title, one.reason))
    return one.verdict, language.say(VERDICTS[one.verdict]), title, reason


def _subject(occasion: Occasion, language: Language) -> str:
    """Say verdict, site and what changed; what matters most comes first, as phones cut the rest."""
    word = language.say(VERDICTS[occasion.report.verdict])
    told = in_short(occasion.comparison.steps, language) or language.say("nothing changed")
    subject = language.say("{verdict}: Rainbow at {site}", verdict=word, site=occasion.site)
    return clip(f"{subject}{language.colon} {told}" if occasion.before else subject, _SUBJECT)


def _facts(occasion: Occasion, language: Language) -> list[tuple[str, str]]:
    report, say = occasion.report, language.say
    machine = ", ".join(filter(None, [report.site.hostname, *report.site.addresses[:3]]))
    guide = language.said(report.guide_title)
    return [
        (say("Site"), occasion.site),
        (say("Machine"), machine),
        (say("Time"), f"{when(report.started)}, {report.duration:.1f} s"),
        (say("Changed"), _since(occasion, language)),
        (say("Guide"), f"{guide}, {say('edition {edition}', edition=report.guide_edition)}"),
    ]


def _since(occasion: Occasion, language: Language) -> str:
    if occasion.before is None:
        return language.say("not known: no earlier run is kept")
    told = in_short(occasion.comparison.steps, language) or language.say("nothing")
    return language.say("{what}, since {time}", what=told, time=when(occasion.before.started))


def _changes(occasion: Occasion, language: Language) -> tuple[str, ...]:
    told = list(details(occasion.comparison, occasion.flaky, language))
    left = len(told) - _MOST_CHANGES
    cut = [language.say("and {count} more lines", count=left)] if left > 0 else []
    again = [
        language.say("Tried twice and not alike, so not counted: {row}", row=clip(row, 60))
        for row in occasion.unconfirmed[:8]
    ]
    return (*told[:_MOST_CHANGES], *cut, *again)


def _advice(finding: Finding, language: Language) -> Advice:
    say, said = language.say, language.said
    hit = f"{len(finding.rows)}: {row_names(finding.rows[:_MOST_ROWS])}"
    if (left := len(finding.rows) - _MOST_ROWS) > 0:
        hit = say("{shown} and {left} more", shown=hit, left=left)
    told = [(say("Who acts"), say(ACTORS[finding.who])), (say("Seen"), said(finding.detail))]
    told += [(say("Fix"), said(finding.fix)), (say("Rows hit"), hit if finding.rows else "")]
    return Advice(
        title=clip(said(finding.title), _LINE),
        severity=say(SEVERITIES[finding.severity]),
        particulars=tuple((label, clip(text, _TEXT)) for label, text in told if text),
        rules=tuple(
            (rule.format, tuple(clip(line, _TEXT) for line in lines(pasted(rule, said))[:_MOST_CHANGES]))
            for rule in finding.rules[:_MOST_RULES]
        ),
    )


def _ending(occasion: Occasion, left: int, language: Language) -> Iterator[str]:
    if left > 0:
        yield language.say("More findings in the attached report: {count}.", count=left)
    yield language.say("Attached: the whole report as a page (report.html) and for programs (report.json).")
    if occasion.number is not None:
        commands = f"rainbow-probe show {occasion.number}, rainbow-probe diff"
        yield language.say("On that machine: {commands}", commands=commands)
