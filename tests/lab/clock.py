"""A wrong clock for the programs of one machine, by Debian's libfaketime: its timers still run true."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

LIBRARY = "/usr/lib/*/faketime/libfaketime.so.1"


def environment(offset: str) -> Mapping[str, str]:
    """Return what makes a program see the time *offset* away, as in ``+730d``; nothing for no offset."""
    if not offset:
        return {}
    found = sorted(Path("/").glob(LIBRARY.lstrip("/")))
    return {"LD_PRELOAD": str(found[0]) if found else LIBRARY, "FAKETIME": offset, "DONT_FAKE_MONOTONIC": "1"}
