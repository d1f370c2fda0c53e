"""What is measured goes into the JSON report and comes back from it as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rainbow_probe.measures import Measured
from rainbow_probe.model import Report
from rainbow_probe.options import UsageError
from rainbow_probe.report import as_json, from_json
from tests import measured_samples as samples
from tests import report_samples
from tests.test_report_json import SCHEMA, closed, problems


def report(measured: Measured | None) -> Report:
    """Make a report whose first check measured something, with needs and a story."""
    whole = report_samples.broken_site()
    first, *rest = whole.results
    first = replace(first, verdict=replace(first.verdict, measured=measured))
    return replace(whole, results=(first, *rest), demands=samples.DEMANDS, story=samples.STORY)


@pytest.mark.parametrize("measured", [*samples.ALL, None], ids=lambda each: type(each).__name__)
def test_both_ways(measured: Measured | None) -> None:
    """The schema names every key, and reading gives back what was written."""
    text = as_json.dumps(report(measured))
    assert problems(json.loads(text), json.loads(json.dumps(SCHEMA), object_hook=closed)) == []
    back = from_json.loads(text)
    assert back.results[0].verdict.measured == measured
    assert (back.demands, back.story) == (samples.DEMANDS, samples.STORY)


def test_a_report_from_before_has_none() -> None:
    """Reports of older versions know nothing of it."""
    old = json.loads(as_json.dumps(report(samples.PORTS)))
    del old["demands"], old["story"], old["checks"][0]["measured"]
    back = from_json.loads(json.dumps(old))
    assert (back.results[0].verdict.measured, back.demands, back.story) == (None, (), ())


def spoil(key: str, value: object) -> Callable[[dict[str, Any]], object]:
    """Return what puts *value* at *key* of the measured thing."""
    return lambda measured: measured.__setitem__(key, value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (spoil("type", "smell"), "type is not one of ports, quality, ramp"),
        (spoil("tried", -1), "tried is not a number"),
        (spoil("tried", True), "tried is not a number"),
        (spoil("transport", "sctp"), "transport is not one of"),
        (spoil("by", 7), "by is not a string"),
        (spoil("closed_percent", None), "closed_percent is not there"),
        (spoil("closed_percent", {"value": 1, "low": float("nan"), "high": 2}), "low is not a number"),
        (spoil("intervals", [{"first": 1, "last": 2, "state": "ajar"}]), r"intervals\[0\]: state is not one of"),
    ],
)
def test_what_is_wrong_is_named(change: Callable[[dict[str, Any]], object], complaint: str) -> None:
    """A file that anybody may have written is refused with the place, never with a traceback."""
    spoilt = json.loads(as_json.dumps(report(samples.PORTS)))
    change(spoilt["checks"][0]["measured"])
    with pytest.raises(UsageError, match=complaint):
        from_json.loads(json.dumps(spoilt))


def test_true_and_false_are_no_numbers() -> None:
    """A flag is read as such only."""
    spoilt = json.loads(as_json.dumps(report(samples.RAMP)))
    spoilt["checks"][0]["measured"]["at_least"] = 1
    with pytest.raises(UsageError, match="at_least is not true or false"):
        from_json.loads(json.dumps(spoilt))
