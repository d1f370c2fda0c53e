"""Checks by kind: each module here offers one ``run``; a new kind is one new file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection
from typing import Protocol

from rainbow_probe.evidence import Recorder
from rainbow_probe.model import Flow, Verdict
from rainbow_probe.net.route import Route


class Run(Protocol):
    """One check: raises ``StepError`` when a recorded step failed, or returns its verdict."""

    async def __call__(self, flow: Flow, route: Route, rec: Recorder) -> Verdict:
        """Try *flow* over *route*, putting the evidence into *rec*."""
        ...


def kinds() -> frozenset[str]:
    """Return the kinds there are, without importing them."""
    return frozenset(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))


def load(wanted: Collection[str]) -> dict[str, Run]:
    """Return the checks of the *wanted* kinds."""
    modules = {kind: importlib.import_module(f"{__name__}.{kind.replace('-', '_')}") for kind in wanted}
    return {kind: module.run for kind, module in modules.items()}
