"""The docs say what the code does: no failure, exit status or option is missing from them."""

from __future__ import annotations

import re
from argparse import ArgumentParser, _SubParsersAction
from enum import StrEnum
from pathlib import Path

import pytest

from rainbow_probe.arguments import parser
from rainbow_probe.checks import kinds
from rainbow_probe.judge.explain import FINDINGS
from rainbow_probe.model import OUR_OWN, Cause, Need, Outcome, Phase, RowVerdict, Severity, Who

ROOT = Path(__file__).parent.parent
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
ANY_PHASE = "Any phase"


def sections(text: str) -> dict[str, str]:
    """Split a page at its second-level headings."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def first_cells(text: str) -> list[str]:
    """List the code words in the first cells of the tables in *text*."""
    return re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)


FAILURES = sections((ROOT / "docs" / "failures.md").read_text("utf-8"))


def test_every_phase_has_its_table_of_failures() -> None:
    """In the order of the phases, after the causes that are our own."""
    assert list(FAILURES) == [ANY_PHASE, *Phase]


def test_every_cause_is_documented() -> None:
    """And no cause that does not exist."""
    assert {cause for text in FAILURES.values() for cause in first_cells(text)} == set(Cause)


def test_our_own_faults_stand_apart() -> None:
    """What says nothing of the network is in the first table, and only there."""
    own = set(first_cells(FAILURES[ANY_PHASE]))
    assert own == set(OUR_OWN)
    assert not any(own & set(first_cells(FAILURES[phase])) for phase in Phase)


@pytest.mark.parametrize("phase", Phase)
def test_a_table_names_each_cause_once(phase: Phase) -> None:
    """With what it means and its usual reason."""
    rows = [line for line in FAILURES[phase].splitlines() if line.startswith("| `")]
    assert len(set(first_cells(FAILURES[phase]))) == len(rows) > 0
    assert all(len(row.split(" | ")) == 3 and row.endswith(". |") for row in rows)


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """A relative link names a file that is there."""
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


VERDICTS = sections((ROOT / "docs" / "verdicts.md").read_text("utf-8"))


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("Checks", {*kinds(), *Outcome}),
        ("Rows", set(RowVerdict)),
    ],
)
def test_every_verdict_is_explained(section: str, words: set[str]) -> None:
    """Every kind of check, every outcome and every verdict has its line, and no other has."""
    assert set(first_cells(VERDICTS[section])) == words


def test_every_finding_is_explained() -> None:
    """In the words of the probe itself."""
    lines = re.findall(r"^\| `([^`]+)` \| (.+) \|$", VERDICTS["Findings"], flags=re.MULTILINE)
    assert dict(lines) == dict(FINDINGS)


@pytest.mark.parametrize("words", [Need, Severity, Who])
def test_the_words_of_a_report_are_explained(words: type[StrEnum]) -> None:
    """Whoever reads a report finds its words on the page on verdicts."""
    told = set(re.findall(r"`([a-z-]+)`", "".join(VERDICTS.values())))
    assert set(words) - told == set()


def test_every_exit_status_is_explained() -> None:
    """On the page, in the README, and in the command's own help."""
    statuses = re.findall(r"^\| (\d+) \|", VERDICTS["Exit status"], flags=re.MULTILINE)
    assert statuses == ["0", "1", "2", "3", "130"]
    readme, told = (ROOT / "README.md").read_text("utf-8"), parser().format_help()
    assert all(re.search(rf"\b{status}\b", text) for status in statuses for text in (readme, told))


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_the_docs_name_only_options_that_exist(page: Path) -> None:
    """Every option of the command line that a page mentions is in the grammar."""
    foreign = {"--connect-to", "--rm", "--network"}  # curl's and docker's
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text("utf-8"))) - foreign
    assert named <= options(parser())


def options(grammar: ArgumentParser) -> set[str]:
    """Give every option of *grammar* and of its commands."""
    known: set[str] = set()
    for action in grammar._actions:  # noqa: SLF001 - argparse tells its grammar nowhere else
        known |= set(action.option_strings)
        if isinstance(action, _SubParsersAction):
            known |= {option for command in action.choices.values() for option in options(command)}
    return known
