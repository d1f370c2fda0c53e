"""A second try of some rows within one run, and the run judged with what it saw."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from rainbow_probe.history.confirm import SecondTry
from rainbow_probe.model import Assignment, Report, Result
from rainbow_probe.readiness import Assessment, assess
from rainbow_probe.runner import Events
from rainbow_probe.selection import chosen


def second_look(first: Assessment, seen: Report, rows: tuple[str, ...], events: Events) -> SecondTry:
    """Try *rows* of a run that is over once more; no password is tried twice."""
    some = replace(first.options, rows=chosen(first.guide, only=rows))
    second = Assessment(options=some, guide=first.guide, site=first.site, before=first)
    found = assess(second, events)

    return SecondTry(report=found, joined=lambda instead: together(first, seen, second, found, rows, instead))


def together(
    first: Assessment, seen: Report, second: Assessment, found: Report, tried: Collection[str], instead: Collection[str]
) -> Report:
    """Judge the run anew with what the *second* try of the rows *tried* found of those of them that are *instead*.

    *seen* and *found* are the two by themselves.
    """
    _take_over(first, second, _checks(seen, found, tried, instead) | _of_no_row(second, seen))
    return first.report()


def _checks(seen: Report, found: Report, tried: Collection[str], instead: Collection[str]) -> set[str]:
    """Return the checks whose second result counts: those of the rows *instead*, but what other rows stand on."""
    wanted = {check for row in found.rows if row.id in instead for check in row.checks}
    return wanted - {check for row in seen.rows if row.id not in tried for check in row.checks}


def _of_no_row(second: Assessment, seen: Report) -> set[str]:
    """Return the checks that no row stands on: they say what the rows of the second try were seen beside."""
    return second.progress.results.keys() - {check for row in seen.rows for check in row.checks}


def _take_over(first: Assessment, second: Assessment, checks: Collection[str]) -> None:
    """Put the second results of *checks* in the place of the first, and the controls made for them."""
    there, here = second.progress.results, first.progress.results
    old = {key for key in _with_controls(here, checks) if key not in checks}
    new = {key: there[key] for key in _with_controls(there, checks) if key in there}
    for gone in old - new.keys():
        del here[gone]
    here.update(new)
    begun = {job.flow.id for job in first.jobs}
    first.jobs = [job for job in first.jobs if job.flow.id not in old - new.keys()]
    first.jobs += [job for job in second.jobs if job.flow.id in new and job.flow.id not in begun]
    if first.plan and second.plan:
        moved = {key: one for key, one in second.plan.assignments.items() if _is_new(one, new)}
        first.plan = replace(first.plan, assignments={**first.plan.assignments, **moved})


def _is_new(assignment: Assignment, new: Collection[str]) -> bool:
    return bool(assignment.flows) and all(flow in new for flow in assignment.flows)


def _with_controls(results: Mapping[str, Result], checks: Collection[str]) -> set[str]:
    """Return *checks* and all that was only tried because of one of them."""
    found = set(checks)
    while more := {key for key, one in results.items() if one.flow.control_of in found} - found:
        found |= more
    return found
