"""Earlier runs made by hand: a site that was well, broke twice, and whose line is measured now and then."""

from __future__ import annotations

from dataclasses import replace

from rainbow_probe.measures import Estimate, Measured, Quality, Ramp
from rainbow_probe.model import Report, RowVerdict
from rainbow_probe.report.past import Past, past_of
from tests import measured_samples
from tests import report_samples as samples

UNMEASURED, ALONE = 3, 5  # the run that measured nothing, and the one that was asked for no client


def measured_site() -> Report:
    """Make the broken site's report with all that can be measured."""
    report = samples.broken_site()
    drawn = [
        replace(result, verdict=replace(result.verdict, measured=each))
        for result, each in zip(report.results, measured_samples.ALL, strict=False)
    ]
    return replace(report, results=(*drawn, *report.results[len(drawn) :]))


def past(runs: int) -> tuple[Past, ...]:
    """Return so many earlier *runs* of it, one a day up to the day before, the oldest first."""
    return tuple(_run(measured_site(), number, runs) for number in range(runs))


def _run(report: Report, number: int, runs: int) -> Past:
    found = past_of(report)
    was = RowVerdict.FAIL if number in {2, runs - 1} else RowVerdict.PASS
    return replace(
        found,
        started=f"2026-10-{number + 1:02d}T10:00:00Z",
        verdict=was,
        clients={} if number == ALONE else dict.fromkeys(found.clients, was),
        measured={}
        if number == UNMEASURED
        else {check: _other(measured, number) for check, measured in found.measured.items()},
    )


def _other(measured: Measured, number: int) -> Measured:
    match measured:
        case Quality():
            loss = Estimate(value=number / 10, low=number / 20, high=number / 5)
            return replace(measured, loss_percent=loss, mos=4.4 - number / 100)
        case Ramp():
            return replace(measured, capacity_kbit_s=1000.0 + 100 * number)
        case _:
            return measured
