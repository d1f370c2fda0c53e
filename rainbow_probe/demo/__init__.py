"""An embedded Rainbow-like cloud on loopback: real protocol servers, with faults to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rainbow_probe.demo.faults import FAULTS

if TYPE_CHECKING:
    from rainbow_probe.demo.cloud import DemoSite, demo_cloud

__all__ = ["FAULTS", "DemoSite", "demo_cloud"]


def __getattr__(name: str) -> object:
    """Import the servers, which cost a third of a second, only for who starts them; a list of faults is free."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rainbow_probe.demo import cloud

    return getattr(cloud, name)
