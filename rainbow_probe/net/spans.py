"""Where open ports end and closed ones begin, as far as samples tell, and how sure that is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping

from rainbow_probe.measures import Estimate, PortInterval, PortState

MOST_RUNS = 4  # more of them are no range of a rule
UNSEEN = 1e-6  # probability below which it is no chance that none of the samples lies at one end
DOUBT = 0.05  # what 95 % confidence leaves
STEPS = 40  # halvings of an interval: to twelve digits
PER_CENT = 100.0
_WORDS = {True: "open", False: "closed"}


def runs(ports: Mapping[int, bool]) -> str:
    """Say of sampled *ports* which spans are open and which closed, in order; or that there is no order."""
    found = [(state, [port for port, _ in group]) for state, group in itertools.groupby(sorted(ports.items()), _state)]
    if len(found) > MOST_RUNS:
        closed = " ".join(str(port) for port, is_open in sorted(ports.items()) if not is_open)
        return f"open and closed ones alternate; closed: {closed}"
    return ", ".join(f"{_WORDS[state]} {_span(members)}" for state, members in found)


def ordered(ports: Mapping[int, bool]) -> bool:
    """Tell whether open and closed *ports* lie as a rule would have them: in a few spans."""
    return len(list(itertools.groupby(sorted(ports.items()), _state))) <= MOST_RUNS


def _state(pair: tuple[int, bool]) -> bool:
    return pair[1]


def _span(members: list[int]) -> str:
    return str(members[0]) if len(members) == 1 else f"{members[0]}-{members[-1]}"


def intervals(ports: Mapping[int, bool], first: int, last: int) -> tuple[PortInterval, ...]:
    """Cover *first* to *last* by what samples tell: between an open and a closed one lies what is not known.

    So does what lies beyond the outermost samples, if by chance a sample would have been there: a server that relays
    from a part of the range only tells nothing of the rest.
    """
    if not ports:
        return (PortInterval(first=first, last=last, state=PortState.UNKNOWN),)
    known = sorted(ports.items())
    chance = (last - first + 1) * (1 - math.pow(UNSEEN, 1 / len(known)))
    pieces: list[PortInterval] = []
    begin = first if known[0][0] - first <= chance else known[0][0]
    end = last if last - known[-1][0] <= chance else known[-1][0]
    for is_open, group in itertools.groupby(known, _state):
        members = [port for port, _ in group]
        pieces.append(_piece(members[0], members[-1], PortState.OPEN if is_open else PortState.CLOSED))
    pieces[0] = _piece(begin, pieces[0].last, pieces[0].state)
    pieces[-1] = _piece(pieces[-1].first, end, pieces[-1].state)
    return tuple(_filled(pieces, first, last))


def _piece(first: int, last: int, state: PortState) -> PortInterval:
    return PortInterval(first=first, last=last, state=state)


def _filled(pieces: list[PortInterval], first: int, last: int) -> list[PortInterval]:
    """Put what is not known between *pieces*, before and behind them."""
    whole: list[PortInterval] = []
    reached = first
    for piece in pieces:
        if piece.first > reached:
            whole.append(_piece(reached, piece.first - 1, PortState.UNKNOWN))
        whole.append(piece)
        reached = piece.last + 1
    if reached <= last:
        whole.append(_piece(reached, last, PortState.UNKNOWN))
    return whole


def percent(hits: int, of: int) -> Estimate:
    """Return *hits* of a number of samples in per cent, with 95 % confidence (Clopper and Pearson 1934).

    Where all or none hit, all of the doubt lies on one side: of 64 of 64, less than 4.6 % is otherwise.
    """
    if not of:
        return Estimate(value=0.0, low=0.0, high=PER_CENT)
    tail = DOUBT if hits in {0, of} else DOUBT / 2
    low = _where(lambda share: 1 - _at_most(hits - 1, of, share), tail) if hits else 0.0
    high = 1 - _where(lambda share: _at_most(hits, of, 1 - share), tail) if hits < of else 1.0
    return Estimate(value=PER_CENT * hits / of, low=PER_CENT * low, high=PER_CENT * high)


def _at_most(hits: int, of: int, share: float) -> float:
    """Return the probability of so many *hits* or fewer, where each has the probability *share*."""
    return sum(math.comb(of, n) * share**n * (1 - share) ** (of - n) for n in range(hits + 1))


def _where(rising: Callable[[float], float], wanted: float) -> float:
    """Return the share at which *rising* has the value *wanted*."""
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < wanted else (low, middle)
    return low
