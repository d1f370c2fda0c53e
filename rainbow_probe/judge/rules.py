"""Rules to paste, in plain text: source, destination, protocol, port, direction; from the model of ``rules``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rainbow_probe.catalogue import Way
from rainbow_probe.judge.scene import Scene
from rainbow_probe.judge.traces import is_loopback
from rainbow_probe.model import Result, RowVerdict, Rule
from rainbow_probe.rules.atoms import merged
from rainbow_probe.rules.formats import rpz, text
from rainbow_probe.rules.least import atoms_of
from rainbow_probe.rules.places import ports_of
from rainbow_probe.rules.shapes import Act, Opening, Style
from rainbow_probe.rules.words import port_range

TEXT = "text"
RPZ = "rpz"
_NAME = re.compile(r"[\w-]+(\.[\w-]+)+", re.ASCII)


def firewall_rule(scene: Scene, results: Sequence[Result]) -> Rule:
    """Write the outbound rules that let *results* through, as few as can be."""
    own = [address for address in scene.site.addresses if not is_loopback(address)]
    blocks = (text.block(one, own, Style(), scene.site.dynamic_ports) for one in _openings(scene, results, Act.OPEN))
    return Rule(format=TEXT, text="\n\n".join(blocks))


def needed(scene: Scene, results: Sequence[Result]) -> list[Result]:
    """Return those of *results* that failed rows need, of each the way that the guide prefers; all, if no row fails."""
    specs = {spec.id: spec for spec in scene.guide.rows if not spec.sections}
    lost = {result.flow.id for result in results}
    wanted: set[str] = set()
    for row in scene.rows:
        if row.id in specs and row.verdict is RowVerdict.FAIL:
            used = (_used(way, scene) & lost & {*row.checks} for way in specs[row.id].ways)
            wanted |= next(filter(None, used), set[str]())
    return [result for result in results if result.flow.id in wanted] or list(results)


def _used(way: Way, scene: Scene) -> set[str]:
    """Return the ids of the flows that *way* is made of."""
    assigned = (scene.assignments.get(need.flow) for need in way.needs)
    return {flow for one in assigned if one for flow in one.flows}


def port_of(result: Result) -> str:
    """Return the port that *result* is about, or the range where it stands for one."""
    return port_range(ports_of(result))


def proxy_rule(results: Sequence[Result]) -> Rule:
    """Write what the proxy must permit: tunnels to the targets of *results*."""
    wanted = merged(atoms_of(_by_name(results), Act.PERMIT, results))
    return Rule(format=TEXT, text="\n".join(text.permission(one) for one in wanted))


def way_out_rule(results: Sequence[Result]) -> Rule:
    """Write the outbound rules that let the proxy reach the targets of *results*."""
    wanted = merged(atoms_of(results, Act.OPEN, results))
    return Rule(format=TEXT, text="\n\n".join(text.block(one, (), Style()) for one in wanted))


def exemption_rule(scene: Scene, results: Iterable[Result], what: str) -> Rule:
    """Write the list of hosts that a box must let pass untouched; *what* is what it must not do."""
    return Rule(format=TEXT, text=text.exemption(_openings(scene, _by_name(list(results)), Act.EXEMPT), what))


def _by_name(results: Sequence[Result]) -> list[Result]:
    """Leave out what asked for a target by its address, where a name of the same is there: that is narrower."""
    named = {(result.flow.target, result.flow.via) for result in results if not _asks_by_address(result)}
    return [r for r in results if not (_asks_by_address(r) and (r.flow.target, r.flow.via) in named)]


def _asks_by_address(result: Result) -> bool:
    return result.flow.params.get("by") == "address"


def pass_rule(results: Iterable[Result]) -> Rule:
    """Write what a resolver's filter must let pass, as a response policy zone of DNS (RPZ): most resolvers read one."""
    names = sorted({result.flow.target.host for result in results if _NAME.fullmatch(result.flow.target.host)})
    return Rule(format=RPZ, text="\n".join(rpz.records(names)))


def _openings(scene: Scene, results: Sequence[Result], act: Act) -> tuple[Opening, ...]:
    return merged(atoms_of(results, act, scene.results, scene.guide.ranges))
