"""Certificates: who issued them, for whom, until when, and whether the clock is to blame."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.model import Cause, Outcome, Phase, Report, Result, Scalar, Severity, Step, Verdict, Via, Who
from tests.judge_samples import (
    AGENT,
    APEX,
    FCM,
    PROXY_SITE,
    TURN,
    Case,
    Facts,
    Fault,
    both,
    case,
    finding,
    host,
    ids,
    kind,
    opened_by,
    outcomes,
    report,
    row,
    tcp,
    tls,
)

BOX = "CN=Acme Inspection\\, Inc.,O=Acme"


def shown(cause: Cause, *names: str, **facts: Scalar) -> Fault:
    """Let the certificates of *names* be refused for *cause*."""
    match = both(tls, host(*names)) if names else tls
    return Fault(match=match, phase=Phase.TLS, cause=cause, facts={"issuer": BOX, **facts})


# Interception


def web(result: Result) -> Result:
    """Decrypt the web hosts, where the guide allows it."""
    return (
        opened_by(result, BOX) if result.flow.kind in {"https", "xmpp"} and result.flow.target.host != AGENT else result
    )


def test_decryption_that_is_allowed_is_advice() -> None:
    """It is named, and nothing must change."""
    judged = case().with_each(web).judged()
    assert ids(judged) == ["tls-intercepted"]
    found = judged.findings[0]
    assert (found.severity, found.rows, found.who) == (Severity.ADVICE, (), Who.TLS_INSPECTION)
    assert found.title == "TLS is decrypted on the way by Acme Inspection, Inc."
    assert found.fix.startswith("Nothing must change")
    assert judged.verdict == "pass"


def test_decrypted_turn_is_not_allowed() -> None:
    """TURN over TLS fails, and with it what needs it; the hosts that bear it are the proof."""
    judged = case(shown(Cause.TLS_INTERCEPTED, *TURN)).with_each(web).judged()
    assert ids(judged) == ["tls-intercepted"]
    found = judged.findings[0]
    assert outcomes(judged, found) == {Outcome.PASS, Outcome.FAIL}
    assert "border/tls-inspection" in found.rows
    assert found.severity is Severity.DEGRADING
    assert TURN[0] in found.rules[0].text
    assert APEX not in found.rules[0].text.replace(TURN[0], "").replace(TURN[1], "")
    assert "may stay decrypted" in found.fix


def test_a_refused_host_with_the_boxs_issuer_is_the_boxs() -> None:
    """Apple's hosts accept no other issuer: theirs is told with the rest."""
    strange = shown(Cause.TLS_UNTRUSTED, "1-courier.push.apple.com", "2-courier.push.apple.com")
    judged = case(strange).with_each(web).judged()
    assert ids(judged) == ["tls-intercepted"]
    assert "mobile/apns" in judged.findings[0].rows
    assert judged.findings[0].severity is Severity.BLOCKING


def test_an_agent_host_with_the_boxs_issuer_is_named() -> None:
    """There any issuer would do, so nothing fails."""

    def agent_too(result: Result) -> Result:
        return opened_by(result, BOX) if result.flow.target.host == AGENT else web(result)

    judged = case().with_each(agent_too).judged()
    found = judged.findings[0]
    assert f"{AGENT}, where the operator's own CA is expected, shows the same issuer" in found.detail
    assert found.fix.startswith(f"Exempt {AGENT} from decryption")
    assert found.severity is Severity.DEGRADING
    assert row(judged, "pbx-agent/wss").verdict == "inconclusive"
    assert "Acme Inspection" in row(judged, "pbx-agent/wss").reason
    agent = next(one for one in judged.results if one.flow.target.host == AGENT and one.flow.kind == "xmpp")
    assert (agent.verdict.outcome, agent.verdict.failure and agent.verdict.failure.cause) == (
        Outcome.INCONCLUSIVE,
        Cause.CANNOT_TELL,
    )


def test_an_agent_host_with_an_issuer_that_is_refused_elsewhere() -> None:
    """A box that this machine does not trust may stand at the agent's host too."""

    def agent_too(result: Result) -> Result:
        steps = tuple(
            replace(step, facts={**step.facts, "issuer": BOX}) if step.phase is Phase.TLS else step
            for step in result.steps
        )
        return replace(result, steps=steps) if result.flow.target.host == AGENT else result

    judged = case(shown(Cause.TLS_UNTRUSTED, APEX)).with_each(agent_too).judged()
    assert row(judged, "pbx-agent/wss").verdict == "inconclusive"


def test_an_agent_host_with_its_own_issuer_is_no_interception() -> None:
    """The operator's private CA is expected there."""

    def own(result: Result) -> Result:
        told: Facts = {"issuer": "CN=Operator CA", "public": False}
        steps = tuple(replace(s, facts={**s.facts, **told}) if s.phase is Phase.TLS else s for s in result.steps)
        return replace(result, steps=steps) if result.flow.target.host == AGENT else result

    assert ids(case().with_each(own).judged()) == []


def test_one_stranger_on_unrelated_domains_is_a_box() -> None:
    """No server has certificates for all of them; this machine does not trust it."""
    judged = report(shown(Cause.TLS_UNTRUSTED))
    assert ids(judged) == ["tls-intercepted"]
    assert judged.findings[0].title.endswith("Acme Inspection, Inc., and this machine does not trust it")
    assert judged.findings[0].severity is Severity.BLOCKING


def test_one_stranger_on_one_domain_may_be_anybody() -> None:
    """It is told with its issuer, and no cause is named."""
    judged = report(shown(Cause.TLS_UNTRUSTED, APEX, *TURN))
    assert ids(judged) == ["tls-untrusted"]
    assert "Acme Inspection" in judged.findings[0].detail


def test_different_strangers_are_no_box() -> None:
    """An issuer each: two servers with two faults."""
    strangers = [shown(Cause.TLS_UNTRUSTED, name, issuer=f"CN={name}") for name in (APEX, FCM)]
    assert ids(report(*strangers)) == ["tls-untrusted"]


def test_strangers_without_a_name_are_no_box() -> None:
    """Nothing was read of their certificates."""
    strangers = [replace(shown(Cause.TLS_UNTRUSTED, name), facts={}) for name in (APEX, FCM)]
    assert ids(report(*strangers)) == ["tls-untrusted"]


def test_a_block_page_is_quoted() -> None:
    """It came from a box that decrypts."""
    page = Fault(match=host(f"files-hds.{APEX}"), phase=Phase.HTTP, cause=Cause.BLOCK_PAGE, detail="403: 'Blocked'")
    judged = report(page)
    assert "block-page" in ids(judged)
    assert "403: 'Blocked'" in finding(judged, "block-page").detail


# Dates and names


@pytest.mark.parametrize(
    ("cause", "identity"),
    [
        (Cause.TLS_EXPIRED, "certificate-expired"),
        (Cause.TLS_NOT_YET_VALID, "certificate-not-yet-valid"),
        (Cause.TLS_WRONG_NAME, "certificate-wrong-name"),
    ],
)
def test_a_bad_certificate_of_one_host(cause: Cause, identity: str) -> None:
    """The others' are fine, so the clock is too."""
    judged = report(shown(cause, APEX, issuer="CN=Public CA", not_after="2026-11-01", san="other.example"))
    assert ids(judged) == [identity]
    found = judged.findings[0]
    assert (found.who, found.severity) == (Who.PROVIDER, Severity.BLOCKING)
    assert APEX in found.title
    assert "Public CA" in found.detail


def test_the_dates_and_names_shown_are_told() -> None:
    """An expert sees what was shown."""
    old = report(shown(Cause.TLS_EXPIRED, APEX, not_before="2025-11-01", not_after="2026-11-01"))
    assert f"{APEX}: 2025-11-01 to 2026-11-01" in old.findings[0].detail
    wrong = report(shown(Cause.TLS_WRONG_NAME, APEX, san="portal.example"))
    assert f"{APEX} shows one for portal.example" in wrong.findings[0].detail


def test_a_boxs_own_expired_certificate_is_the_boxs() -> None:
    """The issuer is the one that decrypts elsewhere."""
    judged = case(shown(Cause.TLS_EXPIRED, f"web.{APEX}")).with_each(web).judged()
    assert finding(judged, "certificate-expired").who is Who.TLS_INSPECTION


def test_a_host_that_shows_its_own_certificate_past_the_proxy_proves_the_box() -> None:
    """Direct against proxied: the same host and port, another issuer, and a public one."""
    through = both(tcp(443), host(*TURN), lambda flow: flow.via is Via.PROXY)
    strange = Fault(match=through, phase=Phase.TLS, cause=Cause.TLS_UNTRUSTED, facts={"issuer": BOX})
    judged = report(strange, site=PROXY_SITE)
    assert ids(judged) == ["tls-intercepted"]
    assert "Acme Inspection" in judged.findings[0].title
    blocked = report(strange, Fault(match=both(tcp(443), host(*TURN))), site=PROXY_SITE)
    assert "tls-untrusted" in ids(blocked)


# The clock

TWO_YEARS = 2 * 365 * 86400


def dated(skew: int, *kinds: str) -> Fault:
    """Let the HTTP answers of *kinds* carry a date that is *skew* seconds behind this machine's."""
    return Fault(match=kind(*kinds), outcome=Outcome.PASS, facts={"clock_skew_s": skew})


def all_stale(cause: Cause, *more: Fault) -> Report:
    """Let all certificates be out of date, public ones of unrelated domains among them."""
    return report(*more, shown(cause))


@pytest.mark.parametrize("cause", [Cause.TLS_EXPIRED, Cause.TLS_NOT_YET_VALID])
def test_unrelated_certificates_out_of_date_are_the_clock(cause: Cause) -> None:
    """One finding, for this machine, instead of one for each certificate."""
    judged = all_stale(cause)
    assert ids(judged) == ["clock-wrong"]
    found = judged.findings[0]
    assert (found.who, found.severity) == (Who.ENDPOINT, Severity.BLOCKING)
    assert "2026-11-22T10:00:00+01:00" in found.detail


@pytest.mark.parametrize(("skew", "told"), [(TWO_YEARS, "730 days ahead of"), (-TWO_YEARS, "730 days behind")])
def test_the_control_hosts_date_is_the_proof(skew: int, told: str) -> None:
    """It says by how much, and in which direction."""
    judged = all_stale(Cause.TLS_EXPIRED, dated(skew, "portal"))
    assert ids(judged) == ["clock-wrong"]
    assert told in judged.findings[0].title
    assert outcomes(judged, judged.findings[0]) == {Outcome.PASS, Outcome.FAIL}


def test_a_clock_that_a_server_confirms_is_right() -> None:
    """Then the certificates are out of date indeed."""
    assert ids(all_stale(Cause.TLS_EXPIRED, dated(3, "portal"))) == ["certificate-expired"]


def test_one_expired_certificate_and_a_date_that_agrees_with_it() -> None:
    """Two witnesses: the certificate, and another server's date."""
    judged = report(dated(TWO_YEARS, "portal"), shown(Cause.TLS_EXPIRED, APEX))
    assert ids(judged) == ["clock-wrong"]


def test_several_dates_without_a_bad_certificate_are_advice() -> None:
    """Nothing fails yet."""
    judged = report(dated(TWO_YEARS, "portal", "https"))
    assert ids(judged) == ["clock-wrong"]
    assert judged.findings[0].severity is Severity.ADVICE


def test_one_odd_date_is_that_servers() -> None:
    """It may be its clock that is wrong."""
    assert ids(report(dated(TWO_YEARS, "portal"))) == []


def test_certificates_of_one_domain_may_end_together() -> None:
    """They were made together."""
    judged = report(shown(Cause.TLS_EXPIRED, APEX, *TURN))
    assert ids(judged) == ["certificate-expired"]


def test_expired_here_and_early_there_is_no_clock() -> None:
    """A clock errs in one direction."""
    judged = report(shown(Cause.TLS_EXPIRED, APEX), shown(Cause.TLS_NOT_YET_VALID, FCM))
    assert sorted(ids(judged)) == ["certificate-expired", "certificate-not-yet-valid"]


def test_a_wrong_clock_leaves_what_needs_no_certificate() -> None:
    """UDP and TCP/80 work: the calls do."""
    judged = all_stale(Cause.TLS_EXPIRED)
    assert row(judged, "desktop/p2p-internet").verdict == "pass"
    assert row(judged, "desktop/https").verdict == "fail"


def test_the_turn_port_alone_is_no_clock() -> None:
    """One domain's certificates."""
    assert "clock-wrong" not in ids(report(replace(shown(Cause.TLS_EXPIRED), match=both(tcp(443), kind("turn")))))


@pytest.mark.parametrize(("skew", "identity"), [(2, "certificate-expired"), (TWO_YEARS, "clock-wrong")])
def test_a_date_from_behind_a_bad_certificate_is_a_witness_too(skew: int, identity: str) -> None:
    """A control asks the same host without judging its certificate: then it is known whose fault it is."""
    found = case(shown(Cause.TLS_EXPIRED, APEX))
    assert ids(replace(found, results=(*found.results, told(found, skew))).judged()) == [identity]


def told(found: Case, skew: int) -> Result:
    """Follow up the bad certificate of *found* by the date of its own server."""
    suspect = next(one for one in found.results if one.flow.kind == "https" and one.verdict.outcome is Outcome.FAIL)
    flow = replace(suspect.flow, id=f"{suspect.flow.id}/date", kind="answers", control_of=suspect.flow.id)
    step = Step(phase=Phase.HTTP, subject="/", at=0.0, took=0.1, facts={"clock_skew_s": skew})
    return Result(flow=flow, verdict=Verdict(outcome=Outcome.PASS, reason="HTTP is answered"), steps=(step,))


def test_where_nothing_confirms_the_clock_it_is_left_open() -> None:
    """One domain's certificates are all that was seen: they have expired, or the clock is wrong."""
    ours = both(tls, lambda flow: flow.target.host.endswith(APEX))
    judged = report(
        Fault(match=ours, phase=Phase.TLS, cause=Cause.TLS_EXPIRED), Fault(match=tls), Fault(match=kind("portal"))
    )
    assert "if the clock of this machine is right" in finding(judged, "certificate-expired").title
    assert "if the clock" not in report(shown(Cause.TLS_EXPIRED, APEX)).findings[0].title


@pytest.mark.parametrize(
    ("skew", "told_as"),
    [
        (7200, "2 hours ahead of"),
        (-3600, "1 hour behind"),
        (900, "15 minutes ahead of"),
        (19800, "5.5 hours ahead of"),
    ],
)
def test_a_clock_some_minutes_or_hours_away_is_advice(skew: int, told_as: str) -> None:
    """Nothing fails by it yet; whole hours point to the time zone."""
    judged = report(dated(skew, "portal", "https"))
    assert ids(judged) == ["clock-off"]
    found = judged.findings[0]
    assert told_as in found.title
    assert (found.who, found.severity) == (Who.ENDPOINT, Severity.ADVICE)
    assert ("time zone" in found.fix) is (skew % 1800 == 0 and skew != 900)


def test_what_kerberos_allows_is_right_enough() -> None:
    """So is what only one server says."""
    assert ids(report(dated(200, "portal", "https"))) == []
    assert ids(report(dated(7200, "portal"))) == []
    assert ids(report(dated(7200, "portal"), dated(3, "https"))) == []
