"""Guides to break: a small whole one as plain data, places in it, and a writer of TOML."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import cast

KINDS = (
    "dns",
    "https",
    "xmpp",
    "turn",
    "call",
    "push",
    "udp-range",
    "proxy",
    "proxy-capacity",
    "portal",
    "ports",
    "quality",
    "bandwidth",
    "download",
    "sweep",
    "account",
    "xmpp-account",
    "sweep-in",
    "sip",
    "ntp",
    "ssh",
    "sips",
)
"""The kinds of checks there are, as whoever loads a guide says."""

DATA = Path(__file__).parent / "data"
CLINIC = DATA / "guides" / "clinic-small"
"""A guide of an invented vendor that uses every key there is."""

Spot = tuple[str | int, ...]
"""Where a value stands: file name, then keys and places in lists."""


_CLINIC: dict[str, object] = {
    path.name: tomllib.loads(path.read_text("utf-8")) for path in sorted(CLINIC.glob("*.toml"))
}


def clinic() -> dict[str, object]:
    """Give the small guide as data, fresh: file name to table."""
    return deepcopy(_CLINIC)


def spots(tree: object, spot: Spot = ()) -> Iterator[Spot]:
    """Give the place of every value in *tree*, outer ones first."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*spot, key)
        yield from spots(value, (*spot, key))


def at(tree: object, spot: Spot) -> object:
    """Give the value that stands at *spot*."""
    for key in spot:
        assert isinstance(tree, dict | list)
        tree = cast("dict[str | int, object]", tree)[key]
    return tree


def put(tree: object, spot: Spot, value: object) -> None:
    """Put *value* where *spot* is, in place of what is there."""
    _holder(tree, spot)[spot[-1]] = value


def remove(tree: object, spot: Spot) -> None:
    """Take out what stands at *spot*."""
    del _holder(tree, spot)[spot[-1]]


def _holder(tree: object, spot: Spot) -> dict[str | int, object]:
    holder = at(tree, spot[:-1])
    assert isinstance(holder, dict | list)
    return cast("dict[str | int, object]", holder)  # a list takes items by place in the same way


def toml(value: object) -> str:
    """Write *value* as TOML, tables inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_text(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return _text(value) if isinstance(value, str) else value.isoformat() if isinstance(value, date) else repr(value)


def write(folder: Path, files: dict[str, object]) -> Path:
    """Write *files* (name to table, or to raw text or bytes) into *folder*, and nothing else."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.toml"):
        old.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(_content(content))
    return folder


def _content(content: object) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, dict):
        content = "".join(f"{_text(key)} = {toml(value)}\n" for key, value in content.items())
    return str(content).encode()


def _text(text: object) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
