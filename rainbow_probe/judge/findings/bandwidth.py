"""A line that carries less than this site needs, or that makes packets wait in long queues."""

from __future__ import annotations

from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.words import hosts, named
from rainbow_probe.measures import Ramp
from rainbow_probe.model import Result, RowVerdict, Severity, Who

LOADED = "bandwidth"
LONG = 50.0  # ms one way, a third of what a call may take in all: such a queue is longer than voice bears beside data


def short(scene: Scene) -> list[Found]:
    """Say which rows need more than the path carries, where it was seen to carry no more."""
    lacking = [row for row in scene.rows if row.verdict is RowVerdict.FAIL and _rests_on_load(row.checks, scene)]
    ramps = [result for result in _loaded(scene) if any(result.flow.id in row.checks for row in lacking)]
    if not lacking or not ramps:
        return []
    return [
        Found(
            id="bandwidth-short",
            title=f"The path to {hosts(ramps)} carries less than is needed: {_told(ramps)}",
            who=Who.FIREWALL,
            fix="Get a faster line, or let fewer calls with video and sharing go on at the same time; a limit that is "
            "set in a firewall, a VPN or a QoS rule looks the same."
            if all(_shared(one) for one in ramps)
            else "Whether it is this site's line or the TURN server is not known, as no other server has told: name a "
            "second one (--turn), or run it from another network. If it is the line, get a faster one, or let fewer "
            "calls with video and sharing go on at the same time.",
            claims=tuple(ramps),
            detail="; ".join(f"{row.id}: {row.reason}" for row in lacking),
        )
    ]


def queues(scene: Scene) -> list[Found]:
    """Say that packets wait long under a load that passes: beside other traffic, calls will suffer."""
    slow = [(result, ramp) for result in _loaded(scene) if (ramp := _ramp(result)) and ramp.added_delay_ms >= LONG]
    if not slow:
        return []
    worst = max(ramp.added_delay_ms for _, ramp in slow)
    return [
        Found(
            id="long-queues",
            title=f"Under load, packets wait {worst:.0f} ms longer on the way to {hosts([r for r, _ in slow])}",
            who=Who.FIREWALL,
            fix="Keep the queues of the line short (active queue management, fq_codel, CAKE), or give voice a queue of "
            "its own (QoS), so that data does not make calls wait.",
            shows=tuple(result for result, _ in slow),
            detail=_steps([ramp for _, ramp in slow]),
            at_least=Severity.DEGRADING,
        )
    ]


def _steps(ramps: list[Ramp]) -> str:
    told = (f"{load.offered_kbit_s:.0f} kbit/s: {load.delay_ms:.0f} ms one way" for r in ramps for load in r.steps)
    return named(dict.fromkeys(told), 8)


def _loaded(scene: Scene) -> list[Result]:
    return [result for result in scene.results if result.flow.kind == LOADED]


def _rests_on_load(checks: tuple[str, ...], scene: Scene) -> bool:
    return any(_ramp(result) and result.flow.id in checks for result in _loaded(scene))


def _shared(result: Result) -> bool:
    """Return whether the limit that *result* met is that of the way to another server, too."""
    ramp = _ramp(result)
    return ramp is not None and bool(ramp.shared)


def _ramp(result: Result) -> Ramp | None:
    return result.verdict.measured if isinstance(result.verdict.measured, Ramp) else None


def _told(results: list[Result]) -> str:
    return named(dict.fromkeys(result.verdict.reason for result in results))
