"""What lies behind the proxy's answer, told apart by a neutral host through it and by the same target past it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.model import Cause, Outcome, Phase, Report, Result, Severity, Who
from tests.judge_samples import (
    APEX,
    PROXY_SITE,
    TURN,
    Fault,
    Match,
    both,
    but,
    by_address,
    case,
    everything,
    finding,
    followed_up,
    host,
    ids,
    kind,
    opened_by,
    outcomes,
    past_the_proxy,
    proxied,
    report,
    tcp,
    tls,
)

NEUTRAL = host("connectivitycheck.gstatic.com")
SHUT = Fault(match=past_the_proxy, cause=Cause.TIMEOUT)
"""Nothing gets out past the proxy."""


def says(cause: Cause, match: Match = everything, detail: str = "503 Service Unavailable") -> Fault:
    """Let the proxy say so of all that *match*."""
    return Fault(match=both(proxied, match), phase=Phase.PROXY, cause=cause, detail=detail)


def judged(*faults: Fault, controls: tuple[Fault, ...] = ()) -> Report:
    """Judge a site with a proxy, where *faults* happen to the checks, and then *controls* to what is followed up."""
    return followed_up(case(*faults, site=PROXY_SITE), *controls, *faults).judged()


def told(found: Report, identity: str) -> tuple[Who, str]:
    """Return who is blamed, and the title."""
    one = finding(found, identity)
    return one.who, one.title


# What it cannot reach

LOST = Cause.PROXY_TARGET_FAILED


def test_a_proxy_without_a_way_out() -> None:
    """It reaches the neutral host no more than the service."""
    found = judged(says(LOST), SHUT)
    assert [one for one in ids(found) if one.startswith("proxy")] == ["proxy-no-way-out"]
    assert finding(found, "proxy-no-way-out").who is Who.PROXY
    assert finding(found, "proxy-no-way-out").severity is Severity.BLOCKING
    assert any("gstatic" in check for check in finding(found, "proxy-no-way-out").proof)


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize("word", [LOST, Cause.TIMEOUT])
def test_a_port_closed_behind_the_proxy(direct: bool, word: Cause) -> None:
    """The neutral host on that port is lost as well, other ports are not: the firewall behind the proxy.

    The proxy says so, or waits for it longer than we do.
    """
    found = judged(says(word, tcp(80)), *(() if direct else (SHUT,)))
    assert [one for one in ids(found) if one.startswith("proxy")] == ["proxy-cannot-reach-80"]
    assert told(found, "proxy-cannot-reach-80")[0] is Who.FIREWALL
    assert outcomes(found, finding(found, "proxy-cannot-reach-80")) >= {Outcome.PASS, Outcome.FAIL}
    text = finding(found, "proxy-cannot-reach-80").rules[0].text
    assert "from      the site's proxy" in text
    assert "to port   80\n" in text
    assert f"to        {TURN[0]}" in text


@pytest.mark.parametrize("word", [LOST, Cause.TIMEOUT])
def test_a_target_closed_behind_the_proxy(word: Cause) -> None:
    """It answers this machine, and the proxy reaches others on its port."""
    found = judged(says(word, both(tcp(80), but(NEUTRAL))))
    assert ids(found) == ["proxy-target-closed"]
    assert told(found, "proxy-target-closed")[0] is Who.FIREWALL
    assert "answers this machine directly" in told(found, "proxy-target-closed")[1]


def test_a_target_that_is_down() -> None:
    """It answers nobody: nor past the proxy, where others do."""
    gone = Fault(match=both(past_the_proxy, host(TURN[0]), tcp(443)), cause=Cause.REFUSED)
    found = judged(gone, says(LOST, both(host(TURN[0]), tcp(443))))
    assert told(found, "target-down")[0] is Who.PROVIDER
    assert TURN[0] in told(found, "target-down")[1]
    assert ids(found) == ["target-down"]


def test_a_target_of_which_only_the_proxy_can_tell() -> None:
    """Nothing else gets out: it may be closed, or down."""
    found = judged(says(LOST, host(APEX)), SHUT)
    assert told(found, "proxy-target-failed")[0] is Who.PROXY
    assert APEX in told(found, "proxy-target-failed")[1]


def test_a_proxy_that_waits_for_a_target_of_which_nothing_more_is_known() -> None:
    """It did not say that it cannot reach it."""
    found = judged(says(Cause.TIMEOUT, host(APEX)), SHUT)
    assert not [one for one in ids(found) if one.startswith("proxy")]


def test_without_controls_it_is_told_as_it_was_seen() -> None:
    """A run that was stopped has none."""
    found = report(says(LOST), SHUT, site=PROXY_SITE)
    assert "proxy-target-failed" in ids(found)
    assert "port" not in finding(found, "proxy-target-failed").title


# What it cannot resolve


def test_names_that_the_proxy_does_not_know() -> None:
    """This site's resolver does."""
    found = judged(says(Cause.PROXY_RESOLVE_FAILED, host(*TURN)))
    assert ids(found) == ["proxy-dns"]
    assert told(found, "proxy-dns")[1].endswith(f"{TURN[1]}, though this site's own resolver knows it")


def test_a_proxy_that_resolves_nothing() -> None:
    """Not even the neutral name."""
    found = judged(says(Cause.PROXY_RESOLVE_FAILED))
    assert ids(found) == ["proxy-dns"]
    assert told(found, "proxy-dns")[1] == "The proxy cannot resolve any name"


def test_a_proxy_that_waits_at_names_and_opens_addresses_resolves_nothing() -> None:
    """It does not say so: its own resolver is as silent."""
    found = judged(says(Cause.TIMEOUT, but(by_address)), SHUT)
    assert [one for one in ids(found) if "proxy" in one] == ["proxy-dns"]
    assert told(found, "proxy-dns")[1] == "The proxy cannot resolve any name"
    assert outcomes(found, finding(found, "proxy-dns")) >= {Outcome.PASS, Outcome.FAIL}


def test_a_proxy_that_opens_one_name_resolves() -> None:
    """Then its silence at others has another reason."""
    found = judged(says(Cause.TIMEOUT, both(but(by_address), but(host(APEX)))), SHUT)
    assert "proxy-dns" not in ids(found)


# What it refuses


def test_a_service_refused_is_not_everything_refused() -> None:
    """A neutral host is let through: it is a list of names, and not this machine that is unwelcome."""
    found = judged(says(Cause.PROXY_DENIED, but(NEUTRAL)))
    assert ids(found) == ["proxy-denies-name"]


def test_everything_refused_to_a_neutral_host_as_well() -> None:
    """Then it is this machine, or CONNECT altogether."""
    found = judged(says(Cause.PROXY_DENIED))
    assert ids(found) == ["proxy-denied"]
    assert told(found, "proxy-denied")[1].endswith("to a neutral host as well")


def test_the_neutral_host_tells_a_port_from_a_host() -> None:
    """Refused on that port too, it is the port; let through there, it is the hosts."""
    denied = says(Cause.PROXY_DENIED, both(tcp(80), but(NEUTRAL)))
    assert ids(judged(denied)) == ["proxy-denies-name"]
    assert ids(judged(says(Cause.PROXY_DENIED, tcp(80)))) == ["proxy-denies-80"]


# Who speaks in its tunnels

PAGE = Fault(
    match=both(proxied, tls), phase=Phase.TLS, cause=Cause.NOT_TLS, detail="the peer answers b'HTTP/1.1 403 Forbidden'"
)


def test_a_proxy_that_answers_itself_in_every_tunnel() -> None:
    """The neutral host does not speak so."""
    found = judged(PAGE)
    assert ids(found) == ["proxy-block-page"]
    assert told(found, "proxy-block-page") == (
        Who.PROXY,
        "The proxy says 200 to CONNECT and then speaks itself in place of whatever it is asked for",
    )
    assert "403 Forbidden" in finding(found, "proxy-block-page").detail


def test_a_proxy_that_answers_itself_for_some() -> None:
    """They speak TLS past the proxy, and a neutral host does through it."""
    found = judged(replace(PAGE, match=both(proxied, tls, host(APEX))))
    assert ids(found) == ["proxy-block-page"]
    assert "though not in that of a neutral host" in told(found, "proxy-block-page")[1]


def test_one_host_that_says_something_else_may_do_so_itself() -> None:
    """Nothing separates the proxy from it."""
    found = judged(SHUT, replace(PAGE, match=both(proxied, tls, host(APEX))))
    assert "proxy-block-page" not in ids(found)


def test_a_proxy_that_passes_nothing_of_the_service_on() -> None:
    """A neutral host answers through it: so it is not as empty as that."""
    mute = Fault(match=both(proxied, but(kind("proxy")), but(NEUTRAL)), phase=Phase.TLS, cause=Cause.CLOSED)
    plain = replace(mute, match=both(mute.match, tcp(80)), phase=Phase.STUN)
    found = judged(plain, mute)
    assert ids(found) == ["proxy-passes-nothing"]
    assert told(found, "proxy-passes-nothing")[1].endswith("though a neutral host answers through it")


@pytest.mark.parametrize("signed", [True, False])
def test_an_error_that_a_decrypting_box_signs_is_its_own(signed: bool) -> None:
    """One without its name may be the server's."""
    facts = {"x_squid_error": "ERR_CONNECT_FAIL 110"} if signed else {}
    broken = Fault(
        match=both(kind("https"), host(APEX)), phase=Phase.HTTP, cause=Cause.SERVER_ERROR, detail="503", facts=facts
    )

    def decrypted(one: Result) -> Result:
        return opened_by(one) if one.flow.kind == "https" else one

    found = case(broken, site=PROXY_SITE).with_each(decrypted).judged()
    assert ("box-cannot-reach" in ids(found)) is signed


def test_an_unknown_issuer_that_only_the_proxy_shows_is_the_proxys() -> None:
    """The same hosts show another one past it."""
    forged = Fault(
        match=both(proxied, tls, but(kind("proxy"))),
        phase=Phase.TLS,
        cause=Cause.TLS_UNTRUSTED,
        facts={"issuer": "CN=Box"},
    )
    one = replace(forged, match=both(forged.match, host(*TURN)))
    assert ids(report(one, site=PROXY_SITE)) == ["tls-intercepted"]
    assert ids(report(one, replace(SHUT, match=both(past_the_proxy, tls)), site=PROXY_SITE)) != ["tls-intercepted"]
