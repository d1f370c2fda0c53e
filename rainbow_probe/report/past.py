"""As much of an earlier run as a report draws beside a new one, taken from a report or from its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rainbow_probe.measures import Measured
from rainbow_probe.model import Report, RowVerdict
from rainbow_probe.report.from_json import document
from rainbow_probe.report.measured import measured_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a run found."""

    started: str
    """ISO 8601, UTC."""
    verdict: RowVerdict
    clients: Mapping[str, RowVerdict]
    """By the ids of the report's lines."""
    measured: Mapping[str, Measured]
    """By the ids of the checks."""


def past_of(report: Report) -> Past:
    """Return what is drawn of *report* later."""
    return Past(
        started=report.started,
        verdict=report.verdict,
        clients={client.id: client.verdict for client in report.clients},
        measured={one.flow.id: one.verdict.measured for one in report.results if one.verdict.measured is not None},
    )


def past_in(text: str, where: str) -> Past:
    """Return the same of a stored report without reading the rest of it; raises ``UsageError``."""
    top = document(text, where)
    found = ((check.text("id"), measured_of(check)) for check in top.items("checks"))
    return Past(
        started=top.text("started"),
        verdict=top.member("verdict", RowVerdict),
        clients={client.text("id"): client.member("verdict", RowVerdict) for client in top.items("clients")},
        measured={check: measured for check, measured in found if measured is not None},
    )
