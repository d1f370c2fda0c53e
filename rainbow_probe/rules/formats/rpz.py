"""Names that a resolver must let pass, as records of a response policy zone that exempt them from all others."""

from __future__ import annotations

from collections.abc import Iterable

from rainbow_probe.rules.shapes import RuleSet, Style
from rainbow_probe.rules.words import heading

WHAT = "Put these records into the first policy zone of the resolver; a record holds for its own name only."
NOTHING = "The resolver needs no change."


def render(rules: RuleSet, style: Style) -> str:
    """Write the records, with comments that begin with ``;``."""
    del style  # names are all there is
    comments = [f"; {line}" for line in (heading(rules)[0], WHAT if rules.names else NOTHING)]
    return "\n".join([*comments, *records(rules.names)]) + "\n"


def records(names: Iterable[str]) -> list[str]:
    """Return the records that let *names* pass."""
    return [f"{name} CNAME rpz-passthru." for name in names]
