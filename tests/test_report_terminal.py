"""The terminal report: at 80 columns, in monochrome, in ASCII, in a pipe, and with hostile text in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO, StringIO, TextIOWrapper

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from rainbow_probe.model import Need, Report, Row, RowVerdict, Rule
from rainbow_probe.report import terminal
from rainbow_probe.report.grids import widths
from rainbow_probe.report.layout import row_names, tally, untested
from rainbow_probe.report.wording import because, clip, in_short, lines, named, number, plain, some
from tests import report_samples as samples

ALL = [samples.broken_site, samples.open_site, samples.hostile, samples.crowded, samples.nothing_known]
COMMAND = (
    "ip daddr { 51.83.83.128/27, 135.125.46.128/27 } udp dport 3478 ct state new,established "
    'counter accept comment "Rainbow TURN"'
)
STYLES = re.compile(r"\x1b\[[0-9;]*m")
COLOURS = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|38|9[0-7]|4[0-7]|48)(?:;[0-9;]*)?m")


def shown(report: Report, width: int = 80) -> str:
    """Return the report as it goes into a pipe."""
    console = Console(file=StringIO(), width=width, markup=False, emoji=False, highlight=False)
    terminal.render(report, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def coloured(report: Report, *, no_color: bool) -> str:
    """Return the report as it goes to a terminal with 256 colours."""
    stream = StringIO()
    console = Console(
        file=stream, width=80, force_terminal=True, color_system="256", no_color=no_color, legacy_windows=False
    )
    terminal.render(report, console)
    return stream.getvalue()


def encoded(report: Report, encoding: str) -> str:
    """Return the report as it goes into a file of that encoding, the strict way."""
    raw = BytesIO()
    stream = TextIOWrapper(raw, encoding=encoding, errors="strict", newline="")
    terminal.render(report, terminal.open_console(stream))
    stream.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("make", ALL)
def test_no_line_is_wider_than_the_terminal(make: Callable[[], Report], width: int) -> None:
    """Nothing is wrapped by the terminal, but for commands to paste, and no line ends in blanks."""
    for line in shown(make(), width).splitlines():
        assert cell_len(line) <= width or line.strip() == COMMAND
        assert line == line.rstrip()


def test_wide_letters_are_counted_as_wide() -> None:
    """Chinese letters take two columns each."""
    report = samples.broken_site()
    rows = tuple(replace(row, reason="防火墙阻止了" * 12) for row in report.rows)
    assert max(cell_len(line) for line in shown(replace(report, rows=rows)).replace(COMMAND, "").splitlines()) <= 80


def test_the_first_and_the_last_line_say_it() -> None:
    """One knows at the first glance how it went, and at the last who must act."""
    text = shown(samples.broken_site())
    assert text.startswith("✘ FAIL  Sign-in and messages work; calls work on desktops only")
    last = " ".join(text[text.rindex("✘ FAIL") :].split())
    counts = "2 blocking, 1 degrading, 1 advice"
    assert last == f"✘ FAIL {counts}; to act: whoever runs the firewall, whoever runs TLS inspection"


def test_the_order_of_the_parts() -> None:
    """Headline, clients, tables as in the guide, what was not tested, and findings last, blocking ones first."""
    text = shown(samples.broken_site())
    parts = [
        "✘ FAIL  Sign-in",
        "\nClients\n",
        "\nThis machine\n",
        "\n4.1 Desktop and Web clients",
        "\n4.2 Android and iOS\n",
        "\n9 Call\n",
        "\nNot tested (38 rows)\n",
        "\nFindings (4)\n",
        "1. ✘ BLOCKING  Outbound UDP is blocked, except DNS",
        "2. ✘ BLOCKING  Google push",
        "3. ! degrading  TLS to web",
        "4. i advice  This machine takes",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "line",
    [
        "  ! degraded      Desktop and Web clients      media only over TLS/443 through",
        "  ✘ FAIL          Rainbow Room                 media has no way out:",
        "  ✔ pass          PBX agent                    every row that could be tried",
        "  ? inconclusive  WebRTC gateway               9 of 14 rows need the gateway",
        "  ✘ FAIL   Names for files     files-hds.openrainbow.health  NXDOMAIN from both",
        "  Way out    proxy http://proxy.corp.example:3128 (from HTTPS_PROXY in the",
        "  Erratum in the guide: the guide prints 49512 for Linux; the dynamic range",
    ],
)
def test_lines_one_looks_for(line: str) -> None:
    """A verdict stands at the left edge, as a symbol and a word; names of hosts are not broken."""
    assert line in shown(samples.broken_site()).splitlines()


def test_tables_that_say_the_same_are_one() -> None:
    """The guide gives connectors the rows of the desktop: if they also fare alike, one table serves both."""
    report = samples.broken_site()
    both = "\n4.1 Desktop and Web clients; 4.3 Teams and Google connectors\n"
    assert both in shown(report)
    rows = tuple(replace(row, reason="other") if row.id == "connectors/p2p-internet" else row for row in report.rows)
    assert both not in shown(replace(report, rows=rows))


def test_untested_rows_are_gathered() -> None:
    """Each reason is said once, with all the rows it holds for; rows nobody tested take no table."""
    text = shown(samples.broken_site(), width=120)
    assert text.count("bandwidth and quality are not measured in this version") == 1
    assert "    4  needs TURN credentials: give --turn-user and the password\n" in text
    assert "desktop: conference; connectors: conference; mobile: conference; room: conference" in text
    assert "    1  not applicable: mail comes from the service" in text
    assert "6 Bandwidth" not in text


def test_wide_terminals_show_the_rows_ids() -> None:
    """Where there is room, a row can be found by the name it has in the JSON report."""
    assert re.search(r"✘ FAIL .* fcm\n", shown(samples.broken_site(), 120))
    assert not re.search(r"✘ FAIL .* fcm\n", shown(samples.broken_site(), 80))


def test_rules_are_ready_to_copy() -> None:
    """A rule stands alone on its lines, without borders; a command is never broken by us."""
    told = shown(samples.broken_site()).splitlines()
    assert f"     {COMMAND}" in told
    first = told.index("     direction:   outbound, replies allowed")
    assert told[first + 2] == "     destination: turn*.openrainbow.health (51.83.83.128/27, 135.125.46.128/27)"
    assert told[first - 2 : first] == ["", "   To paste (text):"]


def test_long_prose_in_a_rule_is_wrapped() -> None:
    """A rule in plain text is for a human to read: it stays within the width, behind its indent."""
    report = samples.broken_site()
    finding = replace(report.findings[0], rules=(Rule(format="text", text="let it out " * 20),))
    text = shown(replace(report, findings=(finding,)))
    assert "\n     let it out let it out" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_proof_is_shown_with_what_was_seen() -> None:
    """Checks that saw the same share one line of reason; beyond a few they are counted."""
    report = samples.broken_site()
    proof = [
        "   Proof      ✘ push/mtalk.google.com:5228/tls/direct",
        "              ✘ push/mtalk.google.com:5229/tls/direct",
        "              ✘ push/mtalk.google.com:5230/tls/direct",
        "                nothing for 8 s",
    ]
    assert "\n".join(proof) in shown(report)
    many = replace(report.findings[1], proof=tuple(result.flow.id for result in report.results))
    assert "                and 12 more checks\n" in shown(replace(report, findings=(many,)))


def test_what_stands_unjudged_behind_a_finding_is_said() -> None:
    """Doors that lost the same are named together; of a finding that hides nothing, nothing is said."""
    report = samples.broken_site()
    assert "Behind it  not judged: TCP/80, TCP/8080 (stun, turn-allocate); TCP/443 (tls)." in shown(report, 120)
    plain_ones = [finding for finding in report.findings if not finding.hides]
    assert "Behind it" not in shown(replace(report, findings=tuple(plain_ones)))


def test_unknown_proof_is_named_all_the_same() -> None:
    """A check that is not in the report has no verdict to show."""
    assert "- turn/turn-gra1.openrainbow.health:3478/udp/direct" in shown(replace(samples.broken_site(), results=()))


def test_an_interrupted_run_says_so() -> None:
    """What is missing then is missing because the run was stopped."""
    text = shown(samples.nothing_known())
    assert "\nInterrupted: what follows is what was known by then.\n" in text
    assert text.endswith("\nNo findings\n")
    assert "Clients" not in text


def test_without_colours_words_and_symbols_remain() -> None:
    """NO_COLOR and --no-color take the colours away, and nothing else; a pipe gets no styles at all."""
    report = samples.broken_site()
    assert COLOURS.search(coloured(report, no_color=False))
    assert not COLOURS.search(coloured(report, no_color=True))
    assert STYLES.sub("", coloured(report, no_color=False)) == shown(report)
    assert "\x1b" not in shown(report)


def test_the_environment_can_forbid_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The console for a run obeys NO_COLOR, and takes nothing for markup."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert not terminal.open_console(StringIO()).no_color
    assert terminal.open_console(StringIO(), no_color=True).no_color
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.open_console(StringIO()).no_color


def test_hostile_text_moves_nothing() -> None:
    """No control, no escape sequence, no direction mark and no markup of a peer has any effect."""
    text = STYLES.sub("", coloured(samples.hostile(), no_color=False))
    assert [c for c in text if not c.isprintable() and c != "\n"] == []
    assert "[bold red]markup[/] [link=http://evil.example]x[/link] :bomb:" in text
    assert "\\x1b[31mred\\x1b[0m" in text
    assert "\\u202egnp.exe" in text


def test_long_text_is_cut() -> None:
    """One endless answer does not push the rest off the screen."""
    assert shown(samples.hostile()).count("x" * 20) < 80 * 12
    assert "x…" in shown(samples.hostile())


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_every_encoding_will_do(make: Callable[[], Report], encoding: str) -> None:
    """A console or a file that is not UTF-8 gets other symbols, and escapes for what it cannot show."""
    text = encoded(make(), encoding)
    assert ("✘ " in text or "✔ " in text) == (encoding == "utf-8" and make is not samples.nothing_known)
    assert ("\xe9" in text) == (make is samples.hostile and encoding != "ascii")


def test_ascii_has_its_own_symbols() -> None:
    """The verdicts' words stay; an ellipsis is three dots."""
    report = replace(samples.broken_site(), summary="a \u2013 b \u2026 c")
    text = encoded(report, "ascii")
    assert text.startswith("X FAIL  a - b ... c\n")
    assert "  + pass " in text


def test_no_password_is_shown() -> None:
    """The proxy's password does not appear on the screen."""
    assert samples.PASSWORD not in shown(samples.broken_site())


@pytest.mark.parametrize(
    ("cells", "room", "expected"),
    [
        (["verdict", "short", "also short"], 80, [7, 5, 10]),
        (["verdict", "a b c d e f g h i j", "short"], 24, [7, 8, 5]),
        (["verdict", "some-long-name.example.net", "a b c d e f g h i j"], 45, [7, 26, 8]),
        (["verdict", "x" * 100, "y" * 100], 71, [7, 30, 30]),
        (["verdict", "x" * 100, "y" * 100], 31, [7, 10, 10]),
        (["verdict", "x"], 1, [7, 1]),
    ],
)
def test_columns_share_the_room(cells: list[str], room: int, expected: list[int]) -> None:
    """The widest gives way first, words stay whole as long as they can, the verdict never gives way."""
    assert widths([[Text(cell)] for cell in cells], room, 1) == expected


def row(**changed: object) -> Row:
    """Return a row with some of its fields *changed*."""
    told: dict[str, object] = {
        "id": "c/r", "client": "c", "section": "1", "title": "t", "need": Need.MANDATORY,
        "verdict": RowVerdict.PASS, "reason": "r",
    }  # fmt: skip
    return Row(**{**told, **changed})  # type: ignore[arg-type]  # the fields are named by the tests


@pytest.mark.parametrize(
    ("made", "full", "short"),
    [
        (row(), "r", "r"),
        (row(path="TLS/443"), "TLS/443: r", "TLS/443"),
        (row(path="TLS/443", reason=""), "TLS/443", "TLS/443"),
        (row(path="TLS/443", reason="only TLS/443"), "only TLS/443", "TLS/443"),
        (row(path="TLS/443", verdict=RowVerdict.DEGRADED), "TLS/443: r", "TLS/443: r"),
    ],
)
def test_path_and_reason(made: Row, full: str, short: str) -> None:
    """The path is not said twice; where all is well, it is enough."""
    assert (because(made), in_short(made)) == (full, short)


def test_small_wordings() -> None:
    """Numbers agree with their nouns, needs are named where they are less than mandatory, lists end in a count."""
    assert (number(1, "row"), number(2, "row")) == ("1 row", "2 rows")
    assert (named(row()), named(row(need=Need.OPTIONAL))) == ("t", "t (optional)")
    assert some("abc", 2) == "a, b, and 1 more"
    assert some("ab", 2) == "a, b"
    assert row_names(["a/b", "a/c", "d/e/f"]) == "a: b, c; d: e/f"
    assert clip("abcdef", 4) == "abc…"
    assert clip("abcd", 4) == "abcd"
    assert lines("\na\tb\n c\r\n\n") == ["a   b", " c\\x0d"]
    assert plain("a\u200b\U000e0001") == "a\\u200b\\U000e0001"


def test_counts_of_a_report() -> None:
    """Checks are counted by outcome; untested rows by reason, what cannot apply last."""
    report = samples.broken_site()
    assert tally(report) == "16 checks: 8 pass, 7 fail, 1 inconclusive"
    assert tally(samples.nothing_known()) == "0 checks"
    groups = untested(report)
    assert [len(group.rows) for group in groups] == [9, 9, 7, 7, 4, 1, 1]
    assert groups[-1].verdict is RowVerdict.NOT_APPLICABLE
