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

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.value <= self.limit


def table(figures: Iterable[Figure]) -> str:
    """Set *figures* as lines of text: what was measured, the ratio, and the goal."""
    lines = [f"{'':4}{'what':44}{'measured':>12}{'compared with':>14}{'ratio':>8}  goal"]
    for f in figures:
        mark = "ok" if f.met else "MISS"
        ratio = f"{f.value / f.base:.2f}" if f.base else "-"
        lines.append(
            f"{mark:<5}{f.name:43}{_amount(f.value, f.unit):>12}{_amount(f.base, f.unit):>14}{ratio:>8}  {f.goal}"
            f"\n{'':9}against {f.against}"
        )
    return "\n".join(lines)


def _amount(value: float, unit: str) -> str:
    return f"{value:.1f} {unit}" if value >= 10 else f"{value:.3g} {unit}"
