"""Run all benchmarks, print their figures with ratios and goals, and fail if a goal is missed.

``python -m benchmarks sweep turn docs/benchmarks.md`` runs two parts, and puts their figures into a page.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.figures import Figure, markdown, table
from benchmarks.pages import put, where

PARTS = {
    "startup": "Start-up and imports",
    "network": "Whole runs at simulated sites",
    "scale": "Five hundred flows at once, on loopback",
    "sweep": "All ports of a range: beside nmap and a plain C loop",
    "turn": "The relay: beside coturn's own client",
    "ports": "Sixty-four sampled ports, in round trips",
    "calls": "A call through the relay",
    "voice": "Quality of voice: how right, and at what price",
    "page": "The HTML report of a thousand checks",
}


def main(words: Sequence[str]) -> int:
    """Run the parts named, or all, and put them into the pages named; the status is 1 if a goal was missed."""
    pages = [Path(word) for word in words if word.endswith(".md")]
    chosen = [word for word in words if not word.endswith(".md")]
    if unknown := [name for name in chosen if name not in PARTS]:
        print(f"no benchmark {unknown[0]!r}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    os.environ["RAINBOW_PROBE_STORE"] = "no"  # runs of a benchmark are nobody's history
    print(f"Python {platform.python_version()} on {platform.system()}; medians, ratios travel and absolutes do not")
    missed: list[Figure] = []
    for name in chosen or PARTS:
        here = where()
        figures = list(import_module(f"benchmarks.{name}").figures())
        print(f"\n{PARTS[name]}\n{table(figures)}", flush=True)
        missed += [figure for figure in figures if not figure.met]
        for page in pages if figures else ():
            put(page, name, f"{here}\n\n{markdown(figures)}")
    print(f"\n{len(missed)} goals missed" + "".join(f"\n  {figure.name}" for figure in missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
