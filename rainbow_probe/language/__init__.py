"""The language that reports are written in: our own words, and the sentences of a report as far as they are known."""

from __future__ import annotations

from rainbow_probe.language.speech import ENGLISH, Language, language, languages, later, preferred

__all__ = ["ENGLISH", "Language", "language", "languages", "later", "preferred"]
