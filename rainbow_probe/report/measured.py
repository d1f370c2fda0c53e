"""Measured things as JSON and back: the fields of their types are the keys, so that both ways stay one."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from rainbow_probe.measures import Measured, PortSurvey, Quality, Ramp
from rainbow_probe.report.fields import Item

T = TypeVar("T")
TYPES: dict[str, type[Measured]] = {"ports": PortSurvey, "quality": Quality, "ramp": Ramp}
"""What ``type`` says of a check's ``measured``."""


def measured_json(measured: Measured | None) -> dict[str, Any] | None:
    """Return what a check measured, with its type."""
    if measured is None:
        return None
    return {"type": next(name for name, cls in TYPES.items() if isinstance(measured, cls)), **plain(measured)}


def measured_of(item: Item) -> Measured | None:
    """Read ``measured`` of a check; raises ``UsageError`` if it is nothing that this version knows."""
    found = item.item("measured")
    if found is None:
        return None
    if (name := found.text("type")) not in TYPES:
        raise found.wrong("type", f"one of {', '.join(TYPES)}")
    return read(found, TYPES[name])


def plain(value: object) -> Any:  # noqa: ANN401 - JSON's own values
    """Return a frozen value, or a list of such, as dictionaries, lists and scalars; numbers to four places."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [plain(each) for each in cast("tuple[object, ...]", value)]
    if isinstance(value, StrEnum):
        return value.value
    return round(value, 4) if isinstance(value, float) else value


def read(item: Item, cls: type[T]) -> T:
    """Return the *cls* that *item* is; raises ``UsageError`` with the key that is wrong."""
    hints = get_type_hints(cls)
    return cls(**{name: _field(item, name, hint) for name, hint in hints.items()})


def _field(item: Item, name: str, hint: Any) -> object:  # noqa: ANN401 - what annotations are at run time
    if isinstance(hint, UnionType):  # only "or None" is used
        return None if item.is_null(name) else _field(item, name, get_args(hint)[0])
    if get_origin(hint) is tuple:
        return tuple(read(each, get_args(hint)[0]) for each in item.items(name))
    if is_dataclass(hint):
        return read(item.needed(name), cast("type[object]", hint))
    if issubclass(hint, StrEnum):
        return item.member(name, hint)
    return {str: item.text, bool: item.flag, int: item.count, float: item.number}[hint](name)
