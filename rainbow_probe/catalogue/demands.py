"""Read how much a row asks of the line."""

from __future__ import annotations

import itertools

from rainbow_probe.catalogue.fields import Table
from rainbow_probe.catalogue.shapes import PER, DemandSpec

KEYS = ("per", "medium", "unit", "out", "into", "points", "burst")
UNITS = ("kbit/s", "kB/s")


def read_demand(row: Table) -> DemandSpec | None:
    """Read the table ``demand`` of *row*, if it has one: rates of each one, or points of a table."""
    if "demand" not in row:
        return None
    table = Table(row.take("demand", dict[str, object]), f"{row.where}: demand", KEYS)
    demand = DemandSpec(
        per=table.choice("per", PER),
        medium=table.text("medium"),
        unit=table.choice("unit", UNITS),
        out=_rate(table, "out"),
        into=_rate(table, "into"),
        points=table.each("points", point),
        burst=table.flag("burst"),
    )
    if bool(demand.points) == bool(demand.out or demand.into):
        raise table.wrong("points", "either points, or out and into; one of them")
    if any(one[0] >= other[0] for one, other in itertools.pairwise(demand.points)):
        raise table.wrong("points", "the numbers must rise")
    return demand


def _rate(table: Table, key: str) -> float:
    if key not in table:
        return 0.0
    rate = table.take(key, float)
    if not 0 < rate < 1e6:
        raise table.wrong(key, f"{rate} is no rate; allowed: above 0 and below a million")
    return rate


def point(text: str) -> tuple[float, float]:
    """Read ``NUMBER: RATE``."""
    number, colon, rate = text.partition(":")
    try:
        found = float(number), float(rate)
    except ValueError:
        found = (-1.0, -1.0)
    if not colon or not (0 < found[0] < 1e9 and 0 < found[1] < 1e9):
        raise ValueError(f"{text!r} is no point; allowed: NUMBER: RATE, both above 0")
    return found
