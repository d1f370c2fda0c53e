"""Take typed values out of a TOML table, and refuse everything else by file, item and key."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterator, Sequence
from enum import StrEnum
from typing import TypeVar, cast

from rainbow_probe.catalogue.values import an_id
from rainbow_probe.model import Scalar

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_TYPES: dict[type, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number with a fraction",
    bool: "true or false",
    list: "a list",
    dict: "a table",
    datetime.date: "a date (YYYY-MM-DD)",
}


class CatalogueError(ValueError):
    """A guide cannot be used; the message names the file, the item, and what is allowed."""


class Table:
    """One TOML table with the keys it may have; every value comes out of it typed, or is refused."""

    def __init__(self, data: object, where: str, keys: Collection[str]) -> None:
        """Refuse *data* unless it is a table with no other keys than *keys*; *where* opens every complaint."""
        self.where = where
        self._data = typed(data, dict[str, object], where)
        if unknown := sorted(self._data.keys() - set(keys)):
            names = listing([repr(key) for key in unknown])
            raise CatalogueError(f"{where}: unknown key {names}; allowed: {listing(sorted(keys))}")

    def __contains__(self, key: str) -> bool:
        """Whether the table has *key*."""
        return key in self._data

    def wrong(self, key: str, message: str) -> CatalogueError:
        """Make the complaint about *key*."""
        return CatalogueError(f"{self.where}: {key}: {message}")

    def take(self, key: str, kind: type[T]) -> T:
        """Give the value of *key*, which must be there and be exactly a *kind* (``true`` is no number)."""
        if key not in self._data:
            raise self.wrong(key, "missing")
        return typed(self._data[key], kind, f"{self.where}: {key}")

    def text(self, key: str, default: str | None = None) -> str:
        """Give a line of text, its white space collapsed; required unless there is a *default*."""
        if default is not None and key not in self._data:
            return default
        return line(self.take(key, str), f"{self.where}: {key}")

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of different lines of text; none if the key is missing."""
        if key not in self._data:
            return ()
        where = f"{self.where}: {key}"
        lines = tuple(line(typed(item, str, where), where) for item in self.take(key, list[object]))
        if not lines:
            raise self.wrong(key, "an empty list; leave the key out instead")
        if twice := repeated(lines):
            raise self.wrong(key, f"{twice!r} is there twice")
        return lines

    def number(self, key: str, lowest: int, highest: int) -> int:
        """Give a whole number within bounds."""
        value = self.take(key, int)
        if not lowest <= value <= highest:
            raise self.wrong(key, f"{value} is not within {lowest} to {highest}")
        return value

    def flag(self, key: str) -> bool:
        """Give true or false; false if the key is missing."""
        return key in self._data and self.take(key, bool)

    def choice(self, key: str, allowed: Collection[str]) -> str:
        """Give a text that is one of *allowed*."""
        return chosen(self.text(key), allowed, f"{self.where}: {key}")

    def member(self, key: str, enum: type[E], default: E | None = None) -> E:
        """Give a member of *enum*; required unless there is a *default*."""
        if default is not None and key not in self._data:
            return default
        return enum(self.choice(key, [str(each) for each in enum]))

    def members(self, key: str, enum: type[E]) -> tuple[E, ...]:
        """Give a list of members of *enum*; none if the key is missing."""
        allowed = [str(each) for each in enum]
        return tuple(enum(chosen(text, allowed, f"{self.where}: {key}")) for text in self.texts(key))

    def each(self, key: str, read: Callable[[str], T]) -> tuple[T, ...]:
        """Give a list of texts as *read* understands them; it raises ``ValueError`` with what is wrong."""
        return tuple(self._understood(key, text, read) for text in self.texts(key))

    def one(self, key: str, read: Callable[[str], T]) -> T:
        """Give a text as *read* understands it; it raises ``ValueError`` with what is wrong."""
        return self._understood(key, self.text(key), read)

    def tables(self, key: str, noun: str, name: str, keys: Collection[str]) -> Iterator[Table]:
        """Give a list of tables, at least one; complaints call each *noun* and the value of its key *name*."""
        items = self.take(key, list[object])
        if not items:
            raise self.wrong(key, "an empty list; leave the key out instead")
        for place, item in enumerate(items, 1):
            yield Table(item, f"{self.where}: {noun} {_called(item, name, place)}", keys)

    def named(self, key: str, keys: Collection[str]) -> dict[str, Table]:
        """Give a table of tables, by their names; none if the key is missing."""
        items = self.take(key, dict[str, object]) if key in self._data else {}
        names = [self._understood(key, name, an_id) for name in items]
        return {name: Table(items[name], f"{self.where}: {key}.{name}", keys) for name in names}

    def scalars(self) -> dict[str, Scalar]:
        """Give the whole table, which must be flat."""
        return {key: self._scalar(key, value) for key, value in self._data.items()}

    def _scalar(self, key: str, value: object) -> Scalar:
        if not isinstance(value, str | int | float):
            raise self.wrong(key, "must be a string, a number, true or false")
        return value

    def _understood(self, key: str, text: str, read: Callable[[str], T]) -> T:
        try:
            return read(text)
        except ValueError as exc:
            raise self.wrong(key, str(exc)) from exc


def typed(value: object, kind: type[T], where: str) -> T:
    """Give *value* back if it is exactly a *kind*: a bool is no number, a time no date."""
    plain: type = getattr(kind, "__origin__", kind)
    if type(value) is not plain:
        raise CatalogueError(f"{where}: must be {_TYPES[plain]}, not {_TYPES.get(type(value), 'a time')}")
    return cast("T", value)


def line(text: str, where: str) -> str:
    """Give *text* as one printable line that says something."""
    flat = " ".join(text.split())
    if not flat:
        raise CatalogueError(f"{where}: an empty text")
    if not flat.isprintable():
        raise CatalogueError(f"{where}: a character that cannot be printed in {flat!r}")
    return flat


def chosen(text: str, allowed: Collection[str], where: str) -> str:
    """Give *text* back if it is one of *allowed*."""
    if text not in allowed:
        raise CatalogueError(f"{where}: {text!r} is not allowed; allowed: {listing(allowed)}")
    return text


def listing(words: Collection[str]) -> str:
    """List *words* for a complaint."""
    return ", ".join(words) or "(none)"


def repeated(words: Sequence[str]) -> str | None:
    """Give the first of *words* that has come before, if one has."""
    return next((word for place, word in enumerate(words) if word in words[:place]), None)


def _called(item: object, name: str, place: int) -> str:
    called = cast("dict[str, object]", item).get(name) if type(item) is dict else None
    return called if isinstance(called, str) and called.isprintable() and called else f"number {place} (no {name})"
