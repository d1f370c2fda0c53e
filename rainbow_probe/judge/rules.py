"""Rules to paste, in plain text: source, destination, protocol, port, direction; from the model of ``rules``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rainbow_probe.judge.scene import Scene
from rainbow_probe.judge.traces import is_loopback
from rainbow_probe.model import Result, Rule
from rainbow_probe.rules.atoms import merged
from rainbow_probe.rules.formats import text
from rainbow_probe.rules.least import atoms_of
from rainbow_probe.rules.places import ports_of
from rainbow_probe.rules.shapes import Act, Opening, Style
from rainbow_probe.rules.words import port_range

TEXT = "text"


def firewall_rule(scene: Scene, results: Sequence[Result]) -> Rule:
    """Write the outbound rules that let *results* through, as few as can be."""
    own = [address for address in scene.site.addresses if not is_loopback(address)]
    blocks = (text.block(one, own, Style(), scene.site.dynamic_ports) for one in _openings(scene, results, Act.OPEN))
    return Rule(format=TEXT, text="\n\n".join(blocks))


def port_of(result: Result) -> str:
    """Return the port that *result* is about, or the range where it stands for one."""
    return port_range(ports_of(result))


def proxy_rule(results: Sequence[Result]) -> Rule:
    """Write what the proxy must permit: tunnels to the targets of *results*."""
    wanted = merged(atoms_of(results, Act.PERMIT, results))
    return Rule(format=TEXT, text="\n".join(text.permission(one) for one in wanted))


def way_out_rule(results: Sequence[Result]) -> Rule:
    """Write the outbound rules that let the proxy reach the targets of *results*."""
    wanted = merged(atoms_of(results, Act.OPEN, results))
    return Rule(format=TEXT, text="\n\n".join(text.block(one, (), Style()) for one in wanted))


def exemption_rule(scene: Scene, results: Iterable[Result], what: str) -> Rule:
    """Write the list of hosts that a box must let pass untouched; *what* is what it must not do."""
    return Rule(format=TEXT, text=text.exemption(_openings(scene, list(results), Act.EXEMPT), what))


def _openings(scene: Scene, results: Sequence[Result], act: Act) -> tuple[Opening, ...]:
    return merged(atoms_of(results, act, scene.results, scene.guide.ranges))
