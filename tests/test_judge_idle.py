"""Links that are cut: by whom, as the other way out and the manner of it show."""

from __future__ import annotations

import pytest

from rainbow_probe.model import Cause, Outcome, Phase, Result, Scalar, Severity, Who
from tests.judge_samples import (
    AGENT,
    OPEN_SITE,
    PROXY_SITE,
    Fault,
    Match,
    both,
    but,
    case,
    everything,
    finding,
    host,
    ids,
    kind,
    opened_by,
    outcomes,
    past_the_proxy,
    proxied,
    report,
    row,
)


def cut(match: Match, shows: str, kept: str = "", cause: Cause = Cause.CUT_AFTER_IDLE) -> Fault:
    """Let idle links of what matches be cut, and let that show so; *kept*: how one with traffic ended."""
    facts: dict[str, Scalar] = {"cut_shows": shows, "survived_s": 30.0, **({"kept": kept} if kept else {})}
    return Fault(match=both(kind("xmpp"), match), phase=Phase.XMPP, cause=cause, detail="cut", facts=facts)


@pytest.mark.parametrize("shows", ["silence", "reset", "closed"])
def test_the_proxy_cuts_what_lives_past_it(shows: str) -> None:
    """The agent's host, which has no other way, shares the cause."""
    judged = report(cut(proxied, shows), site=PROXY_SITE)
    assert ids(judged) == ["proxy-idle-cut"]
    found = judged.findings[0]
    assert (found.who, found.severity) == (Who.PROXY, Severity.BLOCKING)
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}
    assert AGENT in found.title
    assert row(judged, "desktop/wss").verdict == "fail"


def test_the_firewall_cuts_what_lives_through_the_proxy() -> None:
    """However it shows."""
    judged = report(cut(past_the_proxy, "reset"), site=PROXY_SITE)
    assert ids(judged) == ["firewall-idle-cut"]
    assert judged.findings[0].who is Who.FIREWALL


@pytest.mark.parametrize(
    ("shows", "kept", "identity", "who"),
    [
        ("silence", "", "firewall-idle-cut", Who.FIREWALL),
        ("silence", "silence", "idle-cut", Who.FIREWALL),
        ("reset", "", "idle-cut", Who.FIREWALL),
        ("goodbye", "", "server-idle-cut", Who.PROVIDER),
    ],
)
def test_without_another_way_the_manner_must_tell(shows: str, kept: str, identity: str, who: Who) -> None:
    """A server does not fall silent on one link and talk on another; only it can say goodbye inside TLS."""
    judged = report(cut(everything, shows, kept), site=OPEN_SITE)
    assert [(one.id, one.who) for one in judged.findings] == [(identity, who)]


def test_a_goodbye_through_a_box_that_decrypts_may_be_the_boxs() -> None:
    """It holds the keys."""

    def decrypted(one: Result) -> Result:
        return opened_by(one) if one.flow.kind == "xmpp" else one

    judged = case(cut(everything, "goodbye")).with_each(decrypted).judged()
    assert "server-idle-cut" not in ids(judged)
    assert "idle-cut" in ids(judged)


def test_both_ways_are_cut() -> None:
    """Nothing tells who it is: it may well be the server."""
    judged = report(cut(everything, "closed"), site=PROXY_SITE)
    assert {name.removesuffix("-more") for name in ids(judged)} == {"idle-cut"}
    assert {one.who for one in judged.findings} == {Who.FIREWALL, Who.PROXY}


def test_a_lifetime_is_told_as_one() -> None:
    """Traffic does not help there."""
    fault = cut(both(proxied, but(host(AGENT))), "closed", "closed", Cause.CUT_AFTER_TIME)
    judged = report(fault, site=PROXY_SITE)
    assert finding(judged, "proxy-idle-cut").title.endswith("after a time, traffic or not")
