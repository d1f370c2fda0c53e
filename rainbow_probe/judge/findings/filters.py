"""Filters that read the name in the first TLS message: without it, the same address completes TLS."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.findings.calls import whose
from rainbow_probe.judge.rules import exemption_rule
from rainbow_probe.judge.scene import Found, Scene, distinct, failing
from rainbow_probe.judge.traces import cause, domain, issuer, passes
from rainbow_probe.judge.words import CAUSES, common_name, door, hosts, named
from rainbow_probe.model import Cause, Phase, Result

CUTS = frozenset({Cause.TIMEOUT, Cause.RESET, Cause.CLOSED})
WITHOUT = ("/no-name", "/other-name")
UNRELATED = 2  # domains; a front door of one provider may treat its own names alike
EXEMPT = "do not filter by name (TLS server name, SNI)"


def by_name(scene: Scene) -> list[Found]:
    """Say that connections which name these hosts are stopped, if the same addresses answer without the name."""
    stopped = {r.flow.id: _answered_without(r, scene) for r in failing(scene, Phase.TLS) if cause(r) in CUTS}
    shown = [result for result in scene.failing if stopped.get(result.flow.id)]
    lost = [result for result in scene.failing if result.flow.id in stopped and _as(result, shown, scene)]
    if not lost:
        return []
    controls = distinct(control for result in shown for control in stopped[result.flow.id])
    proven = len({domain(result.flow.target.host) for result in lost}) >= UNRELATED
    return [
        Found(
            id="name-filtered",
            title=f"TLS that names {hosts(lost)} is stopped ({_how(lost)}), and passes to the same addresses without "
            "the name",
            who=whose(lost),
            fix="Allow these names in whatever filters by the name in TLS (SNI): web filter, firewall, DNS security."
            + (
                ""
                if proven
                else " If nobody here filters so, it is the provider's own front door: compare from another network."
            ),
            claims=tuple(lost),
            shows=tuple(controls),
            detail=f"{named(dict.fromkeys(door(r.flow) for r in lost))}; without the name, "
            + named(dict.fromkeys(_shown(control) for control in controls)),
            rules=(exemption_rule(scene, lost, EXEMPT),),
        )
    ]


def _answered_without(result: Result, scene: Scene) -> list[Result]:
    """Return the controls that got an answer at the same address without the name."""
    asked = [control for control in scene.controls_of(result) if control.flow.id.endswith(WITHOUT)]
    return [control for control in asked if passes(control) or cause(control) is Cause.TLS_ALERT]


def _as(result: Result, shown: Sequence[Result], scene: Scene) -> bool:
    """Return whether *result* is one of those *shown* to be stopped by name, or alike and not followed up itself."""
    if any(result is one for one in shown):
        return True
    own = (domain(result.flow.target.host), cause(result), result.flow.target.port, result.flow.via)
    alike = {(domain(r.flow.target.host), cause(r), r.flow.target.port, r.flow.via) for r in shown}
    return own in alike and not any(c.flow.id.endswith(WITHOUT) for c in scene.controls_of(result))


def _how(lost: Sequence[Result]) -> str:
    return named(dict.fromkeys(CAUSES[why] for result in lost if (why := cause(result))))


def _shown(control: Result) -> str:
    return f"a certificate of {common_name(issuer(control))} is shown" if issuer(control) else "an alert comes back"
