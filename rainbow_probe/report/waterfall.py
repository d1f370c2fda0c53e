"""One check drawn as its steps: bars on the check's own time, chains link by link, bytes as they were seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rainbow_probe.model import Result, Scalar, Step

ACROSS = 100  # per cent of a bar's drawing from left to right
_LEAST = 0.4  # per cent: what took no time to speak of is still there to see
_CHAIN = "chain"
_LINK = " < "
_BYTES = frozenset({"body", "first", "goodbye", "segment"})
"""Facts that are bytes of a peer, made printable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One step, ready to draw: times as texts, the bar in per cent of its place, facts in three kinds."""

    phase: str
    subject: str
    at: str
    took: str
    left: float
    width: float
    look: str
    result: str
    facts: tuple[tuple[str, str], ...]
    chain: tuple[str, ...]
    seen: tuple[tuple[str, str], ...]


def waterfall(result: Result) -> tuple[Bar, ...]:
    """Return the steps of *result* over the time that all of them took."""
    whole = max([result.took, *(step.at + step.took for step in result.steps)], default=0.0)
    return tuple(_bar(step, whole or 1.0) for step in result.steps)


def milliseconds(seconds: float) -> str:
    """Return *seconds* for a reader: milliseconds below ten seconds."""
    return f"{seconds * 1000:.1f} ms" if seconds < 10 else f"{seconds:.1f} s"


def _bar(step: Step, whole: float) -> Bar:
    width = max(_LEAST, step.took / whole * ACROSS)
    return Bar(
        phase=step.phase.value,
        subject=step.subject,
        at=milliseconds(step.at),
        took=milliseconds(step.took),
        left=round(min(step.at / whole * ACROSS, ACROSS - width), 1),
        width=round(width, 1),
        look="fail" if step.failure else "pass",
        result=str(step.failure or "ok"),
        facts=tuple((key, str(value)) for key, value in _facts(step)),
        chain=tuple(str(step.facts.get(_CHAIN) or "").split(_LINK)) if step.facts.get(_CHAIN) else (),
        seen=tuple((key, str(value)) for key, value in step.facts.items() if key in _BYTES),
    )


def _facts(step: Step) -> Iterator[tuple[str, Scalar]]:
    return ((key, value) for key, value in step.facts.items() if key != _CHAIN and key not in _BYTES)
