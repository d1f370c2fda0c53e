"""Where this user's own data lies on this platform, and locks that processes of this user share there."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

VARIABLE = "RAINBOW_PROBE_DATA"
_PAUSE = 0.02  # seconds between two tries for a lock: the systems wait without a limit, or not at all


class DataFolderError(Exception):
    """The folder cannot be used; the message names it and says what to do."""


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the probe's data, made if need be for this user alone; raises ``DataFolderError``.

    ``RAINBOW_PROBE_DATA`` names another one than the platform's own.
    """
    folder = Path(environ[VARIABLE]) if environ.get(VARIABLE) else _platforms_own()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise DataFolderError(f"{folder}: {exc.strerror or exc}; {VARIABLE}=FOLDER names another folder") from exc
    return folder


def _platforms_own() -> Path:
    from platformdirs import user_data_path

    return user_data_path("rainbow-probe", appauthor=False)


class BusyError(Exception):
    """Another process holds the lock."""


@contextmanager
def held(path: Path, *, wait: float = 0.0) -> Generator[None]:
    """Hold the lock file *path*, which ends with the process whatever becomes of it; *wait* so many seconds for it.

    Raises ``BusyError`` if another process still holds it then.
    """
    with path.open("a+b") as file:
        until = time.monotonic() + wait
        while not _taken(file):
            if time.monotonic() >= until:
                raise BusyError(str(path))
            time.sleep(_PAUSE)
        yield


def _taken(file: IO[bytes]) -> bool:
    """Try to lock *file*; closing it unlocks it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
