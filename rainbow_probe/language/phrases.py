"""Sentences that were put together in English, taken apart again and said in another language.

Whoever judges writes English, and a stored report holds nothing else. A message such as ``The proxy refuses CONNECT to
port {0}`` is therefore used both ways: the English one finds the values in the sentence, and the translation takes them
in. What is no known message is split where sentences are put together; what is left of it stays as it is. No meaning
is judged here, and a sentence of a peer is looked at in one pass, however long it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

LONGEST = 4000  # characters; a longer sentence is evidence, not words of ours
_DEEPEST = 12  # messages within messages
_TELLING = 6  # letters; a message with fewer of its own takes no whole sentences
_RUN = 4  # parts that may be one message
_SEAMS = (". ", "; ", ": ", ", ")
_JOINTS = (";", ":")
"""Between two sentences, and never at the end of a value."""
_LEFT = "left"  # the name of a number that stands near the end, as in ``{shown} and {left} more``
_UNIT = re.compile(r" (?:%|(?:ms|s|kbit/s|bytes|sampled|ports)\b)")
"""Before it stands a number."""
_ASIDE = re.compile(r"(.+?) \((.+)\)", re.DOTALL)
_LAST_ASIDE = re.compile(r"(.+) \(([^()]*)\)", re.DOTALL)
"""Where a message has brackets of its own: ``the proxy wants credentials (407) (a.example)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message with values: what stands between them, their names, and its translation."""

    literals: tuple[str, ...]
    names: tuple[str, ...]
    translation: str

    @property
    def weight(self) -> int:
        """How much of it is its own."""
        return sum(map(len, self.literals))

    @property
    def anchor(self) -> str:
        """The longest text that every sentence made of it has: most sentences have not, and need no closer look."""
        return max(self.literals, key=len)

    @property
    def is_light(self) -> bool:
        """Whether so little of it is its own that it would fit what it is not meant for."""
        return sum(char.isalpha() for literal in self.literals for char in literal) < _TELLING

    def values(self, text: str) -> dict[str, str] | None:
        """Return the values that make this message into *text*, the shortest from the left, or None."""
        first, *middle, last = self.literals
        end = len(text) - len(last)
        if not text.startswith(first) or not text.endswith(last) or end < len(first):
            return None
        found, place = list[str](), len(first)
        for literal in middle:
            at = text.rfind(literal, place, end) if _LEFT in self.names else text.find(literal, place, end)
            if at < 0:
                return None
            found.append(text[place:at])
            place = at + len(literal)
        found.append(text[place:end])
        return dict(zip(self.names, found, strict=True)) if self._fits(found) else None

    def _fits(self, found: list[str]) -> bool:
        if _LEFT in self.names and not found[self.names.index(_LEFT)].isdecimal():
            return False
        if not all(map(_is_closed, found)) or any(value.endswith(_JOINTS) for value in found):
            return False
        if any(" " in value and _UNIT.match(after) for value, after in zip(found, self.literals[1:], strict=True)):
            return False
        if not self.literals[0] and len(self.names) == 1 and " " not in self.literals[1].strip():
            return found[0].isdecimal()
        return not self.is_light or len(self.names) > 1 or not any(seam in found[0] for seam in _SEAMS)


def message(text: str, translation: str) -> Message | None:
    """Return *text* as a message if it has values, each in a place of its own."""
    parts = [(literal, name) for literal, name, _, _ in Formatter().parse(text)]
    names = tuple(name for _, name in parts if name is not None)
    if not names:
        return None
    literals = [literal for literal, _ in parts] + ([""] if parts[-1][1] is not None else [])
    if len(set(names)) < len(names) or "" in literals[1:-1]:
        return None  # where one value ends and the next begins cannot be told
    return Message(literals=tuple(literals), names=names, translation=translation)


class Phrases:
    """The words of one language, used for whole sentences."""

    def __init__(self, words: Mapping[str, str], stops: Mapping[str, str] | None = None) -> None:
        """Know *words*, English to translation; full stops, blanks and seams around them do not matter.

        *stops* are the seams that the language sets otherwise, as French does ``: ``.
        """
        told = {_core(text): _core(translation) for text, translation in words.items()}
        self._exact = {text.lstrip(",;: "): translation.lstrip(",;: ") for text, translation in told.items()} | told
        self._stops = stops or {}
        made = (message(text, translation) for text, translation in self._exact.items())
        known = sorted((one for one in made if one), key=lambda one: -one.weight)
        self._messages = [(one.anchor, one) for one in known]
        self._heavy = [(one.anchor, one) for one in known if not one.is_light]
        self._known: dict[str, str] = {}

    def translated(self, text: str, depth: int = 0) -> str:
        """Return *text* as far as it is known."""
        if len(text) > LONGEST or depth > _DEEPEST:
            return text
        if text not in self._known:
            core = _core(text)
            start = text.index(core) if core else 0
            said = self._said(core, depth)
            self._known[text] = f"{text[:start]}{said}{text[start + len(core) :]}" if core else text
        return self._known[text]

    def _said(self, core: str, depth: int) -> str:
        for written in (core, f"{core}."):  # a message may end with a full stop and a value, and that value be nothing
            if (said := self._whole(written, depth, self._messages)) is not None:
                return _core(said)
            if (said := self._whole(written[:1].lower() + written[1:], depth, self._heavy)) is not None:
                return _core(said[:1].upper() + said[1:])
        return next(self._in_parts(core, depth), core)

    def _whole(self, text: str, depth: int, messages: Sequence[tuple[str, Message]]) -> str | None:
        if text in self._exact:
            return self._exact[text]
        for anchor, one in messages:
            if anchor in text and (values := one.values(text)) is not None:
                return _filled(one, {name: self.translated(value, depth + 1) for name, value in values.items()})
        return None

    def _in_parts(self, text: str, depth: int) -> Iterator[str]:
        if text.startswith("(") and text.endswith(")") and _is_closed(text[1:-1]):
            yield f"({self.translated(text[1:-1], depth + 1)})"
        aside = _ASIDE.fullmatch(text)
        if known := self._known_with_aside(text):
            yield f"{self._exact[known[1]]} ({self.translated(known[2], depth + 1)})"
        for seam in _SEAMS:
            if len(parts := self._parted(text, seam, depth)) > 1:
                said = [self.translated(part, depth + 1) for part in parts]
                yield (seam if said == parts else self._stops.get(seam, seam)).join(said)
        if aside:
            first, second = (self.translated(part, depth + 1) for part in aside.groups())
            yield f"{first} ({second})"

    def _known_with_aside(self, text: str) -> re.Match[str] | None:
        """Take *text* apart if it is a message as it stands, and something in brackets behind it."""
        found = _LAST_ASIDE.fullmatch(text)
        return found if found and found[1] in self._exact else None

    def _parted(self, text: str, seam: str, depth: int) -> list[str]:
        """Part *text* at a *seam*: what follows a colon is one part, and so is what a known end stands behind."""
        parts = self._together(_split(text, seam), seam)
        if seam == ": ":
            return [parts[0], seam.join(parts[1:])] if len(parts) > 1 else parts
        if seam == ", " and len(parts) > 2 and self._whole(parts[-1], depth, self._heavy) is not None:
            return [seam.join(parts[:-1]), parts[-1]]
        return parts

    def _together(self, parts: list[str], seam: str) -> list[str]:
        """Join those of *parts* again that are one message with a *seam* in it."""
        joined: list[str] = []
        while parts:
            runs = (seam.join(parts[:count]) for count in range(min(_RUN, len(parts)), 1, -1))
            found = next((run for run in runs if run in self._exact or self._known_with_aside(run)), parts[0])
            joined.append(found)
            parts = parts[found.count(seam) + 1 if found != parts[0] else 1 :]
        return joined


def _filled(one: Message, values: Mapping[str, str]) -> str:
    """Put *values* where the translation wants them; it may leave some out."""
    return "".join(
        literal + (values.get(name, "") if name is not None else "")
        for literal, name, _, _ in Formatter().parse(one.translation)
    )


def _split(text: str, seam: str) -> list[str]:
    """Split *text* at *seam*, but not within brackets."""
    parts: list[str] = []
    for part in text.split(seam):
        if parts and parts[-1].count("(") > parts[-1].count(")"):
            parts[-1] += seam + part
        else:
            parts.append(part)
    return parts


def _is_closed(text: str) -> bool:
    """Return whether every bracket of *text* has its other half in it."""
    depth = 0
    for char in text if "(" in text or ")" in text else "":
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return False
    return depth == 0


def _core(text: str) -> str:
    return text.strip(" ").removesuffix(".")
