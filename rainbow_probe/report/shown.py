"""A report made ready for a page: places to link to, what belongs to which client, what to filter by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from rainbow_probe.explanations import usual
from rainbow_probe.language import Language
from rainbow_probe.measures import Measured
from rainbow_probe.model import Finding, Outcome, Report, Result, Row, RowVerdict
from rainbow_probe.report.layout import Table, by_weight, tables, tally
from rainbow_probe.report.measured import TYPES
from rainbow_probe.report.plots import title
from rainbow_probe.report.waterfall import Bar, milliseconds, waterfall
from rainbow_probe.report.wording import let_through, number, translated, ways

WORST_FIRST = (
    RowVerdict.FAIL, RowVerdict.DEGRADED, RowVerdict.INCONCLUSIVE, RowVerdict.PASS, RowVerdict.NOT_TESTED,
    RowVerdict.NOT_APPLICABLE,
)  # fmt: skip
_GROUPS = {Outcome.SKIPPED.value: RowVerdict.NOT_TESTED.value, RowVerdict.NOT_APPLICABLE.value: RowVerdict.NOT_TESTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many rows have one verdict, and how many stand before them in the bar."""

    verdict: RowVerdict
    start: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One check, ready to draw."""

    result: Result
    place: str
    clients: str
    took: str
    steps: tuple[Bar, ...]

    @property
    def told(self) -> bool:
        """Whether anything is told of it beside its steps."""
        verdict, flow = self.result.verdict, self.result.flow
        return any((verdict.failure, verdict.alive, verdict.dead, flow.proxy, flow.control_of))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What one check measured, ready to draw."""

    kind: str
    """``quality``, ``ports`` or ``ramp``, as in the JSON report."""
    measured: Measured
    check: str
    clients: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Titled:
    """A finding as a row points to it."""

    place: str
    title: str


def grouped(verdict: str) -> str:
    """Return the verdict to filter by: what was skipped or does not apply counts as not tested."""
    return _GROUPS.get(verdict, verdict)


class Page:
    """One report, seen by the templates; every place on the page is a number, whatever ids the report holds."""

    def __init__(self, report: Report, language: Language) -> None:
        """Take the *report* as it was judged."""
        self._report, self._language = report, language
        self.findings = by_weight(report.findings)
        self.tables: list[Table] = tables(report)
        self.results = {result.flow.id: result for result in report.results}
        self.checks = {result.flow.id: f"check-{place}" for place, result in enumerate(report.results, 1)}
        self.titles = {
            finding.id: Titled(place=f"finding-{place}", title=finding.title)
            for place, finding in enumerate(self.findings, 1)
        }
        self._places = {id(row): f"row-{place}" for place, row in enumerate(report.rows, 1)}
        self.rows = {row.id: self._places[id(row)] for row in report.rows}
        self.owners: Mapping[str, str] = {table.client: table.title for table in self.tables}
        self.numbers = {owner: f"c{place}" for place, owner in enumerate(self.owners, 1)}

    def place(self, row: Row) -> str:
        """Return where *row* is on the page."""
        return self._places[id(row)]

    @cached_property
    def tally(self) -> list[Share]:
        """How many rows have which verdict, in the order of ``WORST_FIRST``."""
        counts, start, shares = Counter(row.verdict for row in self._report.rows), 0, list[Share]()
        for verdict in WORST_FIRST:
            if counts[verdict]:
                shares.append(Share(verdict=verdict, start=start, count=counts[verdict]))
                start += counts[verdict]
        return shares

    @property
    def filters(self) -> list[RowVerdict]:
        """The verdicts that rows or checks can be filtered by, those that occur."""
        there = {grouped(row.verdict) for row in self._report.rows}
        there |= {grouped(result.verdict.outcome) for result in self._report.results}
        return [verdict for verdict in WORST_FIRST if verdict.value in there]

    @property
    def count(self) -> str:
        """The headline of the checks."""
        return self._language.said(tally(self._report))

    @property
    def drawn(self) -> Iterable[Drawn]:
        """Every check, one after the other."""
        for result in self._report.results:
            yield Drawn(
                result=result,
                place=self.checks[result.flow.id],
                clients=self._clients_of_check(result),
                took=milliseconds(result.took),
                steps=waterfall(result),
            )

    @cached_property
    def measured(self) -> list[Plot]:
        """What checks measured, ready to draw."""
        found = ((result, result.verdict.measured) for result in self._report.results)
        return [self._plot(result, measured) for result, measured in found if measured is not None]

    def _plot(self, result: Result, measured: Measured) -> Plot:
        kind = next(name for name, cls in TYPES.items() if isinstance(measured, cls))
        clients, name = self._clients_of_check(result), title(measured, self._language)
        return Plot(kind=kind, measured=measured, check=result.flow.id, clients=clients, title=name)

    def _clients_of_check(self, result: Result) -> str:
        return " ".join(self._clients.get(result.flow.id, ()))

    def clients_of(self, rows: Iterable[str]) -> str:
        """Return the numbers of the clients that the *rows*, given by id, belong to."""
        owners = dict.fromkeys(row.partition("/")[0] for row in rows)
        return " ".join(self.numbers[owner] for owner in owners if owner in self.numbers)

    def usual(self, finding: Finding) -> str:
        """Return what such a *finding* usually comes from."""
        return self._language.said(usual(finding.id) or "")

    def contents(self, row: Row) -> str:
        """Say what is to be found behind a row."""
        parts = ((row.notes, "note"), (row.errata, "erratum", "errata"), (row.checks, "check"))
        return ", ".join(self._language.said(number(len(found), *nouns)) for found, *nouns in parts if found)

    @cached_property
    def _clients(self) -> Mapping[str, dict[str, None]]:
        """By check, the numbers of the clients whose rows stand on it."""
        found: dict[str, dict[str, None]] = {}
        for row in self._report.rows:
            for check in row.checks:
                found.setdefault(check, {})[self.numbers[row.client]] = None
        return found

    @property
    def machine(self) -> list[tuple[str, list[str]]]:
        """What is known of the machine, label by label."""
        report, site, say = self._report, self._report.site, self._language.say
        proxy = (
            say("{proxy} (from {source})", proxy=site.proxy, source=site.proxy_source) if site.proxy else say("none")
        )
        told: list[tuple[str, Iterable[str]]] = [
            (say("Name"), [", ".join(filter(None, (site.hostname, site.platform)))]),
            (say("Site"), [", ".join(filter(None, (site.name, *map(": ".join, site.labels.items()))))]),
            (say("Addresses"), [", ".join(site.addresses)]),
            (say("Seen as"), [", ".join(report.mapped_addresses)]),
            (say("NAT"), [self._language.said(translated(report.nat))]),
            (say("Proxy"), [proxy]),
            (say("Proxy lets"), [self._language.said(let_through(report.proxy_policy))]),
            (say("PAC file"), map(str, site.pacs)),
            (say("Ways"), ways(site)),
            (say("Direct to"), [", ".join(site.no_proxy)]),
            (say("Notes"), site.proxy_notes),
            (say("Resolvers"), [", ".join(site.resolvers)]),
            (say("Trusts"), [", ".join(site.trust_stores)]),
            (say("Dynamic ports"), [str(site.dynamic_ports or "")]),
            (say("Clock"), [f"{site.clock} {site.timezone}".strip()]),
            (say("Self-check"), [", ".join(f"{key} {value}" for key, value in report.self_check.items())]),
        ]
        return [(label, [text for text in texts if text]) for label, texts in told]
