"""Rules for the whole test run: a skip that is not the platform's own is a failure where all can run."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

PLATFORM = "platform: "
"""How the reason of a skip begins that no installation on this machine could avoid, for example
``platform: the registry exists on Windows only``. All other skips are failures under ``--no-skips``."""


CHILD_COVERAGE = "CHILD_COVERAGE"
"""Where the setting that has a child process measured is set aside (see ``tests.measured``)."""


def pytest_configure() -> None:
    """Measure only the children that ask for it: of others, tests look at imports, seconds and megabytes."""
    set_aside()


def set_aside() -> None:
    """Take the setting that has children measured out of their environment."""
    if setting := os.environ.pop("COVERAGE_PROCESS_CONFIG", ""):
        os.environ[CHILD_COVERAGE] = setting


LAB = frozenset({"test_lab", "test_lab_advice", "test_lab_truth", "test_oracle"})
"""Files with whole sites, marked ``lab``: they keep this machine busy enough to run alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file in one process when there are several: they share servers.

    Such a process begins to measure itself later than a single one does.
    """
    set_aside()
    for item in items:
        item.add_marker(pytest.mark.xdist_group(item.path.stem))
        if item.path.stem in LAB:
            item.add_marker(pytest.mark.lab)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their number: some are random, and every process must find the same tests."""
    return f"{argname}-{len(val)}-bytes" if isinstance(val, bytes) else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--no-skips``, which CI=true implies."""
    parser.addoption(
        "--no-skips",
        action="store_true",
        default=os.environ.get("CI", "").lower() in {"1", "true", "yes"},
        help="fail a test that is skipped, unless its reason begins with 'platform: '; implied by CI=true",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a forbidden skip of one test into its failure."""
    report = yield
    if item.config.getoption("no_skips"):
        forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a forbidden skip of a whole file into its failure."""
    report = yield
    if collector.config.getoption("no_skips"):
        forbid_skip(report)
    return report


def forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make *report* a failure if it is a skip for want of something that could be installed."""
    reason = skip_reason(report)
    if reason is not None and not reason.startswith(PLATFORM):
        report.outcome = "failed"
        report.longrepr = f"skipped, though it could have run here: {reason}"


def skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """Tell why *report* is a skip; None if it is not one. An expected failure is not a skip."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return None
    place = report.longrepr
    return (place[2] if isinstance(place, tuple) else str(place)).removeprefix("Skipped: ")
