"""The report on a terminal: readable at 80 columns, in monochrome, in ASCII, and in a pipe.

Text from outside goes into ``rich.text.Text`` with its controls escaped, never into markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TextIO

from rich.console import Console, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from rainbow_probe.explanations.actors import ACTORS
from rainbow_probe.language import ENGLISH, Language
from rainbow_probe.model import Finding, Outcome, Report, Row, RowVerdict, Rule, Severity, Who
from rainbow_probe.report.grids import GAP, columns, indented, put
from rainbow_probe.report.layout import Table, Untested, by_weight, judged, row_names, tables, tally, untested
from rainbow_probe.report.wording import (
    SEVERITIES,
    VERDICTS,
    beside,
    clip,
    in_short,
    in_steps,
    let_through,
    lines,
    more,
    named,
    number,
    pasted,
    translated,
    unjudged,
    way_out,
    ways,
)

CELL = 240  # characters: a hostile page in a table cell must not push the rest off the screen
PASSAGE = 900
WIDE = 110  # columns from which the rows' ids find a place of their own
_FEW_ROWS = 8
_FEW_CHECKS = 4
_LABEL = 9
_RULE_INDENT = "     "

_Mark = tuple[str, str, str]
_PASS: _Mark = ("✔", "+", "green")
_FAIL: _Mark = ("✘", "X", "bold red")
_WARN: _Mark = ("!", "!", "yellow")
_OPEN: _Mark = ("?", "?", "magenta")
_NONE: _Mark = ("-", "-", "dim")
_VERDICT_MARKS = {
    RowVerdict.PASS: _PASS,
    RowVerdict.DEGRADED: _WARN,
    RowVerdict.FAIL: _FAIL,
    RowVerdict.INCONCLUSIVE: _OPEN,
    RowVerdict.NOT_TESTED: _NONE,
    RowVerdict.NOT_APPLICABLE: _NONE,
}
_OUTCOME_MARKS = {Outcome.PASS: _PASS, Outcome.FAIL: _FAIL, Outcome.INCONCLUSIVE: _OPEN, Outcome.SKIPPED: _NONE}
_SEVERITY_MARKS = {
    Severity.BLOCKING: _FAIL,
    Severity.DEGRADING: _WARN,
    Severity.ADVICE: ("i", "i", "cyan"),
}
_ASCII = str.maketrans({
    "\u2026": "...",
    "\u2013": "-",
    "\u2014": "-",
    "\u2192": "->",
    "\u00d7": "x",
    "\u2264": "<=",
    "\u2265": ">=",
})


def open_console(stream: TextIO, *, no_color: bool = False) -> Console:
    """Return a console on *stream* that takes nothing for markup; ``NO_COLOR`` is respected in any case."""
    return Console(file=stream, no_color=no_color or None, markup=False, emoji=False, highlight=False)


def render(report: Report, console: Console, language: Language = ENGLISH) -> None:
    """Print the report: headline, clients, tables, what was not tested, findings, and the headline's count again."""
    for part in _Page(report, console, language).parts():
        put(console, part)


class _Page:
    """One report for one console: what its encoding can show, at its width."""

    def __init__(self, report: Report, console: Console, language: Language) -> None:
        self._report = report
        self._said = language.said
        self._width = console.width
        self._ascii = console.options.ascii_only or console.legacy_windows
        self._encoding = console.encoding
        self._results = {result.flow.id: result for result in report.results}

    def parts(self) -> Iterator[RenderableType]:
        """Yield what to print, top to bottom."""
        yield from self._headline()
        if self._report.clients:
            yield from self._section("Clients", self._clients())
        yield from self._section("This machine", self._labelled(self._site()))
        for alike in self._tables():
            yield from self._section("; ".join(f"{table.section} {self._said(table.title)}" for table in alike))
            yield from self._table(alike[0].rows)
            if {row.id for row in alike[0].rows} & {step.row for step in self._report.story}:
                yield indented(self._text(in_steps(self._report.story), "dim", PASSAGE))
        groups = untested(self._report)
        if groups:
            count = number(sum(len(group.rows) for group in groups), "row")
            yield from self._section(f"Not tested ({count})", self._untested(groups))
        yield from self._findings()
        yield from self._ending()

    def _headline(self) -> Iterator[RenderableType]:
        report = self._report
        grid = self._grid()
        grid.add_row(self._verdict(report.verdict), self._text(report.summary, "bold", PASSAGE))
        yield grid
        if report.interrupted:
            yield self._text("Interrupted: what follows is what was known by then.", "yellow")
        yield self._text(f"{report.guide_title}, edition {report.guide_edition}", "dim")
        yield self._text(f"{report.started}, {report.duration:.1f} s, {tally(report)}", "dim")

    def _site(self) -> Iterator[tuple[str, Text]]:
        site = self._report.site
        yield "Name", self._text(_listed([site.hostname, site.platform]) or "unknown")
        yield "Addresses", self._text(_listed(site.addresses) or "none")
        yield "Way out", self._text(way_out(site))
        for way in ways(site):
            yield "Way out", self._text(way)
        if policy := self._report.proxy_policy:
            yield "Proxy lets", self._text(let_through(policy))
        yield "Resolvers", self._text(_listed(site.resolvers) or "none found")
        if self._report.mapped_addresses:
            yield "Seen as", self._text(_listed(self._report.mapped_addresses))
        if nat := self._report.nat:
            yield "NAT", self._text(translated(nat))
        for note in site.proxy_notes:
            yield "Note", self._text(note)
        for told in beside(self._report.results):
            yield "Asked too", self._text(told)

    def _clients(self) -> Grid:
        clients = self._report.clients
        told = {"Verdict": [self._verdict(client.verdict) for client in clients]}
        told["Client"] = [self._text(client.title) for client in clients]
        told["Reason"] = [self._text(client.reason) for client in clients]
        return columns(told, self._width - GAP, titles=False)

    def _tables(self) -> Iterable[list[Table]]:
        """Gather the tables that say the same of different clients, as the guide does for 4.1 and 4.3."""
        alike: dict[tuple[object, ...], list[Table]] = {}
        for table in tables(self._report, judged(self._report)):
            alike.setdefault(tuple(_told(row) for row in table.rows), []).append(table)
        return alike.values()

    def _table(self, rows: Iterable[Row]) -> Iterator[RenderableType]:
        told = {"Verdict": [self._verdict(row.verdict) for row in rows]}
        told["What"] = [self._text(named(row)) for row in rows]
        if any(row.destination for row in rows):
            told["Destination"] = [self._text(row.destination) for row in rows]
        told["Path or reason"] = [self._text(in_short(row)) for row in rows]
        if self._width >= WIDE:
            told["Row"] = [self._text(row.id.partition("/")[2], "dim", 30) for row in rows]
        yield indented(columns({self._said(title): cells for title, cells in told.items()}, self._width - GAP))
        for erratum in dict.fromkeys(erratum for row in rows for erratum in row.errata):
            yield indented(self._text(f"Erratum in the guide: {erratum}", "dim", PASSAGE))

    def _untested(self, groups: list[Untested]) -> Grid:
        grid = self._grid()
        for group in groups:
            word = "" if group.verdict is RowVerdict.NOT_TESTED else "not applicable: "
            grid.add_row(f"{len(group.rows):>3}", self._text(f"{word}{group.reason}"))
            grid.add_row("", self._text(row_names(row.id for row in group.rows), "dim", PASSAGE))
        return grid

    def _findings(self) -> Iterator[RenderableType]:
        found = by_weight(self._report.findings)
        yield from self._section(f"Findings ({len(found)})" if found else "No findings")
        for place, finding in enumerate(found, 1):
            yield from self._finding(place, finding)

    def _finding(self, place: int, finding: Finding) -> Iterator[RenderableType]:
        mark = self._mark(_SEVERITY_MARKS[finding.severity], SEVERITIES[finding.severity])
        grid = self._grid()
        grid.add_row(Text.assemble(f"{place}. ", mark), self._text(finding.title, "bold", PASSAGE))
        yield grid
        yield indented(self._labelled(self._particulars(finding)), 3)
        for rule in finding.rules:
            yield from self._rule(rule)
        yield Text()

    def _particulars(self, finding: Finding) -> Iterator[tuple[str, Text]]:
        yield "Who acts", self._text(ACTORS[finding.who])
        if finding.detail:
            yield "Seen", self._text(finding.detail, size=PASSAGE)
        yield "Fix", self._text(finding.fix, size=PASSAGE)
        if finding.rows:
            few = f"{row_names(finding.rows[:_FEW_ROWS])}{more(len(finding.rows) - _FEW_ROWS)}"
            yield "Rows hit", self._text(f"{len(finding.rows)}: {few}", size=PASSAGE)
        if finding.hides:
            yield "Behind it", self._text(unjudged(finding), size=PASSAGE)
        for line in self._proof(finding.proof):
            yield "Proof", line

    def _proof(self, checks: tuple[str, ...]) -> Iterator[Text]:
        """Name the checks; the reason that several in a row have in common is said once, after them."""
        for reason, alike in groupby(checks[:_FEW_CHECKS], key=self._reason):
            for check in alike:
                yield Text.assemble(self._outcome(check), self._text(check))
            if reason:
                yield self._text(f"  {reason}", "dim")
        if len(checks) > _FEW_CHECKS:
            yield self._text(f"  and {number(len(checks) - _FEW_CHECKS, 'more check')}", "dim")

    def _reason(self, check: str) -> str:
        return self._results[check].verdict.reason if check in self._results else ""

    def _outcome(self, check: str) -> Text:
        known = self._results.get(check)
        return self._mark(_OUTCOME_MARKS[known.verdict.outcome] if known else _NONE, "")

    def _rule(self, rule: Rule) -> Iterator[RenderableType]:
        """Yield the rule's lines bare; only prose is wrapped, a command is left for the terminal to break."""
        yield Text()
        yield indented(self._text(f"To paste ({rule.format}):", "dim"), 3)
        for line in lines(pasted(rule, self._said)):
            text = Text(self._shown(f"{_RULE_INDENT}{line}"), no_wrap=True, overflow="ignore")
            prose = rule.format == "text" and text.cell_len > self._width
            yield indented(Text(self._shown(line)), len(_RULE_INDENT)) if prose else text

    def _ending(self) -> Iterator[RenderableType]:
        """Say again, where the eye rests, how it ended and who must act."""
        findings = self._report.findings
        if not findings:
            return
        counts = Counter(finding.severity for finding in findings)
        said = ", ".join(f"{counts[severity]} {severity}" for severity in Severity if counts[severity])
        actors = {finding.who for finding in findings if finding.severity is not Severity.ADVICE}
        act = _listed(ACTORS[who] for who in Who if who in actors)
        grid = self._grid()
        told = self._said(f"{said}{'; to act: ' if act else ''}{act}")
        grid.add_row(self._verdict(self._report.verdict), self._shown(told))
        yield grid

    def _section(self, title: str, body: RenderableType | None = None) -> Iterator[RenderableType]:
        yield Text()
        yield self._text(title, "bold underline")
        if body:
            yield indented(body)

    def _labelled(self, pairs: Iterable[tuple[str, Text]]) -> Grid:
        grid = self._grid(label=_LABEL)
        last = ""
        for label, text in pairs:
            grid.add_row(Text("" if label == last else self._said(label), "dim"), text)
            last = label
        return grid

    def _grid(self, *, label: int | None = None) -> Grid:
        grid = Grid.grid(padding=(0, GAP, 0, 0))
        grid.add_column(no_wrap=True, min_width=label)
        grid.add_column(overflow="fold")
        return grid

    def _verdict(self, verdict: RowVerdict) -> Text:
        return self._mark(_VERDICT_MARKS[verdict], VERDICTS[verdict])

    def _mark(self, mark: _Mark, word: str) -> Text:
        symbol, ascii_symbol, style = mark
        return Text(f"{ascii_symbol if self._ascii else symbol} {self._shown(self._said(word))}", style)

    def _text(self, text: str, style: str = "", size: int = CELL) -> Text:
        return Text(self._shown(clip(self._said(text), size)), style)

    def _shown(self, text: str) -> str:
        """Return *text* as the console's encoding can show it, the rest as escapes."""
        if not self._ascii:
            return text
        return text.translate(_ASCII).encode(self._encoding, "backslashreplace").decode(self._encoding)


def _told(row: Row) -> tuple[object, ...]:
    """Return all that a table tells of a row."""
    return (row.id.partition("/")[2], row.verdict, named(row), row.destination, in_short(row), row.errata)


def _listed(items: Iterable[str]) -> str:
    return ", ".join(item for item in items if item)
