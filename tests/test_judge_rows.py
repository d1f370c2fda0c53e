"""Rows from ways in order of preference: pass, degraded, fail, and the three ways not to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rainbow_probe.judge.needs import Known
from rainbow_probe.judge.rows import judge_row, judge_rows, judge_way
from rainbow_probe.model import (
    Assignment,
    Cause,
    Failure,
    Need,
    Outcome,
    Phase,
    Result,
    Row,
    RowVerdict,
    Verdict,
    Via,
)
from tests.judge_samples import OPEN_SITE, ended, flow, need, row_spec, spec, way

WAYS = ("UDP/3478", "TLS/443", "TCP/80")
COSTS = ("", "media waits for lost packets", "media waits")


def known(*words: str, via: Via = Via.DIRECT) -> Known:
    """Make what is known where the n-th flow ended as the n-th word says; ``none`` was not applicable."""
    names = [f"f{n}" for n in range(len(words))]
    flows = {name: flow(name, via=via) for name in names}
    planned = {
        name: Assignment(not_applicable="no proxy is used here") if word == "none" else Assignment(flows=(name,))
        for name, word in zip(names, words, strict=True)
    }
    results = {name: ended(flows[name], word) for name, word in zip(names, words, strict=True) if word != "none"}
    return Known(specs={n: spec(n) for n in names}, assignments=planned, results=results, site=OPEN_SITE)


def judged(*words: str, via: Via = Via.DIRECT, causes: tuple[Cause, ...] = ()) -> Row:
    """Judge a row whose n-th way ended as the n-th word says."""
    ways = [way(WAYS[n], need(f"f{n}"), cost=COSTS[n]) for n in range(len(words))]
    return judge_row(row_spec(*ways, causes=causes), known(*words, via=via))


@pytest.mark.parametrize(
    ("words", "verdict", "path"),
    [
        ("pass", "pass", "UDP/3478"),
        ("pass fail fail", "pass", "UDP/3478"),
        ("pass unclear skip", "pass", "UDP/3478"),
        ("fail pass", "degraded", "TLS/443"),
        ("fail fail pass", "degraded", "TCP/80"),
        ("fail unclear pass", "degraded", "TCP/80"),
        ("fail skip pass", "degraded", "TCP/80"),
        ("none pass", "pass", "TLS/443"),
        ("none fail pass", "degraded", "TCP/80"),
        ("skip pass", "not-tested", "TLS/443"),
        ("skip fail pass", "not-tested", "TCP/80"),
        ("unclear pass", "inconclusive", "TLS/443"),
        ("unclear:budget fail pass", "inconclusive", "TCP/80"),
        ("unclear:cannot-tell pass", "degraded", "TLS/443"),
        ("fail", "fail", ""),
        ("fail fail fail", "fail", ""),
        ("fail none fail", "fail", ""),
        ("unclear", "inconclusive", ""),
        ("fail unclear", "inconclusive", ""),
        ("unclear skip", "inconclusive", ""),
        ("fail skip", "inconclusive", ""),
        ("skip fail", "inconclusive", ""),
        ("skip", "not-tested", ""),
        ("skip skip", "not-tested", ""),
        ("none skip", "not-tested", ""),
        ("none", "not-applicable", ""),
        ("none none", "not-applicable", ""),
    ],
)
def test_ways_in_order_of_preference(words: str, verdict: str, path: str) -> None:
    """The preferred way that applies decides between pass, degraded and unknown, once any way works."""
    row = judged(*words.split())
    assert (row.verdict, row.path) == (verdict, path)
    assert row.reason


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("pass pass", "pass"),
        ("pass none", "not-applicable"),
        ("pass skip", "not-tested"),
        ("pass unclear", "inconclusive"),
        ("skip unclear", "inconclusive"),
        ("pass fail", "fail"),
        ("fail unclear", "fail"),
        ("fail skip", "fail"),
        ("none none", "not-applicable"),
        ("none fail", "not-applicable"),
    ],
)
def test_all_needs_of_a_way_must_hold(words: str, verdict: str) -> None:
    """The worst need decides; one that means nothing at this site takes the way with it."""
    needs = [need(f"f{n}") for n in range(2)]
    assert judge_way(way("both", *needs), known(*words.split())).verdict == verdict


def test_a_way_through_the_proxy_does_not_work_without_one() -> None:
    """HTTPS alone does not make the gateway's TURN through the proxy work where there is none."""
    direct, through = way("UDP/3478", need("f0")), way("TCP/80 through the proxy", need("f1"), need("f2"))
    row = judge_row(row_spec(direct, through), known("fail", "pass", "none"))
    assert row.verdict is RowVerdict.FAIL


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("TLS/443", "TLS/443 through the proxy"),
        ("by the proxy", "by the proxy through the proxy"),
        ("TCP/80 through the proxy", "TCP/80 through the proxy"),
    ],
)
def test_the_path_names_the_proxy_once(name: str, path: str) -> None:
    """Unless the way's own name does."""
    row = judge_row(row_spec(way(name, need("f0"))), known("pass", via=Via.PROXY))
    assert (row.verdict, row.path) == (RowVerdict.PASS, path)


# Reasons


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("pass", "UDP/3478: works"),
        (
            "fail pass",
            (
                "works only by TLS/443. UDP/3478 fails: no answer to the connection request (f0.example). "
                "The cost: media waits for lost packets."
            ),
        ),
        (
            "fail fail:refused pass",
            (
                "works only by TCP/80. UDP/3478 fails: no answer to the connection request (f0.example). "
                "TLS/443 fails: refused (f1.example). The cost: media waits."
            ),
        ),
        ("skip pass", "works at least by TLS/443; UDP/3478 itself was not tested: needs something"),
        ("unclear pass", "works at least by TLS/443; whether UDP/3478 works cannot be told: cannot be told"),
        ("unclear:cannot-tell pass", "TLS/443 works; whether UDP/3478 does cannot be told here: cannot be told"),
        ("fail", "UDP/3478 fails: no answer to the connection request (f0.example)."),
        (
            "fail skip",
            (
                "UDP/3478 fails: no answer to the connection request (f0.example). "
                "TLS/443 was not tested: needs something."
            ),
        ),
        ("skip skip", "needs something"),
        ("none none", "no proxy is used here"),
    ],
)
def test_reasons_are_sentences_an_administrator_understands(words: str, reason: str) -> None:
    """Which way works, what failed and why, and what it costs; what was not tested, in its own words."""
    assert judged(*words.split()).reason == reason


def test_ways_that_fail_alike_are_told_together() -> None:
    """A site without DNS fails three ways for one reason."""
    ways = [way(name, need("f0")) for name in WAYS]
    row = judge_row(row_spec(*ways), known("fail:nxdomain"))
    assert row.reason == "UDP/3478, TLS/443, TCP/80 fails: the name does not exist, says the resolver (f0.example)."


def test_a_pass_says_what_it_could_do_without() -> None:
    """A name that --map replaces is told."""
    names = flow("f0", kind="dns")
    base = known("pass", "pass")
    mapped = Known(
        specs=base.specs,
        assignments=base.assignments,
        results={**base.results, "f0": ended(names, "skip")},
        site=OPEN_SITE,
    )
    row = judge_row(row_spec(way("names and TLS/443", need("f0"), need("f1"))), mapped)
    assert (row.verdict, row.reason) == (RowVerdict.PASS, "names and TLS/443: works (needs something)")


def test_a_row_without_ways_says_what_would_test_it() -> None:
    """In the catalogue's own words."""
    row = judge_row(row_spec(not_tested="needs a second machine"), known())
    assert (row.verdict, row.reason) == (RowVerdict.NOT_TESTED, "needs a second machine")


def test_a_row_keeps_its_checks_once_and_in_order() -> None:
    """Those of ways that were not needed too: an expert wants to see them."""
    ways = [way("a", need("f0"), need("f1")), way("b", need("f1"), need("f2"))]
    assert judge_row(row_spec(*ways), known("pass", "pass", "fail")).checks == ("f0", "f1", "f2")


def test_a_row_that_asks_for_a_cause_is_not_failed_by_another() -> None:
    """A closed port is not HTTP inspection."""
    asked = (Cause.HTTP_INSTEAD_OF_STUN,)
    assert judged("fail:timeout", causes=asked).verdict is RowVerdict.NOT_TESTED
    assert judged("fail:http-instead-of-stun", causes=asked).verdict is RowVerdict.FAIL


# Rows that sum up others


def summed(*rows: tuple[str, str, Need, str]) -> Row:
    """Sum up 4.1 and 4.2 over *rows*: id, section, need, word."""
    words = [word for _, _, _, word in rows]
    specs = [
        row_spec(
            way("w", need(f"f{n}")), way("v", need("spare")), identity=identity, section=section, required=required
        )
        for n, (identity, section, required, _) in enumerate(rows)
    ]
    base = known(*words)
    spare = Known(
        specs=base.specs,
        assignments={**base.assignments, "spare": Assignment(flows=("spare",))},
        results={**base.results, "spare": ended(flow("spare"), "fail")},
        site=OPEN_SITE,
    )
    total = row_spec(identity="border/firewall", sections=("4.1", "4.2"), required=Need.RECOMMENDED)
    return judge_rows([*specs, total], spare)[-1]


M, R, OPT = Need.MANDATORY, Need.RECOMMENDED, Need.OPTIONAL


@pytest.mark.parametrize(
    ("rows", "verdict", "named"),
    [
        ([("a/1", "4.1", M, "pass"), ("a/2", "4.2", R, "pass")], "pass", []),
        ([("a/1", "4.1", M, "fail"), ("a/2", "4.2", R, "pass")], "fail", ["a/1"]),
        ([("a/1", "4.1", OPT, "fail"), ("a/2", "4.2", R, "pass")], "pass", []),
        ([("a/1", "5", M, "fail"), ("a/2", "4.2", R, "pass")], "pass", []),
        ([("a/1", "4.1", M, "unclear"), ("a/2", "4.2.1", R, "fail")], "fail", ["a/2"]),
        ([("a/1", "4.1", M, "unclear"), ("a/2", "4.2", R, "pass")], "inconclusive", ["a/1"]),
        ([("a/1", "4.10", M, "fail"), ("a/2", "4.2", R, "pass")], "pass", []),
    ],
)
def test_a_sum_is_as_good_as_its_worst_row(
    rows: Sequence[tuple[str, str, Need, str]], verdict: str, named: list[str]
) -> None:
    """Of the mandatory and recommended rows of its sections that were tested; it names them."""
    row = summed(*rows)
    assert row.verdict == verdict
    assert all(name in row.reason for name in named)


def test_a_sum_of_nothing_is_not_tested() -> None:
    """Without a tested row there is nothing to sum up."""
    total = row_spec(identity="border/firewall", sections=("4.1",))
    assert judge_rows([total], known())[0].verdict is RowVerdict.NOT_TESTED


def test_a_sum_stands_on_the_checks_of_its_worst_rows() -> None:
    """So that a finding elsewhere does not hit it."""
    row = summed(("a/1", "4.1", M, "fail"), ("a/2", "4.2", R, "pass"))
    assert row.checks == ("f0", "spare")


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (
            Failure(phase=Phase.TURN_ALLOCATE, cause=Cause.BUDGET, detail="the machine was busy"),
            "the time of the run was over (the machine was busy)",
        ),
        (Failure(phase=Phase.TURN_ALLOCATE, cause=Cause.TIMEOUT, detail="no answer in 2.9 s"), "no answer in 2.9 s"),
        (Failure(phase=Phase.STUN, cause=Cause.TIMEOUT, detail="no answer in 7 s"), "STUN gets no answer"),
        (Failure(phase=Phase.CONNECT, cause=Cause.REFUSED, detail="[Errno 111] Connect call failed"), "refused"),
        (Failure(phase=Phase.MEDIA, cause=Cause.CANNOT_TELL, detail="5 of 64 came back"), "5 of 64 came back"),
    ],
)
def test_a_row_names_no_failure_by_its_ids(failure: Failure, said: str) -> None:
    """What a check could not tell is said in words, as what fails is; its own reason keeps the ids, for the expert."""
    reason = f"the range could not be tried: {failure}"
    verdict = Verdict(outcome=Outcome.INCONCLUSIVE, reason=reason, failure=failure)
    told = replace(known("unclear"), results={"f0": Result(flow=flow("f0"), verdict=verdict)})
    found = judge_row(row_spec(way(WAYS[0], need("f0"))), told)
    assert (found.verdict, found.reason) == (
        RowVerdict.INCONCLUSIVE,
        f"UDP/3478 cannot be told: the range could not be tried: {said}.",
    )
