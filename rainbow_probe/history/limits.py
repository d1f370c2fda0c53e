"""Whether runs are kept, and how much of them; apart, so that a run which keeps nothing loads no database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

MOST_RUNS = 2000  # of a site: some 60 MB, and more than a run an hour for two months
LONGEST = 400  # days: a year and a little, so that the same month of last year is still there
SWITCH = "RAINBOW_PROBE_STORE"
_OFF = frozenset({"no", "off", "0", "false"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How much is kept of a site: whatever goes beyond one of the two is removed with the next run."""

    runs: int = MOST_RUNS
    days: int = LONGEST


def wanted(*, no_store: bool, environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether runs are to be kept; ``RAINBOW_PROBE_STORE=no`` is for machines where they never are."""
    return not no_store and environ.get(SWITCH, "").lower() not in _OFF
