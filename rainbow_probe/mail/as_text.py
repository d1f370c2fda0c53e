"""The plain part of a mail: it reads well alone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from rainbow_probe.mail.content import Advice, Content

WIDTH = 76  # columns; mail programs quote lines, and people read them in narrow windows


def text_of(content: Content) -> str:
    """Return the mail as text."""
    return "\n".join(_lines(content)) + "\n"


def _lines(content: Content) -> Iterator[str]:
    yield from _filled(f"{content.word.upper()}: {content.summary}")
    yield ""
    yield from _labelled(content.facts)
    if content.clients:
        yield from _heading("Clients")
        for _, word, title, reason in content.clients:
            yield from _filled(f"{word:14}{title}: {reason}", later=" " * 14)
    if content.advice:
        yield from _heading("What to do")
        for place, advice in enumerate(content.advice, 1):
            yield from _advice(place, advice)
    if content.changes:
        yield from _heading("What changed")
        for line in content.changes:
            yield from _filled(line, later=" " * (len(line) - len(line.lstrip()) + 4))
    yield from ("", "--")
    for line in content.ending:
        yield from _filled(line)


def _heading(title: str) -> Iterator[str]:
    yield from ("", title, "-" * len(title))


def _advice(place: int, advice: Advice) -> Iterator[str]:
    yield from _filled(f"{place}. {advice.severity}: {advice.title}", later="   ")
    yield from (f"   {line}" for line in _labelled(advice.particulars))
    for name, pasted in advice.rules:
        yield from ("", f"   To paste ({name}):", *(f"     {line}" for line in pasted))
    yield ""


def _labelled(facts: Iterable[tuple[str, str]]) -> Iterator[str]:
    for label, text in facts:
        yield from _filled(f"{label + ':':10}{text}", later=" " * 10)


def _filled(text: str, *, later: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=later, break_on_hyphens=False) or [""]
