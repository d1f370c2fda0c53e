"""The operating system's tools: bounded, and silent about what goes wrong."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from rainbow_probe.site.tools import find, output_of, text_of
from tests.site_samples import tool


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo hello", "hello\n"),
        ('echo "$#:$1"', "1:$(id) *\n"),
        ("echo told; exit 3", "told\n"),
        ("echo complaint >&2; exit 1", ""),
        ("printf '\\377\\n'", "\N{REPLACEMENT CHARACTER}\n"),
        ("cat", ""),
        ("kill -9 $$", ""),
    ],
)
def test_output(tmp_path: Path, script: str, expected: str) -> None:
    """What is printed, whatever the status; no shell reads the arguments, and nothing is to be read."""
    assert output_of("asked", "$(id) *", environ=tool(tmp_path, "asked", script)) == expected


def test_a_tool_that_hangs_is_stopped(tmp_path: Path) -> None:
    """It costs its limit, no more."""
    begun = time.monotonic()
    assert output_of("slow", environ=tool(tmp_path, "slow", "echo half; exec sleep 20"), limit=0.2) == ""
    assert time.monotonic() - begun < 15


def test_a_file_that_does_not_run(tmp_path: Path) -> None:
    """Neither one without the right, nor one the kernel does not understand."""
    environ = tool(tmp_path, "asked", "echo hello")
    (tmp_path / "asked").write_bytes(b"\x7fELF nonsense")
    assert output_of("asked", environ=environ) == ""
    (tmp_path / "asked").chmod(0o644)
    assert find("asked", environ) == ""


@pytest.mark.parametrize("path", ["", ".", "relative", os.pathsep, "/nowhere"])
def test_only_absolute_folders_are_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """What lies in the current folder may be anybody's."""
    tool(tmp_path, "asked", "echo hello")
    monkeypatch.chdir(tmp_path)
    assert find("asked", {"PATH": path}) == ""


def test_the_systems_folders_come_first(tmp_path: Path) -> None:
    """A tool of the same name in the user's path is not taken."""
    environ = tool(tmp_path, "sh", "echo hello")
    assert find("sh", environ) != str(tmp_path / "sh")


def test_files(tmp_path: Path) -> None:
    """Text where there is some, nothing where there is none to be had."""
    file = tmp_path / "file"
    file.write_bytes(b"caf\xe9")
    assert text_of(str(file)) == "caf\N{REPLACEMENT CHARACTER}"
    assert text_of(str(tmp_path)) == text_of("/nowhere") == text_of("\0") == ""
