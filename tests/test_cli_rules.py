"""The commands about rules and about testing again, as a user runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rainbow_probe.report import as_json
from tests.catalogue_samples import CLINIC
from tests.commands import command
from tests.judge_samples import Fault, report
from tests.test_rules_least import NO_UDP

ALL_GOOD = report()
CLOSED = report(NO_UDP, Fault(match=lambda flow: flow.kind == "push"))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a report of a site with closed ports."""
    path = tmp_path_factory.mktemp("stored") / "site.json"
    path.write_text(as_json.dumps(CLOSED), "utf-8")
    return path


def test_rules_of_a_report(stored: Path) -> None:
    """In words, unless a product is named."""
    told = command("rules", str(stored))
    assert (told.status, told.err) == (0, "")
    assert "to port   5228-5230" in told.out
    nft = command("rules", str(stored), "--format", "nftables", "--chain", "inet border out", "--client", "room")
    assert "add rule inet border rainbow ip daddr" in nft.out
    assert "3478" not in nft.out


def test_rules_of_the_whole_guide() -> None:
    """Of one that ships, or of another."""
    assert "turn" in command("rules", "--all", "--format", "csv").out
    assert "clinic" in command("rules", "--all", "--guide", str(CLINIC)).out.lower()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "of which report?"),
        (["/nonexistent.json"], "/nonexistent.json: No such file"),
        (["README.md"], "README.md: not a report"),
        (["--all", "--format", "pf"], "--format pf: no such format; known are"),
        (["--all", "--source", "here"], "--source 'here': not a network"),
        (["--all", "--chain", "x"], "--chain is for nftables, iptables"),
        (["--all", "--format", "nftables", "--chain", "inet a b; flush ruleset"], "wanted is FAMILY TABLE CHAIN"),
        (["--all", "--format", "iptables", "--chain", "A -j ACCEPT"], "wanted is the name of a chain"),
        (["--all", "--client", "nobody"], "no such client"),
    ],
)
def test_wrong_use_of_rules(arguments: list[str], told: str) -> None:
    """Exit status 2, nothing on standard output, and a word on what is allowed."""
    ended = command("rules", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert told in ended.err


def test_a_report_of_another_guide(stored: Path) -> None:
    """Rules by a guide that the report knows nothing of would be wrong."""
    ended = command("rules", str(stored), "--guide", str(CLINIC))
    assert ended.status == 2
    assert "not by clinic-small" in ended.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--only", "desktop/ws"], "did you mean desktop/wss"),
        (["--failed-in", "README.md"], "README.md: not a report"),
        (["--rules", "-"], "--rules -: only --json and --markdown go to standard output"),
        (["--rules", "x", "--rules-format", "pf"], "--rules-format pf: no such format"),
    ],
)
def test_wrong_use_of_run(arguments: list[str], told: str) -> None:
    """Told before anything is sent."""
    ended = command("run", "--resolver", "127.0.0.1:9", "--proxy", "none", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert told in ended.err


def test_nothing_to_test_again(tmp_path: Path) -> None:
    """A report in which nothing failed."""
    path = tmp_path / "good.json"
    path.write_text(as_json.dumps(ALL_GOOD), "utf-8")
    ended = command("run", "--failed-in", str(path))
    assert ended.status == 2
    assert "nothing to test again" in ended.err


def test_the_demo_writes_rules(tmp_path: Path) -> None:
    """The least that its fault needs."""
    path = tmp_path / "rules.nft"
    ended = command("demo", "--fault", "udp-blocked", "--client", "webrtc-gateway", "--quiet",
                          "--rules", str(path), "--rules-format", "text")  # fmt: skip
    assert ended.status == 1
    text = path.read_text("utf-8")
    assert "allow outbound UDP" in text
    assert "allow outbound TCP" not in text
