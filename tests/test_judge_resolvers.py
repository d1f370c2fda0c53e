"""Findings about the resolvers themselves: dead, slow, or cut off on one of the two ways to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rainbow_probe.model import Cause, Outcome, Phase, Report, Result, Severity, Step, Transport, Who
from tests.judge_samples import APEX, TURN, Case, Fault, asked, both, case, everything, finding, host, ids, kind, row

# UDP/53


def _udp_is_closed(result: Result) -> Result:
    """Let the resolver answer over TCP only."""
    if result.flow.kind != "dns":
        return result
    both_ways = asked(asked(result, "10.0.0.1:53", Cause.TIMEOUT), "10.0.0.1:53")
    by_tcp = both_ways.steps[-1]
    return replace(both_ways, steps=(*both_ways.steps[:-1], replace(by_tcp, facts={**by_tcp.facts, "proto": "tcp"})))


def test_a_resolver_that_answers_over_tcp_alone_is_cut_off_over_udp() -> None:
    """Its own answers are the proof: the firewall's doing, not its own."""
    silent = Fault(match=everything, phase=Phase.RESOLVE, cause=Cause.NO_ANSWER)
    judged = case(silent).with_each(_udp_is_closed).judged()
    assert ids(judged) == ["udp-53-blocked"]
    found = judged.findings[0]
    assert (found.who, found.severity) == (Who.FIREWALL, Severity.BLOCKING)
    assert "10.0.0.1" in found.rules[0].text
    told = row(judged, "desktop/https").reason
    assert "the name look-up gets no answer" in told
    assert "no resolver answers" not in told, "one does, over TCP"


def test_look_ups_that_work_over_udp_block_nothing() -> None:
    """One answer is enough."""
    silent = Fault(match=host(APEX), phase=Phase.RESOLVE, cause=Cause.NO_ANSWER)
    judged = case(silent).with_each(lambda one: asked(_udp_is_closed(one), "10.0.0.2:53")).judged()
    assert "udp-53-blocked" not in ids(judged)


# Resolvers


def _asked_both(result: Result, second: Cause | None) -> Result:
    if result.flow.kind != "dns":
        return result
    return asked(asked(result, "10.0.0.1:53"), "10.0.0.2:53", second)


def test_a_dead_resolver_beside_a_live_one_degrades() -> None:
    """Nothing fails, and each look-up may wait for it."""
    judged = case().with_each(lambda one: _asked_both(one, Cause.TIMEOUT)).judged()
    assert ids(judged) == ["resolver-dead"]
    found = judged.findings[0]
    assert (found.severity, found.who) == (Severity.DEGRADING, Who.DNS)
    assert "10.0.0.2:53" in found.title
    assert judged.verdict == "pass"


def test_resolvers_that_answer_are_fine() -> None:
    """No finding about them."""
    assert ids(case().with_each(lambda one: _asked_both(one, None)).judged()) == []


def test_a_resolver_that_missed_one_question_is_not_dead() -> None:
    """One lost datagram proves nothing."""

    def once(result: Result) -> Result:
        return _asked_both(result, Cause.TIMEOUT if result.flow.target.host == TURN[0] else None)

    assert ids(case().with_each(once).judged()) == []


# How long, and by which way


def asking(
    *, udp: Cause | None = None, tcp: Cause | None = None, v6: Cause | None = None, took: float = 0.1, cut: bool = False
) -> Callable[[Result], Result]:
    """Add to each look-up what the resolver says over UDP and TCP, and about IPv6; the system takes as long as it."""

    def change(result: Result) -> Result:
        if result.flow.kind != "dns":
            return result
        steps = [question(proto, family, udp if proto == "udp" else tcp, v6) for proto, family in WAYS]
        own = [replace(step, took=took) for step in result.steps]
        told = [replace(one, took=took, facts={**one.facts, "truncated": cut}) for one in steps]
        return replace(result, steps=(*own, *told))

    return change


WAYS = [(proto, family) for proto in (Transport.UDP, Transport.TCP) for family in ("A", "AAAA")]


def question(proto: str, family: str, cause: Cause | None, v6: Cause | None) -> Step:
    """Make the step in which the first resolver is asked."""
    one = asked(case().results[0], "10.0.0.1:53", v6 if family == "AAAA" and v6 else cause).steps[-1]
    return replace(one, facts={**one.facts, "proto": proto, "answer_type": family})


def judged(change: Callable[[Result], Result], found: Case | None = None) -> Report:
    """Judge a site where all works but the resolver's ways."""
    return (found or case()).with_each(change).judged()


def test_closed_tcp_is_advice_until_an_answer_was_cut_short() -> None:
    """Today nothing fails by it; with an answer that did not fit it would."""
    assert ids(judged(asking(tcp=Cause.NO_ANSWER))) == ["tcp-53-blocked"]
    [fits] = judged(asking(tcp=Cause.NO_ANSWER)).findings
    [cut] = judged(asking(tcp=Cause.REFUSED, cut=True)).findings
    assert (fits.severity, cut.severity) == (Severity.ADVICE, Severity.DEGRADING)
    assert "to        10.0.0.1" in cut.rules[0].text


def test_closed_udp_degrades_the_rows_of_devices_that_ask_by_themselves() -> None:
    """The system finds its way, a PBX would not: one finding, and the row says what it costs."""
    silent = Fault(match=lambda flow: flow.params.get("over") == "udp", phase=Phase.RESOLVE, cause=Cause.NO_ANSWER)
    report = judged(asking(udp=Cause.NO_ANSWER), case(silent))
    assert ids(report) == ["udp-53-blocked"]
    assert finding(report, "udp-53-blocked").severity is Severity.DEGRADING
    assert row(report, "pbx-agent/dns").verdict == row(report, "webrtc-gateway/dns").verdict == "degraded"
    assert "learns no address" in row(report, "pbx-agent/dns").reason
    assert row(report, "border/dns").verdict == "pass"


def test_without_a_known_resolver_the_systems_answer_is_enough() -> None:
    """As where the system keeps its resolvers to itself."""
    unknown = Fault(match=lambda flow: flow.params.get("over") == "udp", outcome=Outcome.SKIPPED)
    assert row(case(unknown).judged(), "pbx-agent/dns").verdict == "pass"


@pytest.mark.parametrize(("took", "severity"), [(6.0, Severity.DEGRADING), (0.1, Severity.ADVICE)])
def test_unanswered_aaaa_is_told_with_the_time_it_costs(took: float, severity: Severity) -> None:
    """Where the system waits for it, each name is slow; nothing else is said of the slowness."""
    report = judged(asking(v6=Cause.NO_ANSWER, took=took))
    assert ids(report) == ["dns-drops-aaaa"]
    assert report.findings[0].severity is severity
    assert ("take 6 s" in report.findings[0].title) is (took == 6.0)


def test_a_slow_resolver_degrades_with_its_time() -> None:
    """Both the system and the resolver itself must be slow: a busy machine is not the resolver's doing."""
    report = judged(asking(took=2.5))
    assert ids(report) == ["dns-slow"]
    assert "2.5 s" in report.findings[0].title
    assert report.verdict == "pass"
    assert ids(judged(asking(took=0.4))) == []


def test_one_slow_name_is_its_own_trouble() -> None:
    """The median counts."""
    one = both(kind("dns"), host(APEX))
    slow = asking(took=3.0)
    assert ids(judged(lambda result: slow(result) if one(result.flow) else asking()(result))) == []


# Two resolvers, two answers


def _split(result: Result, first: str = "NXDOMAIN") -> Result:
    """Let the first resolver deny the service's names, and the second know them."""
    if result.flow.kind != "dns" or not result.flow.target.host.endswith(APEX):
        return result
    both_asked = asked(asked(result, "10.0.0.1:53", rcode=first), "10.0.0.2:53")
    last = both_asked.steps[-1]
    known = replace(last, facts={**last.facts, "addresses": "203.0.113.5"})
    return replace(both_asked, steps=(*both_asked.steps[:-1], known))


def test_resolvers_that_disagree_are_named() -> None:
    """Which denies and which knows; whatever fails by it is theirs, and nothing is said of names that do not exist."""
    gone = Fault(match=lambda flow: flow.target.host.endswith(APEX), phase=Phase.RESOLVE, cause=Cause.NXDOMAIN)
    found = case(gone, turn=()).with_each(_split).judged()
    assert ids(found) == ["resolvers-disagree"]
    told = finding(found, "resolvers-disagree")
    assert (told.who, told.severity) == (Who.DNS, Severity.BLOCKING)
    assert told.title.index("10.0.0.1:53") < told.title.index("10.0.0.2:53")
    works = case().with_each(_split).judged()
    assert ids(works) == ["resolvers-disagree"]
    assert works.findings[0].severity is Severity.DEGRADING


def test_an_error_of_one_resolver_is_no_other_answer() -> None:
    """Nor is one that knows IPv4 addresses only."""
    assert ids(case().with_each(lambda one: _split(one, "SERVFAIL")).judged()) == []
