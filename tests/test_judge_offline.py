"""Nothing answers, only DNS answers, or a portal answers for all: one finding each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.model import Cause, Endpoint, Outcome, Phase, Proxy, Result, Severity, Who
from tests.judge_samples import (
    APEX,
    PROXY_SITE,
    Fault,
    asked,
    both,
    but,
    case,
    everything,
    finding,
    host,
    ids,
    kind,
    outcomes,
    past_the_proxy,
    proxied,
    report,
    row,
    tcp,
    tls,
    udp,
)

DNS_DEAD = Fault(match=everything, phase=Phase.RESOLVE, cause=Cause.NO_ANSWER)
CONTROL_MUTE = Fault(match=kind("portal"), outcome=Outcome.INCONCLUSIVE)
RANGE_UNKNOWN = Fault(match=kind("udp-range"), outcome=Outcome.INCONCLUSIVE, phase=Phase.STUN)
NO_TCP = Fault(match=but(kind("dns")))
NO_UDP = Fault(match=udp, phase=Phase.STUN)
NOT_LOOKED_UP = Fault(match=kind("portal", "udp-range"), outcome=Outcome.INCONCLUSIVE, phase=Phase.RESOLVE)
UP = Fault(match=kind("dns"), outcome=Outcome.PASS)
ALL_SILENT = (CONTROL_MUTE, RANGE_UNKNOWN, NO_UDP, NO_TCP)


def test_nothing_at_all_is_one_finding() -> None:
    """Not forty firewall rules."""
    judged = report(NOT_LOOKED_UP, DNS_DEAD)
    assert ids(judged) == ["offline"]
    found = judged.findings[0]
    assert (found.severity, found.who) == (Severity.BLOCKING, Who.ENDPOINT)
    assert {one.flow.id for one in judged.results if one.verdict.outcome is Outcome.FAIL} <= set(found.proof)
    assert any(check.startswith("portal/") for check in found.proof)
    assert "10.0.0.1" in found.detail


def test_offline_without_dns_says_where_to_begin() -> None:
    """Nothing but look-ups could be tried, so the resolvers come first."""
    assert "begin with the resolvers (10.0.0.1, 10.0.0.2)" in report(NOT_LOOKED_UP, DNS_DEAD).findings[0].fix


def silent_resolvers(result: Result) -> Result:
    """Let both resolvers stay silent."""
    return asked(asked(result, "10.0.0.1:53", Cause.TIMEOUT), "10.0.0.2:53", Cause.TIMEOUT)


def test_resolvers_that_stay_silent_are_no_answer() -> None:
    """Asked directly, too."""
    assert ids(case(NOT_LOOKED_UP, DNS_DEAD).with_each(silent_resolvers).judged()) == ["offline"]


def test_a_resolver_that_answers_is_told_apart() -> None:
    """Names resolve and nothing else answers: the way out is closed, and the rule says what to open."""
    judged = report(*ALL_SILENT)
    assert ids(judged) == ["only-dns"]
    found = judged.findings[0]
    assert (found.severity, found.who) == (Severity.BLOCKING, Who.FIREWALL)
    assert outcomes(judged, found) >= {Outcome.PASS, Outcome.FAIL}
    assert "allow outbound UDP" in found.rules[0].text
    assert "allow outbound TCP" in found.rules[0].text


@pytest.mark.parametrize("cause", [Cause.NXDOMAIN, Cause.REFUSED_BY_RESOLVER])
def test_a_resolver_that_says_no_has_answered(cause: Cause) -> None:
    """Then the names are the finding."""
    judged = report(NOT_LOOKED_UP, replace(DNS_DEAD, cause=cause))
    assert "offline" not in ids(judged)


@pytest.mark.parametrize(
    ("sign", "found"),
    [
        (Fault(match=tcp(80)), ["only-dns"]),
        (Fault(match=tls, phase=Phase.TLS), ["server-mute"]),
        (Fault(match=both(tcp(80), kind("turn")), phase=Phase.STUN), ["turn-unreachable"]),
    ],
    ids=["silence", "TLS connections", "TURN connections"],
)
def test_a_connection_shows_that_something_gets_out(sign: Fault, found: list[str]) -> None:
    """Somebody took it: then it is not everything that is closed."""
    assert set(found) <= set(ids(report(CONTROL_MUTE, RANGE_UNKNOWN, sign, *ALL_SILENT)))
    assert ("only-dns" in ids(report(CONTROL_MUTE, RANGE_UNKNOWN, sign, *ALL_SILENT))) is ("only-dns" in found)


REJECTED = (replace(NO_UDP, cause=Cause.REFUSED), replace(NO_TCP, cause=Cause.REFUSED))


def test_a_firewall_that_rejects_everything_is_one_finding_too() -> None:
    """Unrelated hosts, all refused, and the control is out of reach: one border, not one finding a port."""
    judged = report(CONTROL_MUTE, RANGE_UNKNOWN, *REJECTED)
    assert ids(judged) == ["only-dns"]
    assert judged.findings[0].title == "Names resolve, but every other way out is rejected"


def test_one_domain_that_refuses_may_be_down() -> None:
    """The control answers: the Internet is there."""
    judged = report(RANGE_UNKNOWN, Fault(match=kind("portal"), outcome=Outcome.PASS), *REJECTED, clients=["desktop"])
    assert "only-dns" not in ids(judged)


def test_a_refusal_from_afar_shows_that_we_are_not_offline() -> None:
    """DNS is silent, and somebody rejects: there is a network."""
    refused = Fault(match=tcp(80), cause=Cause.REFUSED)
    assert "offline" not in ids(report(NOT_LOOKED_UP, refused, DNS_DEAD))
    assert ids(report(NOT_LOOKED_UP, replace(refused, cause=Cause.TIMEOUT), DNS_DEAD)) != ["offline"]


def test_one_silent_host_does_not_make_us_offline() -> None:
    """Asked for one host only, that host is the finding."""
    silent = case(*ALL_SILENT, clients=["pbx-agent"])
    named = [one for one in silent.results if one.flow.kind != "portal"]
    assert {one.flow.target.host for one in named} == {"agent.openrainbow.health"}
    assert not {"offline", "only-dns"} & set(ids(silent.judged()))


@pytest.mark.parametrize("cause", [Cause.BUDGET, Cause.INTERRUPTED])
def test_a_run_that_was_cut_short_does_not_call_us_offline(cause: Cause) -> None:
    """What was not tried to its end may well answer."""
    cut = Fault(match=kind("xmpp"), outcome=Outcome.INCONCLUSIVE, cause=cause)
    assert not {"offline", "only-dns"} & set(ids(report(cut, *ALL_SILENT)))


def at_loopback(result: Result) -> Result:
    """Move the target of *result* to this machine, as the demo does."""
    steps = tuple(
        replace(one, subject=f"127.0.0.1:{result.flow.target.port}") if one.phase is Phase.CONNECT else one
        for one in result.steps
    )
    return replace(result, steps=steps)


def test_this_machine_refusing_itself_is_nobody() -> None:
    """A refusal from loopback does not come from the network."""
    refused = Fault(match=but(kind("dns")), cause=Cause.REFUSED)
    shut = case(CONTROL_MUTE, RANGE_UNKNOWN, NO_UDP, refused)
    here, afar = shut.with_each(at_loopback).judged(), shut.judged()
    assert (ids(here), ids(afar)) == (["only-dns"], ["only-dns"])
    assert "nothing else answers" in here.findings[0].title
    assert "is rejected" in afar.findings[0].title


def test_somebody_who_speaks_is_somebody_also_on_this_machine() -> None:
    """A local box that opens connections and shakes hands stands between, as in the demo."""
    speaks = Fault(match=tls, phase=Phase.HTTP, cause=Cause.TIMEOUT)
    assert "only-dns" not in ids(
        case(CONTROL_MUTE, RANGE_UNKNOWN, NO_UDP, speaks, NO_TCP).with_each(at_loopback).judged()
    )


# Behind a proxy


def test_a_dead_proxy_in_a_closed_site_is_the_proxy() -> None:
    """DNS answers, nothing direct does, nor the proxy: at such a site the proxy is what is broken."""
    dead = Fault(match=proxied, phase=Phase.PROXY, cause=Cause.PROXY_UNREACHABLE)
    judged = report(CONTROL_MUTE, RANGE_UNKNOWN, dead, *ALL_SILENT, site=PROXY_SITE)
    assert "proxy-unreachable" in ids(judged)
    assert not {"offline", "only-dns"} & set(ids(judged))


def test_offline_behind_a_proxy_is_offline() -> None:
    """Neither DNS nor the proxy nor anything else."""
    dead = Fault(match=proxied, phase=Phase.PROXY, cause=Cause.PROXY_UNREACHABLE)
    assert ids(report(NOT_LOOKED_UP, dead, DNS_DEAD, site=PROXY_SITE)) == ["offline"]


@pytest.mark.parametrize(("where", "offline"), [("127.0.0.1", True), ("10.0.0.3", False)])
def test_a_proxy_on_this_machine_is_no_witness(where: str, offline: bool) -> None:
    """It says 502 to everything when the cable is out; a proxy elsewhere shows that the network is there."""
    here = Proxy(endpoint=Endpoint(host=where, port=3128))
    gave_up = Fault(match=proxied, phase=Phase.PROXY, cause=Cause.PROXY_TARGET_FAILED)
    silent = case(NOT_LOOKED_UP, gave_up, DNS_DEAD, site=replace(PROXY_SITE, proxy=here))

    def through(result: Result) -> Result:
        moved = tuple(replace(s, subject=f"{where}:3128") if s.phase is Phase.CONNECT else s for s in result.steps)
        return replace(result, steps=moved)

    assert (ids(silent.with_each(through).judged()) == ["offline"]) is offline


# Portals

CAUGHT = Fault(match=kind("portal"), phase=Phase.HTTP, cause=Cause.CAPTIVE_PORTAL, detail="302 to portal.example")
REDIRECTED = Fault(match=both(tls, past_the_proxy), phase=Phase.TLS, cause=Cause.TLS_WRONG_NAME)


def test_a_captive_portal_is_one_finding() -> None:
    """Everything but the names fails, and it all waits for somebody to sign in."""
    judged = report(CAUGHT, REDIRECTED, RANGE_UNKNOWN, NO_UDP, NO_TCP)
    assert ids(judged) == ["captive-portal"]
    found = judged.findings[0]
    assert (found.severity, found.who) == (Severity.BLOCKING, Who.ENDPOINT)
    assert "302 to portal.example" in found.detail
    assert found.proof[0].startswith("portal/")


def test_certificates_without_the_control_are_no_portal() -> None:
    """Wrong names alone may have other causes."""
    assert "captive-portal" not in ids(report(CONTROL_MUTE, REDIRECTED, RANGE_UNKNOWN, NO_UDP, NO_TCP))


def test_a_page_behind_decrypted_tls_is_a_portal_too() -> None:
    """A redirect to somebody else's host, under a certificate that only this machine trusts."""
    sent = Fault(match=both(tls, past_the_proxy), phase=Phase.HTTP, cause=Cause.CAPTIVE_PORTAL)
    assert ids(report(CONTROL_MUTE, RANGE_UNKNOWN, NO_UDP, sent, NO_TCP)) == ["captive-portal"]


def test_a_control_that_passes_is_past_any_portal() -> None:
    """Then a redirect to somebody else is told as it was seen."""
    sent = Fault(match=both(tls, past_the_proxy), phase=Phase.HTTP, cause=Cause.CAPTIVE_PORTAL)
    assert "captive-portal" not in ids(
        report(RANGE_UNKNOWN, NO_UDP, sent, replace(NO_TCP, match=but(kind("dns", "portal"))))
    )


def test_a_filter_of_plain_http_is_no_portal() -> None:
    """The service can be reached: nobody has to sign in anywhere."""
    judged = report(CAUGHT)
    assert ids(judged) == ["http-filtered"]
    assert judged.findings[0].severity is Severity.ADVICE
    assert row(judged, "desktop/https").verdict == "pass"


def test_a_block_page_at_a_site_with_a_proxy_is_no_portal() -> None:
    """The firewall answers for the neutral host; the service goes through the proxy."""
    judged = report(CAUGHT, Fault(match=past_the_proxy), site=PROXY_SITE)
    assert "captive-portal" not in ids(judged)
    assert "http-filtered" in ids(judged)


def test_names_are_not_the_portals_doing() -> None:
    """A name that does not exist keeps its own finding."""
    gone = Fault(match=host(APEX), phase=Phase.RESOLVE, cause=Cause.NXDOMAIN)
    judged = report(CAUGHT, gone, REDIRECTED, RANGE_UNKNOWN, NO_UDP, NO_TCP)
    assert sorted(ids(judged)) == ["captive-portal", "dns-nxdomain"]
    assert not set(finding(judged, "captive-portal").proof) & set(finding(judged, "dns-nxdomain").proof)


def test_dns_alive_is_no_finding() -> None:
    """The sample site itself is sound."""
    assert ids(report(UP)) == []
