"""The command bundle: a run as one file for support, with pseudonyms if that is asked for."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from pathlib import Path

from rainbow_probe.bundle.inside import Inside, Json, inside_of
from rainbow_probe.bundle.pack import packed
from rainbow_probe.bundle.pseudonyms import Pseudonyms, own_key
from rainbow_probe.bundle.redact import Level, redacted
from rainbow_probe.data_folder import DataFolderError, data_folder
from rainbow_probe.looking_back import stored
from rainbow_probe.options import UsageError
from rainbow_probe.report.from_json import loads
from rainbow_probe.session import read_guide

PEOPLE = ("USER", "USERNAME", "LOGNAME", "USERDOMAIN", "COMPUTERNAME")  # variables with names of users and machines


def bundle(arguments: argparse.Namespace) -> int:
    """Write the file and say where it is."""
    name, text = stored(arguments.run)
    report = loads(text, name)
    level = Level(arguments.redact) if arguments.redact else None
    content: Json = json.loads(text)
    if level:
        content = redacted(content, public_of(content, report.guide_id), level, _pseudonyms(), _people())
    path = Path(arguments.output or f"rainbow-probe-{report.started.replace(':', '')}.zip")
    data = packed(content, os.environ, level or "")
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError as exc:
        raise UsageError(f"--output {path}: is there already; name another file") from exc
    except OSError as exc:
        raise UsageError(f"--output {path}: {exc.strerror or exc}") from exc
    sys.stdout.write(f"{path}\n")
    return 0


def public_of(report: Json, guide: str) -> Inside:
    """Return what is inside, as seen with a guide: whose hosts and networks everybody may know."""
    known = read_guide(guide, ())
    hosts = [host for group in known.hosts.values() for host in (*group.names, *group.candidates)]
    return inside_of(report, hosts, known.ranges)


def _pseudonyms() -> Pseudonyms:
    try:
        return Pseudonyms(key=own_key(data_folder()))
    except (OSError, DataFolderError) as exc:
        raise UsageError(f"--redact: no place for the key: {exc}") from exc


def _people() -> list[str]:
    found = [os.environ.get(name, "") for name in PEOPLE]
    try:
        return [*found, getpass.getuser(), Path.home().name]
    except (OSError, KeyError, RuntimeError, ImportError):  # a container's user may have no name
        return found
