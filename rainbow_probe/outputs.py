"""Where reports go: the screen and files, checked before the run so that no result is lost after it."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rainbow_probe.catalogue import Guide
from rainbow_probe.language import ENGLISH, Language, language, languages, preferred
from rainbow_probe.model import Flow, Report, Result
from rainbow_probe.options import UsageError
from rainbow_probe.runner import Events

if TYPE_CHECKING:
    from rainbow_probe.report.past import Past

STDOUT = "-"
RULES = "rules"
NAGIOS = "nagios"
SCREENS = ("text", NAGIOS)
"""What ``--format`` chooses for the screen."""
PDF, OTLP = "pdf", "otlp"
EXTRAS = {PDF: "as_pdf", OTLP: "otlp"}
"""What takes packages that are not always there, and the module that knows them."""
TO_STDOUT = ("json", "markdown")
TRANSLATED = frozenset({"html", "markdown"})
"""Formats that people read; programs read the others, and find the same words wherever they run."""
DRAWN = frozenset({"html", PDF})
"""Formats that draw earlier runs beside this one."""
WHOLE = frozenset({"prometheus"})
"""Formats that somebody may read at any moment, such as the node exporter."""
READABLE = 0o644  # a temporary file is its owner's only; the node exporter is somebody else


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
    """What was asked for: format to path, and what goes to the screen."""

    files: Mapping[str, str]
    quiet: bool
    no_color: bool
    strict: bool = False
    screen: str = SCREENS[0]
    rules_format: str = "text"
    language: Language = ENGLISH

    @classmethod
    def checked(cls, arguments: argparse.Namespace) -> Outputs:
        """Read the arguments; raises ``UsageError`` for a file that cannot be written."""
        asked = {name: getattr(arguments, name) for name in (*_FORMATS, RULES, *EXTRAS) if getattr(arguments, name)}
        if RULES in asked:
            _check_format(arguments.rules_format)
        for name, path in asked.items():
            if path == STDOUT and name not in TO_STDOUT:
                raise UsageError(f"--{name} -: only {_options(TO_STDOUT)} go to standard output; give a file")
            if path != STDOUT and name != OTLP:
                _check_writable(name, Path(path))
        outputs = cls(
            files=asked,
            quiet=arguments.quiet,
            no_color=arguments.no_color,
            strict=arguments.strict,
            screen=arguments.format,
            rules_format=arguments.rules_format,
            language=chosen(arguments.lang),
        )
        for name in asked.keys() & EXTRAS.keys():
            importlib.import_module(f"rainbow_probe.report.{EXTRAS[name]}").check()
        if len(outputs.to_stdout) > 1:
            raise UsageError(f"only one report goes to standard output, not {_options(outputs.to_stdout)}")
        return outputs

    @property
    def to_stdout(self) -> list[str]:
        """The formats that were asked for on standard output."""
        own = ["format"] if self.screen == NAGIOS else []
        return own + [name for name, path in self.files.items() if path == STDOUT]

    @property
    def draws_the_past(self) -> bool:
        """Whether anything was asked for that draws earlier runs too."""
        return bool(DRAWN & self.files.keys())

    def write(self, report: Report, guide: Guide | None, past: Sequence[Past] = ()) -> None:
        """Write every file, then the screen; a file that fails now does not cost the others.

        *past* is what earlier runs of the same site found, the oldest first.
        """
        failed: list[str] = []
        for name, path in self.files.items():
            try:
                self._put(name, path, report, guide, past)
            except OSError as exc:
                failed.append(f"--{name} {path}: {exc.strerror or exc}")
            except UsageError as exc:
                failed.append(str(exc))
        self._show(report)
        if failed:
            raise UsageError("; ".join(failed))

    def _put(self, name: str, path: str, report: Report, guide: Guide | None, past: Sequence[Past]) -> None:
        if name == PDF:
            from rainbow_probe.report.as_pdf import render

            Path(path).write_bytes(render(report, self.language, past))
        elif name == OTLP:
            from rainbow_probe.report.otlp import send

            send(report, path)
        else:
            text = self._rules(report, guide) if name == RULES else self._rendered(name, report, past)
            put(path, text, whole=name in WHOLE)

    def _rules(self, report: Report, guide: Guide | None) -> str:
        from rainbow_probe.rules import least, render

        assert guide is not None
        return render(least(report, guide), self.rules_format)

    def _rendered(self, name: str, report: Report, past: Sequence[Past]) -> str:
        """Render with the format's module, imported only now: most runs need one format or none."""
        module = importlib.import_module(f"rainbow_probe.report.{_FORMATS[name]}")
        told = (self.language,) if name in TRANSLATED else ()
        text: str = module.dumps(report, *told, *((past,) if name in DRAWN else ()))
        return text

    def _show(self, report: Report) -> None:
        if self.screen == NAGIOS:
            from rainbow_probe.report.as_nagios import dumps

            sys.stdout.write(dumps(report, self.language, strict=self.strict))
        elif not self.quiet and not self.to_stdout:
            from rainbow_probe.report.terminal import open_console, render

            render(report, open_console(sys.stdout, no_color=self.no_color), self.language)


def screen_status(report: Report, arguments: argparse.Namespace, status: int) -> int:
    """Return the exit *status*, or a plugin's where the screen is one's."""
    if arguments.format != NAGIOS:
        return status
    from rainbow_probe.report.as_nagios import status as plugin_status

    return plugin_status(report, strict=arguments.strict)


def put(name: str, text: str, *, whole: bool) -> None:
    """Write *text*; if *whole*, so that whoever reads meanwhile finds all of the old file or all of the new one."""
    if name == STDOUT:
        sys.stdout.write(text + "\n")
        return
    path = Path(name)
    if not whole or (path.exists() and not path.is_file()):  # a device or a pipe is written to as it stands
        path.write_text(text, "utf-8", newline="")
        return
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=path.resolve().parent, prefix=f".{path.name}.", delete=False
    ) as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(READABLE)
        except BaseException:
            file.close()
            Path(file.name).unlink()
            raise
    Path(file.name).replace(path.resolve())


def _options(names: Iterable[str]) -> str:
    return " and ".join(f"--{name}" for name in names)


def chosen(code: str | None) -> Language:
    """Return the language of ``--lang``, or else the user's own; raises ``UsageError`` for one that is not there."""
    if code is not None and code not in languages():
        raise UsageError(f"--lang {code}: no such language; known are {', '.join(languages())}")
    return language(code or preferred(os.environ))


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


_FORMATS: Mapping[str, str] = {
    "json": "as_json",
    "html": "as_html",
    "markdown": "as_markdown",
    "junit": "as_junit",
    "csv": "as_csv",
    "prometheus": "as_prometheus",
}
