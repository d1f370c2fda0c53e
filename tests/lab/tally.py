"""Run the probe at every site and print how often it was wrong: ``python -m tests.lab.tally``."""

from __future__ import annotations

import sys

from tests.lab import netns, scenario
from tests.lab.cloud import Cloud
from tests.lab.expectation import differences
from tests.lab.runs import Runs, Tally, tally


def main() -> int:
    """Print a line a site and the sum; 1 if anything was wrong."""
    if reason := netns.why_not():
        sys.stderr.write(f"{reason}\n")
        return 2
    netns.remove_stale()
    names = scenario.names()
    with Cloud() as cloud, Runs(cloud, names) as runs:
        found = {
            name: _show(name, tally(runs[name]), differences(runs[name].scenario, runs[name].ended)) for name in names
        }
    counts = [found[name] for name in names]
    passes, failures = sum(len(one.false_passes) for one in counts), sum(len(one.false_failures) for one in counts)
    total = sum(one.verdicts for one in counts)
    sys.stdout.write(f"{len(names)} sites, {total} verdicts, {passes} false passes, {failures} false failures\n")
    return int(bool(passes or failures))


def _show(name: str, counts: Tally, wrong: list[str]) -> Tally:
    sys.stdout.write(f"{name:28} {counts.verdicts:4} verdicts, {len(wrong)} not as expected\n")
    for line in wrong:
        sys.stdout.write(f"    {line}\n")
    return counts


if __name__ == "__main__":
    sys.exit(main())
