"""The longest dependent chain of a run, from its report: what no parallel work could shorten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Json = Mapping[str, Any]


def longest(report: Json) -> float:
    """Give the seconds of the check whose steps took longest, one after the other."""
    return max((chain(check["steps"]) for check in report["checks"]), default=0.0)


def chain(steps: Iterable[Json]) -> float:
    """Give the seconds during which at least one of *steps* went on.

    Steps of one address follow each other; those of several addresses run at the same time and count once. Gaps
    between steps are the probe's own doing, and do not count.
    """
    busy = until = 0.0
    for begin, end in sorted((step["at_ms"], step["at_ms"] + step["took_ms"]) for step in steps):
        busy += max(0.0, end - max(begin, until))
        until = max(until, end)
    return busy / 1000
