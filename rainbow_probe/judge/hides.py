"""What an early failure kept from being judged: causes that only show when it is repaired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rainbow_probe.judge.traces import over_udp, phase
from rainbow_probe.judge.words import door
from rainbow_probe.model import Phase, Result, Transport, Via

LADDERS: Mapping[str, Sequence[Phase]] = {
    "https": (Phase.HTTP,),
    "xmpp": (Phase.WEBSOCKET, Phase.XMPP),
    "turn": (Phase.STUN, Phase.TURN_ALLOCATE),
    "push": (),
}
"""By kind, the phases beyond the connection and TLS that every check of it goes through."""
EARLY = frozenset({Phase.RESOLVE, Phase.CONNECT, Phase.PROXY, Phase.TLS, Phase.HTTP})
"""Phases whose failures hide others; who is refused by TURN itself has met all of the way."""
THROUGH = " through the proxy"


def hidden(claims: Iterable[Result], results: Iterable[Result]) -> Mapping[str, tuple[Phase, ...]]:
    """Return, by door, the phases that *claims* never came to, and that no other check came to there either."""
    claimed = list(claims)
    met = {(_door(result), step.phase) for result in results for step in result.steps}
    found: dict[str, dict[Phase, None]] = {}
    for result in claimed:
        for one in _beyond(result):
            if (_door(result), one) not in met:
                found.setdefault(_door(result), {})[one] = None
    order = list(Phase).index
    return {where: tuple(sorted(phases, key=order)) for where, phases in found.items()}


def _beyond(result: Result) -> Iterator[Phase]:
    failed = phase(result)
    if failed is None or failed not in EARLY or result.flow.kind not in LADDERS:
        return
    later = list(Phase)[list(Phase).index(failed) + 1 :]
    yield from (one for one in _ladder(result) if one in later)


def _ladder(result: Result) -> Iterator[Phase]:
    """Yield the phases of the whole check behind the look-up, in order."""
    if result.flow.via is Via.PROXY:
        yield Phase.PROXY
    elif not over_udp(result):
        yield Phase.CONNECT
    if result.flow.transport is Transport.TLS:
        yield Phase.TLS
    yield from LADDERS[result.flow.kind]


def _door(result: Result) -> str:
    return door(result.flow) + (THROUGH if result.flow.via is Via.PROXY else "")
