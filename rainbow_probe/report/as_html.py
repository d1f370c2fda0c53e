"""The report as one HTML file to send on: it needs nothing else, runs no script and loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from rainbow_probe.explanations.actors import ACTORS
from rainbow_probe.model import Finding, Outcome, Report, Result, Row, RowVerdict, Rule, Severity
from rainbow_probe.report.layout import Table, by_weight, tables, tally
from rainbow_probe.report.markup import Html, element, join
from rainbow_probe.report.style import CSS
from rainbow_probe.report.wording import (
    SEVERITIES,
    VERDICTS,
    because,
    let_through,
    lines,
    named,
    number,
    translated,
    unjudged,
    ways,
)

_MARKS = {
    "pass": "✔", "fail": "✘", "blocking": "✘", "degraded": "!", "degrading": "!", "inconclusive": "?",
    "advice": "i",
}  # fmt: skip
# Nothing is loaded and nothing runs; only our own style counts (Content Security Policy Level 3).
_STYLE_HASH = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"


def dumps(report: Report) -> str:
    """Return the whole page; every text in it is escaped, whoever wrote it."""
    places = {result.flow.id: f"check-{place}" for place, result in enumerate(report.results, 1)}
    return f"<!DOCTYPE html>\n{element('html', _head(report), _body(report, places), lang='en').text}\n"


def _head(report: Report) -> Html:
    return element(
        "head",
        element("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"Rainbow Probe: {VERDICTS[report.verdict]}"),
        Html(f"<style>{CSS}</style>"),
    )


def _body(report: Report, places: dict[str, str]) -> Html:
    titles = {finding.id: finding.title for finding in report.findings}
    findings = [_finding(finding, places) for finding in by_weight(report.findings)]
    return element(
        "body",
        _headline(report),
        _part("Clients", _clients(report)) if report.clients else "",
        _part(f"Findings ({len(findings)})", *findings) if findings else "",
        _part("Rows of the guide", *(_table(table, titles, places) for table in tables(report))),
        _part("This machine", _listed(_site(report))),
        _part(tally(report), *(_check(result, places) for result in report.results)),
    )


def _headline(report: Report) -> Html:
    guide = f"{report.guide_title}, edition {report.guide_edition}"
    return element(
        "header",
        element("h1", _mark(report.verdict, VERDICTS[report.verdict]), " ", report.summary),
        element("p", "Interrupted: what follows is what was known by then.") if report.interrupted else "",
        element("p", f"{guide} · {report.started} · {report.duration:.1f} s", class_="soft"),
        class_=report.verdict,
    )


def _part(title: str, *children: Html) -> Html:
    return element("section", element("h2", title), *children)


def _clients(report: Report) -> Html:
    told = [(_verdict(client.verdict), client.title, client.reason) for client in report.clients]
    return _grid(("Verdict", "Client", "Reason"), told)


def _grid(titles: Iterable[str], cells: Iterable[Iterable[Html | str]]) -> Html:
    head = element("tr", *(element("th", title, scope="col") for title in titles))
    rows = (element("tr", *(element("td", cell) for cell in line)) for line in cells)
    return element("table", element("thead", head), element("tbody", *rows))


def _table(table: Table, titles: dict[str, str], places: dict[str, str]) -> Html:
    columns = ("Verdict", "What", "Destination", "Path or reason", "Row")
    rows = [_cells(row, titles, places) for row in table.rows]
    return element("section", element("h3", f"{table.section} {table.title}"), _grid(columns, rows))


def _cells(row: Row, titles: dict[str, str], places: dict[str, str]) -> list[Html | str]:
    reason = element("div", because(row))
    hints = [*row.notes, *(f"Erratum in the guide: {erratum}" for erratum in row.errata)]
    found = [element("div", _link(f"finding-{name}", f"→ {titles[name]}")) for name in row.findings if name in titles]
    checks = [_link(places[check], str(place)) for place, check in enumerate(row.checks, 1) if check in places]
    proof = element("div", "checks ", _spaced(checks), class_="soft") if checks else ""
    what = join((element("div", named(row)), *(element("div", hint, class_="soft") for hint in hints)))
    return [_verdict(row.verdict), what, row.destination, join((reason, *found, proof)), element("code", row.id)]


def _finding(finding: Finding, places: dict[str, str]) -> Html:
    proof = [element("div", _link(places.get(check, ""), check)) for check in finding.proof]
    told: list[tuple[str, Html | str]] = [
        ("Who acts", ACTORS[finding.who]),
        ("Seen", finding.detail),
        ("Fix", finding.fix),
        ("Behind it", unjudged(finding)),
        (f"Hits {number(len(finding.rows), 'row')}", ", ".join(finding.rows)),
        ("Proof", join(proof)),
    ]
    title = element("h3", _mark(finding.severity, SEVERITIES[finding.severity]), " ", finding.title)
    rules = (_rule(rule) for rule in finding.rules)
    look = f"finding {finding.severity}"
    return element("section", title, _listed(told), *rules, id=f"finding-{finding.id}", class_=look)


def _rule(rule: Rule) -> Html:
    text = Html("\n".join(join((line,)).text for line in lines(rule.text)))
    return element("div", element("span", f"To paste ({rule.format}):", class_="soft"), element("pre", text))


def _site(report: Report) -> list[tuple[str, Html | str]]:
    site = report.site
    proxy = f"{site.proxy} (from {site.proxy_source})" if site.proxy else "none"
    return [
        ("Name", ", ".join(name for name in (site.hostname, site.platform) if name)),
        ("Addresses", ", ".join(site.addresses)),
        ("Seen as", ", ".join(report.mapped_addresses)),
        ("NAT", translated(report.nat)),
        ("Proxy", proxy),
        ("Proxy lets", let_through(report.proxy_policy)),
        ("PAC file", ", ".join(map(str, site.pacs))),
        ("Ways", join([element("div", way) for way in ways(site)])),
        ("Direct to", ", ".join(site.no_proxy)),
        ("Notes", "; ".join(site.proxy_notes)),
        ("Resolvers", ", ".join(site.resolvers)),
        ("Trusts", ", ".join(site.trust_stores)),
        ("Dynamic ports", str(site.dynamic_ports or "")),
        ("Clock", f"{site.clock} {site.timezone}".strip()),
    ]


def _listed(told: Iterable[tuple[str, Html | str]]) -> Html:
    kept = [(label, text) for label, text in told if text not in {"", Html("")}]
    return element("dl", *(join((element("dt", label), element("dd", text))) for label, text in kept))


def _check(result: Result, places: dict[str, str]) -> Html:
    verdict = result.verdict
    summary = element("summary", _outcome(verdict.outcome), " ", element("code", result.flow.id), f" {verdict.reason}")
    steps = [
        (
            f"{step.at * 1000:.1f} ms",
            f"{step.took * 1000:.1f} ms",
            step.phase,
            step.subject,
            str(step.failure or "ok"),
            join([element("div", f"{key}: {value}") for key, value in step.facts.items()]),
        )
        for step in result.steps
    ]
    body = _grid(("At", "Took", "Phase", "Subject", "Result", "Facts"), steps)
    return element("details", summary, body, id=places[result.flow.id])


def _verdict(verdict: RowVerdict) -> Html:
    return _mark(verdict, VERDICTS[verdict])


def _outcome(outcome: Outcome) -> Html:
    return _mark(outcome, outcome.value)


def _mark(kind: RowVerdict | Outcome | Severity, word: str) -> Html:
    return element("span", f"{_MARKS.get(kind, '-')} {word}", class_=f"mark {kind}")


def _link(place: str, text: str) -> Html:
    return element("a", text, href=f"#{place}") if place else join((text,))


def _spaced(items: list[Html]) -> Html:
    return Html(" ".join(item.text for item in items))
