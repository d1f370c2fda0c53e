"""Puts what was measured into a page, between the marks of its part, with the machine and the day."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path


def put(page: Path, part: str, text: str) -> bool:
    """Put *text* between ``<!-- part -->`` and ``<!-- end of part -->``; False if *page* has no such place."""
    old = page.read_text("utf-8")
    found = re.search(rf"<!-- {part} -->\n.*?<!-- end of {part} -->", old, flags=re.DOTALL)
    if found is None:
        return False
    new = f"<!-- {part} -->\n\n{text}\n\n<!-- end of {part} -->"
    page.write_text(old[: found.start()] + new + old[found.end() :], "utf-8")
    return True


def where() -> str:
    """Describe this machine and this moment: with how much else to do, and on which day."""
    load = os.getloadavg()[0]
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    return (
        f"{day}; {os.cpu_count()} cores of {_processor()}, {platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}; load when it began: {load:.1f}."
    )


def _processor() -> str:
    try:
        told = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"model name\s*: (.+)", told)
    return found[1] if found else platform.machine()
