"""The HTML part of a mail: no script, no picture, nothing loaded; inline styles, which mail programs keep."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.mail.content import Advice, Content
from rainbow_probe.mail.markup import Html, element, join
from rainbow_probe.model import RowVerdict

_COLOURS = {
    RowVerdict.PASS: "#1a7f37",
    RowVerdict.DEGRADED: "#9a6700",
    RowVerdict.FAIL: "#cf222e",
    RowVerdict.INCONCLUSIVE: "#6639ba",
}
_GREY = "#57606a"
_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_BODY = f"margin:0;padding:16px;background:#ffffff;color:#1f2328;{_FONT};font-size:15px;line-height:1.45"
_SHEET = "max-width:720px"
_HEADING = "font-size:16px;margin:24px 0 8px 0"
_ASIDE = "margin:0 0 16px 0;padding-left:12px;border-left:3px solid #d0d7de"
_CELL = "padding:3px 12px 3px 0;vertical-align:top"
_CODE = (
    "margin:6px 0 0 0;padding:8px;background:#f6f8fa;color:#1f2328;font-family:Consolas,Menlo,monospace;font-size:13px;"
    "white-space:pre-wrap;word-break:break-word"
)


def html_of(content: Content) -> str:
    """Return the mail as one HTML page."""
    head = element("head", element("meta", charset="utf-8"), element("title", content.subject))
    body = element("body", element("div", *_parts(content), style=_SHEET), style=_BODY)
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en').text}\n"


def _parts(content: Content) -> list[Html]:
    colour = _COLOURS.get(content.verdict, _GREY)
    banner = f"background:{colour};color:#ffffff;padding:12px 16px;border-radius:6px"
    word = element("div", content.word, style="font-size:20px;font-weight:bold")
    parts = [element("div", word, element("div", content.summary), style=banner)]
    parts.append(_table([(element("b", label), text) for label, text in content.facts], "margin-top:12px"))
    if content.clients:
        told = [(_word(verdict, word), element("b", title), reason) for verdict, word, title, reason in content.clients]
        parts += [_heading("Clients"), _table(told)]
    if content.advice:
        parts += [_heading("What to do"), *(_advice(place, one) for place, one in enumerate(content.advice, 1))]
    if content.changes:
        parts += [_heading("What changed"), *map(_change, content.changes)]
    ending = [element("div", line) for line in content.ending]
    return [*parts, element("div", *ending, style=f"margin-top:24px;color:{_GREY};font-size:13px")]


def _heading(title: str) -> Html:
    return element("h2", title, style=_HEADING)


def _word(verdict: RowVerdict, word: str) -> Html:
    return element("b", word, style=f"color:{_COLOURS.get(verdict, _GREY)};white-space:nowrap")


def _table(rows: Sequence[tuple[Html | str, ...]], style: str = "") -> Html:
    """Lay cells out; to a screen reader it is no table of data."""
    made = [element("tr", *(element("td", cell, style=_CELL) for cell in row)) for row in rows]
    return element("table", *made, role="presentation", style=f"border-collapse:collapse;font-size:14px;{style}")


def _change(line: str) -> Html:
    """Keep the indentation of a line; those without are headings."""
    depth = len(line) - len(line.lstrip())
    style = f"margin-left:{depth * 6}px;font-size:14px" if depth else "font-weight:bold;margin-top:8px"
    return element("div", line.strip(), style=style) if line else join([])


def _advice(place: int, advice: Advice) -> Html:
    title = element("div", element("b", f"{place}. {advice.severity}: {advice.title}"))
    told = _table([
        (element("span", label, style=f"color:{_GREY};white-space:nowrap"), text) for label, text in advice.particulars
    ])
    rules = [
        join([element("div", f"To paste ({name}):", style=f"color:{_GREY}"), _pasted(lines)])
        for name, lines in advice.rules
    ]
    return element("div", title, told, *rules, style=_ASIDE)


def _pasted(lines: tuple[str, ...]) -> Html:
    """Keep line breaks as elements: a newline in text would be shown as an escape."""
    return element("div", *(element("div", line or "\u00a0") for line in lines), style=_CODE)
