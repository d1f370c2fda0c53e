"""The docs say what the code does: no failure, exit status or option is missing from them."""

from __future__ import annotations

import re
from argparse import ArgumentParser, _SubParsersAction
from enum import StrEnum
from pathlib import Path

import pytest

from docs.pages import pages
from rainbow_probe.arguments import parser
from rainbow_probe.checks import kinds
from rainbow_probe.explanations import STAGES
from rainbow_probe.model import Need, Outcome, Phase, RowVerdict, Severity, Who
from tests import raised

ROOT = Path(__file__).parent.parent
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def sections(text: str) -> dict[str, str]:
    """Split a page at its second-level headings."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def first_cells(text: str) -> list[str]:
    """List the code words in the first cells of the tables in *text*."""
    return re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)


@pytest.mark.parametrize(("page", "text"), pages().items(), ids=lambda value: getattr(value, "name", ""))
def test_what_is_generated_is_up_to_date(page: Path, text: str) -> None:
    """After a change of the explanations: ``make docs``."""
    assert page.read_text("utf-8") == text


@pytest.mark.parametrize("phase", Phase)
def test_every_failure_that_can_occur_is_explained_and_no_other(phase: Phase) -> None:
    """Explain a new cause in the stage of its phase; what the code can raise is read from the code."""
    assert set(STAGES[phase].causes) == raised.possible(phase)


def test_every_module_that_gives_causes_is_known() -> None:
    """A new one gets its line in ``tests/raised.py``: in which phases is it at work?"""
    assert raised.modules() == set(raised.WORKS_IN)


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


@pytest.mark.parametrize("words", [Need, Severity, Who])
def test_the_words_of_a_report_are_explained(words: type[StrEnum]) -> None:
    """Whoever reads a report finds its words on the page on verdicts."""
    told = set(re.findall(r"`([a-z-]+)`", "".join(VERDICTS.values())))
    assert set(words) - told == set()


def test_every_exit_status_is_explained() -> None:
    """On the page, in the README, and in the command's own help."""
    statuses = re.findall(r"^\| (\d+) \|", VERDICTS["Exit status"], flags=re.MULTILINE)
    assert statuses == ["0", "1", "2", "3", "4", "130"]
    readme, told = (ROOT / "README.md").read_text("utf-8"), parser().format_help()
    assert all(re.search(rf"\b{status}\b", text) for status in statuses for text in (readme, told))


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_the_docs_name_only_options_that_exist(page: Path) -> None:
    """Every option of the command line that a page mentions is in the grammar."""
    foreign = {"--connect-to", "--rm", "--network"}  # curl's and docker's
    foreign |= {"--dst-type", "--dport", "--to-ports"}  # iptables'
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
