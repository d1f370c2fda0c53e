"""The report as Markdown, for a ticket: the verdict, what to change, and the rows that do not pass.

What came from the network stays text: all that Markdown or HTML would act on is escaped, and a rule stands in a fence
longer than any within it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rainbow_probe.explanations.actors import ACTORS
from rainbow_probe.language import ENGLISH, Language
from rainbow_probe.model import Finding, Report, Row, RowVerdict, Rule
from rainbow_probe.report.layout import by_weight, judged, tally, untested
from rainbow_probe.report.wording import SEVERITIES, VERDICTS, because, lines, named, pasted, plain, unjudged

_ACTS = re.compile(r"([\\`*_{}\[\]<>#|!~&@$])")  # CommonMark, section 2.4; GitHub's tables, mentions and mathematics
_LINKS = re.compile(r"(?i)(://|\bwww\.)")  # GitHub's autolinks, which need no brackets
_FENCE = re.compile(r"`{3,}")


def dumps(report: Report, language: Language = ENGLISH) -> str:
    """Return the document."""
    return "\n\n".join(part for part in _parts(report, language) if part) + "\n"


def text(value: str) -> str:
    """Return *value* so that it reads as it is, and nothing in it acts."""
    return _LINKS.sub(lambda found: found[0].replace(":", "\\:").replace(".", "\\."), _ACTS.sub(r"\\\1", plain(value)))


def code(value: str) -> str:
    """Return *value* as code: between more backticks than it has in a row."""
    shown = plain(value).replace("|", "¦")  # a table's cells end at a bar, in code too
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    pad = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def _parts(report: Report, language: Language) -> Iterable[str]:
    say, said = language.say, language.said
    site = ", ".join(filter(None, (report.site.name, report.site.hostname)))
    edition = say("edition {edition}", edition=report.guide_edition)
    yield f"# {say(VERDICTS[report.verdict])}: {text(said(report.summary))}"
    yield text(" · ".join(filter(None, (site, report.started, f"{said(report.guide_title)}, {edition}"))))
    if report.interrupted:
        yield f"**{say('Interrupted: what follows is what was known by then.')}**"
    if report.clients:
        told = [(say(VERDICTS[one.verdict]), text(said(one.title)), text(said(one.reason))) for one in report.clients]
        yield _table((say("Verdict"), say("Client"), say("Reason")), told)
    for finding in by_weight(report.findings):
        yield from _finding(finding, language)
    yield from _rows([row for row in judged(report) if row.verdict is not RowVerdict.PASS], language)
    yield _counts(report, language)


def _finding(finding: Finding, language: Language) -> Iterable[str]:
    say, said = language.say, language.said
    yield f"## {say(SEVERITIES[finding.severity])}: {text(said(finding.title))}"
    told = (
        (say("Who acts"), say(ACTORS[finding.who])),
        (say("Fix"), text(said(finding.fix))),
        (say("Seen"), text(said(finding.detail))),
        (say("Behind it"), text(said(unjudged(finding)))),
        (say("Rows hit"), ", ".join(map(code, finding.rows))),
        (say("Proof"), ", ".join(map(code, finding.proof))),
    )
    yield "\n".join(f"- **{label}**: {words}" for label, words in told if words)
    yield from (_rule(rule, language) for rule in finding.rules)


def _rule(rule: Rule, language: Language) -> str:
    body = "\n".join(lines(pasted(rule, language.said)))
    fence = "`" * max(3, *(len(run) + 1 for run in _FENCE.findall(body)), 3)
    return f"{language.say('To paste ({format})', format=text(rule.format))}\n\n{fence}\n{body}\n{fence}"


def _rows(rows: list[Row], language: Language) -> Iterable[str]:
    if not rows:
        return
    say, said = language.say, language.said
    yield f"## {say('Rows that do not pass')}"
    told = [
        (say(VERDICTS[row.verdict]), text(said(named(row))), text(said(because(row))), code(row.id)) for row in rows
    ]
    yield _table((say("Verdict"), say("What"), say("Path or reason"), say("Row")), told)


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, ("---",) * len(titles), *rows))


def _counts(report: Report, language: Language) -> str:
    passed = sum(row.verdict is RowVerdict.PASS for row in report.rows)
    left = sum(len(group.rows) for group in untested(report))
    told = language.say("{passed} rows pass; {left} were not tested or do not apply.", passed=passed, left=left)
    return text(f"{told} {language.said(tally(report))}")
