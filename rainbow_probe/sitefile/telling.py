"""The command site: an example to begin with, and what a site file says."""

from __future__ import annotations

import argparse
import os
import sys

from rainbow_probe.options import UsageError
from rainbow_probe.sitefile.example import example
from rainbow_probe.sitefile.read import read_site_file
from rainbow_probe.sitefile.references import Reference, looked_up


def tell(arguments: argparse.Namespace) -> int:
    """Print the example, or what a file says; of a secret where it is kept, and whether it is there."""
    if arguments.example:
        sys.stdout.write(example())
        return 0
    if arguments.file is None:
        raise UsageError("site: name a FILE.toml to check, or say --example for one to begin with")
    keys = read_site_file(arguments.file)
    for name, value in keys.items():
        sys.stdout.write(f"{name} = {_told(value)}\n")
    if not keys:
        sys.stdout.write(_sets_nothing(arguments.file))
    return 0


def _sets_nothing(path: str) -> str:
    return (
        f"{path}: correct, and it sets nothing: no key in it is active. A run with --site goes as one without.\n"
        "Take the # from before the keys that you want; rainbow-probe site --example prints all of them.\n"
    )


def _told(value: object) -> str:
    if not isinstance(value, Reference):
        return str(value)
    return f"{value} ({'there' if looked_up(value, os.environ) else 'nothing is kept there'})"
