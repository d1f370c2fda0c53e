"""Recorded answers of operating systems, and programs that give them again."""

from __future__ import annotations

import shlex
from pathlib import Path

DATA = Path(__file__).parent / "data" / "site"


def sample(name: str) -> str:
    """Return what a tool printed, read as the probe reads it."""
    return (DATA / name).read_bytes().decode("utf-8", "replace")


def tool(folder: Path, name: str, script: str) -> dict[str, str]:
    """Put a program called *name* into *folder*, and return an environment that finds it there."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": str(folder)}


def printing(folder: Path, name: str, recorded: str) -> dict[str, str]:
    """Put a program into *folder* that prints a sample, whatever it is asked."""
    return tool(folder, name, f"/bin/cat {shlex.quote(str(DATA / recorded))}")
