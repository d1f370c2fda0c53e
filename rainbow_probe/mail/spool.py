"""Mails on their way: each is written down before it is sent, and struck out, recipient by recipient, when it is.

So a run that is killed loses none, and of two runs at once only one sends a mail.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from rainbow_probe.history.store import Store
from rainbow_probe.mail.sending import ALTOGETHER, Delivery

LEASE = 2 * ALTOGETHER  # seconds that a mail is one process's own; then that process is taken for dead
OLDEST = 30 * 86400.0  # seconds; a report as old as that is nobody's news any more, and still in the history
MOST = 1000  # mails that wait: with a run each five minutes and no server, three days


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A mail that waits to be sent, to whom it still must go."""

    id: int
    sender: str
    to: tuple[str, ...]
    body: bytes


class Spool:
    """The mails in an open file of runs."""

    def __init__(self, store: Store) -> None:
        """Work on *store*."""
        self._store = store

    def put(self, series: str, sender: str, to: Sequence[str], body: bytes) -> None:
        """Write a mail down; when this returns it is on the disk."""
        database = self._store.database
        with self._store.writing():
            number = database.execute(
                "INSERT INTO mails (series, sender, created, body) VALUES (?, ?, ?, ?)",
                (series, sender, time.time(), zlib.compress(body)),
            ).lastrowid
            database.executemany("INSERT INTO mail_recipients VALUES (?, ?)", [(number, one) for one in to])

    def claim(self, series: str, after: int) -> Waiting | None:
        """Return the next mail of *series* with a greater number than *after* that nobody else is sending."""
        database, now = self._store.database, time.time()
        with self._store.writing():
            found = database.execute(
                "SELECT id, sender, body FROM mails WHERE series = ? AND id > ? AND claimed_until < ?"
                " ORDER BY id LIMIT 1",
                (series, after, now),
            ).fetchone()
            if found is None:
                return None
            database.execute("UPDATE mails SET claimed_until = ? WHERE id = ?", (now + LEASE, found[0]))
            to = database.execute("SELECT address FROM mail_recipients WHERE mail = ?", (found[0],))
            addresses = tuple(address for (address,) in to)
        return Waiting(id=found[0], sender=found[1], to=addresses, body=zlib.decompress(found[2]))

    def settle(self, mail: Waiting, delivery: Delivery) -> None:
        """Strike out who has the mail, or never will; who is left waits."""
        database, done = self._store.database, [*delivery.taken, *delivery.refused]
        with self._store.writing():
            gone = [(mail.id, address) for address in done]
            database.executemany("DELETE FROM mail_recipients WHERE mail = ? AND address = ?", gone)
            database.execute("UPDATE mails SET claimed_until = 0 WHERE id = ?", (mail.id,))
            database.execute(
                "DELETE FROM mails WHERE id = ? AND id NOT IN (SELECT mail FROM mail_recipients)", (mail.id,)
            )

    def waiting(self, series: str) -> int:
        """Return how many mails of *series* wait."""
        (count,) = self._store.database.execute("SELECT count(*) FROM mails WHERE series = ?", (series,)).fetchone()
        return int(count)

    def drop_stale(self, series: str) -> int:
        """Remove the mails of *series* that are too old or too many, and return how many those were."""
        with self._store.writing():
            return self._store.database.execute(
                "DELETE FROM mails WHERE series = ?1 AND (created < ?2 OR id NOT IN"
                " (SELECT id FROM mails WHERE series = ?1 ORDER BY id DESC LIMIT ?3))",
                (series, time.time() - OLDEST, MOST),
            ).rowcount
