"""How long the probe takes to start, and what a whole run imports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.processes import PROBE, PYTHON, medians

REPEATS = 21
BASIS = "import asyncio, ssl, argparse, json, dataclasses"
RUN = (
    "import sys\n"
    "from rainbow_probe.cli import main\n"
    "main(['run', '--proxy', 'none', '--deadline', '0.5', '--timeout', '0.5', '--json', sys.argv[1]])\n"
    "print(*sys.modules, sep='\\n', file=sys.stderr)\n"
)


def run_imports() -> list[str]:
    """Name the modules that a whole run has imported at its end, in the order in which it did."""
    command = [PYTHON, "-c", RUN, "/dev/null"]
    done = subprocess.run(  # noqa: S603 - a command of our own
        command, capture_output=True, text=True, check=True, cwd=Path(PYTHON).parent, timeout=60
    )
    return [name for name in done.stderr.splitlines() if importable(name)]


def importable(name: str) -> bool:
    """Tell whether *name* is a module that can be imported by that name."""
    return bool(name) and all(part.isidentifier() for part in name.split(".")) and not name.startswith("__")


def figures() -> Iterable[Figure]:
    """Measure ``--help``, ``list`` and the imports of a run."""
    bare, basis, imports = "python -c pass", f"python -c '{BASIS}'", "a full run's imports"
    everything = (
        f"for name in {run_imports()}:\n    try:\n        __import__(name)\n    except ImportError:\n        pass"
    )
    took = medians(
        {
            bare: [PYTHON, "-c", "pass"],
            "rainbow-probe --help": [PROBE, "--help"],
            "rainbow-probe list": [PROBE, "list"],
            basis: [PYTHON, "-c", BASIS],
            imports: [PYTHON, "-c", everything],
        },
        repeats=REPEATS,
    )
    yield _figure("rainbow-probe --help", took, bare, 3.0)
    yield _figure("rainbow-probe list", took, bare, None)
    yield _figure(imports, took, basis, 2.5)


def _figure(name: str, took: dict[str, float], against: str, times: float | None) -> Figure:
    return Figure(
        name=name,
        value=took[name] * 1000,
        unit="ms",
        against=against,
        base=took[against] * 1000,
        limit=took[against] * 1000 * times if times else float("inf"),
        goal=f"at most {times:g} times" if times else "none",
    )


if __name__ == "__main__":
    from benchmarks.figures import table

    sys.stdout.write(table(figures()) + "\n")
