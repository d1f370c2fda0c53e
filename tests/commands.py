"""The command as a user runs it, with an environment of its own: in a process of its own, or, for less, in this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from unittest import mock

from rainbow_probe.cli import main
from tests.measured import measured

ROOT = Path(__file__).parent.parent
NOT_KEPT = {"RAINBOW_PROBE_STORE": "no"}
"""No test writes into the home of whoever runs it; one that wants runs kept names a folder of its own."""
LONGEST = 250  # seconds; a command that takes longer hangs, on however busy a machine
TRIES = 5  # a run for which this machine had no time says nothing, and says so: it is made again
TOO_BUSY = f"platform: this machine had no time for it, {TRIES} times"
"""Why a test is skipped that still knows nothing then: nothing could be installed that would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report on standard output."""
        found: dict[str, Any] = json.loads(self.out)
        return found


def starved(report: Mapping[str, Any]) -> bool:
    """Tell whether a check, or the try of one address, ended because the machine of the probe had no time for it."""
    checks = report.get("checks", [])
    failures = [part["failure"] for check in checks for part in (check, *check.get("steps", []))]
    return any(failure and failure["cause"] in {"budget", "interrupted"} for failure in failures)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without this machine's proxies and certificates."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "SYSTEMROOT") if key in os.environ}
    return {
        **kept,
        **measured(),
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "COLUMNS": "100",
        **NOT_KEPT,
        **(extra or {}),
    }


def rainbow_probe(*arguments: str, env: Mapping[str, str] | None = None, prefix: Sequence[str] = ()) -> Ended:
    """Run the command to its end."""
    done = subprocess.run(  # noqa: S603 - our own command
        [*prefix, sys.executable, "-m", "rainbow_probe", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LONGEST,
        check=False,
        cwd=ROOT,
        env=environment(env),
        stdin=subprocess.DEVNULL,
    )
    return Ended(status=done.returncode, out=done.stdout, err=done.stderr)


def command(*arguments: str, env: Mapping[str, str] | None = None) -> Ended:
    """Run the command to its end in this process: the same words, environment and streams, and no start-up."""
    with _screen() as out, _screen() as err:
        with redirect_stdout(out), redirect_stderr(err), chdir(ROOT), _instead(environment(env)):
            status = _status(arguments)
        return Ended(status=status, out=_shown(out), err=_shown(err))


def command_with_time(*arguments: str) -> Ended:
    """Run a command that writes its report to standard output; again, if this machine had no time for it."""
    ended = command(*arguments)
    for _ in range(TRIES - 1):
        if not starved(ended.report):
            break
        ended = command(*arguments)
    return ended


def _status(arguments: Sequence[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as exc:  # argparse leaves so
        return int(exc.code or 0)


@contextmanager
def _instead(environ: Mapping[str, str]) -> Generator[None]:
    """Let this process have *environ* and nothing else, and no input."""
    with mock.patch.dict(os.environ, environ, clear=True), Path(os.devnull).open(encoding="utf-8") as nothing:
        with mock.patch.object(sys, "stdin", nothing):
            yield


@contextmanager
def _screen() -> Generator[TextIOWrapper]:
    with TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) as stream:
        yield stream


def _shown(stream: TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
