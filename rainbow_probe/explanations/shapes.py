"""What an explanation consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rainbow_probe.terms import Cause, Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """One failure, or one finding, in three sentences."""

    means: str
    """What was seen, and nothing that was not."""
    usual: str
    """What it usually comes from."""
    do: str
    """What to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One phase, and every cause that can end it."""

    phase: Phase
    about: str
    """What happens in it, in a sentence or two."""
    causes: Mapping[Cause, Why]
    """In the order in which they are told."""


def why(means: str, usual: str, do: str) -> Why:
    """Explain one failure: what it *means*, its *usual* reason, and what to *do*."""
    return Why(means=means, usual=usual, do=do)


def stage(phase: Phase, about: str, causes: Mapping[Cause, Why]) -> Stage:
    """Explain one phase."""
    return Stage(phase=phase, about=about, causes=MappingProxyType(dict(causes)))
