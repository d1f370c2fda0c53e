"""Rows that come and go: whose verdict went back and forth within the last runs of a site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from rainbow_probe.model import RowVerdict

LOOKED_AT = 20  # runs
FLIPS = 2  # there and back: one flip alone is a change, and says nothing of another one to come
_TOLD = frozenset({RowVerdict.PASS, RowVerdict.DEGRADED, RowVerdict.FAIL})


def flaky(runs: Sequence[Mapping[str, RowVerdict]]) -> dict[str, int]:
    """Return the rows that flipped there and back in *runs* (in order of time), with how often; the worst first."""
    rows = dict.fromkeys(row for run in runs for row in run)
    counts = {row: flips(run[row] for run in runs if row in run) for row in rows}
    return {row: count for row, count in sorted(counts.items(), key=lambda one: -one[1]) if count >= FLIPS}


def flips(verdicts: Iterable[RowVerdict]) -> int:
    """Count how often the verdict is another than the last one; what could not be told is passed over."""
    told = [verdict for verdict in verdicts if verdict in _TOLD]
    return sum(before is not after for before, after in pairwise(told))
