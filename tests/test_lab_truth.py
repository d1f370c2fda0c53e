"""The lab is what it says: each planted fault is there, seen with tools that share nothing with the probe."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.commands import starved
from tests.lab import firewall, netns, scenario, truth
from tests.lab.cloud import Cloud
from tests.lab.expectation import differences
from tests.lab.netns import LabError, Namespace
from tests.lab.probe import Ended
from tests.lab.runs import Run, tally, unmet
from tests.lab.scenario import Check, Dns, Expected, Firewall, HttpProxy, Probe, Rule, Scenario, SiteFileError
from tests.lab.site import Site

ROOT = Path(__file__).parent.parent
NUMBERS = count(1)
OPEN = scenario.load("open")
EXITS = ("198.18.129.2", "198.18.129.3")


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """Make one cloud for all sites of this file."""
    if reason := netns.why_not():
        pytest.skip(reason)
    netns.remove_stale()
    with Cloud() as made:
        yield made


@pytest.mark.parametrize("name", scenario.names())
def test_every_site_says_what_is_true_there(name: str) -> None:
    """A site without a truth of its own could be anything."""
    assert scenario.load(name).truth


def test_the_relay_really_relays(cloud: Cloud) -> None:
    """The client that comes with coturn gets its packets back over UDP, TCP, TLS and TCP/80."""
    ways: list[list[str]] = [[], ["-t"], ["-t", "-S", "-p", "443"], ["-t", "-p", "80"]]
    login = ["-u", "lab-user", "-w", "lab-turn-password-7391"]
    with Site(cloud, OPEN, number=next(NUMBERS)) as site:
        commands = [site.enter("turnutils_uclient", *way, "-y", "-c", "-n", "1", *login, "198.18.0.21") for way in ways]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]  # noqa: S603 - fixed
        told = [one.communicate(timeout=60)[0] for one in running]
    assert [text.count("tot_recv_msgs=2") > 0 for text in told] == [True] * 4


def test_push_hosts_speak_what_apple_speaks(cloud: Cloud) -> None:
    """The couriers choose Apple's ALPN."""
    told = cloud.namespace.run(
        "openssl", "s_client", "-connect", "198.18.0.42:443", "-alpn", "apns-security-v3", given="Q\n"
    )
    assert "ALPN protocol: apns-security-v3" in told


def test_what_the_firewall_drops_it_counts(cloud: Cloud) -> None:
    """A counter at zero tells that a fault was never met."""
    with Site(cloud, scenario.load("udp-blocked"), number=next(NUMBERS)) as site:
        assert site.hits()["rule 0"] == 0
        truth.ask(site, "udp turn-sbg1.openrainbow.health 3478")
        assert site.hits()["rule 0"] == 3


def test_a_long_line_adds_its_delay(cloud: Cloud) -> None:
    """A connection takes one round trip more than the delay asked for, and not two."""
    with Site(cloud, OPEN, number=next(NUMBERS), delay_ms=100) as site:
        for _ in range(20):  # a busy machine adds of its own
            begun = time.monotonic()
            assert truth.ask(site, "tcp openrainbow.health 443") == "open"
            took = time.monotonic() - begun
            if took < 0.2:
                break
        assert 0.1 <= took < 0.2


def test_the_machine_keeps_its_own_resolver(cloud: Cloud) -> None:
    """The site's resolv.conf is seen at the site only."""
    before = Path("/etc/resolv.conf").read_bytes()
    with Site(cloud, OPEN, number=next(NUMBERS)) as site:
        assert site.lan.run("cat", "/etc/resolv.conf").startswith("nameserver 198.19.1.1\n")
        assert Path("/etc/resolv.conf").read_bytes() == before


def test_nothing_is_left_of_a_site(cloud: Cloud) -> None:
    """Namespaces, processes and files are gone when the site is."""
    with Site(cloud, scenario.load("proxy-only"), number=next(NUMBERS)) as site:
        made = (site.lan, site.border, site.dmz)
        pids = [server.process.pid for server in site.servers.values()]
    assert pids
    assert [name for name in made if Path("/run/netns", name.name).exists()] == []
    assert [name for name in made if Path("/etc/netns", name.name).exists()] == []
    assert [pid for pid in pids if Path("/proc", str(pid)).exists()] == []
    assert not site.folder.exists()


def test_a_rule_set_that_does_not_load_is_an_error(cloud: Cloud) -> None:
    """A site whose rules nft refuses must not pass for an open one."""
    broken = Scenario(
        title="", expect=OPEN.expect, firewall=Firewall(rules=(Rule(action="drop", protocol="udp", ports="nonsense"),))
    )
    with pytest.raises(LabError, match=r"nft (?s:.*)nonsense"), Site(cloud, broken, number=next(NUMBERS)):
        pass


def test_a_server_that_does_not_start_is_an_error(cloud: Cloud) -> None:
    """The end of its log tells why."""
    broken = Scenario(title="", expect=OPEN.expect, http_proxy=HttpProxy(options=("no_such_directive",)))
    with pytest.raises(LabError, match=r"squid (?s:.*)no_such_directive"), Site(cloud, broken, number=next(NUMBERS)):
        pass


def test_what_a_crashed_lab_left_behind_is_removed(cloud: Cloud) -> None:
    """A namespace whose owner is gone goes, with the processes in it; those of living labs stay."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = Namespace("left", owner=gone.pid)
    left.resolver("198.18.0.53")
    stuck = left.popen(["sleep", "600"], cloud.folder / "stuck.log")
    while str(stuck.pid) not in netns.run("ip", "netns", "pids", left.name).split():
        assert stuck.poll() is None
    netns.remove_stale()
    assert stuck.wait(timeout=10) != 0
    assert not Path("/run/netns", left.name).exists()
    assert Path("/run/netns", cloud.namespace.name).exists()


def test_a_command_runs_at_a_site(cloud: Cloud) -> None:
    """``python -m tests.lab`` passes on output and exit status, beside another lab."""
    del cloud  # it is up meanwhile: two labs do not meet
    inside = ["sh", "-c", "ip -4 -brief address show eth0; exit 7"]
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "tests.lab", "open", "--", *inside],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (7, "")
    assert "198.19.1.10/24" in done.stdout


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (Rule(action="drop"), 'counter drop comment "rule 0"'),
        (Rule(action="drop", protocol="udp"), 'meta l4proto udp counter drop comment "rule 0"'),
        (Rule(action="reset", protocol="tcp", ports="80, 81"), "tcp dport { 80, 81 } counter reject with tcp reset"),
        (Rule(action="accept", ports="53"), "meta l4proto { tcp, udp } th dport { 53 } counter accept"),
        (Rule(action="drop", family="v6"), "meta nfproto ipv6 counter drop"),
        (Rule(action="drop", to=("openrainbow.health",)), "ip daddr { 198.18.0.10 } counter drop"),
        (Rule(action="drop", to=("openrainbow.health",)), "ip6 daddr { 2001:2::10 } counter drop"),
        (Rule(action="mute", protocol="tcp"), 'iifname "lan" meta l4proto tcp counter redirect to :9001'),
    ],
)
def test_a_rule_becomes_a_line_of_nft(rule: Rule, line: str) -> None:
    """The rules of a site file and those of nft say the same."""
    assert line in firewall.ruleset(Firewall(rules=(rule,)), None, EXITS, Dns())


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (Firewall(nat="symmetric"), "snat to 198.18.129.2 fully-random"),
        (Firewall(nat="full-cone"), 'iifname "wan" ip daddr 198.18.129.2 meta l4proto udp dnat to 198.19.1.10'),
        (Firewall(nat="address-restricted"), "ip saddr @spoken_to meta l4proto udp dnat to 198.19.1.10"),
        (
            Firewall(reroute={"web.openrainbow.health:443": "idle.test"}),
            "ip daddr 198.18.0.11 tcp dport 443 counter dnat",
        ),
        (
            Firewall(reroute={"web.openrainbow.health:*": "idle.test"}),
            "ip daddr 198.18.0.11 counter dnat to 198.18.0.67",
        ),
    ],
)
def test_a_border_becomes_lines_of_nft(plan: Firewall, line: str) -> None:
    """Kinds of NAT, and services that are elsewhere; that they are what they are called, the sites' own truth shows."""
    assert line in firewall.ruleset(plan, None, EXITS, Dns())


def test_an_unknown_nat_is_refused() -> None:
    """It names those there are."""
    with pytest.raises(LabError, match="no NAT conical; there are: symmetric, address-restricted, full-cone"):
        firewall.ruleset(Firewall(nat="conical"), None, EXITS, Dns())


def test_an_unknown_action_is_refused() -> None:
    """It names those there are."""
    with pytest.raises(LabError, match=r"no action deny; there are: accept, drop, .*portal"):
        firewall.ruleset(Firewall(rules=(Rule(action="deny"),)), None, EXITS, Dns())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("titel = 'x'", "titel: not one of"),
        ("[firewall]\nrule = []", "site.toml: firewall: rule: not one of default,"),
        ("[firewall]\nrules = [{ deny = 1 }]", "site.toml: firewall: rules: deny: not one of action,"),
        ("[expect]\nchecks = [{ name = 'x' }]", "site.toml: expect: checks: name: not one of cause,"),
    ],
)
def test_a_site_file_with_a_slip_is_refused(
    text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A misspelt fault would be no fault at all."""
    monkeypatch.setattr(scenario, "FOLDER", tmp_path)
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SiteFileError) as caught:
        scenario.load("site")
    assert words in str(caught.value)


def test_an_unknown_site_is_refused() -> None:
    """It names those there are."""
    with pytest.raises(SiteFileError, match=r"no site nowhere; there are: .*open, "):
        scenario.load("nowhere")


def ended(**changes: object) -> Ended:
    """Return a run at the open site with one row, one check and no findings, changed by *changes*."""
    status = changes.pop("status", 0)
    report = {
        "verdict": "pass",
        "site": {"nat": {"mapping": "endpoint-independent", "filtering": "address-and-port-dependent"}},
        "rows": [{"id": "desktop/https", "verdict": "pass", "reason": "works"}],
        "checks": [{"id": "https/a:443/tls/direct", "outcome": "pass", "reason": "works", "failure": None}],
        "clients": [],
        "findings": [],
    }
    return Ended(status=1 if status else 0, report={**report, **changes}, out="", err="")


FAILED = {"phase": "connect", "cause": "timeout", "detail": "nothing for 4 s"}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "exit": ({"status": 1}, "exit 1, not 0"),
    "verdict": ({"verdict": "fail"}, "the verdict is fail, not pass"),
    "row": ({"rows": [{"id": "desktop/wss", "verdict": "fail", "reason": "no"}]}, "row desktop/wss is fail, not pass"),
    "unapplicable row": (
        {"rows": [{"id": "border/http-1.1", "verdict": "pass", "reason": ""}]},
        "row border/http-1.1 is pass, not not-applicable",
    ),
    "check": (
        {"checks": [{"id": "turn/a:80/tcp/direct", "outcome": "fail", "reason": "", "failure": FAILED}]},
        "check turn/a:80/tcp/direct is fail (connect: timeout: nothing for 4 s), not pass",
    ),
    "our own fault": (
        {"checks": [{"id": "x", "outcome": "pass", "reason": "", "failure": {**FAILED, "cause": "unknown"}}]},
        "check x is pass (connect: unknown",
    ),
    "finding": (
        {"findings": [{"id": "udp-blocked", "severity": "blocking", "title": "UDP is blocked"}]},
        "false finding udp-blocked: UDP is blocked",
    ),
    "nat": (
        {"site": {"nat": {"mapping": "none"}}},
        "the NAT is told as mapping none, filtering unknown, not mapping endpoint-independent, filtering address-and-",
    ),
    "an exit that is not there": (
        {"findings": [{"id": "tcp-80-other-exit", "severity": "advice", "title": "TCP/80 leaves elsewhere"}]},
        "false finding tcp-80-other-exit: this site has one way out",
    ),
    "forbidden advice": (
        {"findings": [{"id": "tls-odd", "severity": "advice", "title": "TLS is odd"}]},
        "false finding tls-odd: TLS is odd",
    ),
}


@pytest.mark.parametrize(("changes", "words"), WRONG.values(), ids=WRONG)
def test_a_report_that_is_wrong_is_found_out(changes: dict[str, Any], words: str) -> None:
    """Each kind of difference is seen and said."""
    assert [line for line in differences(OPEN, ended(**changes)) if words in line]


def test_a_right_report_has_no_differences() -> None:
    """Advice is no false finding."""
    advice = {"id": "addresses-moved", "severity": "advice", "title": "moved"}
    assert differences(OPEN, ended(findings=[advice])) == []


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (Expected(exit=0, verdict="pass", findings=("offline|only-dns",)), "finding offline|only-dns is missing"),
        (Expected(exit=0, verdict="pass", rows={"room/x": "pass"}), "no row room/x"),
        (Expected(exit=0, verdict="pass", checks=(Check(id="sip/*", outcome="pass"),)), "no check sip/*"),
        (Expected(exit=0, verdict="pass", clients={"room": "pass"}), "client room is missing, not pass"),
    ],
)
def test_what_is_expected_and_not_there_is_found_out(expected: Expected, words: str) -> None:
    """A pattern that matches nothing proves nothing."""
    found = differences(Scenario(title="", expect=expected), ended())
    assert [line for line in found if line.startswith(words)]


def test_no_report_at_all_is_one_difference() -> None:
    """What the probe said instead is shown."""
    nothing = Ended(status=2, report={}, out="", err="--turn: not an URI")
    assert differences(OPEN, nothing) == ["no report; exit 2: --turn: not an URI"]


def test_the_tally_tells_false_passes_from_false_failures() -> None:
    """Degraded counts as a pass, inconclusive as neither."""
    rows = [
        {"id": "a/falsely-good", "verdict": "degraded"},
        {"id": "b/falsely-bad", "verdict": "fail"},
        {"id": "c/untold", "verdict": "inconclusive"},
        {"id": "d/right", "verdict": "fail"},
    ]
    expected = Expected(exit=0, verdict="pass", rows={"a/* d/*": "fail"})
    counts = tally(Run(scenario=Scenario(title="", expect=expected), ended=ended(rows=rows), hits={}))
    assert counts.verdicts == 4
    assert counts.false_passes == ("a/falsely-good",)
    assert counts.false_failures == ("b/falsely-bad",)


def test_a_fault_nobody_met_is_named() -> None:
    """Unless the site file says that it need not be met."""
    plan = Scenario(
        title="",
        expect=OPEN.expect,
        firewall=Firewall(
            default="drop",
            rules=(Rule(action="drop"), Rule(action="drop", expect_hits=False)),
            reroute={"openrainbow.health:443": "mute.test"},
            udp_loss=5,
        ),
        dns=Dns(),
        probe=Probe(),
    )
    met = Counter({"reroute 0": 2})
    assert unmet(Run(scenario=plan, ended=ended(), hits=met)) == ["rule 0", "udp-loss", "default"]


@pytest.mark.parametrize(("cause", "again"), [("budget", True), ("timeout", False)])
def test_only_a_run_without_time_is_made_again(cause: str, again: bool) -> None:
    """A failure of the network is never tried again until it passes."""
    check = {"id": "x", "outcome": "inconclusive", "reason": "", "failure": {**FAILED, "cause": cause}}
    assert starved(ended(checks=[check]).report) is again
    passed = {"id": "x", "outcome": "pass", "reason": "", "failure": None, "steps": [check]}
    assert starved(ended(checks=[passed]).report) is again
