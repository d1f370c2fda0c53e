"""What another TURN server's relay finds at the relayed ports of one that is out of reach from here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rainbow_probe.judge.traces import cause, fact
from rainbow_probe.model import Cause, Failure, Outcome, Phase, Result

KIND = "relay-reach"
OUT = frozenset({Cause.TIMEOUT, Cause.REFUSED, Cause.UNREACHABLE, Cause.PROHIBITED, Cause.PARTLY_OPEN})
"""How a range fails of which packets do not go out to all ports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a control counted."""

    tried: int
    reached: int
    """Relayed ports to which the other server's relay got through."""
    answered: int
    """Those whose answers got through to it."""


def beside(control: Result) -> Beside:
    """Return the counts of *control*; zeros if it did not come to any."""
    tried, reached, answered = (
        int(fact(control, key, Phase.TURN_DATA) or 0) for key in ("tried", "reached", "answered")
    )
    return Beside(tried=tried, reached=reached, answered=answered)


def from_elsewhere(lost: Iterable[Result], controls: Sequence[Result]) -> list[Result]:
    """Return the controls of *lost* that came to an end."""
    ids = {result.flow.id for result in lost}
    return [one for one in controls if one.flow.kind == KIND and one.flow.control_of in ids and beside(one).tried]


def own_end(results: Sequence[Result]) -> tuple[Result, ...]:
    """Take back what fails from here as well as from another server's relay: that is the server's own end, or its side.

    People forget to open a TURN server's own firewall; nothing in this network would help.
    """
    controls = {one.flow.control_of: one for one in results if one.flow.kind == KIND and beside(one).tried}
    return tuple(_taken_back(one, controls.get(one.flow.id)) for one in results)


def _taken_back(result: Result, control: Result | None) -> Result:
    if control is None or not _as_elsewhere(result, control):
        return result
    seen, other = beside(control), control.flow.params.get("beside")
    detail = (
        f"the server's own end may be shut: of {seen.tried} relayed ports, the relay of {other} reaches "
        f"{seen.reached}, and {seen.answered} answer it"
    )
    failure = Failure(phase=Phase.TURN_DATA, cause=Cause.CANNOT_TELL, detail=detail)
    verdict = replace(result.verdict, outcome=Outcome.INCONCLUSIVE, reason=str(failure), failure=failure, measured=None)
    return replace(result, verdict=verdict)


def _as_elsewhere(result: Result, control: Result) -> bool:
    """Return whether what fails from here fails from elsewhere, too; what is open in part must be all open there."""
    why, seen = cause(result), beside(control)
    if why is Cause.ONE_WAY:
        return seen.answered == 0
    enough = seen.tried if why is Cause.PARTLY_OPEN else 1
    return why in OUT and seen.reached < enough
