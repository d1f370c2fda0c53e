"""Measure how often the probe is right: ``python -m tests.lab.accuracy [SITE...] [--write FILE]``; ``make accuracy``.

The probe runs at every site twice, and five times where chance plays a part. Prints the figures and all that was wrong;
``--write`` makes the published page of them. Ends with 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.commands import starved
from tests.lab import accuracy_page, netns, oracle, scenario
from tests.lab.cloud import Cloud
from tests.lab.figures import Figures, Observed, figures
from tests.lab.runs import AT_ONCE, probed

REPEATS, NOISY_REPEATS = 2, 5


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; 2 where there can be no lab."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("sites", nargs="*", metavar="SITE", help="all when none is named")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page, as docs/accuracy.md")
    options = parser.parse_args(arguments)
    if reason := netns.why_not():
        sys.stderr.write(f"{reason}\n")
        return 2
    netns.remove_stale()
    found = figures(_observe(options.sites or scenario.names()))
    page = accuracy_page.page(found)
    if options.write:
        options.write.write_text(page, encoding="utf-8")
    sys.stdout.write(f"{page}\n{accuracy_page.wrong(found)}")
    return int(missed(found))


def missed(found: Figures) -> bool:
    """Tell whether a verdict was false, a cause missed, or one named that was not planted."""
    verdicts = [*found.checks.values(), *found.rows.values()]
    false = sum(one.false_passes + one.false_fails for one in verdicts)
    return bool(false or found.invented or found.differences or any(cause.missed for cause in found.causes.values()))


def _observe(names: Sequence[str]) -> list[Observed]:
    with Cloud() as cloud, ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        found = pool.map(lambda pair: _at(cloud, *pair), enumerate(names, start=1))
        return [run for runs in found for run in runs]


def _at(cloud: Cloud, number: int, name: str) -> list[Observed]:
    plan, answers = scenario.load(name), oracle.recorded(name)
    ends = [probed(cloud, plan, number).ended for _ in range(NOISY_REPEATS if plan.noisy else REPEATS)]
    sys.stderr.write(f"{name}\n")
    return [
        Observed(site=name, scenario=plan, report=ended.report, answers=answers, starved=starved(ended.report))
        for ended in ends
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
