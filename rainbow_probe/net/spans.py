"""Where open ports end and closed ones begin, as far as samples tell."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

MOST_RUNS = 4  # more of them are no range of a rule
_WORDS = {True: "open", False: "closed"}


def runs(ports: Mapping[int, bool]) -> str:
    """Say of sampled *ports* which spans are open and which closed, in order; or that there is no order."""
    found = [(state, [port for port, _ in group]) for state, group in itertools.groupby(sorted(ports.items()), _state)]
    if len(found) > MOST_RUNS:
        closed = " ".join(str(port) for port, is_open in sorted(ports.items()) if not is_open)
        return f"open and closed ones alternate; closed: {closed}"
    return ", ".join(f"{_WORDS[state]} {_span(members)}" for state, members in found)


def _state(pair: tuple[int, bool]) -> bool:
    return pair[1]


def _span(members: list[int]) -> str:
    return str(members[0]) if len(members) == 1 else f"{members[0]}-{members[-1]}"
