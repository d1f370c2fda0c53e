"""Findings on what leads to the proxy: PAC files of no use, entries passed over, ways past it into nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rainbow_probe.catalogue import Proxying
from rainbow_probe.followups.bypassed import through_the_proxy
from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.judge.needs import Known, behind_proxy
from rainbow_probe.model import (
    Assignment,
    Cause,
    Destination,
    Endpoint,
    Failure,
    Flow,
    Outcome,
    Pac,
    Phase,
    Report,
    Result,
    Severity,
    Site,
    Step,
    Transport,
    Verdict,
    Via,
    Who,
)
from tests.judge_samples import (
    APEX,
    OPEN_SITE,
    PROXY,
    PROXY_SITE,
    Case,
    Fault,
    both,
    case,
    ended,
    finding,
    flow,
    guide,
    host,
    ids,
    kind,
    past_the_proxy,
    spec,
)

FILES = f"files-hds.{APEX}"
PAC_SITE = replace(OPEN_SITE, pacs=(Pac(where="--proxy", shown="http://pac.example/p.pac", url="x"),))


def of_the_site(name: str, failure: Failure | None, **facts: bool) -> Result:
    """Make the check of a PAC file, or of a proxy that has others after it."""
    target = Endpoint(host="box.example", port=3128)
    via = Via.PROXY if name == "door" else Via.DIRECT
    params = {"pac": "http://pac.example/p.pac", "where": "macOS settings"}
    own = Flow(
        id=f"{name}/{target}/tcp/{via}", spec=name, kind=name, target=target, transport=Transport.TCP, via=via,
        proxy="http://box.example:3128", params=params,
    )  # fmt: skip
    outcome = Outcome.FAIL if failure else Outcome.PASS
    verdict = Verdict(outcome=outcome, reason=str(failure or "works"), failure=failure)
    step = Step(phase=Phase.PROXY, subject="p.pac", at=0.0, took=0.1, failure=failure, facts=facts)
    return Result(flow=own, verdict=verdict, steps=(step,))


def judged(here: Case, *more: Result) -> Report:
    """Judge a case with checks of the site's own boxes besides."""
    return replace(here, results=(*here.results, *more)).judged()


SLIP = Failure(phase=Phase.PROXY, cause=Cause.PAC_BROKEN, detail="SyntaxError: expecting ')' at <input>:3:40")
GONE = Failure(phase=Phase.HTTP, cause=Cause.TIMEOUT, detail="no answer in 5 s")


def test_a_broken_pac_file_is_told_though_all_works() -> None:
    """Browsers would never tell; the line is named."""
    report = judged(case(site=PAC_SITE), of_the_site("pac", SLIP))
    found = finding(report, "pac-broken")
    assert (found.severity, found.who) == (Severity.DEGRADING, Who.PROXY)
    assert "SyntaxError" in found.detail
    assert found.proof == ("pac/box.example:3128/tcp/direct",)
    assert "without a word" in found.title


def test_a_broken_pac_file_weighs_more_where_nothing_goes_direct() -> None:
    """It may be all that is missing."""
    report = judged(case(Fault(match=past_the_proxy), site=PAC_SITE), of_the_site("pac", SLIP))
    assert finding(report, "pac-broken").severity is Severity.BLOCKING


def test_a_pac_file_that_hangs_explains_what_waits_for_it() -> None:
    """Checks of clients that never come to know their way are its failures, and nobody else's."""
    hangs = replace(SLIP, detail="it does not come to an end within 10 s: browsers hang")
    waits = Fault(match=both(kind("https", "xmpp"), past_the_proxy), phase=Phase.PROXY, cause=Cause.PAC_BROKEN)
    report = judged(case(waits, site=PAC_SITE), of_the_site("pac", hangs, hangs=True))
    found = finding(report, "pac-broken")
    assert found.severity is Severity.BLOCKING
    assert "hang" in found.title
    assert [name for name in ids(report) if name.startswith("seen-")] == []


def test_a_pac_file_that_cannot_be_fetched() -> None:
    """Where the setting is from is said."""
    found = finding(judged(case(site=PAC_SITE), of_the_site("pac", GONE)), "pac-unreachable")
    assert (found.severity, found.who) == (Severity.DEGRADING, Who.ENDPOINT)
    assert "macOS settings" in found.fix


@pytest.mark.parametrize("name", ["pac", "door"])
def test_boxes_that_do_their_work_are_no_news(name: str) -> None:
    """Neither a finding, nor a sign that anything gets out."""
    assert ids(judged(case(site=PAC_SITE), of_the_site(name, None))) == ids(case(site=PAC_SITE).judged())
    dark = case(Fault(match=lambda one: one.kind != "ports", phase=Phase.CONNECT), site=PAC_SITE)
    assert "only-dns" in ids(judged(dark, of_the_site(name, None)))


def way(host: str, used: bool, *, over: Sequence[str] = ()) -> Destination:
    """Make the way of one host."""
    target = Endpoint(host=host, port=443)
    return Destination(
        url=f"https://{host}/", target=target, choices=("PROXY box.example:3128", "DIRECT"),
        used=PROXY if used else None, source="PAC file p.pac (--proxy)", passed_over=tuple(over),
    )  # fmt: skip


@pytest.mark.parametrize(("cause", "word"), [(Cause.PROXY_UNREACHABLE, "at once"), (Cause.TIMEOUT, "8 seconds")])
def test_an_entry_that_is_passed_over(cause: Cause, word: str) -> None:
    """Who goes on to what, and what it costs; refused at once it costs nothing, in silence it does."""
    door = of_the_site("door", Failure(phase=Phase.PROXY, cause=cause, detail="refused"))
    over = [f"PROXY box.example:3128: {door.verdict.reason}"]
    site = replace(
        PAC_SITE, proxy=PROXY, destinations=(way(APEX, used=True, over=over), way(FILES, used=True, over=over))
    )
    found = finding(judged(case(site=site), door), "proxy-entry-dead")
    assert found.severity is Severity.DEGRADING
    assert "http://box.example:3128" in found.title
    assert word in found.title
    assert "2 destinations" in found.detail


def test_an_entry_that_is_dead_with_nothing_used_after_it_is_the_others_finding() -> None:
    """Nobody passes over it."""
    door = of_the_site("door", Failure(phase=Phase.PROXY, cause=Cause.TIMEOUT, detail="silent"))
    site = replace(PAC_SITE, proxy=PROXY, destinations=(way(APEX, used=True),))
    assert "proxy-entry-dead" not in ids(judged(case(site=site), door))


def by_proxy(suspect: Result, *, answers: bool) -> Result:
    """Make the control of a check that went past the proxy."""
    control = replace(suspect.flow, id=f"{suspect.flow.id}/control", via=Via.PROXY, control_of=suspect.flow.id)
    return replace(ended(control, "pass" if answers else "fail"), flow=control)


@pytest.mark.parametrize("answers", [True, False])
def test_past_the_proxy_into_nowhere(answers: bool) -> None:
    """Only with the control's answer is it said that the proxy would have taken it."""
    site = replace(PROXY_SITE, no_proxy=(FILES,))
    here = case(Fault(match=both(host(FILES), past_the_proxy)), site=site)
    lost = [one for one in here.results if one.verdict.outcome is Outcome.FAIL]
    report = judged(here, *(by_proxy(one, answers=answers) for one in lost))
    assert ("bypass-blocked" in ids(report)) is answers
    if answers:
        found = finding(report, "bypass-blocked")
        assert (found.who, found.severity) == (Who.PROXY, Severity.BLOCKING)
        assert found.title.startswith("The exceptions from the proxy send")
        assert "allow outbound" in found.rules[0].text


def test_what_is_followed_up() -> None:
    """A closed door past the proxy, of a client that may use one; and only where there is a proxy."""
    site = replace(PROXY_SITE, no_proxy=(FILES,))
    here = case(Fault(match=both(host(FILES), past_the_proxy)), site=site)
    results = {one.flow.id: one for one in here.results}
    asked = list(through_the_proxy(Sofar(guide=guide(), site=site, results=results)))
    assert [(one.id, one.via, one.control_of) for one in asked] == [
        (f"https/{FILES}:443/tls/proxy/control", Via.PROXY, f"https/{FILES}:443/tls/direct")
    ]
    assert list(through_the_proxy(Sofar(guide=guide(), site=OPEN_SITE, results=results))) == []


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(match=host(FILES), phase=Phase.HTTP, cause=Cause.SERVER_ERROR), 0),
        (Fault(match=both(kind("push"), past_the_proxy)), 0),
    ],
)
def test_what_is_not_followed_up(fault: Fault, expected: int) -> None:
    """What answered, and what never uses a proxy."""
    site = replace(PROXY_SITE, no_proxy=(FILES,))
    results = {one.flow.id: one for one in case(fault, site=site).results}
    assert len(list(through_the_proxy(Sofar(guide=guide(), site=site, results=results)))) == expected


@pytest.mark.parametrize(
    ("site", "behind"),
    [
        (Site(), False),
        (Site(proxy=PROXY), True),
        (Site(proxy=PROXY, destinations=(way("x.example", used=True),)), True),
        (Site(proxy=PROXY, destinations=(way("x.example", used=False),)), False),
        (Site(proxy=PROXY, destinations=(way("y.example", used=False),)), True),
    ],
)
def test_who_is_behind_the_proxy(site: Site, behind: bool) -> None:
    """Of a host that only its name was looked up of, the destinations tell."""
    known = Known(
        specs={"x": spec("x", Proxying.NO, "dns")}, assignments={"x": Assignment(flows=("x",))}, results={}, site=site
    )
    assert behind_proxy(ended(flow("x", kind="dns"), "fail"), known) is behind
