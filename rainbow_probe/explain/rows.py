"""A row of the guide: what it asks, how it is tested, when it passes, and what usually breaks it."""

from __future__ import annotations

from collections.abc import Iterable

from rainbow_probe.catalogue import FlowSpec, Guide, HostGroup, Proxying, Requirement, RowSpec, Way
from rainbow_probe.explain.layout import page, section, titled
from rainbow_probe.explanations.findings import FINDINGS
from rainbow_probe.explanations.kinds import KINDS
from rainbow_probe.language import Language, later
from rainbow_probe.terms import Transport

PROXY = {
    Proxying.YES: later("through the proxy where there is one"),
    Proxying.NO: later("always direct"),
    Proxying.ONLY: later("through the proxy only"),
}
MOST_FINDINGS = 8


def explain_row(row: RowSpec, guide: Guide, language: Language) -> str:
    """Explain *row* of *guide*."""
    say, whole = language.say, language.whole
    owner = whole(guide.clients.get(row.client) or guide.groups.get(row.client, row.client))
    about = say(
        "Section {section} of the guide, {need}. {owner}.", section=row.section, need=say(row.need), owner=owner
    )
    return page(
        titled(f"{row.id}{language.colon} {whole(row.title)}", about),
        section(say("What the guide asks"), _asked(row, language)),
        section(say("How it is tested"), _tested(row, guide, language)),
        section(say("How it is judged"), _judged(row, language)),
        section(say("What usually breaks it"), _breaks(row, guide, language)),
    )


def _asked(row: RowSpec, language: Language) -> Iterable[str]:
    say, whole = language.say, language.whole
    yield f"{whole(row.protocol or row.title)}."
    yield say("From: {source}.", source=whole(row.source)) if row.source else ""
    yield f"{say('To')}{language.colon} {whole(row.destination)}." if row.destination else ""
    yield say("Through an HTTP proxy: {proxy}.", proxy=whole(row.proxy)) if row.proxy else ""
    yield from map(whole, row.notes)
    yield from (say("Erratum: {text}", text=whole(text)) for text in row.errata)


def _tested(row: RowSpec, guide: Guide, language: Language) -> Iterable[str]:
    say, whole = language.say, language.whole
    if row.sections:
        yield say("It sums up all rows of section {sections} that are tested.", sections=", ".join(row.sections))
    elif not row.ways:
        yield say("Not yet: {why}.", why=whole(row.not_tested))
    for way in row.ways:
        needed = "; ".join(_needed(need, guide, language) for need in way.needs)
        yield f"{whole(way.name)}{language.colon} {needed}."
    for kind in _kinds(row, guide):
        if kind in KINDS:
            yield say("Check {kind} passes when {passes}.", kind=kind, passes=whole(KINDS[kind].passes))


def _needed(need: Requirement, guide: Guide, language: Language) -> str:
    spec = guide.flows[need.flow]
    group = guide.hosts.get(spec.hosts)
    spared = language.say(", not needed behind a proxy") if need.unless_proxied else ""
    where = _where(spec, group, language)
    return language.say("check {kind} {where}", kind=spec.kind, where=where) + _how_many(need, group, language) + spared


def _where(spec: FlowSpec, group: HostGroup | None, language: Language) -> str:
    if group is None:
        return language.say("of this machine")
    purpose = language.whole(group.purpose)
    given = purpose[:1].lower() + purpose[1:]
    hosts = given if group.place else language.say("the TURN servers") if group.turn else ", ".join(group.names)
    first, last = spec.params.get("first"), spec.params.get("last")
    ports = f"{spec.transport.upper()}/{f'{first}-{last}' if first and last else spec.port}"
    return language.say("to {hosts} on {ports}, {how}", hosts=hosts, ports=ports, how=language.say(PROXY[spec.proxy]))


def _how_many(need: Requirement, group: HostGroup | None, language: Language) -> str:
    if group is None or group.place or len(group.names) == 1:
        return ""
    if need.least is None:
        return language.say(", at every one")
    return language.say(", at {least} or more of them", least=need.least)


def _judged(row: RowSpec, language: Language) -> Iterable[str]:
    if not row.ways:
        return
    say, whole = language.say, language.whole
    first, *others = row.ways
    causes = " " + say("Only these causes fail it: {causes}.", causes=", ".join(row.causes)) if row.causes else ""
    name = whole(first.name)
    yield say("pass: {way} works.", way=name)
    yield from (
        say("degraded: only {way} works{cost}.", way=whole(way.name), cost=_cost(way, language)) for way in others
    )
    yield (say("fail: none of them works.") if others else say("fail: {way} does not.", way=name)) + causes
    yield say("inconclusive: none is known to work, and at least one could not be told.")


def _cost(way: Way, language: Language) -> str:
    return language.say("; the cost: {cost}", cost=language.whole(way.cost)) if way.cost else ""


def _kinds(row: RowSpec, guide: Guide) -> list[str]:
    return list(dict.fromkeys(spec.kind for spec in _flows(row, guide)))


def _flows(row: RowSpec, guide: Guide) -> list[FlowSpec]:
    return [guide.flows[need.flow] for way in row.ways for need in way.needs]


def _breaks(row: RowSpec, guide: Guide, language: Language) -> Iterable[str]:
    flows, whole = _flows(row, guide), language.whole
    names = (name for spec in flows if spec.kind in KINDS for name in KINDS[spec.kind].findings if _fits(name, spec))
    for name in list(dict.fromkeys(names))[:MOST_FINDINGS]:
        yield f"{name}{language.colon} {whole(FINDINGS[name].means)} {whole(FINDINGS[name].do)}"


def _fits(finding: str, spec: FlowSpec) -> bool:
    """Tell whether *finding* can be about this flow, by what carries it and whether a proxy does."""
    if finding.startswith("udp-"):
        return spec.transport is Transport.UDP
    if finding.startswith("proxy-"):
        return spec.proxy is not Proxying.NO
    if finding.startswith("tls-"):
        return spec.transport is Transport.TLS
    return not finding.startswith(("tcp-", "http-inspection")) or spec.transport is not Transport.UDP
