"""The story of the call as a sequence diagram: who speaks to whom, one arrow a step, from the top down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rainbow_probe.measures import StoryStep
from rainbow_probe.report.wording import clip

GAP, HIGH, TOP = 190, 40, 46  # pixels: between lifelines, from arrow to arrow, above the first arrow
LEFT = 110  # pixels: the first lifeline
_LETTER = 6.4  # pixels: about the width of one at the diagram's size
_LOOP = 34  # pixels: how far an arrow to oneself goes out
_HEAD = 7  # pixels: an arrow's
MOST_STEPS = 200
ORDER = ("client 1", "proxy", "Rainbow", "TURN", "client 2")
"""From the left to the right: what is between two clients stands between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """One step: its line as an SVG path, its head as a polygon, and where its words stand."""

    step: StoryStep
    line: str
    head: str
    x: float
    y: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """The diagram: lifelines by name and position, arrows, and its size."""

    lifelines: tuple[tuple[str, int], ...]
    arrows: tuple[Arrow, ...]
    width: int
    height: int


def sequence(story: Sequence[StoryStep]) -> Diagram:
    """Lay *story* out, its participants in ``ORDER``, others in that of their first word."""
    steps = story[:MOST_STEPS]
    seen = dict.fromkeys(name for step in steps for name in (step.sender, step.receiver))
    names = [name for name in ORDER if name in seen] + [name for name in seen if name not in ORDER]
    where = {name: LEFT + GAP * place for place, name in enumerate(names)}
    arrows = tuple(_arrow(step, where, TOP + HIGH * place) for place, step in enumerate(steps, 1))
    return Diagram(
        lifelines=tuple(where.items()),
        arrows=arrows,
        width=LEFT * 2 + GAP * max(0, len(names) - 1),
        height=TOP + HIGH * len(steps) + HIGH // 2,
    )


def _arrow(step: StoryStep, where: dict[str, int], y: int) -> Arrow:
    start, end = where[step.sender], where[step.receiver]
    if start == end:
        line = f"M{start} {y - 8} h{_LOOP} v8 h{-_LOOP}"
        return Arrow(step=step, line=line, head=_head(start, y, -1), x=start + 6, y=y - 13, words=_fits(step, GAP))
    return Arrow(
        step=step,
        line=f"M{start} {y} H{end}",
        head=_head(end, y, 1 if end > start else -1),
        x=(start + end) / 2,
        y=y - 6,
        words=_fits(step, abs(end - start)),
    )


def _head(x: int, y: int, way: int) -> str:
    return f"{x},{y} {x - way * _HEAD},{y - 4} {x - way * _HEAD},{y + 4}"


def _fits(step: StoryStep, room: int) -> str:
    return clip(f"{step.number} {step.what}", max(8, int((room - 8) / _LETTER)))
