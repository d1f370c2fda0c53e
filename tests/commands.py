"""The command as a user runs it: a process of its own, with an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.measured import measured

ROOT = Path(__file__).parent.parent
NOT_KEPT = {"RAINBOW_PROBE_STORE": "no"}
"""No test writes into the home of whoever runs it; one that wants runs kept names a folder of its own."""
LONGEST = 100  # seconds; a command that takes longer hangs


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
