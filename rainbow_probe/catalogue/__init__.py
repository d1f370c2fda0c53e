"""The catalogue: what a guide asks of a network, as data, read strictly from one folder an edition."""

from __future__ import annotations

from rainbow_probe.catalogue.fields import CatalogueError
from rainbow_probe.catalogue.places import builtin, builtin_names
from rainbow_probe.catalogue.read import load
from rainbow_probe.catalogue.shapes import (
    DemandSpec,
    FlowSpec,
    Guide,
    HostGroup,
    Place,
    Proxying,
    Requirement,
    RowSpec,
    Way,
)

__all__ = [
    "CatalogueError",
    "DemandSpec",
    "FlowSpec",
    "Guide",
    "HostGroup",
    "Place",
    "Proxying",
    "Requirement",
    "RowSpec",
    "Way",
    "builtin",
    "builtin_names",
    "load",
]
