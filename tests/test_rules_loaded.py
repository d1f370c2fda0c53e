"""The rules are loaded by the programs that they are for: in a namespace of its own, or by a parser's own check."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rainbow_probe.rules import By, RuleSet, Style, render
from tests.lab import netns
from tests.lab.netns import SYSTEM_PATH, Namespace, run
from tests.rule_samples import EVERYTHING, NOTHING

STYLES = (Style(), Style(by=By.RANGE), Style(source="10.1.0.0/16"), Style(source="2001:db8::/48"))


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    """Make a namespace, with a firewall of its own."""
    if reason := netns.why_not():
        pytest.skip(reason)
    made = Namespace("rules")
    yield made
    made.delete()


def needs(program: str) -> None:
    """Skip where *program* is not installed."""
    if shutil.which(program, path=SYSTEM_PATH) is None:
        pytest.skip(f"not installed: {program} (run tests/setup.sh)")


@pytest.mark.parametrize("style", STYLES, ids=str)
@pytest.mark.parametrize("rules", [EVERYTHING, NOTHING], ids=["all", "none"])
def test_nft_loads_them(namespace: Namespace, rules: RuleSet, style: Style) -> None:
    """Checked, then really loaded, twice: the second time replaces the first."""
    text = render(rules, "nftables", style)
    namespace.run("nft", "-c", "-f", "-", given=text)
    for _ in range(2):
        namespace.run("nft", "-f", "-", given=text)
    listing = json.loads(namespace.run("nft", "-j", "list", "chain", "inet", "filter", "rainbow"))
    loaded = [item["rule"] for item in listing["nftables"] if "rule" in item]
    assert len(loaded) == text.count("\nadd rule ")


def test_nft_takes_the_jump_into_a_chain_of_the_site(namespace: Namespace) -> None:
    """It stands before the rules that are there."""
    namespace.run("nft", "-f", "-", given="table inet border { chain out { drop; }; }")
    namespace.run("nft", "-f", "-", given=render(EVERYTHING, "nftables", Style(chain="inet border out")))
    listing = namespace.run("nft", "list", "chain", "inet", "border", "out")
    assert listing.index("jump rainbow") < listing.index("drop")


def test_nft_takes_a_table_of_one_family(namespace: Namespace) -> None:
    """Without the rules of the other."""
    namespace.run("nft", "-f", "-", given="table ip old { chain out { drop; }; }")
    namespace.run("nft", "-f", "-", given=render(EVERYTHING, "nftables", Style(chain="ip old out")))
    assert "ip6" not in namespace.run("nft", "list", "table", "ip", "old")


@pytest.mark.parametrize("style", [*STYLES, Style(chain="OUTPUT")], ids=str)
@pytest.mark.parametrize("name", ["iptables", "ip6tables"])
def test_iptables_loads_them(namespace: Namespace, name: str, style: Style) -> None:
    """Tested, then really loaded, twice."""
    needs(f"{name}-restore")
    text = render(EVERYTHING, name, style)
    namespace.run(f"{name}-restore", "--test", "--noflush", given=text)
    for _ in range(2):
        namespace.run(f"{name}-restore", "--noflush", given=text)
    listed = namespace.run(name, "-S", "RAINBOW").splitlines()
    assert sum(line.startswith("-A RAINBOW") for line in listed) >= text.count("\n-A RAINBOW")
    assert "\n-A RAINBOW" in text or style.source  # of the other family: nobody of it may send


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_squid_parses_them(tmp_path: Path, style: Style) -> None:
    """Before the site's own lines, in a proxy that decrypts."""
    needs("squid")
    path = tmp_path / "squid.conf"
    rules = render(EVERYTHING, "squid", style)
    own = [f"pid_filename none\ncache_log {tmp_path}/log", "http_port 3128", "acl hello at_step SslBump1"]
    path.write_text("\n".join([*own, rules, "ssl_bump peek hello", "http_access deny all\n"]), "utf-8")
    run("squid", "-k", "parse", "-f", str(path))


def test_squid_refuses_what_is_none(tmp_path: Path) -> None:
    """The test above can fail."""
    needs("squid")
    path = tmp_path / "squid.conf"
    path.write_text("acl rainbow_to_1 dstdomian a.example\nhttp_access allow rainbow_to_1\n", "utf-8")
    with pytest.raises(netns.LabError):
        run("squid", "-k", "parse", "-f", str(path))
