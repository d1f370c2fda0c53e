"""The least that a site's failed rows need: nothing that works, nothing wider, nothing inbound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.explanations import FINDINGS
from rainbow_probe.model import Cause, Failure, Outcome, Phase, Report, Result, Site, Step, Who
from rainbow_probe.report import as_json, from_json
from rainbow_probe.rules import Act, Opening, RuleSet, least, render, whole
from rainbow_probe.rules.causes import BEHIND_THE_PROXY, DENYING, EXEMPTING
from rainbow_probe.rules.least import NAMES_FIRST
from rainbow_probe.rules.places import alternate
from rainbow_probe.rules.words import port_range, ports
from tests.judge_samples import (
    APEX,
    FCM,
    PROXY_SITE,
    TURN,
    Fault,
    address_of,
    both,
    but,
    by_address,
    case,
    everything,
    finding,
    guide,
    host,
    ids,
    kind,
    opened_by,
    past_the_proxy,
    proxied,
    report,
    tcp,
    tls,
    udp,
)

NO_UDP = Fault(match=udp, phase=Phase.STUN, detail="no answer in 7.8 s")
NO_RANGE = Fault(match=kind("udp-range"), phase=Phase.TURN_DATA, detail="0 of 16 sampled ports open")
NO_FCM = Fault(match=both(kind("push"), but(tcp(443))), phase=Phase.CONNECT)
DENIED = Fault(match=both(proxied, tcp(80)), phase=Phase.PROXY, cause=Cause.PROXY_DENIED, detail="403 Forbidden")
PUSH = ("mtalk.google.com", "alt1-mtalk.google.com", "alt2-mtalk.google.com")


def told(one: Opening) -> str:
    """Say in a line what *one* opens."""
    source = f" from {port_range(one.source)}" if one.source else ""
    by = " by proxy" if one.by_proxy else ""
    return f"{one.act} {one.protocol}/{ports(one)}{source}{by} to {' '.join(one.names or one.addresses)}"


def needed(judged: Report, *, degraded: bool = False, clients: tuple[str, ...] = ()) -> list[str]:
    """Say what the rows of *judged* need; the same from the report in memory and from the one in a file."""
    live = least(judged, guide(), degraded=degraded, clients=clients)
    stored = least(from_json.loads(as_json.dumps(judged)), guide(), degraded=degraded, clients=clients)
    assert stored == live
    return [told(one) for one in live.openings]


def both_turn(what: str) -> str:
    """Say *what* to both TURN servers."""
    return f"{what} to {' '.join(TURN)}"


def test_names_that_a_resolver_denies_are_let_pass_there() -> None:
    """Only those, in each format that has words for it, and from a stored report too."""
    denied = report(Fault(match=host(APEX), phase=Phase.RESOLVE, cause=Cause.NXDOMAIN))
    rules = least(from_json.loads(as_json.dumps(denied)), guide())
    assert (rules.names, rules.openings) == ((APEX,), ())
    assert all(one.endswith(NAMES_FIRST) for one in rules.unmended if one.startswith("desktop/"))
    assert render(rules, "rpz").splitlines()[2:] == [f"{APEX} CNAME rpz-passthru."]
    assert f"(--format rpz writes them for it):\n  {APEX}\n" in render(rules, "text")
    assert [line for line in render(rules, "csv").splitlines() if line.startswith("resolve,")] != []
    assert render(least(report(NO_UDP), guide()), "rpz").endswith("The resolver needs no change.\n")


def test_a_resolver_that_is_down_denies_nothing() -> None:
    """No list of names would mend it."""
    assert least(report(Fault(match=everything, phase=Phase.RESOLVE, cause=Cause.NO_ANSWER)), guide()).names == ()


def test_where_all_works_nothing_is_needed() -> None:
    """Not even a comment on what no rule mends."""
    rules = least(report(), guide())
    assert (rules.openings, rules.unmended) == ((), ())


def test_only_the_failed_rows_count() -> None:
    """Without UDP the gateway fails, from its own ports; the others work by a fallback."""
    assert needed(report(NO_UDP)) == [both_turn("open udp/3478 from 20000-29999")]


def test_degraded_rows_count_if_asked_for() -> None:
    """An opening for any source port takes in the gateway's own."""
    assert needed(report(NO_UDP), degraded=True) == [both_turn("open udp/3478")]


def test_the_wider_opening_tells_for_whom_the_narrower_was() -> None:
    """No row is forgotten."""
    rules = least(report(NO_UDP), guide(), degraded=True)
    assert {"webrtc-gateway/ice-turn", "desktop/p2p-internet"} <= set(rules.openings[0].rows)


def test_ports_that_touch_are_one_range() -> None:
    """And only the hosts that failed are named."""
    assert needed(report(NO_FCM)) == [f"open tcp/5228-5230 to {' '.join(PUSH)}"]


def test_one_port_of_three_alone_is_degraded() -> None:
    """What works already is not opened again."""
    one = replace(NO_FCM, match=both(kind("push"), tcp(5229)))
    assert needed(report(one)) == []
    assert needed(report(one), degraded=True) == [f"open tcp/5229 to {' '.join(PUSH)}"]


def test_a_host_that_works_is_not_opened_again() -> None:
    """Where one of several is enough, and one works, the row does not fail."""
    one = replace(NO_FCM, match=both(kind("push"), host(FCM)))
    assert needed(report(one), degraded=True) == []


def test_for_some_clients_only() -> None:
    """Rooms have no notifications; phones are not asked about."""
    rules = least(report(NO_FCM), guide(), clients=("room",))
    assert [one.rows for one in rules.openings] == [("room/fcm",)]


def test_the_way_that_the_guide_prefers_is_opened() -> None:
    """Of three ways to TURN the first is enough; the fallbacks stay closed."""
    gone = Fault(match=both(kind("turn")), phase=Phase.CONNECT)
    stun = replace(NO_UDP, phase=Phase.STUN)
    judged = report(stun, gone, NO_RANGE)
    assert [one for one in needed(judged, clients=("desktop",)) if "tcp" in one] == []


def test_the_high_range_is_opened_to_where_conferences_are() -> None:
    """The relay stood in for them: the guide's ranges if it is there, else the relay alone."""
    inside = replace(NO_RANGE, facts={"relay": "51.83.83.130"})
    outside = replace(NO_RANGE, facts={"relay": "203.0.113.9"})
    assert needed(report(inside), degraded=True) == [f"open udp/49152-65535 to {' '.join(guide().ranges)}"]
    assert needed(report(outside), degraded=True) == ["open udp/49152-65535 to 203.0.113.9"]


def test_the_proxy_must_permit_what_it_denied() -> None:
    """By name, for those that give names; by address for older gateways."""
    assert needed(report(DENIED, site=PROXY_SITE)) == [both_turn("permit tcp/80")]


def test_old_gateways_give_addresses() -> None:
    """The addresses of the TURN servers are permitted, and no others."""
    denied = replace(DENIED, match=by_address)
    resolved = case(denied, site=PROXY_SITE).judged()
    assert all(one.startswith("permit tcp/") for one in needed(resolved, degraded=True))
    rules = least(resolved, guide(), degraded=True)
    assert {address for one in rules.openings for address in one.addresses} == {address_of(name) for name in TURN}


def test_what_the_firewall_denies_the_proxy_is_opened_to_the_proxy() -> None:
    """Where it is proven that a firewall stands behind the proxy; a proxy's 502 alone is no proof."""
    failed = replace(DENIED, cause=Cause.PROXY_TARGET_FAILED, detail="502 Bad Gateway")
    unproven = report(failed, site=PROXY_SITE)
    closed = [replace(one, id="proxy-cannot-reach-80", who=Who.FIREWALL) for one in unproven.findings]
    assert needed(replace(unproven, findings=tuple(closed))) == [both_turn("open tcp/80 by proxy")]
    down = [replace(one, id="target-down", who=Who.PROVIDER) for one in unproven.findings]
    assert needed(replace(unproven, findings=tuple(down))) == []


def test_proxies_that_only_a_pac_file_names_count_too() -> None:
    """By the checks that went through them."""
    judged = report(DENIED, site=PROXY_SITE)
    named = [replace(one, flow=replace(one.flow, proxy="http://10.0.0.9:3128" if proxied(one.flow) else ""))
             for one in judged.results]  # fmt: skip
    pac = replace(judged, site=replace(judged.site, proxy=None), results=tuple(named))
    assert needed(pac) == needed(judged)
    assert least(pac, guide()).proxy == ("10.0.0.9",)
    assert least(judged, guide()).proxy == ("10.0.0.3",)
    assert any(one.by_proxy for one in whole(guide(), pac).openings)


def test_the_findings_that_rules_rest_on_exist() -> None:
    """By their names in the explanations."""
    assert set(FINDINGS) >= EXEMPTING | BEHIND_THE_PROXY | DENYING


def test_behind_a_proxy_only_media_and_push_are_opened() -> None:
    """What the proxy carries needs no hole in the firewall."""
    judged = report(Fault(match=both(past_the_proxy, but(udp))), NO_UDP, site=PROXY_SITE)
    doors = {one.split(" to ")[0] for one in needed(judged)}
    assert doors == {"open tcp/443", "open tcp/5228-5230", "open udp/3478", "open udp/49152-65535"}
    assert not any(APEX in one.split() for one in needed(judged))


def test_inspection_must_leave_turn_alone() -> None:
    """On the ports where it did not."""
    box = Fault(match=both(kind("turn"), tcp(80)), phase=Phase.STUN, cause=Cause.HTTP_INSTEAD_OF_STUN)
    judged = report(box)
    assert "http-inspection-80" in ids(judged)
    assert needed(judged) == [both_turn("exempt tcp/80")]


def test_whom_tls_inspection_must_leave_alone() -> None:
    """Those that do not work with it; where it is borne it may stay."""
    broken = Fault(match=both(kind("turn"), tls), phase=Phase.TLS, cause=Cause.TLS_INTERCEPTED,
                   facts={"issuer": "CN=Acme Inspection"})  # fmt: skip
    judged = case(broken).with_each(lambda one: opened_by(one) if one.flow.kind == "https" else one).judged()
    assert needed(judged) == [both_turn("exempt tcp/443")]


def test_where_a_box_is_proven_stun_that_is_cut_needs_no_other_proof() -> None:
    """Squid that decrypts says 200 to CONNECT on port 80 and closes at the first byte."""
    decrypted = Fault(match=both(proxied, tls), phase=Phase.TLS, cause=Cause.TLS_INTERCEPTED,
                      facts={"issuer": "CN=Acme Inspection"})  # fmt: skip
    cut = Fault(match=both(proxied, kind("turn"), tcp(80)), phase=Phase.STUN, cause=Cause.CLOSED)
    exempt = [one for one in needed(report(decrypted, cut, site=PROXY_SITE)) if one.startswith("exempt")]
    assert both_turn("exempt tcp/80,443") in exempt
    lone = [one for one in needed(report(cut, NO_UDP, site=PROXY_SITE)) if one.startswith("exempt")]
    assert lone == [both_turn("exempt tcp/80")]  # the server speaks TURN elsewhere


def test_a_stranger_of_whom_nothing_is_proven_is_not_exempt() -> None:
    """One unknown issuer on one domain may be anybody."""
    judged = report(Fault(match=host(APEX), phase=Phase.TLS, cause=Cause.TLS_UNTRUSTED))
    assert "tls-untrusted" in ids(judged)
    assert needed(judged) == []
    assert any(text.startswith("desktop/https: ") for text in least(judged, guide()).unmended)


@pytest.mark.parametrize(
    ("fault", "identity"),
    [
        (Fault(match=host(APEX), phase=Phase.RESOLVE, cause=Cause.NXDOMAIN), "dns-nxdomain"),
        (Fault(match=everything), "only-dns"),
        (Fault(match=host(APEX), phase=Phase.HTTP, cause=Cause.SERVER_ERROR), ""),
    ],
)
def test_what_no_rule_mends_is_said(fault: Fault, identity: str) -> None:
    """A name that does not exist, a password, a server's own error."""
    judged = report(fault)
    assert not identity or identity in ids(judged)
    rules = least(judged, guide())
    assert rules.openings or rules.unmended
    if identity != "only-dns":
        assert rules.openings == ()


def test_a_machine_that_is_offline_needs_a_cable_and_no_rules() -> None:
    """Not forty firewall rules."""
    judged = report(Fault(match=everything, phase=Phase.RESOLVE, cause=Cause.NO_ANSWER))
    assert "offline" in ids(judged)
    assert needed(judged) == []


def test_what_is_not_proven_is_said_to_be_so() -> None:
    """A host that is silent on its only door may be down."""
    judged = report(Fault(match=host(f"files-hds.{APEX}"), phase=Phase.CONNECT))
    assert ids(judged)[0].startswith("seen-connect-timeout")
    lone = least(judged, guide())
    assert [one.proven for one in lone.openings] == [False]
    assert "the hosts may be down" in render(lone, "text")
    assert "the hosts may be down" in render(lone, "nftables")
    assert all(one.proven for one in least(report(NO_UDP), guide()).openings)


def test_controls_need_nothing() -> None:
    """No row stands on what was only tried to tell causes apart."""
    judged = report(NO_FCM)
    control = replace(judged.results[0], flow=replace(judged.results[0].flow, id="x", control_of="y"))
    assert least(replace(judged, results=(*judged.results, control)), guide()) == least(judged, guide())


@pytest.mark.parametrize(
    "name",
    ["a b", "x;reboot", "a\nb", "$(id)", "'", "a..b", "-", "*", "a" * 300 + ".example", "fe80::1%eth0", "127.0.0.1"],
)
def test_a_name_that_is_none_gets_into_no_rule(name: str) -> None:
    """It is said of the row instead."""
    judged = report(replace(NO_UDP, match=udp), turn=(name,))
    rules = least(judged, guide(), degraded=True)
    assert rules.openings == ()
    assert any("no name that can be written" in text for text in rules.unmended)


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "not-an-address", "10.0.0.1;", "fe80::1%eth0"])  # noqa: S104 - never bound to
def test_an_address_that_is_none_gets_into_no_rule(address: str) -> None:
    """Nor one at which nothing can be."""

    def bent(one: Result) -> Result:
        steps = [replace(s, facts={"addresses": address}) if s.phase is Phase.RESOLVE else s for s in one.steps]
        return replace(one, steps=tuple(steps))

    judged = report(NO_FCM)
    rules = least(replace(judged, results=tuple(map(bent, judged.results))), guide())
    assert [(one.names, one.addresses) for one in rules.openings] == [(PUSH, ())]


# All that the guide asks for


def wanted(rules: RuleSet, act: Act) -> set[str]:
    """Say what *rules* tell of one kind."""
    return {told(one) for one in rules.of(act)}


def test_the_whole_guide_without_a_report() -> None:
    """Both ways out, as nobody knows whether there is a proxy; TURN servers by the guide's ranges."""
    rules = whole(guide())
    ranges = " ".join(guide().ranges)
    assert f"open udp/3478 to {ranges}" in wanted(rules, Act.OPEN)
    assert f"open udp/49152-65535 to {ranges}" in wanted(rules, Act.OPEN)
    assert f"open tcp/5228-5230 to {' '.join(PUSH)}" in wanted(rules, Act.OPEN)
    assert any(APEX in one for one in wanted(rules, Act.PERMIT))
    assert wanted(rules, Act.EXEMPT) == {f"exempt tcp/80,443 to {ranges}"}
    assert not any("portal" in str(one.rows) or "gstatic" in told(one) for one in rules.openings)


def test_the_whole_guide_at_a_site_without_a_proxy() -> None:
    """Names of the TURN servers and addresses come from the report."""
    rules = whole(guide(), report())
    assert both_turn("open udp/3478") in wanted(rules, Act.OPEN)
    assert wanted(rules, Act.PERMIT) == set()
    assert all(one.addresses for one in rules.openings)


def test_the_whole_guide_at_a_site_with_a_proxy() -> None:
    """What goes through the proxy is opened to the proxy."""
    rules = whole(guide(), report(site=PROXY_SITE))
    web = [one for one in rules.of(Act.OPEN) if APEX in one.names]
    assert web
    assert all(one.by_proxy for one in web)
    assert any("tcp/80" in one for one in wanted(rules, Act.PERMIT))


def test_what_the_guide_asks_for_some_clients() -> None:
    """A PBX agent needs two lines."""
    rules = whole(guide(), report(), clients=("pbx-agent",))
    assert wanted(rules, Act.OPEN) == {f"open tcp/443 to agent.{APEX}"}


def test_rows_on_the_lan_are_named() -> None:
    """Whoever reads the list must not think that it is all."""
    assert any(text.startswith("desktop/p2p-lan: ") for text in whole(guide()).unmended)


def test_a_site_without_anything_known() -> None:
    """Addresses of this machine are told, where there are any."""
    assert least(report(site=Site()), guide()).own == ()
    assert finding(report(NO_UDP), "udp-blocked").rules[0].text.count("allow outbound") == 1
    assert Outcome.FAIL in {one.verdict.outcome for one in report(NO_UDP).results}


@pytest.mark.parametrize(
    ("place", "opened"),
    [
        ("203.0.113.9:3479", "open udp/3479 to 203.0.113.9"),
        ("[2001:db8::9]:3478", "open udp/3478 to 2001:db8::9"),
    ],
)
def test_where_a_turn_server_sends_its_clients_on_is_opened_too(place: str, opened: str) -> None:
    """The way to the first is open; a rule for it would change nothing."""
    sent = Step(phase=Phase.TURN_ALLOCATE, subject="first", at=0.0, took=0.1, facts={"code": 300, "alternate": place})

    def sent_on(one: Result) -> Result:
        if not udp(one.flow) or one.flow.kind != "turn" or not one.steps:
            return one
        return replace(one, steps=(*one.steps[:-1], sent, replace(one.steps[-1], subject=place)))

    found = Fault(match=both(kind("turn"), udp), phase=Phase.STUN, detail="no answer in 7.8 s")
    rules = needed(case(found).with_each(sent_on).judged(), degraded=True)
    assert any(opened in rule for rule in rules), rules
    assert not any("udp/3478" in rule and TURN[0] in rule for rule in rules), rules


@pytest.mark.parametrize("place", ["203.0.113.9:no port", "203.0.113.9", "a.name:3478", "0.0.0.0:3478", "[", ""])
def test_what_is_no_place_is_written_into_no_rule(place: str) -> None:
    """A stored report may say anything."""
    step = Step(phase=Phase.TURN_ALLOCATE, subject=place, at=0.0, took=0.1, facts={"alternate": f" {place}"})
    why = Failure(phase=Phase.STUN, cause=Cause.TIMEOUT, detail="no answer")
    first = next(one for one in case().results if one.flow.kind == "turn")
    failed = replace(first, verdict=replace(first.verdict, failure=why), steps=(step, replace(step, failure=why)))
    assert alternate(failed) is None
