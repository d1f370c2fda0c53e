"""How much there is at a site, and how much may be tried: the command line over the site file, checked at the door."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from rainbow_probe.capacity import Load
from rainbow_probe.options import MOST_PEOPLE, Options, UsageError, number, seconds

MOST_MBIT = 100  # more is a load test, which others must agree to
LONG_TALK = 60.0  # seconds, with --full


def load_of(arguments: argparse.Namespace, site: Mapping[str, Any]) -> Load:
    """Return what the site has at its busiest time. Raises ``UsageError``."""
    names = ("users", "calls", "video", "sharing", "gateway_calls")
    asked = {name: getattr(arguments, name) or site.get(f"load.{name}", 0) for name in names}
    counts = {n: number(count, MOST_PEOPLE, f"--{n.replace('_', '-')}") for n, count in asked.items()}
    return Load(
        **counts,
        subscribers=_agents(arguments.subscribers or site.get("load.subscribers", ()), "--subscribers"),
        calls_per_second=_agents(
            arguments.calls_per_second or site.get("load.calls_per_second", ()), "--calls-per-second"
        ),
    )


def _agents(given: Sequence[float | str], where: str) -> tuple[float, ...]:
    """Read a number for each agent."""
    try:
        found = tuple(float(one) for one in given)
    except ValueError as exc:
        raise UsageError(f"{where}: {' '.join(map(str, given))}: not numbers, one for each agent") from exc
    if wrong := [one for one in found if not 0 < one <= MOST_PEOPLE]:
        raise UsageError(f"{where}: {wrong[0]:g} is out of range; allowed is more than 0, up to {MOST_PEOPLE}")
    return found


def cap_of(asked: float | None) -> float:
    """Return the most to load the way of calls with, in kbit/s. Raises ``UsageError``."""
    if asked is None:
        return Options().bandwidth_cap
    if not 0 < asked <= MOST_MBIT:
        raise UsageError(f"--bandwidth-cap: {asked:g} is out of range; allowed are Mbit/s above 0, up to {MOST_MBIT}")
    return asked * 1000


def talk_of(arguments: argparse.Namespace) -> float:
    """Return for how many seconds to measure the quality of voice; 0: not at all. Raises ``UsageError``."""
    usual = 0.0 if arguments.quick else LONG_TALK if arguments.full else Options().quality_seconds
    given = arguments.quality_seconds
    return usual if given is None else given and seconds(given, "--quality-seconds")
