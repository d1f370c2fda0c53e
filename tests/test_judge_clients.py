"""Client kinds and the run as a whole: one verdict and one sentence each, and the exit status."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.judge import exit_status
from rainbow_probe.judge.clients import client_lines, overall, summary, titles, verdict_of
from rainbow_probe.model import Finding, Need, Report, Row, RowVerdict, Severity, Site, Who
from tests.judge_samples import OPEN_SITE

M, R, O = Need.MANDATORY, Need.RECOMMENDED, Need.OPTIONAL  # noqa: E741 - a column of tables
CLIENTS = {"desktop": "Desktop", "mobile": "Mobile", "room": "Room"}


def row(verdict: str, need: Need = M, client: str = "desktop", title: str = "", path: str = "") -> Row:
    """Make a judged row."""
    return Row(
        id=f"{client}/{title or verdict}",
        client=client,
        section="4.1",
        title=title or f"{verdict} {need}",
        need=need,
        verdict=RowVerdict(verdict),
        reason="as the test says",
        path=path,
    )


def finding(severity: Severity, title: str = "UDP is blocked", who: Who = Who.FIREWALL) -> Finding:
    """Make a finding."""
    return Finding(id="x", title=title, severity=severity, who=who, proof=(), rows=(), fix="Open it.")


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([("pass", M), ("pass", R)], "pass"),
        ([("pass", M), ("not-tested", M)], "pass"),
        ([("pass", M), ("not-applicable", M)], "pass"),
        ([("pass", M), ("fail", O)], "pass"),
        ([("pass", M), ("degraded", O)], "pass"),
        ([("not-tested", M), ("degraded", O)], "degraded"),
        ([("fail", O)], "degraded"),
        ([("pass", M), ("degraded", R)], "degraded"),
        ([("pass", M), ("inconclusive", O)], "pass"),
        ([("not-tested", M), ("inconclusive", O)], "inconclusive"),
        ([("pass", O), ("inconclusive", O), ("fail", O)], "inconclusive"),
        ([("degraded", M), ("inconclusive", R)], "inconclusive"),
        ([("inconclusive", M), ("fail", R)], "fail"),
        ([("pass", M), ("fail", M)], "fail"),
        ([("not-tested", M), ("not-applicable", M)], "not-tested"),
        ([], "not-tested"),
    ],
)
def test_a_client_is_as_good_as_its_worst_needed_row(rows: list[tuple[str, Need]], verdict: str) -> None:
    """Optional rows count where there is nothing else, and fail nobody."""
    assert verdict_of([row(word, need) for word, need in rows]) == verdict


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([row("pass"), row("pass", R)], "all that was tested works (2 rows)"),
        ([row("pass"), row("not-tested")], "all that was tested works (1 row; 1 not tested)"),
        ([row("fail", R, title="Calls"), row("fail", M, title="Web")], "does not work: Web, Calls"),
        ([row("inconclusive", title="Calls"), row("inconclusive", O, title="x")], "cannot be told: Calls"),
        ([row("degraded", title="Calls", path="TCP/80")], "only by TCP/80: Calls"),
        (
            [row("degraded", title=t, path=p) for t, p in (("A", "TCP/80"), ("B", "TLS/443"), ("C", "TCP/80"))],
            "only by TCP/80: A, C; only by TLS/443: B",
        ),
        (
            [row("pass"), row("fail", O, title="HTTP/1.1")],
            "all that is needed and was tested works (1 row); optional, and not as it should be: HTTP/1.1",
        ),
        ([row("fail", O, title="HTTP/1.1")], "optional, and not as it should be: HTTP/1.1"),
        ([row("not-tested")], "nothing was tested: as the test says"),
        ([row("not-applicable")], "nothing of it applies here"),
    ],
)
def test_the_reason_of_a_client_is_one_line(rows: list[Row], reason: str) -> None:
    """The worst rows by their titles, the mandatory ones first."""
    assert [line.reason for line in client_lines(CLIENTS, rows)] == [reason]


def test_clients_come_in_the_guides_order_and_only_with_rows() -> None:
    """Groups of the site are no clients; a client that was not asked for has no line."""
    rows = [row("pass", client="room"), row("fail", client="border"), row("pass", client="desktop")]
    assert [(line.id, line.title) for line in client_lines(CLIENTS, rows)] == [("desktop", "Desktop"), ("room", "Room")]


def test_many_rows_are_counted() -> None:
    """A line stays a line."""
    assert titles([row("fail", title=title) for title in "ABCDE"]) == "A, B, C and 2 more"


def test_a_run_that_tested_nothing_cannot_tell() -> None:
    """The contract has four verdicts for a run."""
    assert overall([row("not-tested")]) is RowVerdict.INCONCLUSIVE
    assert overall([]) is RowVerdict.INCONCLUSIVE


def told(rows: list[Row], *findings: Finding) -> str:
    """Sum up a run."""
    return summary(overall(rows), rows, client_lines(CLIENTS, rows), findings)


@pytest.mark.parametrize(
    ("rows", "findings", "answer"),
    [
        ([row("pass"), row("not-tested")], (), "Yes: all that was tested works from here (1 of 2 rows)."),
        (
            [row("pass")],
            (finding(Severity.DEGRADING, "an address is dead"), finding(Severity.ADVICE, "moved")),
            "Yes: all that was tested works from here (1 of 1 row). Worth repair: an address is dead.",
        ),
        (
            [row("degraded", title="Calls", path="TCP/80")],
            (finding(Severity.DEGRADING),),
            "Yes, with limits: only by TCP/80: Calls. To act: whoever runs the firewall (UDP is blocked).",
        ),
        (
            [row("pass"), row("fail", O, client="border", title="HTTP/1.1")],
            (),
            (
                "Yes: all that is needed and was tested works from here (2 of 2 rows); "
                "optional, and not as it should be: HTTP/1.1."
            ),
        ),
        (
            [row("fail", title="Web")],
            (finding(Severity.BLOCKING), finding(Severity.BLOCKING, "TLS is decrypted", Who.TLS_INSPECTION)),
            (
                "No: does not work: Web. To act: whoever runs the firewall (UDP is blocked). "
                "To act: whoever runs TLS inspection (TLS is decrypted)."
            ),
        ),
        (
            [row("fail", title="Web"), row("fail", client="room", title="Web")],
            (),
            "No: does not work: Web (1 more client kind cannot work fully either).",
        ),
        ([row("fail", R, title="Calls")], (), "Only in part: does not work: Calls."),
        (
            [row("fail", title="Web"), row("pass", client="mobile")],
            (finding(Severity.DEGRADING),),
            "Not for all: Desktop cannot work fully from here. To act: whoever runs the firewall (UDP is blocked).",
        ),
        ([row("pass"), row("fail", R, client="border", title="DNS")], (), "Not entirely: does not work: DNS."),
        (
            [row("pass"), row("inconclusive", title="Calls")],
            (),
            "It cannot be told: nothing that is needed fails, but not all could be judged. Open: Calls.",
        ),
        ([row("not-tested")], (), "It cannot be told: nothing could be tested from here."),
    ],
)
def test_the_summary_answers_the_question(rows: list[Row], findings: tuple[Finding, ...], answer: str) -> None:
    """Will it work from here, and if not, who must change what?"""
    assert told(rows, *findings) == answer


def test_the_same_actor_is_named_once() -> None:
    """With the first of the tasks, and how many more there are."""
    many = [finding(Severity.BLOCKING, title) for title in ("UDP is blocked", "TCP/80 is blocked")]
    assert told([row("fail", title="Web")], *many).endswith("whoever runs the firewall (UDP is blocked and 1 more).")


# Exit status


def report(*rows: Row) -> Report:
    """Make a report of *rows*."""
    return Report(
        version="0",
        guide_id="g",
        guide_edition="1",
        guide_title="G",
        started="",
        duration=0.0,
        verdict=overall(rows),
        summary="",
        site=Site(),
        rows=rows,
    )


@pytest.mark.parametrize(
    ("rows", "status", "strict"),
    [
        ([row("pass")], 0, 0),
        ([row("degraded")], 0, 1),
        ([row("pass"), row("degraded", O)], 0, 0),
        ([row("pass"), row("fail", O)], 0, 0),
        ([row("fail", R)], 1, 1),
        ([row("fail"), row("inconclusive")], 1, 1),
        ([row("inconclusive")], 3, 3),
        ([row("inconclusive"), row("degraded")], 3, 1),
        ([row("pass"), row("inconclusive", O)], 0, 0),
        ([row("not-tested")], 3, 3),
        ([row("degraded", O)], 0, 1),
        ([row("pass"), row("not-tested")], 0, 0),
        ([], 3, 3),
    ],
)
def test_the_exit_status_is_the_contracts(rows: list[Row], status: int, strict: int) -> None:
    """0 none failed, 1 one did (strict: or is degraded), 3 it could not be told; optional rows do not count."""
    assert exit_status(report(*rows)) == status
    assert exit_status(report(*rows), strict=True) == strict


def test_the_site_is_left_out_of_it() -> None:
    """The status comes from rows alone."""
    assert exit_status(replace(report(row("pass")), site=OPEN_SITE)) == 0
