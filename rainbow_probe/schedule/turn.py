"""A run that a scheduler started waits for its share of the fleet's delay, and for no other run to be at work."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

from rainbow_probe.data_folder import DataFolderError, data_folder, held
from rainbow_probe.options import UsageError, number
from rainbow_probe.schedule.task import NAME
from rainbow_probe.schedule.timing import DAY, own_share


@contextmanager
def own_turn(lock: str | None, jitter: int) -> Generator[None]:
    """Wait this machine's share of *jitter* seconds, then hold *lock*, if any.

    Raises ``BusyError`` if another process holds it, and ``UsageError``.
    """
    if lock is not None and not NAME.fullmatch(lock):
        raise UsageError(f"--lock: {lock!a} is not possible; allowed are a-z, 0-9 and hyphens, up to 40")
    if share := own_share(number(jitter, DAY, "--jitter")):
        time.sleep(share)
    if lock is None:
        yield
        return
    try:
        folder = data_folder()
    except DataFolderError as exc:
        raise UsageError(str(exc)) from exc
    with held(folder / f"{lock}.lock"):
        yield
