"""Branch coverage of child processes: for the environment of those that run the probe."""

from __future__ import annotations

import os


def measured() -> dict[str, str]:
    """Give what a child process needs in its environment to be measured; nothing if this run measures nothing."""
    setting = os.environ.get("CHILD_COVERAGE")  # set aside by conftest.py
    return {"COVERAGE_PROCESS_CONFIG": setting} if setting else {}
