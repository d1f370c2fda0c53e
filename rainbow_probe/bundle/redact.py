"""A report without what is the site's own: pseudonyms for people, hosts and addresses, and no words of strangers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from html import unescape
from typing import cast
from urllib.parse import unquote

from rainbow_probe.bundle.inside import SHORTEST, Inside, Json, as_address
from rainbow_probe.bundle.pseudonyms import Pseudonyms

REMOVED = "(removed)"
OUR_WORDS = frozenset({
    *(
        "schema",
        "verdict",
        "need",
        "kind",
        "phase",
        "cause",
        "outcome",
        "severity",
        "who",
        "transport",
        "via",
        "client",
    ),
    *("section", "rows", "findings", "version", "platform", "started", "mapping", "filtering"),
})
"""Keys with words of the probe itself: the closed vocabulary, and ids."""
FREE = frozenset({"body", "banner"})
"""Facts in which a stranger wrote whatever it liked."""
NAMING = frozenset({"labels", "hides"})
"""Tables whose keys are names too."""
_QUOTED = re.compile(r"'[^']{25,}'|'(?!HTTP/\d)[^'\s]+\s[^']*'")
"""What a peer said, as evidence quotes it; one short word, or a line of HTTP, is the protocol's."""
_DASHED = re.compile(r"(?<!\d)\d{1,3}(?:-\d{1,3}){3}(?!\d)")
"""An address as names of hosts have it."""
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|&#?\w+;")
_DEEPEST = 3  # times that something is encoded
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
_HOME = re.compile(r"(?<=/home/)[^/\s]+|(?<=/Users/)[^/\s]+|(?<=\\Users\\)[^\\\s]+")
_ACCOUNT = re.compile(r"(?<![\w\\])[A-Za-z][\w-]*\\[A-Za-z][\w.-]+")  # DOMAIN\user
_HOST = re.compile(r"(?<![\w-])(?:\*\.)?(?:\w(?:[\w-]{0,61}\w)?\.)+[^\W\d_][\w-]{1,62}(?![\w-])")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4})(?:%\w+)?(?![\w:])"
)


class Level(StrEnum):
    """How much is replaced."""

    NAMES = "names"
    """People, and names of hosts and companies inside."""
    ADDRESSES = "addresses"
    """With them, all addresses that are no public destination."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """One report's: the same thing has the same pseudonym wherever it stands."""

    inside: Inside
    level: Level
    pseudonyms: Pseudonyms
    people: tuple[str, ...] = ()
    """Names of this machine's users."""

    def text(self, text: str) -> str:
        """Return *text* with pseudonyms, decoded where what is encoded in it is to be replaced."""
        plain = _decoded(text)
        return self._readable(plain if plain != text and self._readable(plain) != plain else text)

    def _readable(self, text: str) -> str:
        text = _QUOTED.sub(f"'{REMOVED}'", text)
        text = _HOME.sub(lambda m: self.pseudonyms.name("person", m[0]), text)
        text = _ACCOUNT.sub(lambda m: self.pseudonyms.name("person", m[0].rpartition("\\")[2]), text)
        text = _MAIL.sub(lambda m: self.pseudonyms.name("person", m[0]), text)
        text = _HOST.sub(lambda m: self._host(m[0]), text)
        text = self._words(text, self.inside.words, "name")
        text = self._words(text, self.people, "person")
        if self.level is Level.ADDRESSES:
            text = _IPV6.sub(lambda m: self._address(m[0]), text)
            text = _IPV4.sub(lambda m: self._address(m[0]), text)
            text = _DASHED.sub(lambda m: self._address(m[0].replace("-", "."), m[0]), text)
        return text

    def _host(self, name: str) -> str:
        bare = name.removeprefix("*.")
        return name if self.inside.is_public_name(bare) else self.pseudonyms.name("host", bare)

    def _words(self, text: str, words: Iterable[str], kind: str) -> str:
        for word in words:
            if _whole(word).search(text):
                text = self._word(text, word, self.pseudonyms.name(kind, word))
        return text

    def _word(self, text: str, word: str, stands: str) -> str:
        """Replace *word*, but not within a public name."""
        hosts = [found for found in _HOST.finditer(text) if self.inside.is_public_name(found[0].removeprefix("*."))]
        spans = [found.span() for found in hosts]
        return _whole(word).sub(lambda found: found[0] if _within(found.span(), spans) else stands, text)

    def _address(self, text: str, written: str = "") -> str:
        """Return what stands for the address in *text*, which was *written* otherwise; that itself if it may stay."""
        address = as_address(text)
        if address is None or self.inside.is_public_address(address):
            return written or text
        return self.pseudonyms.address(address)


def redacted(report: Json, inside: Inside, level: Level, pseudonyms: Pseudonyms, people: Iterable[str] = ()) -> Json:
    """Return *report*, of which *inside* is the site's own, with pseudonyms; *people* are the users of this machine."""
    known = tuple(sorted({name for name in people if len(name) >= SHORTEST}, key=len, reverse=True))
    found = Redaction(inside=inside, level=level, pseudonyms=pseudonyms, people=known)
    return cast("Json", _rewritten(report, found.text, ""))


@cache
def _whole(word: str) -> re.Pattern[str]:
    """Return what finds *word* where it is one by itself, also as a part of a name: ``PC-JDOE``, ``Clinic+East``."""
    parts = r"[\s+_-]{1,3}".join(map(re.escape, word.split()))
    return re.compile(rf"(?<![^\W_]){parts}(?![^\W_])", re.IGNORECASE)


def _within(span: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)


def _decoded(text: str) -> str:
    """Return *text* as it reads without the escapes of URLs, JSON and HTML."""
    for _ in range(_DEEPEST):
        if not _ENCODED.search(text):
            break
        text = unescape(unquote(_ESCAPE.sub(lambda m: chr(int(m[1] or m[2], 16)), text)))
    return text


def _rewritten(value: object, rewrite: Callable[[str], str], key: str, *, fact: bool = False) -> object:
    """Rewrite every string below *value*, which stands under *key*; a *fact* may have a name as our words have."""
    if isinstance(value, str):
        return REMOVED if key in FREE and value else value if key in OUR_WORDS and not fact else rewrite(value)
    if isinstance(value, list):
        return [_rewritten(item, rewrite, key, fact=fact) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        names = rewrite if key in NAMING else str
        table = cast("dict[str, object]", value).items()
        return {names(own): _rewritten(item, rewrite, own, fact=fact or own == "facts") for own, item in table}
    return value
