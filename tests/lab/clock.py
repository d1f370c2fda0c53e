"""A wrong clock for the programs of one machine, by Debian's libfaketime: its timers still run true."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

BEFITS = frozenset({"curl", "date", "openssl"})
"""Programs to which the wrong time may be told; others, such as dig and Chromium, do not run under the library."""
LIBRARY = "/usr/lib/*/faketime/libfaketime.so.1"


def environment(offset: str) -> Mapping[str, str]:
    """Return what makes a program see the time *offset* away, as in ``+730d``; nothing for no offset."""
    if not offset:
        return {}
    found = sorted(Path("/").glob(LIBRARY.lstrip("/")))
    # Timers count true seconds, and waits on conditions are left alone: the library's own cost Python seconds a thread.
    timers = {"DONT_FAKE_MONOTONIC": "1", "FAKETIME_FORCE_MONOTONIC_FIX": "0"}
    return {"LD_PRELOAD": str(found[0]) if found else LIBRARY, "FAKETIME": offset, **timers}


def environment_of(program: str, offset: str) -> Mapping[str, str]:
    """Return the same for one *program* of others; nothing where it could not run so."""
    return environment(offset) if program in BEFITS else {}
