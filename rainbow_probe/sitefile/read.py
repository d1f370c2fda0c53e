"""Reads a site file and refuses what it may not hold, naming file, key and what is allowed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from rainbow_probe.options import UsageError
from rainbow_probe.sitefile.references import reference
from rainbow_probe.sitefile.schema import BY_NAME, KEYS, SECTIONS, Key, Shape

LARGEST = 1024 * 1024  # bytes; a longer file is no list of settings


def read_site_file(path: str) -> dict[str, Any]:
    """Return what the file says, by ``section.key``; raises ``UsageError`` naming file and key.

    A secret comes as a ``Reference``: it is not looked up before it is needed.
    """
    return dict(_flat(_table(path), path, ""))


def _table(path: str) -> Mapping[str, object]:
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as exc:
        raise UsageError(f"--site {path}: {exc.strerror or exc}") from exc
    if len(data) > LARGEST:
        raise UsageError(f"--site {path}: more than {LARGEST} bytes: that is no site file")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise UsageError(f"--site {path}: not TOML: {str(exc) or type(exc).__name__}") from exc


def _flat(table: Mapping[str, object], path: str, section: str) -> Iterator[tuple[str, Any]]:
    for short, value in table.items():
        name = f"{section}.{short}" if section else short
        if name in BY_NAME:
            yield name, _checked(BY_NAME[name], value, path)
        elif not section and short in SECTIONS and short and isinstance(value, dict):
            yield from _flat(cast("Mapping[str, object]", value), path, short)
        else:
            raise UsageError(f"--site {path}: {_unknown(name, section)}")


def _unknown(name: str, section: str) -> str:
    allowed = [key.short for key in KEYS if key.section == section]
    near = get_close_matches(name, [key.name for key in KEYS], n=1)
    guess = f"; did you mean {near[0]!r}?" if near else ""
    where = f" in [{section}]" if section else ""
    tables = "" if section else f", and the tables {', '.join(f'[{one}]' for one in SECTIONS if one)}"
    return f"unknown key {name!r}{guess}; allowed{where} are {', '.join(sorted(allowed))}{tables}"


def _checked(key: Key, value: object, path: str) -> object:
    where = f"--site {path}: {key.name}"
    found = _shaped(key.shape, value, where, Path(path).parent)
    if found is None:
        never = "; a password itself has no place in the file" if key.shape is Shape.SECRET else ""
        raise UsageError(f"{where} must be {key.shape}{never}")
    return found


def _shaped(shape: Shape, value: object, where: str, folder: Path) -> object | None:
    """Return *value* as the program uses it; None if it has not that shape."""
    match shape:
        case Shape.TEXT:
            return value if isinstance(value, str) else None
        case Shape.TEXTS:
            return _list(value)
        case Shape.TABLE:
            return _dict(value)
        case Shape.SECRET:
            return reference(value, where, folder)
        case Shape.FLAG:
            return value if isinstance(value, bool) else None
        case Shape.SECONDS | Shape.COUNT:
            return _number(shape, value)


def _number(shape: Shape, value: object) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if shape is Shape.SECONDS:
        return float(value)
    return value if isinstance(value, int) and value >= 0 else None


def _list(value: object) -> Sequence[object] | None:
    texts: Sequence[object] = cast("list[object]", value) if isinstance(value, list) else [None]
    return texts if all(isinstance(text, str) for text in texts) else None


def _dict(value: object) -> Mapping[str, object] | None:
    texts: Mapping[str, object] = cast("dict[str, object]", value) if isinstance(value, dict) else {"": None}
    return texts if all(isinstance(text, str) for text in texts.values()) else None
