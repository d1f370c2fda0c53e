"""The site file: what it may hold, read from TOML and checked; passwords only by reference."""

from __future__ import annotations

from rainbow_probe.sitefile.example import example
from rainbow_probe.sitefile.read import read_site_file
from rainbow_probe.sitefile.references import Reference, looked_up, resolved

__all__ = ["Reference", "example", "looked_up", "read_site_file", "resolved"]
