"""A process of its own that keeps runs, one after the other, and says the number of each that is kept."""

from __future__ import annotations

import sys
from pathlib import Path

from rainbow_probe.history.store import open_store
from tests import report_samples as samples


def main(folder: str, series: str, most: int) -> None:
    """Keep up to *most* runs; whoever started this may end it at any moment."""
    report = samples.broken_site()
    for _ in range(most):
        with open_store(Path(folder)) as store:
            print(store.keep(report, series), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
