"""The run as far as it is, for those who ask for controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rainbow_probe.catalogue import Guide
from rainbow_probe.model import Result, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Sofar:
    """The run as far as it is: *results* by their id, those of controls too."""

    guide: Guide
    site: Site
    results: Mapping[str, Result]
    full: bool = False
    """Whether the user has time for what takes long, or sends much."""

    def ended(self, *kinds: str) -> list[Result]:
        """Return the results of flows of *kinds* that the rows need; of any kind if none is named."""
        wanted = (result for result in self.results.values() if not result.flow.control_of)
        return [result for result in wanted if not kinds or result.flow.kind in kinds]
