"""One language: how our own words are said in it, and what it makes of a sentence that the judge wrote in English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language by its code (BCP 47), with its words for ours; what it has no word for stays English."""

    code: str
    words: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def say(self, text: str, /, **values: object) -> str:
        """Say *text*, one of our own, with *values* put in where it names them in braces."""
        return self.words.get(text, text).format(**values)

    def said(self, sentence: str) -> str:
        """Return a *sentence* of a report in this language."""
        return self.words.get(sentence, sentence)


ENGLISH = Language(code="en")
