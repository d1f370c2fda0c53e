"""What a scheduler must be told: files to write and commands to give, the way in and the way out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file."""

    path: Path
    text: str
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One schedule, as one scheduler wants it."""

    files: tuple[File, ...]
    install: tuple[tuple[str, ...], ...] = ()
    """Commands after the files are written."""
    remove: tuple[tuple[str, ...], ...] = ()
    """Commands before the files are removed."""
    afterwards: tuple[tuple[str, ...], ...] = ()
    """Commands after they are removed."""
    look: str = ""
    """How to see that it works."""
