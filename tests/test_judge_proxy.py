"""What the proxy does not do, each told by what it does beside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.model import (
    Cause,
    Failure,
    Outcome,
    Phase,
    Result,
    RowVerdict,
    Severity,
    Site,
    Via,
    Who,
)
from tests.judge_samples import (
    APEX,
    OPEN_SITE,
    PROXY_SITE,
    TURN,
    Fault,
    both,
    but,
    by_address,
    case,
    finding,
    host,
    ids,
    kind,
    opened_by,
    outcomes,
    over_udp,
    past_the_proxy,
    proxied,
    report,
    row,
    tcp,
    tls,
    udp,
    with_login,
)


def at_proxy(cause: Cause, detail: str = "403 Forbidden", **facts: str) -> Fault:
    """Let the proxy fail everything that goes through it."""
    return Fault(match=proxied, phase=Phase.PROXY, cause=cause, detail=detail, facts={"status": 403, **facts})


def test_a_sound_proxy_is_no_finding() -> None:
    """The sample site itself."""
    judged = report(site=PROXY_SITE)
    assert ids(judged) == []
    assert row(judged, "desktop/https").path == "TLS/443 through the proxy"


# Reaching it


def test_an_unreachable_proxy_is_one_finding() -> None:
    """However many rows go through it."""
    judged = report(at_proxy(Cause.PROXY_UNREACHABLE), site=PROXY_SITE)
    assert ids(judged) == ["proxy-unreachable"]
    found = judged.findings[0]
    assert (found.severity, found.who) == (Severity.BLOCKING, Who.PROXY)
    assert "http://10.0.0.3:3128" in found.title
    assert "HTTPS_PROXY" in found.fix
    assert {"desktop/https", "border/connect-443"} <= set(found.rows)


def test_a_proxy_that_was_reached_once_is_not_unreachable() -> None:
    """Then the failures are told as they were seen."""
    flaky = Fault(match=both(proxied, kind("xmpp")), phase=Phase.PROXY, cause=Cause.PROXY_UNREACHABLE)
    assert "proxy-unreachable" not in ids(report(flaky, site=PROXY_SITE))


def test_a_proxy_that_never_answers_is_silent() -> None:
    """It takes the connections: so it is there."""
    assert ids(report(at_proxy(Cause.TIMEOUT), site=PROXY_SITE)) == ["proxy-silent"]


def test_a_proxy_silent_for_one_target_is_not() -> None:
    """It may be waiting for that target."""
    waiting = Fault(match=both(proxied, host(APEX)), phase=Phase.PROXY, cause=Cause.TIMEOUT)
    assert "proxy-silent" not in ids(report(waiting, site=PROXY_SITE))


def test_another_service_at_the_proxys_port_is_told() -> None:
    """Whatever it says, it is no HTTP."""
    judged = report(at_proxy(Cause.NOT_HTTP, detail="SSH-2.0-OpenSSH"), site=PROXY_SITE)
    assert ids(judged) == ["proxy-not-http"]
    assert judged.findings[0].who is Who.PROXY
    assert "SSH-2.0" in judged.findings[0].detail


def test_one_odd_answer_of_a_proxy_is_not_all_of_it() -> None:
    """Then it is told as it was seen."""
    odd = replace(at_proxy(Cause.NOT_HTTP), match=both(proxied, host(APEX)))
    assert "proxy-not-http" not in ids(report(odd, site=PROXY_SITE))


def test_a_proxy_whose_name_does_not_resolve_is_this_machines_setting() -> None:
    """Nothing was sent to it."""

    def nameless(one: Result) -> Result:
        if one.flow.via is Via.DIRECT or not one.steps:
            return one
        lost = Failure(phase=Phase.RESOLVE, cause=Cause.NXDOMAIN, detail="no such name")
        return replace(one, steps=(replace(one.steps[0], failure=lost, facts={}),))

    judged = case(at_proxy(Cause.PROXY_UNREACHABLE), site=PROXY_SITE).with_each(nameless).judged()
    assert ids(judged) == ["proxy-unreachable"]
    found = judged.findings[0]
    assert found.who is Who.ENDPOINT
    assert found.title == "The name of the proxy http://10.0.0.3:3128 does not resolve"


# Behind its 200


def beyond(cause: Cause, *hosts: str) -> Fault:
    """Let tunnels open and nothing come through them."""
    target = host(*hosts) if hosts else but(kind("proxy"))
    return Fault(match=both(proxied, tls, target, but(kind("proxy"))), phase=Phase.TLS, cause=cause)


@pytest.mark.parametrize("cause", [Cause.TIMEOUT, Cause.CLOSED, Cause.RESET])
def test_a_proxy_that_says_200_and_passes_nothing_on(cause: Cause) -> None:
    """Its own 200 is no answer of the targets."""
    plain = Fault(match=both(proxied, tcp(80)), phase=Phase.STUN, cause=cause)
    judged = report(beyond(cause), plain, site=PROXY_SITE)
    assert ids(judged) == ["proxy-passes-nothing"]
    found = judged.findings[0]
    assert (found.who, found.severity) == (Who.PROXY, Severity.BLOCKING)
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}


def test_a_proxy_that_passes_one_target_on_passes_something() -> None:
    """TURN on port 80 comes through: the proxy is not as empty as that, yet port 443 is mute."""
    judged = report(beyond(Cause.TIMEOUT), site=PROXY_SITE)
    assert ids(judged) == ["server-mute"]
    assert judged.findings[0].who is Who.PROXY


# Credentials


NOT_ACCEPTED = "does not accept the credentials it was given"
NONE = "wants credentials, and there are none"


@pytest.mark.parametrize(
    ("site", "facts", "title", "fix"),
    [
        (PROXY_SITE, {"offered": "Basic"}, f"{NONE} (it offers Basic)", "Give the user"),
        (PROXY_SITE, {"offered": "Digest, Basic"}, f"{NONE} (it offers Digest, Basic)", "Give the user"),
        (PROXY_SITE, {}, NONE, "Give the user"),
        (with_login(PROXY_SITE), {"offered": "NTLM", "login": "NTLM"}, f"{NOT_ACCEPTED} (it offers NTLM)", "Correct"),
        (with_login(PROXY_SITE), {}, NOT_ACCEPTED, "could lock the account"),
        (PROXY_SITE, {"login": "this user's Kerberos ticket"}, "does not accept this user's Kerberos ticket", "realm"),
    ],
)  # fmt: skip
def test_a_407_names_the_schemes_offered(site: Site, facts: dict[str, str], title: str, fix: str) -> None:
    """Missing and wrong credentials are told apart, and a ticket from a password."""
    judged = report(at_proxy(Cause.PROXY_AUTH, **facts), site=site)
    assert ids(judged) == ["proxy-auth"]
    found = judged.findings[0]
    assert found.title == f"The proxy {title}"
    assert (found.who, found.severity) == (Who.ENDPOINT, Severity.BLOCKING)
    assert fix in found.fix


def test_an_exchange_that_the_proxy_breaks_off() -> None:
    """No password helps there: the proxy must keep the connection."""
    judged = report(at_proxy(Cause.PROXY_AUTH, offered="NTLM", broken_off="NTLM"), site=with_login(PROXY_SITE))
    assert ids(judged) == ["proxy-auth"]
    assert "closes the connection in the middle of NTLM" in judged.findings[0].title
    assert judged.findings[0].who is Who.PROXY


@pytest.mark.parametrize(
    ("site", "offered", "fix"),
    [
        (PROXY_SITE, "Negotiate", "klist shows the ticket, kinit gets one), or give --proxy-user"),
        (PROXY_SITE, "NTLM, Basic", "To test it, give --proxy-user"),
        (with_login(PROXY_SITE), "Negotiate", "kinit gets one)."),
        (with_login(PROXY_SITE), "Bearer", "offer a scheme that this probe knows"),
    ],
)
def test_a_log_in_that_cannot_be_made_from_here(site: Site, offered: str, fix: str) -> None:
    """Rows behind it are neither passed nor failed: who is logged on to the domain may get through."""
    untried = replace(at_proxy(Cause.PROXY_AUTH_UNTRIED, offered=offered), outcome=Outcome.INCONCLUSIVE)
    judged = report(untried, site=site)
    assert ids(judged) == ["proxy-auth"]
    found = judged.findings[0]
    assert found.title == f"The proxy wants a log-in that cannot be made from here (it offers {offered})"
    assert found.severity is Severity.DEGRADING
    assert fix in found.fix
    assert row(judged, "desktop/https").verdict is RowVerdict.INCONCLUSIVE
    assert "others may get through" in row(judged, "desktop/https").reason


# Denials


def test_a_refused_port_beside_an_open_one() -> None:
    """The same hosts on 443 are the control."""
    denied = replace(at_proxy(Cause.PROXY_DENIED), match=both(proxied, tcp(80)))
    judged = report(denied, site=PROXY_SITE)
    assert ids(judged) == ["proxy-denies-80"]
    found = judged.findings[0]
    assert (found.who, found.severity) == (Who.PROXY, Severity.DEGRADING)
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}
    assert f"permit CONNECT {TURN[0]}:80" in found.rules[0].text
    assert ":443" not in found.rules[0].text


def test_refused_names_beside_others_on_the_port() -> None:
    """The port is open, these hosts are not."""
    denied = replace(at_proxy(Cause.PROXY_DENIED), match=both(proxied, host(APEX)))
    judged = report(denied, site=PROXY_SITE)
    assert ids(judged) == ["proxy-denies-name"]
    assert APEX in judged.findings[0].title
    assert judged.findings[0].severity is Severity.BLOCKING


def test_addresses_refused_beside_the_names_of_the_same_hosts() -> None:
    """Gateways before 1.75 give addresses."""
    denied = replace(at_proxy(Cause.PROXY_DENIED), match=both(proxied, by_address))
    judged = report(denied, site=PROXY_SITE)
    assert ids(judged) == ["proxy-denies-addresses"]
    assert "1.75" in judged.findings[0].fix


def test_everything_refused() -> None:
    """Without an open tunnel there is no port or name to blame."""
    assert ids(report(at_proxy(Cause.PROXY_DENIED), site=PROXY_SITE)) == ["proxy-denied"]


def test_a_port_and_a_name_are_two_causes() -> None:
    """Each failing check belongs to one of them."""
    port = replace(at_proxy(Cause.PROXY_DENIED), match=both(proxied, tcp(80)))
    name = replace(port, match=both(proxied, host(APEX)))
    judged = report(port, name, site=PROXY_SITE)
    assert sorted(ids(judged)) == ["proxy-denies-80", "proxy-denies-name"]


def test_names_refused_on_every_port_are_no_port() -> None:
    """Only TURN uses port 80: that it is refused there proves nothing of the port, as 443 is refused to it too."""
    denied = replace(at_proxy(Cause.PROXY_DENIED), match=both(proxied, host(*TURN)))
    judged = report(denied, site=PROXY_SITE)
    assert ids(judged) == ["proxy-denies-name"]
    assert f"permit CONNECT {TURN[0]}:80" in judged.findings[0].rules[0].text


def test_a_port_refused_to_all_sorts_of_hosts_is_one() -> None:
    """Most of them use no other; those that do are let through there."""
    judged = report(replace(at_proxy(Cause.PROXY_DENIED), match=both(proxied, tcp(443))), site=PROXY_SITE)
    assert ids(judged) == ["proxy-denies-443"]


def test_one_group_refused_on_its_only_port_is_refused_by_name() -> None:
    """The port is nobody else's, so it is not said that it is the port."""

    def moved(one: Result) -> Result:
        target = replace(one.flow.target, port=8443)
        return replace(one, flow=replace(one.flow, target=target)) if one.flow.target.host == APEX else one

    denied = replace(at_proxy(Cause.PROXY_DENIED), match=both(proxied, host(APEX)))
    judged = case(denied, site=PROXY_SITE).with_each(moved).judged()
    assert ids(judged) == ["proxy-denies-name"]
    assert judged.findings[0].title.endswith("though it opens tunnels to others")


def test_an_old_proxy_is_told() -> None:
    """The WebRTC gateway does not take HTTP/1.0, so an optional row fails."""
    old = Fault(match=kind("proxy"), phase=Phase.PROXY, cause=Cause.PROXY_HTTP10)
    judged = report(old, site=PROXY_SITE)
    assert ids(judged) == ["proxy-http10"]
    assert judged.findings[0].severity is Severity.DEGRADING
    assert row(judged, "border/http-1.1").verdict == "fail"


def test_only_the_gateway_minds_an_old_proxy() -> None:
    """Behind one it has no media but by UDP; browsers and apps go through."""
    old = Fault(match=kind("proxy"), phase=Phase.PROXY, cause=Cause.PROXY_HTTP10)
    judged = report(old, Fault(match=udp, phase=Phase.STUN), site=PROXY_SITE)
    assert {row(judged, f"webrtc-gateway/{name}").verdict for name in ("ice-turn", "p2p-internet")} == {"fail"}
    assert "the proxy speaks HTTP/1.0" in row(judged, "webrtc-gateway/ice-turn").reason
    assert row(judged, "domains/webrtc-gateway").verdict == "fail"
    assert row(judged, "desktop/p2p-internet").verdict == "degraded"
    assert "webrtc-gateway/ice-turn" in finding(judged, "proxy-http10").rows
    assert finding(judged, "proxy-http10").severity is Severity.BLOCKING


def test_an_old_proxy_does_not_matter_to_a_gateway_that_has_udp() -> None:
    """Direct UDP is its preferred way anyhow."""
    judged = report(Fault(match=kind("proxy"), phase=Phase.PROXY, cause=Cause.PROXY_HTTP10), site=PROXY_SITE)
    assert row(judged, "webrtc-gateway/ice-turn").verdict == "pass"


def test_the_version_is_asked_where_the_gateway_goes() -> None:
    """Tunnels to the TURN servers tell it, whatever becomes of one to another host."""
    denied = Fault(match=both(kind("proxy"), host(APEX)), phase=Phase.PROXY, cause=Cause.PROXY_DENIED)
    judged = report(denied, Fault(match=udp, phase=Phase.STUN), site=PROXY_SITE)
    assert row(judged, "webrtc-gateway/ice-turn").verdict == "degraded"


def test_a_proxy_with_too_few_ports() -> None:
    """One row says so; without being asked for it is not tested."""
    short = Fault(
        match=kind("proxy-capacity"), phase=Phase.PROXY, cause=Cause.PROXY_CAPACITY, facts={"open_at_once": 12}
    )
    judged = report(short, site=PROXY_SITE)
    assert ids(judged) == ["proxy-capacity"]
    assert "holds 12 tunnels" in judged.findings[0].title
    assert row(judged, "border/proxy-capacity").verdict == "fail"
    assert row(report(site=PROXY_SITE), "border/proxy-capacity").verdict == "not-tested"
    assert row(report(), "border/proxy-capacity").verdict == "not-applicable"


# Upgrades


UPGRADE = Fault(match=kind("xmpp"), phase=Phase.WEBSOCKET, cause=Cause.UPGRADE_REFUSED, detail="answered 426")


@pytest.mark.parametrize("cause", [Cause.UPGRADE_REFUSED, Cause.SUBPROTOCOL_MISSING])
def test_an_upgrade_lost_behind_the_proxy(cause: Cause) -> None:
    """HTTPS to the same host by the same way is the control."""
    judged = report(replace(UPGRADE, match=both(proxied, kind("xmpp"), host(APEX)), cause=cause), site=PROXY_SITE)
    assert ids(judged) == ["proxy-no-upgrade"]
    found = judged.findings[0]
    assert (found.who, found.severity) == (Who.PROXY, Severity.BLOCKING)
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}
    assert "compare with a run past the proxy" in found.fix


def test_an_upgrade_lost_where_tls_is_opened_names_the_box() -> None:
    """And that is the proof."""
    opened = case(replace(UPGRADE, match=both(proxied, kind("xmpp"))), site=PROXY_SITE)
    judged = opened.with_each(lambda one: opened_by(one) if one.flow.kind == "xmpp" else one).judged()
    found = finding(judged, "proxy-no-upgrade")
    assert "where Acme Inspection opens TLS" in found.title
    assert "squid" in found.fix


def test_a_transparent_box_is_the_inspections() -> None:
    """Without a proxy, whoever decrypts takes the upgrade out."""
    opened = case(replace(UPGRADE, match=kind("xmpp")))
    judged = opened.with_each(lambda one: opened_by(one) if one.flow.kind == "xmpp" else one).judged()
    assert finding(judged, "proxy-no-upgrade").who is Who.TLS_INSPECTION


def test_an_upgrade_refused_directly_is_the_servers() -> None:
    """Nobody stands between who could take it out."""
    assert "proxy-no-upgrade" not in ids(report(UPGRADE))


def test_an_upgrade_without_https_beside_it_proves_nothing() -> None:
    """The whole host may be ill."""
    ill = Fault(match=both(proxied, kind("https")), phase=Phase.HTTP, cause=Cause.SERVER_ERROR)
    assert "proxy-no-upgrade" not in ids(report(UPGRADE, ill, site=PROXY_SITE))


# Only the proxy gets out

NOTHING_DIRECT = Fault(match=past_the_proxy)


def test_a_closed_border_behind_a_proxy_is_one_finding() -> None:
    """Not one for each port: the same hosts answer through the proxy."""
    judged = report(NOTHING_DIRECT, site=PROXY_SITE)
    assert ids(judged) == ["direct-blocked"]
    found = judged.findings[0]
    assert (found.who, found.severity) == (Who.FIREWALL, Severity.BLOCKING)
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}
    assert "mobile/fcm" in found.rows
    assert "to port   3478" in found.rules[0].text
    assert row(judged, "desktop/p2p-internet").verdict == "degraded"


def test_what_goes_by_the_proxy_needs_no_rule_past_it() -> None:
    """The rule of the finding opens what failed rows need, and no second way for those who have one."""
    text = report(NOTHING_DIRECT, site=PROXY_SITE).findings[0].rules[0].text
    assert "to port   5228-5230" in text
    assert f"{APEX} (now" not in text.replace(f".{APEX}", "")
    assert "TCP/80" not in text
    assert "80, 443" not in text


def test_a_proxy_that_refuses_shows_at_least_itself() -> None:
    """What is silent directly may be alive or not: it is told as it was seen."""
    refuses = at_proxy(Cause.PROXY_AUTH, status="407")
    judged = report(refuses, NOTHING_DIRECT, site=PROXY_SITE)
    assert sorted(ids(judged)) == ["direct-blocked", "proxy-auth"]
    assert finding(judged, "direct-blocked").title == "Nothing answers directly, only the proxy does"


def test_a_border_that_lets_udp_out_is_one_finding_too() -> None:
    """The most usual network with a proxy: TCP by the proxy only, media past it."""
    closed = Fault(match=both(past_the_proxy, but(over_udp)))
    judged = report(closed, site=PROXY_SITE)
    assert ids(judged) == ["direct-blocked"]
    found = judged.findings[0]
    assert found.title == "No TCP goes out directly: only the proxy gets through"
    assert "UDP goes out" in found.detail
    assert "UDP" not in found.fix
    assert {"mobile/fcm", "mobile/apns"} <= set(found.rows)


def test_a_range_that_is_closed_beside_that_is_its_own_finding() -> None:
    """UDP to TURN goes out, so a rule is missing for the range alone."""
    closed = Fault(match=both(past_the_proxy, but(over_udp)))
    high = Fault(match=kind("udp-range"), phase=Phase.TURN_DATA)
    judged = report(high, closed, site=PROXY_SITE)
    assert sorted(ids(judged)) == ["direct-blocked", "udp-range-blocked"]
    assert not any(check.startswith("udp-range") for check in finding(judged, "direct-blocked").proof)


def test_a_way_that_is_open_leaves_single_ports() -> None:
    """TURN over TLS goes out directly: what is closed is told by port, and as one where it is all but one."""
    closed = Fault(match=both(past_the_proxy, but(tcp(443)), but(tcp(5230))), phase=Phase.CONNECT)
    found = ids(report(closed, site=PROXY_SITE))
    assert "direct-blocked" not in found
    assert {"udp-blocked", "tcp-80-blocked", "push-ports-blocked"} <= set(found)
    closed = Fault(match=both(past_the_proxy, but(tcp(443))), phase=Phase.CONNECT)
    assert "only-tcp-443" in ids(report(closed, site=PROXY_SITE))


def test_without_a_proxy_there_is_no_way_past_it() -> None:
    """The same silence in an open site is something else."""
    assert "direct-blocked" not in ids(report(NOTHING_DIRECT, site=OPEN_SITE))
