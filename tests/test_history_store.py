"""Runs that are kept are there, whole, whoever writes at the same time and whatever ends a write."""

from __future__ import annotations

import re
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rainbow_probe.data_folder import BusyError, DataFolderError, data_folder, held
from rainbow_probe.history.limits import Retention, wanted
from rainbow_probe.history.schema import NEWEST
from rainbow_probe.history.store import FILE, HistoryError, newest, open_store
from rainbow_probe.model import RowVerdict
from rainbow_probe.report.as_json import dumps
from rainbow_probe.report.from_json import loads
from tests import report_samples as samples
from tests.commands import ROOT, environment

SCHEMAS = sorted((ROOT / "tests" / "data" / "history").glob("*.sql"), key=lambda file: int(file.stem))
KEPT_MEANWHILE = 5


def child(folder: Path, series: str, most: int) -> subprocess.Popen[str]:
    """Start a process that keeps runs in *folder*."""
    command = [sys.executable, "-m", "tests.history_child", str(folder), series, str(most)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment())  # noqa: S603 - our own


def test_a_run_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    """Byte for byte, with what the list of runs tells of it; and nobody else may read it."""
    report = samples.broken_site()
    with open_store(tmp_path) as store:
        number = store.keep(report, "clinic")
        assert store.keep(samples.nothing_known(), "clinic") == number + 1
    with open_store(tmp_path) as store:
        assert store.report(number) == dumps(report)
        last, first = store.runs()
        assert (first.id, first.series, first.verdict, first.summary) == (
            number,
            "clinic",
            report.verdict,
            report.summary,
        )
        assert (first.started, first.duration, first.guide) == (report.started, report.duration, report.guide_id)
        assert (first.interrupted, last.interrupted) == (False, True)
        assert newest(store.runs()) == first == store.run(number)
        assert store.verdicts(number) == {row.id: row.verdict for row in report.rows}
        assert store.run(99) is None
        with pytest.raises(HistoryError, match="run 99 is not there any more"):
            store.report(99)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_hostile_texts_are_kept_too(tmp_path: Path) -> None:
    """A lone surrogate has no UTF-8, and SQLite would refuse it."""
    with open_store(tmp_path) as store:
        number = store.keep(samples.hostile(), "\ud800")
        assert loads(store.report(number)).verdict is RowVerdict.FAIL
        assert store.runs()[0].series == "?"


def test_what_goes_beyond_the_retention_is_removed(tmp_path: Path) -> None:
    """By count and by age, of one site only; a number is never used again."""
    report = samples.broken_site()
    with open_store(tmp_path) as store:
        old = store.keep(replace(report, started="2025-01-01T00:00:00Z"), "clinic")
        other = store.keep(replace(report, started="2025-01-01T00:00:00Z"), "other")
        young = [store.keep(report, "clinic") for _ in range(3)]
        now = datetime(2026, 11, 23, tzinfo=UTC)
        store.prune("clinic", Retention(runs=10, days=400), now)
        assert [run.id for run in store.runs("clinic")] == young[::-1]
        assert store.verdicts(old) == {}
        store.prune("clinic", Retention(runs=1, days=400), now)
        assert [run.id for run in store.runs()] == [young[-1], other]
        store.prune("clinic", Retention(runs=1, days=1), datetime(2027, 1, 1, tzinfo=UTC))
        assert [run.id for run in store.runs()] == [other]
        assert store.keep(report, "clinic") == young[-1] + 1


def test_a_write_that_is_cut_short_loses_nothing(tmp_path: Path) -> None:
    """Every run that was said to be kept is there, whole, after the writer was killed in the midst of its work."""
    writer = child(tmp_path, "clinic", 1000)
    assert writer.stdout
    said = [int(writer.stdout.readline()) for _ in range(KEPT_MEANWHILE)]
    writer.send_signal(signal.SIGKILL)
    said += [int(line) for line in writer.stdout.read().splitlines()]
    writer.stdout.close()
    writer.wait()
    with open_store(tmp_path) as store:
        there = [run.id for run in store.runs()][::-1]
        assert there[: len(said)] == said
        assert len(there) - len(said) <= 1  # kept, and killed before it was said
        expected = dumps(samples.broken_site())
        assert all(store.report(number) == expected for number in there)
        assert all(len(store.verdicts(number)) == len(samples.read_rows()) for number in there)
        assert store.keep(samples.broken_site(), "clinic") == there[-1] + 1


def test_two_processes_may_write_at_once(tmp_path: Path) -> None:
    """Also when both are the first: the tables are made once, and no run is lost."""
    writers = [child(tmp_path, series, 20) for series in ("one", "two")]
    said = [writer.communicate()[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    with open_store(tmp_path) as store:
        assert [len(store.runs(series)) for series in ("one", "two")] == [20, 20]
        assert sorted(run.id for run in store.runs()) == sorted(int(number) for part in said for number in part)


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda file: f"tables {file.stem}")
def test_a_file_of_an_older_version_still_opens(tmp_path: Path, schema: Path) -> None:
    """From the first version on: what was kept then is read, and new runs are kept beside it."""
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.executescript(schema.read_text("utf-8"))
    with open_store(tmp_path) as store:
        assert [(run.id, run.series, run.verdict.value) for run in store.runs()] == [
            (2, "clinic", "fail"),
            (1, "clinic", "pass"),
        ]
        assert loads(store.report(2)).rows[0].id == "desktop/https"
        assert store.verdicts(1)["desktop/wss"] is RowVerdict.PASS
        assert store.keep(samples.broken_site(), "clinic") == 3
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (NEWEST,)


def test_every_version_of_the_tables_has_its_sample() -> None:
    """A new one needs a file as that version writes it, but for the newest, which the tests above write."""
    assert [int(file.stem) for file in SCHEMAS] >= list(range(1, NEWEST))


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """Whoever goes back to an older probe loses nothing."""
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.execute("PRAGMA user_version = 999")
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(HistoryError, match="made by a newer version of the probe"), open_store(tmp_path):
        raise AssertionError
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (999,)
    assert before


def test_what_is_no_database_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    """The message names the file."""
    (tmp_path / FILE).write_bytes(b"this is a text" * 100)
    with pytest.raises(HistoryError, match=re.escape(str(tmp_path / FILE))), open_store(tmp_path):
        raise AssertionError
    assert (tmp_path / FILE).read_bytes().startswith(b"this is a text")


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    """The second is told at once, or after as long as it is ready to wait; afterwards the lock is free."""
    lock = tmp_path / "lock"
    with held(lock):
        with pytest.raises(BusyError), held(lock):
            raise AssertionError
        with pytest.raises(BusyError), held(lock, wait=0.05):
            raise AssertionError
    with held(lock):
        pass


def test_where_the_data_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform's own place, or the one that is named; made for this user alone."""
    named = tmp_path / "some" / "where"
    assert data_folder({"RAINBOW_PROBE_DATA": str(named)}) == named
    assert stat.S_IMODE(named.stat().st_mode) == 0o700
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder({}).name == "rainbow-probe"
    assert data_folder({}).is_relative_to(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderError, match="RAINBOW_PROBE_DATA=FOLDER names another folder"):
        data_folder({"RAINBOW_PROBE_DATA": str(tmp_path / "file")})


@pytest.mark.parametrize(
    ("no_store", "switch", "kept"),
    [(False, "", True), (True, "", False), (False, "no", False), (False, "OFF", False), (False, "yes", True)],
)
def test_keeping_can_be_switched_off(no_store: bool, switch: str, kept: bool) -> None:
    """By an option for a run, and by a variable for a machine."""
    assert wanted(no_store=no_store, environ={"RAINBOW_PROBE_STORE": switch}) is kept
