"""What an early failure keeps from being judged is said, and nothing that anything else has judged."""

from __future__ import annotations

from rainbow_probe.model import Cause, Outcome, Phase, Via
from tests.judge_samples import (
    AGENT,
    APEX,
    PROXY_SITE,
    Fault,
    both,
    but,
    everything,
    finding,
    host,
    kind,
    report,
    tls,
    udp,
)

NO_NAMES = Fault(match=everything, phase=Phase.RESOLVE, cause=Cause.NXDOMAIN)
OLD = Fault(match=tls, phase=Phase.TLS, cause=Cause.TLS_EXPIRED)


def test_without_names_nothing_behind_them_is_judged() -> None:
    """Every door is named, with all that is to be met there."""
    hides = finding(report(NO_NAMES), "dns-nxdomain").hides
    assert hides["UDP/3478"] == (Phase.STUN, Phase.TURN_ALLOCATE)
    assert hides["TCP/80"] == (Phase.CONNECT, Phase.STUN, Phase.TURN_ALLOCATE)
    assert hides["TCP/5228"] == (Phase.CONNECT, Phase.TLS)
    assert set(hides["TCP/443"]) >= {Phase.CONNECT, Phase.TLS, Phase.HTTP, Phase.XMPP, Phase.STUN}


def test_a_wrong_clock_hides_what_comes_behind_tls() -> None:
    """The connection was judged, and so was what needs no certificate."""
    hides = finding(report(OLD), "clock-wrong").hides
    assert set(hides) == {"TCP/443"}
    assert hides["TCP/443"][0] is Phase.HTTP
    assert Phase.CONNECT not in hides["TCP/443"]


def test_what_another_host_showed_is_not_hidden() -> None:
    """One name that does not exist says nothing about the port: the others were there."""
    one = Fault(match=both(host(AGENT), but(kind("ports"))), phase=Phase.RESOLVE, cause=Cause.NXDOMAIN)
    assert finding(report(one), "dns-nxdomain").hides == {}


def test_a_failure_of_the_last_phase_hides_nothing() -> None:
    """UDP that is dropped, or a server with an error of its own: all of the way was met."""
    down = Fault(match=both(kind("https"), host(APEX)), phase=Phase.HTTP, cause=Cause.SERVER_ERROR)
    blocked = Fault(match=udp, phase=Phase.STUN)
    found = report(down, blocked).findings
    assert found
    assert not any(one.hides for one in found)


def test_behind_a_proxy_that_refuses_the_tunnel_is_told_apart() -> None:
    """What goes direct was judged; what goes through the proxy was not."""
    wants = Fault(match=lambda f: f.via is Via.PROXY, phase=Phase.PROXY, cause=Cause.PROXY_AUTH)
    hides = finding(report(wants, site=PROXY_SITE), "proxy-auth").hides
    assert all(where.endswith(" through the proxy") for where in hides)
    assert Phase.TLS in hides["TCP/443 through the proxy"]
    assert Phase.PROXY not in hides["TCP/443 through the proxy"]


def test_checks_that_pass_make_nothing_hidden() -> None:
    """Advice hides nothing."""
    noted = Fault(match=kind("dns"), outcome=Outcome.PASS, facts={"outside_ranges": "192.0.2.1"})
    assert not any(one.hides for one in report(noted).findings)
