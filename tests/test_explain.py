"""``rainbow-probe explain``: every word of a report, in words an administrator reads at 80 columns."""

from __future__ import annotations

import re

import pytest

from rainbow_probe.catalogue import builtin, load
from rainbow_probe.checks import kinds
from rainbow_probe.explain import explain, overview, words
from rainbow_probe.explanations import FINDINGS
from rainbow_probe.explanations.kinds import KINDS
from rainbow_probe.language import language
from rainbow_probe.options import UsageError
from tests.catalogue_samples import CLINIC
from tests.commands import command

GUIDE = load(builtin("hds-ed21"), kinds())


def test_a_kind_of_check_says_when_it_passes() -> None:
    """And what usually stands behind its failure, if anything does: a NAT is none."""
    text = " ".join(explain("nat", GUIDE).split())
    assert "nat: a kind of check" in text
    assert "It passes when two addresses of TURN servers say" in text
    assert "stands behind its failure" not in text
    assert "finding captive-portal" in explain("portal", GUIDE)


def test_every_word_has_its_page() -> None:
    """Which begins with it, fits 80 columns and shows no mark-up."""
    for word in words(GUIDE):
        lines = explain(word, GUIDE).splitlines()
        assert lines[0].startswith(word)
        assert max(map(len, lines)) <= 80, word
        assert "`" not in "".join(lines), word


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("desktop/wss", ["mandatory", "section 4.1", "proxy-no-upgrade"]),
        ("connectors/wss", [ "HTTP Upgrade", "openrainbow.health on TLS/443"]),
        ("mobile/conference", ["udp-range to the TURN servers on UDP/49152-65535", "always direct"]),
        ("room/conference", ["degraded: only UDP/3478 works; the cost"]),
        ("mobile/p2p-lan", ["sweep to another client of this site on UDP/37000-50000"]),
        ("border/firewall", ["It sums up all rows of section"]),
        ("os/dynamic-ports", ["of this machine", "Erratum"]),
        ("connect/timeout", ["A firewall that drops", "Open the port"]),
        ("timeout", ["In phase stun", "In phase connect", "In phase turn-data"]),
        ("budget", ["inconclusive", "--timeout"]),
        ("nxdomain", ["in phase resolve", "does not exist"]),
        ("tls", ["tls/tls-expired"]),
        ("udp-blocked", ["check turn", "UDP/3478", "rainbow-probe rules"]),
        ("tls-intercepted", ["a finding", "a cause, in phase tls"]),
        ("proxy-denies-8080", ["proxy-denies-8080: a finding", "443 only"]),
        ("seen-tls-timeout-rest", ["without a proven cause", "ClientHello"]),
        ("tcp-80-blocked-more", ["No host of the service takes connections"]),
        (" Connect/Timeout ", ["connect/timeout"]),
    ],
)  # fmt: skip
def test_a_page_says_what_is_needed(word: str, told: list[str]) -> None:
    """What it is, how it is tested, what passes and fails, what it comes from, what to do."""
    text = " ".join(explain(word, GUIDE).split()).lower()
    assert [part for part in told if part.lower() not in text] == []


def test_a_row_that_only_a_proxy_can_break_names_no_udp() -> None:
    """What usually breaks a row is what can break it."""
    text = explain("border/connect-80", GUIDE)
    assert "proxy-denies-PORT" in text
    assert "udp-blocked" not in text
    assert "proxy-denies" not in explain("mobile/fcm", GUIDE)


@pytest.mark.parametrize(
    ("word", "near"),
    [("udp-bloked", "udp-blocked"), ("desktop/ws", "desktop/wss"), ("conect/timeout", "connect/timeout")],
)
def test_a_wrong_word_is_answered_with_the_closest_ones(word: str, near: str) -> None:
    """Typing errors happen."""
    with pytest.raises(UsageError, match=f"did you mean .*{near}"):
        explain(word, GUIDE)


@pytest.mark.parametrize("word", ["", "xyzzy", "resolve/tls-expired", "tcp-x-blocked", "\x1b[31m"])
def test_what_nobody_knows_is_refused(word: str) -> None:
    """A failure that cannot occur, too; what was typed is shown escaped."""
    with pytest.raises(UsageError, match="no such row, cause or finding") as refused:
        explain(word, GUIDE)
    assert str(refused.value).isprintable()


def test_the_overview_lists_everything() -> None:
    """Rows, findings, causes and phases."""
    listed = overview(GUIDE).replace(",", " ").split()
    assert [word for word in words(GUIDE) if "/" not in word and word not in listed] == []
    assert [row.id for row in GUIDE.rows if row.id not in listed] == []


def test_every_kind_of_check_is_explained() -> None:
    """With findings that exist."""
    assert set(KINDS) == set(kinds())
    assert {name for kind in KINDS.values() for name in kind.findings} <= set(FINDINGS)


def test_the_command_explains() -> None:
    """One word, of this guide or of another; without a word it lists."""
    assert "Messages and presence" in command("explain", "desktop/wss").out
    assert "Rows of the guide" in command("explain").out
    row = load(CLINIC, kinds()).rows[0]
    assert row.title in command("explain", row.id, "--guide", str(CLINIC)).out


def test_the_command_refuses() -> None:
    """With exit status 2, and nothing on standard output."""
    refused = command("explain", "nonsense")
    assert (refused.status, refused.out) == (2, "")
    assert "nonsense" in refused.err


FRENCH = language("fr")
COMMON = re.compile(r"(?<![\w-])(?:and|are|at|be|by|from|is|its|of|that|the|there|this|to|was|which|with)(?![\w-])")


def test_every_page_is_there_in_french() -> None:
    """Whoever reads a French report asks for its words; ids stay what they are, and no page is half English."""
    for word in words(GUIDE):
        text = explain(word, GUIDE, FRENCH)
        assert text.startswith(f"{word} :"), word
        assert max(map(len, text.splitlines())) <= 80, word
        quoted = re.sub(r"«[^»]*»|turn-not-there", "", " ".join(text.split()))
        assert COMMON.findall(quoted) == [], (word, text)


def test_the_command_speaks_the_language_that_is_asked_for() -> None:
    """By option or by locale; ``list`` too, with the ids and sections as they are."""
    assert "Ce qu'il faut faire" in command("explain", "udp-blocked", "--lang", "fr").out
    assert "Sortes de tests" in command("explain", env={"LANG": "fr_FR.UTF-8"}).out
    listed = command("list", "--client", "desktop", "--lang", "fr").out.splitlines()
    assert listed[1].split() == ["desktop/wss", "4.1", "obligatoire", "Messages", "et", "présence", "[TLS/443]"]
    assert command("list", "--lang", "xx").status == 2
