"""What a benchmark says: a figure, what it is compared with, and the goal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measurement: *value* must not be above *limit*, which is *goal* in words."""

    name: str
    value: float
    unit: str
    against: str
    """What it is compared with, with its own figure."""
    base: float
    limit: float
    goal: str
    samples: tuple[float, ...] = ()
    """Of how many runs *value* is the median, and what each of them took; empty for one that was made once."""

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.value <= self.limit

    @property
    def ratio(self) -> str:
        """How many times the other it is."""
        return f"{self.value / self.base:.2f}" if self.base else "-"

    @property
    def spread(self) -> str:
        """From where to where the runs lie, and how many there were."""
        if not self.samples:
            return ""
        return f"{_number(min(self.samples))} to {_number(max(self.samples))}, {len(self.samples)} runs"


def table(figures: Iterable[Figure]) -> str:
    """Set *figures* as lines of text: what was measured, the ratio, and the goal."""
    lines = [f"{'':4}{'what':44}{'measured':>12}{'compared with':>14}{'ratio':>8}  goal"]
    for f in figures:
        mark = "ok" if f.met else "MISS"
        spread = f" ({f.spread})" if f.spread else ""
        lines.append(
            f"{mark:<5}{f.name:43}{_amount(f.value, f.unit):>12}{_amount(f.base, f.unit):>14}{f.ratio:>8}  {f.goal}"
            f"\n{'':9}against {f.against}{spread}"
        )
    return "\n".join(lines)


def markdown(figures: Iterable[Figure]) -> str:
    """Set *figures* as a table of a page."""
    lines = ["| what | measured | runs | beside it | ratio | goal |", "|---|---|---|---|---|---|"]
    for f in figures:
        goal = f.goal if f.met else f"**missed**: {f.goal}"
        beside = f"{_amount(f.base, f.unit)}: {f.against}"
        lines.append(f"| {f.name} | {_amount(f.value, f.unit)} | {f.spread} | {beside} | {f.ratio} | {goal} |")
    return "\n".join(lines)


def _amount(value: float, unit: str) -> str:
    return f"{_number(value)} {unit}".rstrip()


def _number(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"
