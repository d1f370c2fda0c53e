"""Runs one command and writes its seconds, peak memory and exit status as JSON: ``stopwatch FILE COMMAND...``.

A process of its own, because it must run where the command runs (inside a network namespace), and a small one,
because Linux counts what a process used before ``exec`` into the peak of what it becomes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main(file: str, *command: str) -> int:
    """Run *command*, write the measurement into *file*, and end as the command did."""
    began = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - began
    code = os.waitstatus_to_exitcode(status)
    kilobytes = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)  # bytes on macOS
    Path(file).write_text(json.dumps({"seconds": seconds, "peak_mb": kilobytes / 1024, "status": code}))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
