"""Packets too large for a link on the way, of which nobody is told (RFC 2923, section 2.1), or for some filter."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.findings.calls import whose
from rainbow_probe.judge.rules import TEXT, firewall_rule
from rainbow_probe.judge.scene import Found, Scene, distinct
from rainbow_probe.judge.traces import cause, fact, over_udp, passes, phase
from rainbow_probe.judge.words import door, hosts, named
from rainbow_probe.model import Cause, Outcome, Phase, Result, Rule

AFTER = frozenset({Phase.TLS, Phase.HTTP, Phase.WEBSOCKET, Phase.XMPP, Phase.TURN_DATA, Phase.DTLS})
SILENT = frozenset({Cause.TIMEOUT, Cause.LARGE_LOST, Cause.WENT_SILENT})
SMALL = "/small"
CALL = 1350  # bytes of an IP packet: what a browser sends at most, in an indication with all that servers add
LEAST = 576  # bytes that every host takes (RFC 791, section 3.2): no link in use has a smaller MTU; IPv6 asks for 1280
RULE = """\
let ICMP "destination unreachable, fragmentation needed" (type 3, code 4) and ICMPv6 "packet too big" (type 2) pass
both ways, or lower the TCP MSS to what fits on the router where the small link begins (nftables: tcp option maxseg
size set rt mtu)"""


def filtered(scene: Scene) -> list[Found]:
    """Say that UDP is dropped by its size, where no link has so small an MTU as what is lost."""
    lost = [result for result in scene.failing if _vanished(result) and over_udp(result)]
    proof = {result.flow.id: [c for c in scene.controls_of(result) if _below_all_links(c)] for result in lost}
    controls = distinct(control for some in proof.values() for control in some)
    if not controls:
        return []
    claims = [result for result in lost if proof[result.flow.id] or not _followed(result, scene)]
    passed = max(int(fact(control, "largest_passed")) for control in controls)
    return [
        Found(
            id="udp-size-filtered",
            title=f"UDP packets are dropped by their size: those of {passed} bytes pass, of {LEAST} and more none does",
            who=whose(claims),
            fix="Find what drops UDP by its length (a rule, protection against floods, or an inspection of DNS, on the "
            "firewall here or the line's), and exempt the TURN servers. It is no tunnel's MTU: no link has so small a "
            "one.",
            claims=tuple(claims),
            shows=tuple(controls),
            detail=f"{hosts(claims, 8)} ({named(dict.fromkeys(door(r.flow) for r in claims))}): each size was sent "
            "many times, and nobody says that it is too large",
            rules=(firewall_rule(scene, claims),),
        )
    ]


def black_hole(scene: Scene) -> list[Found]:
    """Say that large packets vanish, if the same exchange passes in small ones."""
    lost = [result for result in scene.failing if _vanished(result)]
    proof = {result.flow.id: _small(result, scene) for result in lost}
    controls = distinct(control for some in proof.values() for control in some)
    if not controls:
        return []
    claims = [result for result in lost if proof[result.flow.id] or not _followed(result, scene)]
    largest = _largest([control for result in claims for control in scene.controls_of(result)])
    return [
        Found(
            id="mtu-black-hole",
            title="Large packets vanish on the way, and nobody says so (an MTU black hole): connections open and then "
            "fall silent",
            who=whose(claims),
            fix="Let ICMP pass that says a packet is too big, or lower the TCP MSS where the small link (a tunnel, a "
            "VPN, PPPoE) begins.",
            claims=tuple(claims),
            shows=tuple(controls),
            detail=f"{hosts(claims, 8)} ({named(dict.fromkeys(door(r.flow) for r in claims))}): silent with packets of "
            f"the usual size, answered in small ones{largest}",
            rules=(Rule(format=TEXT, text=RULE),),
        )
    ]


def _vanished(result: Result) -> bool:
    return phase(result) in AFTER and cause(result) in SILENT


def _small(result: Result, scene: Scene) -> list[Result]:
    """Return the controls that passed with small packets, where the system really made them small."""
    asked = [control for control in scene.controls_of(result) if passes(control) or _guessed(control)]
    return [c for c in asked if (c.flow.id.endswith(SMALL) and fact(c, "segment")) or _too_small(c)]


def _guessed(control: Result) -> bool:
    """Return whether the upgrade was answered, if only to a path that was guessed."""
    return control.flow.kind == "xmpp" and control.verdict.outcome is Outcome.SKIPPED


def _followed(result: Result, scene: Scene) -> bool:
    """Return whether *result* was tried in small packets; of many that fail alike, only some are."""
    return any(control.flow.id.endswith((SMALL, "/mtu")) for control in scene.controls_of(result))


def _too_small(control: Result) -> bool:
    """Return whether datagrams as large as those of a call were lost, and only smaller ones answered."""
    passed, lost = (int(fact(control, name) or 0) for name in ("largest_passed", "smallest_lost"))
    return control.flow.kind == "mtu" and passed < lost <= CALL and not _below_all_links(control)


def _below_all_links(control: Result) -> bool:
    """Return whether every size was lost that each link of today carries, and smaller ones were answered."""
    passed, lost = (int(fact(control, name) or 0) for name in ("largest_passed", "smallest_lost"))
    return control.flow.kind == "mtu" and 0 < passed < lost <= LEAST and fact(control, "told") != "True"


def _largest(controls: Sequence[Result]) -> str:
    passed = [int(text) for control in controls if (text := fact(control, "largest_passed"))]
    return f"; over UDP, packets of up to {max(passed)} bytes pass" if passed else ""
