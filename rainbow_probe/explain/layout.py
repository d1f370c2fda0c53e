"""Paragraphs for a terminal of 80 columns, without colours: they are read in mails and tickets too."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

WIDTH = 80
INDENT = "  "


def titled(title: str, *about: str) -> str:
    """Return a *title* with what it is *about* below it."""
    return "\n".join(line for text in (title, *about) for line in textwrap.wrap(text.replace("`", ""), WIDTH))


def section(title: str, paragraphs: Iterable[str]) -> str:
    """Return a *title* with indented *paragraphs*; nothing if there are none."""
    told = [_paragraph(text) for text in paragraphs if text]
    return "\n".join([title, *told]) if told else ""


def page(*parts: str) -> str:
    """Put *parts* together with a blank line between them; empty ones are left out."""
    return "\n\n".join(part for part in parts if part)


def columns(items: Iterable[str]) -> str:
    """Return *items* as one comma-separated, indented block."""
    return _paragraph(", ".join(items))


def _paragraph(text: str) -> str:
    return textwrap.fill(
        text.replace("`", ""),
        WIDTH,
        initial_indent=INDENT,
        subsequent_indent=INDENT * 2,
        break_long_words=False,
        break_on_hyphens=False,
    )
