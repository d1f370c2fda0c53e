"""The plain part of a mail: it reads well alone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rainbow_probe.language import ENGLISH, Language
from rainbow_probe.mail.content import Advice, Content

WIDTH = 76  # columns; mail programs quote lines, and people read them in narrow windows


def text_of(content: Content, language: Language = ENGLISH) -> str:
    """Return the mail as text, with its headings in *language*, as the *content* is."""
    return "\n".join(_lines(content, language)) + "\n"


def _lines(content: Content, language: Language) -> Iterator[str]:
    yield from _filled(f"{content.word.upper()}{language.colon} {content.summary}")
    yield ""
    yield from _labelled(content.facts, language)
    if content.clients:
        yield from _heading(language.say("Clients"))
        for _, word, title, reason in content.clients:
            yield from _filled(f"{word:14}{title}{language.colon} {reason}", later=" " * 14)
    if content.advice:
        yield from _heading(language.say("What to do"))
        for place, advice in enumerate(content.advice, 1):
            yield from _advice(place, advice, language)
    if content.changes:
        yield from _heading(language.say("What changed"))
        for line in content.changes:
            yield from _filled(line, later=" " * (len(line) - len(line.lstrip()) + 4))
    yield from ("", "--")
    for line in content.ending:
        yield from _filled(line)


def _heading(title: str) -> Iterator[str]:
    yield from ("", title, "-" * len(title))


def _advice(place: int, advice: Advice, language: Language) -> Iterator[str]:
    yield from _filled(f"{place}. {advice.severity}{language.colon} {advice.title}", later="   ")
    yield from (f"   {line}" for line in _labelled(advice.particulars, language))
    for name, pasted in advice.rules:
        yield from (
            "",
            f"   {language.say('To paste ({format})', format=name)}{language.colon}",
            *(f"     {line}" for line in pasted),
        )
    yield ""


def _labelled(facts: Sequence[tuple[str, str]], language: Language) -> Iterator[str]:
    width = max((len(label + language.colon) for label, _ in facts), default=0)
    for label, text in facts:
        yield from _filled(f"{label + language.colon:{width}} {text}", later=" " * (width + 1))


def _filled(text: str, *, later: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=later, break_on_hyphens=False) or [""]
