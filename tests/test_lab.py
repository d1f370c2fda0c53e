"""The probe against real servers, through real firewalls and proxies: every site of ``tests/lab/sites``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from rainbow_probe.bundle.pseudonyms import Pseudonyms
from rainbow_probe.bundle.redact import Level, redacted
from rainbow_probe.bundling import public_of
from tests.commands import TOO_BUSY, starved
from tests.lab import agreement, netns, oracle, scenario
from tests.lab.cloud import Cloud
from tests.lab.expectation import differences, is_one_of
from tests.lab.names import (
    ACCOUNT,
    ACCOUNT_PASSWORD,
    APP_ID,
    APP_SECRET,
    PROXY,
    PROXY_GATEWAY,
    PROXY_PASSWORD,
    SITE,
    SITE_GATEWAY,
    TURN_PASSWORD,
    XMPP_PASSWORD,
)
from tests.lab.probe import WRONG_PASSWORD
from tests.lab.runs import Run, Runs, tally, unmet

SELDOM = frozenset([
    "address-one-rejected",
    "captive-portal-tls",
    "clock-behind",
    "clock-hours",
    "combo-certificate-loss",
    "combo-nxdomain-push",
    "combo-push-http-resolver",
    "dns-no-aaaa",
    "dns-rewrites",
    "dns-split",
    "dns-udp-only",
    "exit-of-udp",
    "ipv6-prohibited",
    "line-asymmetric",
    "mtu-1280",
    "nat-address-restricted",
    "nat-double",
    "nat-full-cone",
    "pac-direct-fallback",
    "proxy-auth-missing",
    "proxy-login-digest",
    "proxy-login-several",
    "proxy-only-no-dns",
    "proxy-says-page",
    "tls-web-only",
    "turn-one-dead",
    "udp-loss-15",
    "udp-loss-30",
    "udp-prohibited",
    "udp-rate-limited",
    "voice-loss-1",
    "voice-loss-3",
    "voice-loss-half",
    "voice-proxy-only",
    "voice-rate-limited",
])
"""Sites that differ from others in degree rather than in kind, and the two where chance has most to say: only
``make accuracy`` runs them (those two five times), so that all tests end within twenty minutes and end alike."""
SITES = [name for name in scenario.names() if name not in SELDOM]
OF_THE_ACCOUNT = (ACCOUNT, ACCOUNT_PASSWORD, APP_ID, APP_SECRET, XMPP_PASSWORD)
SECRETS = (TURN_PASSWORD, WRONG_PASSWORD, PROXY_PASSWORD, "not-the-proxy-password-0000", *OF_THE_ACCOUNT)


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest) -> Iterator[Runs]:
    """Make a cloud and begin the runs at all sites that the chosen tests ask for."""
    if reason := netns.why_not():
        pytest.skip(reason)
    netns.remove_stale()
    asked = _sites_of(request.session.items)
    with Cloud() as cloud, Runs(cloud, [name for name in SITES if name in asked], observed=True) as found:
        yield found


def _sites_of(items: Sequence[pytest.Item]) -> set[str]:
    here = [item for item in items if isinstance(item, pytest.Function) and item.path == Path(__file__)]
    return {str(item.callspec.params["site"]) for item in here if hasattr(item, "callspec")}


@pytest.fixture
def run(runs: Runs, site: str) -> Run:
    """Return the run at *site*."""
    return runs[site]


def test_the_sites_that_run_seldom_are_there() -> None:
    """A name that no site has would keep nothing out."""
    assert set(scenario.names()) >= SELDOM


@pytest.mark.parametrize("site", SITES)
def test_the_site_is_what_its_file_says(run: Run) -> None:
    """Plain sockets, dig, openssl and curl saw there what the file's ``truth`` says."""
    wanted = run.scenario.truth
    assert {asked: told for asked, told in run.seen.items() if not is_one_of(told, wanted[asked])} == {}
    assert run.seen.keys() == wanted.keys() != set()


@pytest.mark.parametrize("site", SITES)
def test_the_report_says_what_is_true(run: Run) -> None:
    """Ending, findings, every row and every check are as the site's file says, and what it does not name has passed."""
    wrong = differences(run.scenario, run.ended)
    if wrong and starved(run.ended.report):  # that no verdict is false is asked of it all the same, below
        pytest.skip(TOO_BUSY)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("site", SITES)
def test_other_programs_experience_the_same(run: Run, site: str) -> None:
    """No check and no row says the opposite of what Chromium, curl, openssl, dig and coturn's client found there."""
    compared = agreement.compare(run.ended.report, oracle.recorded(site))
    assert compared.agreed > 0
    assert agreement.unexplained(site, compared.differences) == []


@pytest.mark.parametrize("site", SITES)
def test_the_run_met_every_fault_of_the_site(run: Run) -> None:
    """The firewall's counters show that each planted fault was really tried."""
    assert unmet(run) == []


@pytest.mark.parametrize("site", SITES)
def test_a_wrong_password_is_sent_once(run: Run) -> None:
    """By the proxy's own log of the whole run: a second time could lock the account."""
    assert run.ended.refused_logins == run.scenario.expect.refused_logins


@pytest.mark.parametrize("site", SITES)
def test_nothing_secret_and_no_traceback_is_ever_printed(run: Run) -> None:
    """Neither screen, nor messages, nor the report show a password or a traceback."""
    printed = run.ended.out + run.ended.err + json.dumps(run.ended.report)
    assert [secret for secret in SECRETS if secret in printed] == []
    assert "Traceback" not in printed


@pytest.mark.parametrize("site", ["lan-firewall"])
def test_a_sweep_finds_the_very_ports_that_the_firewall_closes(run: Run) -> None:
    """As intervals, out and in, to the port; and the findings name them, who rejects, and which way."""
    measured = {check["id"]: check.get("measured") for check in run.ended.report["checks"]}

    def survey(check: str) -> list[tuple[int, int, str]]:
        found = next(one for key, one in measured.items() if key.startswith(check))
        return [(one["first"], one["last"], one["state"]) for one in found["intervals"]]

    assert survey("sweep/198.19.3.3:20000") == [
        (20000, 23999, "open"),
        (24000, 25999, "closed"),
        (26000, 26999, "open"),
        (27000, 27004, "closed"),
        (27005, 28999, "open"),
        (29000, 29009, "closed"),
        (29010, 29999, "open"),
    ]
    assert survey("sweep/198.19.3.2:49152") == [(49152, 65535, "open")]
    assert survey("sweep-in/198.19.3.4:30000") == [(30000, 33999, "open"), (34000, 40000, "closed")]
    titles = [finding["title"] for finding in run.ended.report["findings"]]
    closed = "24000-25999, 27000-27004, 29000-29009"
    assert any("some rejected by 198.19.1.1, this machine" in title and closed in title for title in titles)
    assert any("from 198.19.3.4 to this machine" in title for title in titles)


@pytest.mark.parametrize("site", ["proxy-bumps-trusted", "pac-split", "ipv6-only", "dns-private"])
def test_a_redacted_bundle_has_nothing_of_the_inside(run: Run) -> None:
    """Neither names and addresses of the site's machines, nor those of the company; the service's names stay."""
    report = run.ended.report
    inside = public_of(report, "hds-ed21")
    text = json.dumps(redacted(report, inside, Level.ADDRESSES, Pseudonyms(key=b"k" * 32)))
    own = (SITE, SITE_GATEWAY, PROXY, PROXY_GATEWAY, "fd00:", "site.test", "Corporate Inspection Lab")
    assert [one for one in own if one in text] == []
    assert "openrainbow.health" in text


@pytest.mark.parametrize("site", SITES)
def test_no_verdict_is_false(run: Run) -> None:
    """No row and no check passes that could not, or fails that worked."""
    counts = tally(run)
    assert counts.verdicts > 0
    assert counts.false_passes == ()
    assert counts.false_failures == ()
