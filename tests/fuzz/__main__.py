"""Fuzz the parsers by coverage, with atheris: ``python -m tests.fuzz [TARGET]... [--seconds N]``.

Each target runs in a process of its own, for it ends with the process, and with status 1 at the first input for which
something does not hold; that input is written to a file beside, whose name is printed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

LARGEST = 4096  # bytes of an input
MEMORY = 1024  # MB
SLOWEST = 10  # seconds one input may take


def main() -> int:
    """Run every target that was asked for; return 1 if something was found."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    options.add_argument("targets", nargs="*", metavar="TARGET", help="all, if none is named")
    options.add_argument("--seconds", type=int, default=60, help="how long each target runs (default: 60)")
    options.add_argument("--only", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.only:
        fuzz(asked.only, asked.seconds)
    known = import_module("tests.fuzz.seeds").SEEDS  # not before: what is to be measured must not be imported yet
    if unknown := set(asked.targets) - set(known):
        options.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    found = [name for name in asked.targets or known if not holds(name, asked.seconds)]
    print(f"found something in: {', '.join(found)}" if found else "everything holds")  # noqa: T201 - a tool's own words
    return 1 if found else 0


def holds(name: str, seconds: int) -> bool:
    """Run one target in a process of its own; tell whether nothing was found."""
    print(f"--- {name}, {seconds} s", flush=True)  # noqa: T201 - a tool's own words
    command = [sys.executable, "-m", "tests.fuzz", "--only", name, "--seconds", str(seconds)]
    return subprocess.run(command, check=False).returncode == 0  # noqa: S603 - ourselves


def fuzz(name: str, seconds: int) -> None:
    """Run one target until its time is over or something is found; never returns."""
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["rainbow_probe", "h11", "dns"]):
        parse: Callable[[bytes], None] = import_module("tests.fuzz.targets").TARGETS[name]
        seeds: tuple[bytes, ...] = import_module("tests.fuzz.seeds").SEEDS[name]
    with tempfile.TemporaryDirectory() as folder:
        for place, seed in enumerate(seeds):
            (Path(folder) / str(place)).write_bytes(seed)
        bounds = [f"-max_total_time={seconds}", f"-max_len={LARGEST}", f"-rss_limit_mb={MEMORY}", f"-timeout={SLOWEST}"]
        atheris.Setup([sys.argv[0], *bounds, "-print_final_stats=0", "-verbosity=0", folder], parse)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
