"""The shape of the source: imports point one way, pieces are small, everything public says what it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import structure

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "rainbow_probe"
TESTS = ROOT / "tests"


def test_imports_point_down() -> None:
    """A part knows only what stands below it."""
    assert structure.upward_imports(SOURCE) == []


def test_checks_and_protocols_leave_the_network_to_others() -> None:
    """Checks never touch sockets, TLS or clocks; protocols not even the event loop."""
    assert structure.barred_imports(SOURCE) == []


def test_functions_are_short() -> None:
    """Half of them have up to 5 lines, nine tenths up to 20, and none has over 40."""
    assert structure.long_functions(SOURCE) == []


@pytest.mark.parametrize("folder", ["rainbow_probe", "benchmarks"])
def test_files_are_short(folder: str) -> None:
    """Half of them have up to 120 lines, and none has over 300."""
    assert structure.long_files(ROOT / folder) == []


def test_there_is_a_line_of_test_for_every_line_of_source() -> None:
    """Tests weigh at least what they test."""
    assert structure.lines_of_code(TESTS) >= structure.lines_of_code(SOURCE)


@pytest.mark.parametrize("folder", ["rainbow_probe", "tests", "benchmarks"])
def test_everything_public_is_documented(folder: str) -> None:
    """Every module, class, function and method without an underscore has a docstring."""
    assert structure.undocumented(ROOT / folder) == []


@pytest.mark.parametrize("folder", ["rainbow_probe", "tests", "benchmarks"])
def test_every_silenced_rule_has_its_reason(folder: str) -> None:
    """Whoever switches a tool off for a line says why, there."""
    assert structure.unexplained(ROOT / folder) == []


# The rules must be able to fail: each is tried on a sample that breaks it.


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("checks/turn.py", "from rainbow_probe.judge import rows"),
        ("checks/turn.py", "def lazy():\n    import rainbow_probe.runner"),
        ("net/tls.py", "from rainbow_probe import site"),
        ("model.py", "from rainbow_probe.protocols.stun import decode"),
        ("model.py", "from rainbow_probe import catalogue"),
        ("strange.py", "from rainbow_probe.model import Row"),
        ("cli.py", "from rainbow_probe.strange import thing"),
    ],
)
def test_an_upward_import_is_seen(tmp_path: Path, file: str, line: str) -> None:
    """Upward, sideways, lazy and unheard-of imports are all refused."""
    put(tmp_path, file, line)
    assert structure.upward_imports(tmp_path)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("cli.py", "from rainbow_probe import __version__"),
        ("cli.py", "from rainbow_probe.runner import run"),
        ("net/tls.py", "from rainbow_probe.net.links import ByteStream"),
        ("checks/turn.py", "import asyncio"),
    ],
)
def test_a_downward_import_is_fine(tmp_path: Path, file: str, line: str) -> None:
    """Down the layers, within a part, and outside the package, imports are free."""
    put(tmp_path, file, line)
    assert structure.upward_imports(tmp_path) == []


@pytest.mark.parametrize("line", ["import ssl", "from time import monotonic", "def f():\n    import socket"])
def test_a_barred_import_is_seen(tmp_path: Path, line: str) -> None:
    """A check that opens its own socket, or a protocol with a clock, is refused; the net layer may."""
    put(tmp_path, "net/tls.py", line)
    assert structure.barred_imports(tmp_path) == []
    put(tmp_path, "checks/turn.py", line)
    put(tmp_path, "protocols/stun.py", line)
    assert len(structure.barred_imports(tmp_path)) == 2


@pytest.mark.parametrize(
    ("sizes", "complaints"),
    [
        ([3, 5, 20], 0),
        ([1] * 30 + [41], 1),
        ([6] * 20, 1),
        ([1] * 20 + [30] * 10, 1),
        ([], 0),
    ],
)
def test_long_functions_are_seen(tmp_path: Path, sizes: list[int], complaints: int) -> None:
    """One giant, a long half or a long tenth: each is told; a docstring does not count."""
    body = "\n".join(f'def f{i}():\n    """Do."""' + "\n    pass" * size for i, size in enumerate(sizes))
    put(tmp_path, "a.py", body)
    assert len(structure.long_functions(tmp_path)) == complaints


@pytest.mark.parametrize(("sizes", "complaints"), [([120, 300, 1], 0), ([301, 1, 1], 1), ([121, 121], 1)])
def test_long_files_are_seen(tmp_path: Path, sizes: list[int], complaints: int) -> None:
    """One giant file, or too many long ones."""
    for number, size in enumerate(sizes):
        put(tmp_path, f"a{number}.py", "pass\n" * size)
    assert len(structure.long_files(tmp_path)) == complaints


def test_blank_lines_weigh_nothing(tmp_path: Path) -> None:
    """Only lines with something on them are counted."""
    put(tmp_path, "a.py", "a = 1\n\n\nb = 2\n")
    assert structure.lines_of_code(tmp_path) == 2


@pytest.mark.parametrize(
    "body",
    [
        "def f(): pass",
        '"""A module."""\n\nclass A: pass',
        '"""A module."""\n\nclass A:\n    """A."""\n\n    async def f(self): pass',
    ],
)
def test_a_missing_docstring_is_seen(tmp_path: Path, body: str) -> None:
    """Of modules, classes and methods alike."""
    put(tmp_path, "a.py", body)
    assert structure.undocumented(tmp_path)


def test_private_names_need_no_docstring(tmp_path: Path) -> None:
    """An underscore, or a place inside a function, makes a name private."""
    put(tmp_path, "a.py", '"""A module."""\n\ndef _f():\n    def g(): pass\n\nclass _A:\n    def f(self): pass')
    assert structure.undocumented(tmp_path) == []


@pytest.mark.parametrize(
    "comment",
    [
        "type: ignore",
        "type: ignore[attr-defined]",
        "pyright: ignore[reportPrivateUsage]",
        "noqa",
        "noqa: S603",
        "noqa: S603 -",
        "type: ignore[arg-type]  # noqa: S603",
        "pragma: no cover",
    ],
)
def test_an_unexplained_silence_is_seen(tmp_path: Path, comment: str) -> None:
    """A rule switched off without its name, or without the reason."""
    put(tmp_path, "a.py", f"a = 1  # {comment}\n")
    assert structure.unexplained(tmp_path)


@pytest.mark.parametrize(
    "comment",
    [
        "type: ignore[attr-defined] - only on Windows, and mypy runs on Linux",
        "noqa: S105 - a verdict, not a password",
        "type: ignore[arg-type]  # noqa: S603 - the stub of this library is too narrow",
        "type: ignore[list-item]  # a NewType of str",
        "pragma: no cover - Windows only",
        "an ordinary comment",
    ],
)
def test_an_explained_silence_is_fine(tmp_path: Path, comment: str) -> None:
    """The rule, a dash, the reason; and text in a string is no comment."""
    put(tmp_path, "a.py", f'a = "# noqa"  # {comment}\n')
    assert structure.unexplained(tmp_path) == []


def put(root: Path, name: str, body: str) -> None:
    """Write a sample file into *root*."""
    file = root / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(body)


def test_no_file_holds_the_remains_of_a_merge() -> None:
    """Such a line in a help text is a text as any other, to every other tool."""
    mark = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)
    folders = [ROOT / name for name in ("docs", "probes", "rainbow_probe", "tests")]
    texts = [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), *(file for folder in folders for file in texts_in(folder))]
    assert [str(file) for file in texts if mark.search(file.read_text("utf-8", "replace"))] == []


def texts_in(folder: Path) -> list[Path]:
    """List the texts below *folder*."""
    endings = {".py", ".md", ".toml", ".json", ".sh", ".html"}
    return [file for file in folder.rglob("*") if file.suffix in endings and file.is_file()]
