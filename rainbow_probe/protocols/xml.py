"""One XML element from a stranger: no DTD, no entities, no processing instructions, bounded in size and depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn
from xml.parsers import expat

MOST_BYTES = 64 * 1024
MOST_DEPTH = 32


class HostileError(ValueError):
    """The text is no element, or more than an element may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An element with its namespace resolved; prefixes do not matter."""

    namespace: str
    name: str
    attributes: Mapping[str, str]
    text: str = ""
    children: tuple[Element, ...] = ()

    def find(self, namespace: str) -> Iterator[Element]:
        """Yield the children in *namespace*."""
        return (child for child in self.children if child.namespace == namespace)


def parse(text: str) -> Element:
    """Read one element. Raises ``HostileError``, and nothing else, for anything else."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MOST_BYTES:
        raise HostileError(f"more than {MOST_BYTES} bytes")
    builder = _Builder()
    try:
        builder.parser().Parse(data, True)
    except expat.ExpatError as exc:
        raise HostileError(expat.ErrorString(exc.code)) from exc
    return builder.root()


@dataclass(slots=True, kw_only=True)
class _Open:
    """An element whose end has not come yet."""

    name: str
    attributes: Mapping[str, str]
    text: list[str]
    children: list[Element]

    def close(self) -> Element:
        namespace, _, local = self.name.rpartition(" ")
        return Element(
            namespace=namespace,
            name=local,
            attributes=self.attributes,
            text="".join(self.text).strip(),
            children=tuple(self.children),
        )


class _Builder:
    """Turns expat's events into elements."""

    def __init__(self) -> None:
        self._document = _Open(name="", attributes={}, text=[], children=[])
        self._stack = [self._document]

    def parser(self) -> expat.XMLParserType:
        """Return a parser that feeds this builder; the encoding is ours, whatever a declaration says."""
        parser = expat.ParserCreate("utf-8", " ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        # RFC 6120 section 11.1: none of these may be in a stream, and entities are how small texts grow large.
        parser.StartDoctypeDeclHandler = _forbidden
        parser.ProcessingInstructionHandler = _forbidden
        return parser

    def root(self) -> Element:
        """Return the element; there is one when expat was content."""
        return self._document.children[0]

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._stack) > MOST_DEPTH:
            raise HostileError(f"deeper than {MOST_DEPTH} elements")
        self._stack.append(_Open(name=name, attributes=attributes, text=[], children=[]))

    def _end(self, _name: str) -> None:
        element = self._stack.pop().close()
        self._stack[-1].children.append(element)

    def _text(self, text: str) -> None:
        self._stack[-1].text.append(text)


def _forbidden(*_: object) -> NoReturn:
    raise HostileError("a DTD or a processing instruction")
