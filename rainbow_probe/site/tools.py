"""Run one of the operating system's own tools: bounded, without a shell, and silent about what goes wrong."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

LIMIT = 3.0  # seconds; a tool that hangs costs the run that much and one fact, never more
FOLDERS = ("/usr/bin", "/bin", "/usr/sbin", "/sbin")
"""Where the system keeps its tools; they come before ``PATH``, which may have been tampered with."""


def output_of(tool: str, *arguments: str, environ: Mapping[str, str], limit: float = LIMIT) -> str:
    """Return what *tool* prints; empty where it is missing, prints nothing, or takes longer than *limit* seconds."""
    program = find(tool, environ)
    if not program:
        return ""
    try:
        done = subprocess.run(  # noqa: S603 - an absolute path and our own arguments
            [program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=limit, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")


def find(tool: str, environ: Mapping[str, str]) -> str:
    """Return the absolute path of *tool*, which may be one already; empty where there is none to be run."""
    folders = (*FOLDERS, *environ.get("PATH", "").split(os.pathsep))
    places = (Path(folder, tool) for folder in folders)
    return next((str(place) for place in places if _runs(place)), "")


def _runs(place: Path) -> bool:
    return place.is_absolute() and place.is_file() and os.access(place, os.X_OK)


def text_of(path: str) -> str:
    """Return the text of a small file; empty where it cannot be read."""
    try:
        return Path(path).read_text("utf-8", "replace")
    except (OSError, ValueError):
        return ""
