"""An embedded Rainbow-like cloud on loopback: real protocol servers, with faults to choose from."""

from __future__ import annotations

from rainbow_probe.demo.cloud import DemoSite, demo_cloud
from rainbow_probe.demo.faults import FAULTS

__all__ = ["FAULTS", "DemoSite", "demo_cloud"]
