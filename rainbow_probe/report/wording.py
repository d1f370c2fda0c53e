"""The words every renderer uses, and text from the network made fit to show."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from rainbow_probe.ends import HTTPS
from rainbow_probe.measures import Direction, PortState, StoryStep
from rainbow_probe.model import Finding, Need, Outcome, Result, Row, RowVerdict, Rule, Scalar, Severity, Site
from rainbow_probe.terms import NatMapping

FEW_HOSTS = 4  # named of those that go the same way

VERDICTS = {
    RowVerdict.PASS: "pass",
    RowVerdict.DEGRADED: "degraded",
    RowVerdict.FAIL: "FAIL",
    RowVerdict.INCONCLUSIVE: "inconclusive",
    RowVerdict.NOT_TESTED: "not tested",
    RowVerdict.NOT_APPLICABLE: "not applicable",
}
SEVERITIES = {Severity.BLOCKING: "BLOCKING", Severity.DEGRADING: "degrading", Severity.ADVICE: "advice"}
OUTCOMES = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "FAIL",
    Outcome.INCONCLUSIVE: "inconclusive",
    Outcome.SKIPPED: "skipped",
}
DIRECTIONS = {Direction.OUT: "outbound", Direction.IN: "inbound", Direction.ROUND_TRIP: "there and back"}
PORT_STATES = {PortState.OPEN: "open", PortState.CLOSED: "closed", PortState.UNKNOWN: "unknown"}
CURVES = {"loss": "Loss", "jitter": "Jitter", "delay": "Delay", "mos": "MOS", "capacity": "Capacity"}
_COLUMN = re.compile(r"( *)(\S.*?)( {2,})(\S.*)")
"""A line of a rule in words: a label, and what stands beside it."""
NEEDS = {Need.MANDATORY: "mandatory", Need.RECOMMENDED: "recommended", Need.OPTIONAL: "optional"}


def plain(text: str) -> str:
    """Return *text* on one line; what is not printable (controls, newlines, direction marks) shows as an escape."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)


def lines(text: str) -> list[str]:
    """Return the lines of *text*, each fit to show; for texts whose line breaks are ours, such as rules."""
    return [plain(line) for line in text.expandtabs(4).strip("\n").split("\n")]


def pasted(rule: Rule, said: Callable[[str], str]) -> str:
    """Return the text of a rule to paste; one in words, for a ticket, as it is *said* in the reader's language."""
    if rule.format != "text":
        return rule.text
    return "\n".join(_beside(line, said) for line in rule.text.split("\n"))


def _beside(line: str, said: Callable[[str], str]) -> str:
    """Say a label and what stands beside it each by itself, and keep their columns."""
    if not (column := _COLUMN.fullmatch(line)):
        return said(line)
    indent, label, gap, value = column.groups()
    return f"{indent}{said(label).ljust(len(label) + len(gap))}{said(value)}"


def clip(text: str, size: int) -> str:
    """Return *text* fit to show in *size* characters at most, with an ellipsis where it was cut."""
    shown = plain(text[: size + 1])
    return shown if len(shown) <= size else f"{shown[: size - 1]}…"


def some(items: Iterable[str], most: int) -> str:
    """Return the first *most* of *items*, and how many more there are."""
    listed = list(items)
    return ", ".join(listed[:most]) + more(len(listed) - most)


def more(count: int) -> str:
    """Say that *count* more follow, if any do."""
    return f", and {count} more" if count > 0 else ""


def number(count: int, noun: str, plural: str = "") -> str:
    """Return *count* with its *noun*, as in ``1 row`` and ``2 rows``."""
    return f"{count} {noun}" if count == 1 else f"{count} {plural or f'{noun}s'}"


def because(row: Row) -> str:
    """Return how the row's flow gets through and what is to be said of it, or why it does not."""
    if not row.path or row.path in row.reason:
        return row.reason
    return f"{row.path}: {row.reason}" if row.reason else row.path


def in_short(row: Row) -> str:
    """Return the same for a narrow table: where all is well, the way is enough."""
    return row.path if row.path and row.verdict is RowVerdict.PASS else because(row)


def named(row: Row) -> str:
    """Return the row's title, and its need where that is less than mandatory."""
    return row.title if row.need is Need.MANDATORY else f"{row.title} ({row.need})"


def unjudged(finding: Finding) -> str:
    """Say what could not be judged because of *finding*, doors that lost the same phases together; or nothing."""
    alike: dict[str, list[str]] = {}
    for where, phases in finding.hides.items():
        alike.setdefault(", ".join(phases), []).append(where)
    told = [f"{', '.join(doors)} ({phases})" for phases, doors in alike.items()]
    return f"not judged: {'; '.join(told)}. Run again when this is repaired." if told else ""


def ways(site: Site) -> list[str]:
    """Return which way each destination goes, grouped by equal choice; nothing where one setting is for all."""
    groups: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for way in site.destinations if site.pacs else ():
        used = str(way.used) if way.used else "direct"
        groups.setdefault((way.choices, used), []).append(str(way.target).removesuffix(f":{HTTPS}"))
    return [f"{_choice(*group)}: {some(dict.fromkeys(hosts), FEW_HOSTS)}" for group, hosts in groups.items()]


def _choice(choices: tuple[str, ...], used: str) -> str:
    listed = "; ".join(choices)
    return f"{listed} (in use: {used})" if len(choices) > 1 else listed


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


SHOWN = 2  # outside addresses of a port


def translated(nat: Mapping[str, Scalar]) -> str:
    """Say in one line how a NAT treats UDP; empty where it is not known."""
    mapping = str(nat.get("mapping") or "")
    there = mapping and mapping != NatMapping.NONE
    filtering, seen, exits = nat.get("filtering"), str(nat.get("seen_as") or "").split(), nat.get("exits")
    parts = [
        _NATS.get(mapping, mapping),
        f"{filtering} filtering" if there and filtering else "",
        f"{exits} outside addresses" if exits not in {None, 1} else "",
        f"seen from outside as {', '.join(seen[:SHOWN])}{' and more' if len(seen) > SHOWN else ''}" if seen else "",
        _kept(nat),
        f"NAT64: IPv4 hosts are reached through {nat['nat64']}" if nat.get("nat64") else "",
    ]
    return "; ".join(filter(None, parts))


def _kept(nat: Mapping[str, Scalar]) -> str:
    """Say how long UDP flows live without traffic, as far as it was tried."""
    lived, forgotten = nat.get("udp_lived_s"), nat.get("udp_forgotten_s")
    if lived is None:
        return ""
    return f"UDP kept {f'{lived} to {forgotten} s' if forgotten is not None else f'for {lived} s or more'} when silent"


_NATS: Mapping[str, str] = {
    NatMapping.NONE: "none",
    NatMapping.ENDPOINT_INDEPENDENT: "endpoint-independent mapping",
    NatMapping.ADDRESS_DEPENDENT: "address-dependent mapping (no fault: TURN passes)",
    NatMapping.ADDRESS_AND_PORT_DEPENDENT: "address- and port-dependent mapping (symmetric; no fault: TURN passes)",
    NatMapping.DESTINATION_DEPENDENT: "mapping that depends on the destination (no fault: TURN passes)",
}


def let_through(policy: Mapping[str, Scalar]) -> str:
    """Say in one line what the proxy lets through, what it does not, and what it calls itself."""
    words = {"connect_by_name": "by name", "connect_by_address": "by address", "upgrade": "Upgrade"}
    words["plain_http"] = "plain HTTP"
    ports = {key: f"port {key.rpartition('_')[2]}" for key in policy if key.startswith("connect_port_")}
    order = ("connect_by_name", "connect_by_address", *ports, "upgrade", "plain_http")
    said = {answer: [(words | ports)[key] for key in order if policy.get(key) is answer] for answer in (True, False)}
    parts = [
        f"CONNECT {', '.join(said[True])}" if said[True] else "",
        f"not {', '.join(said[False])}" if said[False] else "",
        f"HTTP/{policy['http_version']}" if "http_version" in policy else "",
        f"calls itself {policy['names_itself']}" if "names_itself" in policy else "",
    ]
    return "; ".join(filter(None, parts))


def in_steps(story: Sequence[StoryStep]) -> str:
    """Tell the call flow in one sentence: which of its groups of steps took how long, failed, or were not done."""
    groups: dict[str, list[StoryStep]] = {}
    for step in story:
        groups.setdefault(step.number, []).append(step)
    done = [f"{number} in {_took(steps):.0f} ms{_stopped(steps)}" for number, steps in groups.items() if _tried(steps)]
    left = [number for number, steps in groups.items() if not _tried(steps)]
    told = (f"steps {', '.join(done)}" if done else "", f"not done: {', '.join(left)}" if left else "")
    return f"The call flow here: {'; '.join(filter(None, told))}"


def _took(steps: Sequence[StoryStep]) -> float:
    """Return the milliseconds from the beginning of the first step to the end of the last."""
    return max(step.at_ms + step.took_ms for step in steps) - steps[0].at_ms


def _tried(steps: Sequence[StoryStep]) -> bool:
    return any(step.outcome is not Outcome.SKIPPED for step in steps)


def _stopped(steps: Sequence[StoryStep]) -> str:
    outcomes = {step.outcome for step in steps} - {Outcome.PASS, Outcome.SKIPPED}
    return f" ({OUTCOMES[min(outcomes, key=list(Outcome).index)]})" if outcomes else ""


def way_out(site: Site) -> str:
    """Say how the site goes out, in short."""
    if site.pacs:
        return f"as the PAC file says: {', '.join(map(str, site.pacs))}"
    if site.proxy is None:
        return "direct, no proxy"
    direct = f"; direct to {some(site.no_proxy, 6)}" if site.no_proxy else ""
    return f"proxy {site.proxy} (from {site.proxy_source}){direct}"


BESIDE = {"xmpp-account": "sign-in at XMPP", "sips": "SIP over TLS"}
"""Kinds of checks that somebody asked for and that no row of the guide rests on, in words."""


def beside(results: Iterable[Result]) -> list[str]:
    """Say what came of the checks that were asked for beside the guide's rows."""
    told = (result for result in results if result.flow.kind in BESIDE)
    return [
        f"{BESIDE[one.flow.kind]} ({one.flow.target}): {OUTCOMES[one.verdict.outcome]}, {one.verdict.reason}"
        for one in told
    ]
