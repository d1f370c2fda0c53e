"""Typed values out of a JSON file that anybody may have written; every complaint says where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeVar, cast

from rainbow_probe.model import Scalar
from rainbow_probe.options import UsageError

E = TypeVar("E", bound=StrEnum)
LONGEST = 100_000  # characters of one string
LARGEST_NUMBER = 1e18


class Item:
    """One JSON object; what is asked of it is there and of the right type, or it is refused."""

    def __init__(self, data: object, where: str) -> None:
        """Refuse *data* unless it is an object; *where* opens every complaint."""
        if not isinstance(data, dict):
            raise UsageError(f"{where}: not an object")
        self.where = where
        self._data = cast("Mapping[str, object]", data)

    def __contains__(self, key: str) -> bool:
        """Whether the object has *key*."""
        return key in self._data

    def wrong(self, key: str, wanted: str) -> UsageError:
        """Make the complaint that *key* is not what is *wanted*."""
        return UsageError(f"{self.where}: {key} is not {wanted}")

    def text(self, key: str) -> str:
        """Return a string."""
        value = self._data.get(key)
        if not isinstance(value, str) or len(value) > LONGEST:
            raise self.wrong(key, "a string")
        return value

    def known(self, key: str) -> str:
        """Return a string, empty where a report of an older version has none."""
        return self.text(key) if key in self else ""

    def milliseconds(self, key: str) -> float:
        """Return a time in seconds, 0 where a report of an older version has none."""
        return self.number(key) / 1000 if key in self else 0.0

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings; a report of an older version may have none."""
        values = self._list(key)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(key, "a list of strings")
        return tuple(cast("list[str]", values))

    def whole(self, key: str, least: int, most: int) -> int:
        """Return a whole number within bounds."""
        value = self._data.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(key, f"a number from {least} to {most}")
        return value

    def count(self, key: str) -> int:
        """Return a number of things."""
        return self.whole(key, 0, 2**53)

    def number(self, key: str) -> float:
        """Return a number; JSON has no other than finite ones, Python's reader has."""
        value = self._data.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < LARGEST_NUMBER:
            raise self.wrong(key, "a number")
        return float(value)

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self._data.get(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def is_null(self, key: str) -> bool:
        """Whether *key* is ``null`` or not there."""
        return self._data.get(key) is None

    def member(self, key: str, enum: type[E]) -> E:
        """Return a member of *enum*."""
        text = self.text(key)
        if text not in list(enum):
            raise self.wrong(key, f"one of {', '.join(enum)}")
        return enum(text)

    def members(self, key: str, enum: type[E]) -> tuple[E, ...]:
        """Return a list of members of *enum*."""
        if unknown := set(self.texts(key)) - set(enum):
            raise self.wrong(f"{key}: {min(unknown)[:40]!a}", f"one of {', '.join(enum)}")
        return tuple(map(enum, self.texts(key)))

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(self._data)

    def item(self, key: str) -> Item | None:
        """Return an object, or None where there is ``null`` or nothing."""
        value = self._data.get(key)
        return None if value is None else Item(value, f"{self.where}: {key}")

    def needed(self, key: str) -> Item:
        """Return an object that must be there."""
        item = self.item(key)
        if item is None:
            raise self.wrong(key, "there")
        return item

    def items(self, key: str) -> Iterator[Item]:
        """Yield the objects of a list."""
        for place, value in enumerate(self._list(key)):
            yield Item(value, f"{self.where}: {key}[{place}]")

    def scalars(self, key: str) -> dict[str, Scalar]:
        """Return an object of plain values; anything else in it is left out."""
        value = self._data.get(key)
        if not isinstance(value, dict):
            raise self.wrong(key, "an object")
        plain = cast("dict[str, object]", value).items()
        return {name: one for name, one in plain if isinstance(one, str | int | float | bool | None)}

    def _list(self, key: str) -> list[object]:
        value = self._data.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return cast("list[object]", value)
