"""One need of a way: counted over hosts, dropped where clients do not need it, and never guessed."""

from __future__ import annotations

import pytest

from rainbow_probe.catalogue import Proxying
from rainbow_probe.checks.udp_range import NO_CREDENTIALS
from rainbow_probe.judge.needs import Known, behind_proxy, judge_need
from rainbow_probe.model import Assignment, Cause, Failure, Outcome, Phase, Result, RowVerdict, Site, Step, Via
from tests.judge_samples import OPEN_SITE, PROXY_SITE, ended, flow, need, spec

PASS, FAIL = RowVerdict.PASS, RowVerdict.FAIL
UNCLEAR, UNTESTED, AWAY = RowVerdict.INCONCLUSIVE, RowVerdict.NOT_TESTED, RowVerdict.NOT_APPLICABLE


def known(*words: str, via: Via = Via.DIRECT, site: Site = OPEN_SITE, have_credentials: bool = True) -> Known:
    """Make what is known of one flow of the catalogue, tried at as many hosts as there are *words*."""
    flows = [flow(f"x{n}", via=via) for n in range(len(words))]
    return Known(
        specs={"x": spec("x")},
        assignments={"x": Assignment(flows=tuple(one.id for one in flows))},
        results={one.id: ended(one, word) for one, word in zip(flows, words, strict=True) if word != "missing"},
        site=site,
        have_credentials=have_credentials,
    )


@pytest.mark.parametrize(
    ("words", "least", "verdict"),
    [
        ("pass", None, PASS),
        ("pass pass pass", None, PASS),
        ("pass fail", None, FAIL),
        ("fail fail", None, FAIL),
        ("pass unclear", None, UNCLEAR),
        ("pass skip", None, UNTESTED),
        ("unclear skip", None, UNCLEAR),
        ("fail unclear skip", None, FAIL),
        ("skip skip", None, UNTESTED),
        ("missing", None, UNCLEAR),
        ("pass fail", 1, PASS),
        ("pass unclear skip", 1, PASS),
        ("fail fail", 1, FAIL),
        ("fail unclear", 1, UNCLEAR),
        ("fail skip", 1, UNTESTED),
        ("fail missing", 1, UNCLEAR),
        ("pass pass fail", 2, PASS),
        ("pass fail fail", 2, FAIL),
        ("pass unclear fail", 2, UNCLEAR),
        ("pass", 2, UNTESTED),
        ("fail", 2, FAIL),
    ],
)
def test_checks_are_counted_over_hosts(words: str, least: int | None, verdict: RowVerdict) -> None:
    """All must pass, or n; it fails only when it can no longer be satisfied; else it is unknown."""
    assert judge_need(need("x", least), known(*words.split())).verdict is verdict


def test_a_pass_tells_which_hosts_failed() -> None:
    """One server of two is enough, and the other one is named."""
    judged = judge_need(need("x", 1), known("pass", "fail"))
    assert judged.reason == "not at 1 of 2: no answer to the connection request (x1.example)"
    assert judged.checks == ("x0", "x1")


def test_a_failure_gives_each_reason_once() -> None:
    """Hosts with the same trouble are named together."""
    judged = judge_need(need("x"), known("fail", "fail:refused", "fail"))
    assert judged.reason == "no answer to the connection request (x0.example, x2.example); refused (x1.example)"


def test_fewer_hosts_than_needed_are_told() -> None:
    """Two are needed and one could be tried: nothing failed."""
    assert judge_need(need("x", 2), known("pass")).reason == "only 1 could be tried, and more are needed"


@pytest.mark.parametrize(
    ("assignment", "verdict", "reason", "elsewhere"),
    [
        (Assignment(not_applicable="no proxy is used here"), AWAY, "no proxy is used here", True),
        (Assignment(not_tested="no TURN server is known"), UNTESTED, "no TURN server is known", False),
        (Assignment(), UNTESTED, "nothing was planned for it", False),
    ],
)
def test_what_was_not_planned_says_why(
    assignment: Assignment, verdict: RowVerdict, reason: str, elsewhere: bool
) -> None:
    """Not applicable and not tested are told apart by the planner."""
    nothing = Known(specs={}, assignments={"x": assignment}, results={}, site=OPEN_SITE)
    judged = judge_need(need("x"), nothing)
    assert (judged.verdict, judged.reason, judged.elsewhere) == (verdict, reason, elsewhere)


def test_a_flow_nobody_knows_is_not_tested() -> None:
    """A missing assignment is an empty one."""
    nothing = Known(specs={}, assignments={}, results={}, site=OPEN_SITE)
    assert judge_need(need("x"), nothing).verdict is UNTESTED


def test_not_applicable_spares_the_way_where_a_proxy_would() -> None:
    """TURN servers given by address have no name to look up; the way itself goes on."""
    nothing = Known(specs={}, assignments={"x": Assignment(not_applicable="no name")}, results={}, site=OPEN_SITE)
    assert not judge_need(need("x", unless_proxied=True), nothing).elsewhere


# Credentials


def test_without_credentials_a_pass_is_not_enough() -> None:
    """A 401 proves the path and nothing more: the reason says what to give."""
    judged = judge_need(need("x", 1, credentials=True), known("pass", have_credentials=False))
    assert (judged.verdict, judged.reason) == (UNTESTED, NO_CREDENTIALS)


def test_without_credentials_a_failure_is_still_one() -> None:
    """A server that is not even reached relays nothing."""
    assert judge_need(need("x", 1, credentials=True), known("fail", have_credentials=False)).verdict is FAIL


def test_with_credentials_a_pass_counts() -> None:
    """The allocation was made."""
    assert judge_need(need("x", 1, credentials=True), known("pass")).verdict is PASS


@pytest.mark.parametrize(
    "cause", ["bad-credentials", "quota", "capacity", "stale-nonce-loop", "allocation-mismatch", "try-alternate"]
)
def test_what_the_server_says_of_our_account_is_no_failure_of_the_path(cause: str) -> None:
    """The server answered: whether the path would do is open, and stays so."""
    assert judge_need(need("x"), known(f"fail:{cause}")).verdict is UNCLEAR


def test_without_credentials_what_a_proxy_does_instead_is_not_asked_for() -> None:
    """It answers directly, and clients do not go there."""
    site = known("pass", via=Via.PROXY, site=PROXY_SITE, have_credentials=False)
    assert judge_need(need("x", unless_proxied=True, credentials=True), site).verdict is AWAY


# Proxies


@pytest.mark.parametrize("word", ["fail", "unclear", "skip"])
def test_behind_a_proxy_what_it_does_for_clients_is_dropped(word: str) -> None:
    """Told, not failed."""
    judged = judge_need(need("x", unless_proxied=True), known(word, via=Via.PROXY, site=PROXY_SITE))
    assert judged.verdict is AWAY
    assert not judged.elsewhere
    assert judged.reason.startswith("not needed here: clients go through the proxy")


def test_behind_a_proxy_what_passes_counts() -> None:
    """Only what did not pass is dropped."""
    assert judge_need(need("x", unless_proxied=True), known("pass", via=Via.PROXY, site=PROXY_SITE)).verdict is PASS


def test_without_a_proxy_it_is_needed() -> None:
    """The condition is the site's, not the catalogue's."""
    assert judge_need(need("x", unless_proxied=True), known("fail")).verdict is FAIL


@pytest.mark.parametrize(
    ("via", "proxying", "behind"),
    [
        (Via.PROXY, Proxying.YES, True),
        (Via.DIRECT, Proxying.YES, False),  # the site's no_proxy has this host
        (Via.DIRECT, Proxying.NO, True),  # this flow always goes direct; others of the host would not
    ],
)
def test_a_host_is_behind_the_proxy_if_its_clients_go_there(via: Via, proxying: Proxying, behind: bool) -> None:
    """A proxy of the site is no proxy for the hosts that are exempt from it."""
    one = flow("x", via=via)
    site = Known(
        specs={"x": spec("x", proxying)},
        assignments={"x": Assignment(flows=("x",))},
        results={"x": ended(one, "fail")},
        site=PROXY_SITE,
    )
    assert behind_proxy(site.results["x"], site) is behind


def test_whoever_passed_through_the_proxy_is_told() -> None:
    """The row's path names it."""
    assert judge_need(need("x"), known("pass", via=Via.PROXY, site=PROXY_SITE)).proxied
    assert not judge_need(need("x"), known("pass")).proxied


# Names


def look_up(*, cause: Cause | None = None) -> Result:
    """Make a look-up that was skipped: for ``--map``, or, with a *cause*, because a proxy makes it needless."""
    name = flow("x", kind="dns")
    failure = Failure(phase=Phase.RESOLVE, cause=cause, detail="as the test says") if cause else None
    steps = (Step(phase=Phase.RESOLVE, subject="x.example", at=0.0, took=0.1, failure=failure),) if failure else ()
    return Result(flow=name, verdict=ended(name, "skip").verdict, steps=steps)


def knowing(result: Result, site: Site = PROXY_SITE) -> Known:
    """Make what is known where *result* is all there is."""
    return Known(
        specs={"x": spec("x", Proxying.NO, kind="dns")},
        assignments={"x": Assignment(flows=("x",))},
        results={"x": result},
        site=site,
    )


@pytest.mark.parametrize("spared", [True, False])
def test_a_look_up_that_map_replaces_does_not_count(spared: bool) -> None:
    """The address is the user's own; DNS was not asked."""
    judged = judge_need(need("x", unless_proxied=spared), knowing(look_up(), OPEN_SITE))
    assert (judged.verdict, judged.elsewhere) == (AWAY, False)


@pytest.mark.parametrize(("spared", "verdict"), [(True, AWAY), (False, FAIL)])
def test_a_look_up_clients_are_spared_fails_who_needs_it(spared: bool, verdict: RowVerdict) -> None:
    """Behind a proxy clients need no DNS; a row that does not say so (a gateway's) does."""
    result = look_up(cause=Cause.NXDOMAIN)
    assert result.verdict.outcome is Outcome.SKIPPED
    judged = judge_need(need("x", unless_proxied=spared), knowing(result))
    assert judged.verdict is verdict
    assert "the name does not exist" in judged.reason


def test_only_what_is_left_is_counted() -> None:
    """One name of two comes from --map: the other one decides."""
    mapped, asked = look_up(), ended(flow("y", kind="dns"), "pass")
    both = Known(
        specs={},
        assignments={"x": Assignment(flows=("x", "y"))},
        results={"x": mapped, "y": asked},
        site=OPEN_SITE,
    )
    assert judge_need(need("x"), both).verdict is PASS


# Rows that ask for a cause


@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        ("fail:tls-intercepted", FAIL),
        ("fail:timeout", UNTESTED),
        ("unclear", UNCLEAR),
        ("pass", PASS),
        ("skip", UNTESTED),
    ],
)
def test_a_row_that_asks_for_a_cause_fails_by_no_other(word: str, verdict: RowVerdict) -> None:
    """Whether TLS is decrypted cannot be seen where nothing answers: other rows tell of that."""
    assert judge_need(need("x"), known(word), [Cause.TLS_INTERCEPTED]).verdict is verdict


@pytest.mark.parametrize(
    ("words", "unknowable"),
    [("fail unclear:timeout", True), ("fail unclear:budget", False), ("unclear:timeout unclear:timeout", False)],
)
def test_a_failure_beside_what_nobody_answers_leaves_nothing_to_learn(words: str, unknowable: bool) -> None:
    """The range is closed where it could be tried, and the other server is silent: that is no open question."""
    judged = judge_need(need("x", 1), known(*words.split()))
    assert (judged.verdict, judged.unknowable) == (UNCLEAR, unknowable)
    assert ("where it could be tried it fails: " in judged.reason) is words.startswith("fail")


@pytest.mark.parametrize(
    ("word", "unknowable"), [("unclear:cannot-tell", True), ("unclear:budget", False), ("unclear", False)]
)
def test_what_can_never_be_told_is_told_apart(word: str, unknowable: bool) -> None:
    """Trying again, with more time, helps in one case and not in the other."""
    judged = judge_need(need("x"), known(word))
    assert (judged.verdict, judged.unknowable) == (UNCLEAR, unknowable)
