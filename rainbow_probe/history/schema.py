"""The tables that hold the runs, and the way to them from every earlier version of them."""

from __future__ import annotations

import sqlite3

# AUTOINCREMENT: the number of a run that retention removed is never given to another one.
_RUNS = """CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, series TEXT NOT NULL, started TEXT NOT NULL, duration REAL NOT NULL,
    guide TEXT NOT NULL, verdict TEXT NOT NULL, summary TEXT NOT NULL, interrupted INTEGER NOT NULL,
    report BLOB NOT NULL)"""
_VERDICTS = """CREATE TABLE verdicts (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, row TEXT NOT NULL, verdict TEXT NOT NULL,
    PRIMARY KEY (run, row)) WITHOUT ROWID"""
_RUNS_OF_SERIES = "CREATE INDEX runs_of_series ON runs (series, id)"
# What stands after a second try: a change that was not confirmed leaves the verdict at what it had been.
_SETTLED = "ALTER TABLE verdicts ADD COLUMN settled TEXT"
_MAILS = """CREATE TABLE mails (
    id INTEGER PRIMARY KEY AUTOINCREMENT, series TEXT NOT NULL, sender TEXT NOT NULL, created REAL NOT NULL,
    claimed_until REAL NOT NULL DEFAULT 0, body BLOB NOT NULL)"""
_MAIL_RECIPIENTS = """CREATE TABLE mail_recipients (
    mail INTEGER NOT NULL REFERENCES mails ON DELETE CASCADE, address TEXT NOT NULL,
    PRIMARY KEY (mail, address)) WITHOUT ROWID"""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (_RUNS, _VERDICTS, _RUNS_OF_SERIES),
    (_SETTLED, _MAILS, _MAIL_RECIPIENTS),
)
"""What makes each version from the one before; a version that was published is never edited, only followed."""
NEWEST = len(MIGRATIONS)


class NewerError(Exception):
    """The file was written by a newer version of the probe; it is left as it is."""


def migrate(database: sqlite3.Connection) -> None:
    """Bring the tables to the newest version, each step whole or not at all; raises ``NewerError``."""
    while (version := _version(database)) < NEWEST:
        with database:
            database.execute("BEGIN IMMEDIATE")
            for statement in MIGRATIONS[version]:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {version + 1:d}")
    if version > NEWEST:
        raise NewerError(f"made by a newer version of the probe (tables {version}, known here are up to {NEWEST})")


def _version(database: sqlite3.Connection) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return int(version)
