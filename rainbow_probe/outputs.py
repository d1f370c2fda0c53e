"""Where reports go: the screen and files, checked before the run so that no result is lost after it."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from rainbow_probe.catalogue import Guide
from rainbow_probe.model import Flow, Report, Result
from rainbow_probe.options import UsageError
from rainbow_probe.runner import Events

STDOUT = "-"
RULES = "rules"


def progress(*, quiet: bool) -> AbstractContextManager[Events]:
    """Return the live progress: on standard error, on a terminal only, and not if *quiet*."""
    if quiet or not sys.stderr.isatty():
        return nullcontext(Unseen())
    from rainbow_probe.report.progress import Progress

    return Progress()


class Unseen:
    """Progress that nobody looks at, and that imports nothing to draw it."""

    def expect(self, more: int) -> None:
        """Take no note."""

    def started(self, flow: Flow) -> None:
        """Take no note."""

    def finished(self, result: Result) -> None:
        """Take no note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What was asked for, format to path."""

    files: Mapping[str, str]
    quiet: bool
    no_color: bool
    rules_format: str = "text"

    @classmethod
    def checked(cls, arguments: argparse.Namespace) -> Outputs:
        """Read the arguments; raises ``UsageError`` for a file that cannot be written."""
        asked = {name: getattr(arguments, name) for name in (*_FORMATS, RULES) if getattr(arguments, name)}
        if RULES in asked:
            _check_format(arguments.rules_format)
        for name, path in asked.items():
            if path == STDOUT and name != "json":
                raise UsageError(f"--{name} -: only --json goes to standard output; give a file")
            if path != STDOUT:
                _check_writable(name, Path(path))
        return cls(
            files=asked,
            quiet=arguments.quiet,
            no_color=arguments.no_color,
            rules_format=arguments.rules_format,
        )

    def write(self, report: Report, guide: Guide) -> None:
        """Write every file, then the screen; a file that fails now does not cost the others."""
        failed: list[str] = []
        for name, path in self.files.items():
            text = self._rules(report, guide) if name == RULES else _rendered(_FORMATS[name], report)
            if path == STDOUT:
                sys.stdout.write(text + "\n")
                continue
            try:
                Path(path).write_text(text, "utf-8", newline="")
            except OSError as exc:
                failed.append(f"--{name} {path}: {exc.strerror or exc}")
        if not self.quiet and self.files.get("json") != STDOUT:
            self._show(report)
        if failed:
            raise UsageError("; ".join(failed))

    def _rules(self, report: Report, guide: Guide) -> str:
        from rainbow_probe.rules import least, render

        return render(least(report, guide), self.rules_format)

    def _show(self, report: Report) -> None:
        from rainbow_probe.report.terminal import open_console, render

        render(report, open_console(sys.stdout, no_color=self.no_color))


def _check_format(name: str) -> None:
    from rainbow_probe.rules import FORMATS

    if name not in FORMATS:
        raise UsageError(f"--rules-format {name}: no such format; known are {', '.join(FORMATS)}")


def _check_writable(name: str, path: Path) -> None:
    there = path.exists()
    try:
        with path.open("ab"):
            pass
        if not there:
            path.unlink()
    except OSError as exc:
        raise UsageError(f"--{name} {path}: cannot be written: {exc.strerror or exc}") from exc


def _rendered(module: str, report: Report) -> str:
    """Render with the module of that name, imported only now: most runs need one format or none."""
    text: str = importlib.import_module(f"rainbow_probe.report.{module}").dumps(report)
    return text


_FORMATS: Mapping[str, str] = {"json": "as_json", "html": "as_html", "junit": "as_junit", "csv": "as_csv"}
