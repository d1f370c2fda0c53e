"""The file with the runs: SQLite with a write-ahead log, so that a write is whole or never was, and many may read."""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rainbow_probe.data_folder import BusyError, held
from rainbow_probe.history.limits import Retention
from rainbow_probe.history.schema import NewerError, migrate
from rainbow_probe.model import Report, RowVerdict
from rainbow_probe.report.as_json import dumps

FILE = "history.sqlite3"
WAIT = 30.0  # seconds for another process to end its write, which takes it milliseconds
_COLUMNS = "id, series, started, duration, guide, verdict, summary, interrupted"


class HistoryError(Exception):
    """The runs cannot be kept or read; the message names the file and the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that is kept, without its report."""

    id: int
    """Its number; ``show`` and ``diff`` take it."""
    series: str
    """What is comparable with it: the site's name."""
    started: str
    """ISO 8601, UTC."""
    duration: float
    """Seconds."""
    guide: str
    verdict: RowVerdict
    summary: str
    interrupted: bool


class Store:
    """An open file of runs; made by ``open_store``."""

    def __init__(self, database: sqlite3.Connection) -> None:
        """Work on *database*, whose tables are of the newest version."""
        self._database = database

    @property
    def database(self) -> sqlite3.Connection:
        """The open file, for other tables in it."""
        return self._database

    def keep(self, report: Report, series: str) -> int:
        """Write *report* down and return its number; when this returns it is on the disk."""
        words = (series, report.started, report.guide_id, report.verdict.value, report.summary)
        values = (*map(_text, words), report.duration, report.interrupted, zlib.compress(dumps(report).encode()))
        with self.writing():
            written = self._database.execute(
                "INSERT INTO runs (series, started, guide, verdict, summary, duration, interrupted, report)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            number = written.lastrowid or 0
            rows = [(number, _text(row.id), row.verdict.value) for row in report.rows]
            self._database.executemany("INSERT OR REPLACE INTO verdicts (run, row, verdict) VALUES (?, ?, ?)", rows)
        return number

    def confirm(self, number: int, report: Report, stands: Mapping[str, RowVerdict]) -> None:
        """Write down how a run is told after a second try, and how its rows stand by it.

        What the first try saw of each row stays: it is by that that rows come and go.
        """
        verdict, summary = report.verdict.value, _text(report.summary)
        values = (verdict, summary, report.duration, report.interrupted, zlib.compress(dumps(report).encode()), number)
        with self.writing():
            self._database.execute(
                "UPDATE runs SET verdict = ?, summary = ?, duration = ?, interrupted = ?, report = ? WHERE id = ?",
                values,
            )
            self._database.executemany(
                "UPDATE verdicts SET settled = ? WHERE run = ? AND row = ?",
                [(verdict.value, number, _text(row)) for row, verdict in stands.items()],
            )

    def prune(self, series: str, retention: Retention, now: datetime | None = None) -> None:
        """Remove the runs of *series* that *retention* does not keep."""
        oldest = ((now or datetime.now(UTC)) - timedelta(days=retention.days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        with self.writing():
            self._database.execute(
                "DELETE FROM runs WHERE series = ?1 AND (started < ?2 OR id NOT IN"
                " (SELECT id FROM runs WHERE series = ?1 ORDER BY id DESC LIMIT ?3))",
                (series, oldest, retention.runs),
            )

    def runs(self, series: str | None = None, last: int = -1, before: int | None = None) -> list[Run]:
        """Return the *last* runs (all, if negative), newest first, of *series* or of all; only those *before* one."""
        found = self._database.execute(
            f"SELECT {_COLUMNS} FROM runs WHERE (?1 IS NULL OR series = ?1) AND (?2 IS NULL OR id < ?2)"  # noqa: S608 - our own words
            " ORDER BY id DESC LIMIT ?3",
            (series, before, last),
        )
        return [_run(*columns) for columns in found]

    def run(self, number: int) -> Run | None:
        """Return one run, or None if there is none of that number (any more)."""
        found = self._database.execute(f"SELECT {_COLUMNS} FROM runs WHERE id = ?", (number,)).fetchone()  # noqa: S608 - our own words
        return _run(*found) if found else None

    def report(self, number: int) -> str:
        """Return the report of a run as JSON text; raises ``HistoryError`` if the run is gone."""
        found = self._database.execute("SELECT report FROM runs WHERE id = ?", (number,)).fetchone()
        if found is None:
            raise HistoryError(f"run {number} is not there any more")
        return zlib.decompress(found[0]).decode()

    def verdicts(self, number: int) -> dict[str, RowVerdict]:
        """Return what a run said of each row."""
        found = self._database.execute("SELECT row, verdict FROM verdicts WHERE run = ?", (number,))
        return {row: RowVerdict(verdict) for row, verdict in found}

    def settled(self, number: int) -> dict[str, RowVerdict]:
        """Return the same, but of rows that a second try did not confirm how they stood before."""
        found = self._database.execute("SELECT row, coalesce(settled, verdict) FROM verdicts WHERE run = ?", (number,))
        return {row: RowVerdict(verdict) for row, verdict in found}

    def standing(self, series: str) -> dict[str, RowVerdict]:
        """Return what is known of each row of *series*: what its last run that was asked for it said, if confirmed."""
        found = self._database.execute(
            "SELECT row, coalesce(settled, verdicts.verdict), max(run) FROM verdicts JOIN runs ON runs.id = run"
            " WHERE series = ? AND NOT interrupted GROUP BY row",
            (_text(series),),
        )
        return {row: RowVerdict(verdict) for row, verdict, _ in found}

    @contextmanager
    def writing(self) -> Generator[None]:
        """Make what is written within whole or undone; others wait for it."""
        self._database.execute("BEGIN IMMEDIATE")
        with self._database:
            yield


def _text(text: str) -> str:
    """Return *text* as UTF-8 has it: half a character, as the system hands on what is none, would be refused."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _run(*columns: str | float) -> Run:
    number, series, started, duration, guide, verdict, summary, interrupted = columns
    return Run(
        id=int(number),
        series=str(series),
        started=str(started),
        duration=float(duration),
        guide=str(guide),
        verdict=RowVerdict(str(verdict)),
        summary=str(summary),
        interrupted=bool(interrupted),
    )


@contextmanager
def open_store(folder: Path) -> Generator[Store]:
    """Open the runs kept in *folder*, and close them; raises ``HistoryError`` for whatever is wrong with the file."""
    path = folder / FILE
    try:
        with closing(_connect(path)) as database:
            yield Store(database)
    except (sqlite3.Error, NewerError, OSError, zlib.error, UnicodeDecodeError) as exc:
        raise HistoryError(f"{path}: {exc}") from exc
    except BusyError as exc:
        raise HistoryError(f"{path}: another process has held it for {WAIT:g} s") from exc


def _connect(path: Path) -> sqlite3.Connection:
    """Open the file for this user alone, and bring its tables up to date; one process at a time."""
    with held(path.with_suffix(".lock"), wait=WAIT):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        database = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")  # one write a run: what was kept survives a power cut, too
            database.execute("PRAGMA foreign_keys = ON")
            migrate(database)
        except BaseException:
            database.close()
            raise
    return database


def newest(runs: Sequence[Run]) -> Run | None:
    """Return the newest of *runs* (newest first) that came to its end."""
    return next((run for run in runs if not run.interrupted), None)
