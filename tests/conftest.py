"""Rules for the whole test run: a skip that is not the platform's own is a failure where all can run."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable, Generator

import pytest

PLATFORM = "platform: "
"""How the reason of a skip begins that no installation on this machine could avoid, for example
``platform: the registry exists on Windows only``. All other skips are failures under ``--no-skips``."""


CHILD_COVERAGE = "CHILD_COVERAGE"
"""Where the setting that has a child process measured is set aside (see ``tests.measured``)."""


def pytest_configure() -> None:
    """Measure only the children that ask for it: of others, tests look at imports, seconds and megabytes.

    Shells start what runs in the background with SIGINT ignored, and so would everything that a test interrupts.
    """
    set_aside()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def set_aside() -> None:
    """Take the setting that has children measured out of their environment."""
    if setting := os.environ.pop("COVERAGE_PROCESS_CONFIG", ""):
        os.environ[CHILD_COVERAGE] = setting


LONGEST = (
    "test_cli",
    "test_serve",
    "test_mail",
    "test_check_sweep",
    "test_report_browser",
    "test_check_bandwidth",
    "test_check_quality",
    "test_check_volume",
    "test_check_call",
    "test_watching",
    "test_structure",
    "test_check_real_call",
    "test_check_idle",
    "test_catalogue_fuzz",
    "test_catalogue_refuses",
    "test_check_coturn",
    "test_check_account",
    "test_check_pace",
    "test_check_udp_range",
    "test_check_push_idle",
    "test_check_mtu",
    "test_wheel",
    "test_wayout_evaluate",
    "test_hostile_turn",
    "test_hostile_dns",
    "test_hostile_tls",
    "test_hostile_websocket",
    "test_check_answers",
    "test_check_turn",
    "test_report_terminal",
    "test_readiness",
)
"""Files that take longest, the longest first: one that began at the end would leave the other processes idle."""
ORDER = {name: place for place, name in enumerate(LONGEST)}

LAB = frozenset({"test_lab", "test_lab_advice", "test_lab_truth", "test_oracle"})
"""Files with whole sites, marked ``lab``: they keep this machine busy enough to run alone."""
PATIENCE = 600  # seconds for a test of these: who asks first for a site waits for its run, and for those before it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first.

    One of several processes begins to measure itself later than a single one does.
    """
    set_aside()
    items.sort(key=lambda item: ORDER.get(item.path.stem, len(ORDER)))
    for item in items:
        if item.path.stem in LAB:
            item.add_marker(pytest.mark.lab)
            item.add_marker(pytest.mark.timeout(PATIENCE))


TRIES = 5  # of a test that failed where this machine had no time for what it tests


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Begin a test again that failed where a run of its own says that this machine had no time for a check.

    Its servers have counted the first try, so that a second one within the test may meet others than the test means.
    """
    pyfuncitem.obj = begun_again(pyfuncitem.obj)


def begun_again(test: Callable[..., object]) -> Callable[..., object]:
    """Return *test*, repeated while it fails and starves."""

    @functools.wraps(test)
    def repeated(**arguments: object) -> object:
        servers = sys.modules.get("tests.servers")
        starved: list[str] = [] if servers is None else servers.STARVED
        for _ in range(TRIES - 1):
            starved.clear()
            try:
                return test(**arguments)
            except Exception:
                if not starved:
                    raise
        return test(**arguments)

    return repeated


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
