"""Open the files of a guide's folder."""

from __future__ import annotations

import tomllib
from pathlib import Path

from rainbow_probe.catalogue.fields import CatalogueError
from rainbow_probe.catalogue.places import GUIDE


def documents(folder: Path) -> dict[Path, dict[str, object]]:
    """Give every TOML file of the guide in *folder*, ``guide.toml`` first, then by name."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except (OSError, ValueError) as exc:
        raise CatalogueError(f"{folder}: no such guide: {_reason(exc)}; a guide is a folder with a {GUIDE}") from exc
    if folder / GUIDE not in paths:
        raise CatalogueError(f"{folder}: no guide: a guide is a folder with a {GUIDE}, and there is none")
    paths.sort(key=lambda path: path.name != GUIDE)
    return {path: _document(path) for path in paths}


def _document(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as exc:
        raise CatalogueError(f"{path}: cannot be read: {_reason(exc)}") from exc
    except UnicodeDecodeError as exc:
        raise CatalogueError(f"{path}: not UTF-8 at byte {exc.start}; TOML files are always UTF-8") from exc
    except (ValueError, RecursionError) as exc:  # tomllib lets some errors of int() and of deep nesting through
        raise CatalogueError(f"{path}: not TOML: {exc}") from exc


def _reason(exc: Exception) -> str:
    return (exc.strerror or str(exc)) if isinstance(exc, OSError) else str(exc)
