"""Controls that only a suspicion needs: results so far in, more flows out. Pure functions, asked after each result.

A control is planned to separate causes, such as the same port to a neutral host, or the same server without TLS. No row
stands on it; the judge finds it by the flow it is a control of. What nobody suspects costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from rainbow_probe.catalogue import Guide
from rainbow_probe.model import Flow, Result, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Sofar:
    """The run as far as it is: *results* by their id, those of controls too."""

    guide: Guide
    site: Site
    results: Mapping[str, Result]

    def ended(self, *kinds: str) -> list[Result]:
        """Return the results of flows of *kinds* that the rows need; of any kind if none is named."""
        wanted = (result for result in self.results.values() if not result.flow.control_of)
        return [result for result in wanted if not kinds or result.flow.kind in kinds]


FollowUp = Callable[[Sofar], Iterable[Flow]]
"""Asks for controls, each with ``control_of`` set; the same one may be asked for again, and runs once."""

FOLLOW_UPS: tuple[FollowUp, ...] = ()


def follow_up(sofar: Sofar, follow_ups: Iterable[FollowUp] = FOLLOW_UPS) -> list[Flow]:
    """Return every control that *sofar* makes necessary, each once."""
    asked = {flow.id: flow for one in follow_ups for flow in one(sofar)}
    return list(asked.values())
