"""One language: how our own words are said in it, and what it makes of a sentence that the judge wrote in English."""

from __future__ import annotations

import locale
from collections.abc import Mapping
from functools import cache
from string import Formatter

from rainbow_probe.language.catalogue import catalogues, read
from rainbow_probe.language.phrases import Phrases

ORIGINAL = "en"
_COLONS = {"fr": " :"}
_STOPS = {"fr": {": ": " : ", "; ": " ; "}}
"""How sentences are put together where a language does it otherwise than English."""
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # in this order, POSIX.1-2017, section 8.2


class Language:
    """A language by its code (BCP 47), with its words for ours; what it has no word for stays English."""

    def __init__(self, code: str, words: Mapping[str, str] | None = None) -> None:
        """Take the *words*, English to translation."""
        self.code = code
        self._words = words or {}
        self._phrases = Phrases(self._words, _STOPS.get(code))

    @property
    def colon(self) -> str:
        """A colon as this language sets it after a word."""
        return _COLONS.get(self.code, ":")

    def say(self, text: str, /, **values: object) -> str:
        """Say *text*, one of our own, with *values* put in where it names them in braces."""
        return Formatter().vformat(self._words.get(text, text), (), values)

    def whole(self, text: str) -> str:
        """Return a whole *text* of ours in this language, and as it is where it has none: never half of it."""
        return self._words.get(text, text)

    def said(self, sentence: str) -> str:
        """Return a *sentence* of a report in this language, as far as it is made of known words."""
        return self._phrases.translated(sentence) if self._words else sentence


def later(text: str) -> str:
    """Return *text* as it is: one of our own words that is said elsewhere, marked so that translators find it."""
    return text


ENGLISH = Language(ORIGINAL)


def languages() -> tuple[str, ...]:
    """Return the codes of the languages there are."""
    return (ORIGINAL, *catalogues())


@cache
def language(code: str) -> Language:
    """Return the language of *code*, one of ``languages()``."""
    return ENGLISH if code == ORIGINAL else Language(code, read(catalogues()[code]))


def preferred(environ: Mapping[str, str]) -> str:
    """Return the code of the user's language, by the environment or else by the system; English if there is none."""
    asked = next((environ[name] for name in _VARIABLES if environ.get(name)), "") or locale.getlocale()[0] or ""
    code = asked.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return next((known for known in languages() if code in {known, _WINDOWS.get(known)}), ORIGINAL)


_WINDOWS = {"fr": "french"}
"""What Windows calls languages whose code is another."""
