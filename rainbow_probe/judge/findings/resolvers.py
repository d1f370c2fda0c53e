"""How the resolvers work rather than what they say: dead ones, slow ones, closed ways to them."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from rainbow_probe.checks.dns import is_private
from rainbow_probe.judge.nat import nat64
from rainbow_probe.judge.scene import Found, Scene, failing
from rainbow_probe.judge.traces import SHUT, cause, host_of, look_ups, passes, questions
from rainbow_probe.judge.words import count, hosts, named
from rainbow_probe.model import OUR_OWN, Cause, Phase, Result, Rule, Severity, Step, Transport, Who
from rainbow_probe.protocols.nat64 import leads_through

UNHEARD = frozenset({*SHUT, Cause.NO_ANSWER})
"""How a question that never arrived ends."""
FEWEST_NAMES = 2  # one that is slow or unheard may be its own trouble
SLOW = 1.0  # seconds; a page of many names feels every one of them


def asked(scene: Scene, transport: Transport | None = None, kind: str = "") -> list[Step]:
    """Return the questions put to resolvers and tried to their end: those over *transport*, about *kind*, if named."""
    steps = [step for result in scene.results for step in questions(result)]
    steps = [step for step in steps if step.failure is None or step.failure.cause not in OUR_OWN]
    steps = [step for step in steps if transport is None or step.facts.get("proto") == transport]
    return [step for step in steps if not kind or step.facts.get("answer_type") == kind]


def unheard(step: Step) -> bool:
    """Return whether nobody answered that question."""
    return step.failure is not None and step.failure.cause in UNHEARD


def _looked_up(scene: Scene) -> tuple[Result, ...]:
    return tuple(result for result in scene.tried("dns") if any(questions(result)))


def udp_blocked(scene: Scene) -> list[Found]:
    """Say that UDP/53 is closed, if look-ups fail and resolvers answer over TCP and never over UDP."""
    lost = [r for r in failing(scene, Phase.RESOLVE) if cause(r) in UNHEARD]
    over_udp = asked(scene, Transport.UDP)
    by_tcp = {str(step.facts["resolver"]) for step in asked(scene, Transport.TCP) if not step.failure}
    if not lost or not by_tcp or not over_udp or not all(map(unheard, over_udp)):
        return []
    return [
        Found(
            id="udp-53-blocked",
            title=f"UDP/53 to the resolver {named(sorted(by_tcp))} is blocked, though it answers over TCP",
            who=Who.FIREWALL,
            fix="Open UDP/53 from this machine to its resolvers: clients ask over UDP first, most over nothing else.",
            claims=tuple(lost),
            shows=_looked_up(scene),
            detail=f"{count(len(over_udp), 'question')} over UDP, no answer; {named(sorted(by_tcp))} answers over TCP",
            rules=(_rule("UDP", by_tcp),),
        )
    ]


def tcp_blocked(scene: Scene) -> list[Found]:
    """Say that TCP/53 is closed: what works, and breaks as soon as an answer is too large for a datagram."""
    heard = {str(step.facts["resolver"]) for step in asked(scene, Transport.UDP) if not step.failure}
    over_tcp = [step for step in asked(scene, Transport.TCP) if step.facts["resolver"] in heard]
    if len(over_tcp) < FEWEST_NAMES or not all(map(unheard, over_tcp)):
        return []
    cut = any(step.facts.get("truncated") for step in asked(scene, Transport.UDP))
    return [
        Found(
            id="tcp-53-blocked",
            title=f"The resolver {named(sorted(heard))} answers over UDP/53 only: TCP/53 is closed",
            who=Who.FIREWALL,
            fix="Open TCP/53 from this machine to its resolvers: an answer too large for a datagram is asked for again "
            "over TCP (RFC 7766), and fails without it.",
            shows=_looked_up(scene),
            detail=f"{count(len(over_tcp), 'question')} over TCP, no answer; "
            + ("answers over UDP were cut short" if cut else "today's answers all fit a datagram"),
            rules=(_rule("TCP", heard),),
            at_least=Severity.DEGRADING if cut else Severity.ADVICE,
        )
    ]


def _rule(protocol: str, resolvers: Iterable[str]) -> Rule:
    first = f"allow outbound {protocol} (answers belong to the same flow; no inbound rule is needed)"
    lines = [first, "  to port   53", *(f"  to        {host_of(one)}" for one in sorted(resolvers))]
    return Rule(format="text", text="\n".join(lines))


def dead_resolver(scene: Scene) -> list[Found]:
    """Say which configured resolvers never answer while others do: each look-up may wait for them."""
    known = {str(step.facts["resolver"]): step for step in asked(scene)}
    answering = {str(step.facts["resolver"]) for step in asked(scene) if not step.failure}
    dead = [resolver for resolver in known if resolver not in answering]
    if not dead or not answering:
        return []
    return [
        Found(
            id="resolver-dead",
            title=f"{count(len(dead), 'resolver')} of {len(known)} never answers: {named(dead)}",
            who=Who.DNS,
            fix="Repair this resolver or take it out of the settings: look-ups wait for it before they try the next.",
            shows=_looked_up(scene),
            detail=f"answering: {named(sorted(answering))}; asked over UDP and TCP",
            at_least=Severity.DEGRADING,
        )
    ]


def disagree(scene: Scene) -> list[Found]:
    """Say which resolvers deny names that another one knows: what a client gets depends on whom it asks first."""
    split = {result.flow.id: sides for result in scene.tried("dns") if (sides := _sides(result))}
    if not split:
        return []
    hosts_split = {result.flow.target.host for result in scene.results if result.flow.id in split}
    denying = sorted({one for denies, _ in split.values() for one in denies})
    knowing = sorted({one for _, knows in split.values() for one in knows})
    lost = [r for r in scene.failing if r.flow.target.host in hosts_split and cause(r) is Cause.NXDOMAIN]
    return [
        Found(
            id="resolvers-disagree",
            title=f"The resolver {named(denying)} says that names do not exist which {named(knowing)} knows: "
            + named(sorted(hosts_split)),
            who=Who.DNS,
            fix="Have all resolvers that this machine is given know the same names: a client takes the first answer, "
            "whatever it is.",
            claims=tuple(lost),
            shows=tuple(result for result in scene.results if result.flow.id in split),
            detail=f"{count(len(hosts_split), 'name')}; asked directly, each resolver by itself",
            at_least=Severity.DEGRADING,
        )
    ]


def intercepted(scene: Scene) -> list[Found]:
    """Say that questions are answered by somebody on the way, whomever they are sent to: even where nobody is."""
    asked_of_nobody = [control for control in scene.controls if control.flow.params.get("at")]
    answered = [c for c in asked_of_nobody if any(step.failure is None for step in questions(c))]
    if not answered:
        return []
    where = named(dict.fromkeys(c.flow.params["at"] for c in answered))
    return [
        Found(
            id="dns-intercepted",
            title=f"Somebody on the way answers all DNS questions: even at {where}, where no resolver is",
            who=Who.FIREWALL,
            fix="Another resolver in the settings of this machine changes nothing: have the names mended at whatever "
            "takes the questions (a firewall's DNS proxy, a router, the provider's filter), or exempt this machine.",
            shows=tuple(answered),
            detail=named(dict.fromkeys(c.verdict.reason for c in answered)),
        )
    ]


def split_horizon(scene: Scene) -> list[Found]:
    """Say which names one resolver leads into the site and another one outside: whoever is asked first decides."""
    prefix = nat64(scene.controls)
    split = [result for result in scene.tried("dns") if _both_horizons(result, prefix)]
    if not split:
        return []
    told = (f"{result.flow.target.host}: {by}" for result in split for by in _by_resolver(result))
    return [
        Found(
            id="dns-split-horizon",
            title=f"Resolvers of this machine disagree whether {hosts(split)} "
            f"{'is' if len({r.flow.target.host for r in split}) == 1 else 'are'} inside this site or outside",
            who=Who.DNS,
            fix="Have all resolvers that this machine is given answer alike: clients take the first answer, and go "
            "inside or outside by chance.",
            shows=tuple(split),
            detail=named(dict.fromkeys(told), 6),
            at_least=Severity.DEGRADING,
        )
    ]


def _both_horizons(result: Result, prefix: str) -> bool:
    """Tell whether one resolver leads inside and another one outside; what a NAT64 takes by its *prefix* is outside."""
    told = [one for step in questions(result) for one in str(step.facts.get("addresses") or "").split()]
    kinds = {is_private(one) and not leads_through(prefix, one) for one in told}
    resolvers = {str(step.facts["resolver"]) for step in questions(result) if step.facts.get("addresses")}
    return len(kinds) > 1 and len(resolvers) > 1


def _by_resolver(result: Result) -> Iterable[str]:
    return (f"{s.facts['resolver']} says {s.facts['addresses']}" for s in questions(result) if s.facts.get("addresses"))


def _sides(result: Result) -> tuple[set[str], set[str]] | None:
    """Return the resolvers that deny the name and those that know an address of it, if there are both."""
    known = {str(step.facts["resolver"]) for step in questions(result) if step.facts.get("addresses")}
    told = [step for step in questions(result) if not step.failure and step.facts.get("rcode") == "NXDOMAIN"]
    denies = {str(step.facts["resolver"]) for step in told} - known
    return (denies, known) if denies and known else None


def drops_aaaa(scene: Scene) -> list[Found]:
    """Say that questions for IPv6 addresses are never answered, while those for IPv4 are: look-ups wait for both."""
    known = {str(step.facts["resolver"]) for step in asked(scene, Transport.UDP, "A") if not step.failure}
    about_v6 = [step for step in asked(scene, kind="AAAA") if step.facts["resolver"] in known]
    if len(about_v6) < FEWEST_NAMES or not all(map(unheard, about_v6)):
        return []
    took = _longest(scene)
    return [
        Found(
            id="dns-drops-aaaa",
            title=f"The resolver {named(sorted(known))} never answers questions for IPv6 addresses (AAAA)"
            + (f": look-ups take {took:.0f} s" if took >= SLOW else ""),
            who=Who.DNS,
            fix="Have the resolver, or the firewall before it, answer AAAA too, with no address where there is none "
            "(RFC 4074): programs wait for that answer before they connect.",
            shows=_looked_up(scene),
            detail=f"{count(len(about_v6), 'question')} for AAAA, no answer; the same resolver answers for A",
            at_least=Severity.DEGRADING if took >= SLOW else Severity.ADVICE,
        )
    ]


def slow(scene: Scene) -> list[Found]:
    """Say that resolvers which answer take seconds for it, as clients feel at each name."""
    if drops_aaaa(scene) or dead_resolver(scene):
        return []  # what the look-ups wait for is told there
    direct = [step.took for step in asked(scene, Transport.UDP, "A") if not step.failure]
    own = _times(scene)
    if min(len(direct), len(own)) < FEWEST_NAMES or min(median(direct), median(own)) < SLOW:
        return []
    answering = sorted({str(step.facts["resolver"]) for step in asked(scene) if not step.failure})
    return [
        Found(
            id="dns-slow",
            title=f"Names take {median(own):.1f} s to look up: the resolver {named(answering)} is slow",
            who=Who.DNS,
            fix="Look at this resolver's load and at its own way to the Internet's DNS: each new name costs a client "
            "that long, and calls begin with several.",
            shows=_looked_up(scene),
            detail=f"asked directly over UDP it takes {median(direct):.1f} s, the system {median(own):.1f} s "
            f"(medians of {len(direct)} and {len(own)})",
            at_least=Severity.DEGRADING,
        )
    ]


def _times(scene: Scene) -> list[float]:
    """Return how long the system took, from the question to an answer."""
    return [sum(step.took for step in look_ups(result)) for result in scene.tried("dns") if passes(result)]


def _longest(scene: Scene) -> float:
    return max(_times(scene), default=0.0)
