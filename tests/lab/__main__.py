"""Bring one site up and run a command inside: ``python -m tests.lab SITE [--probe ARGUMENT...] [-- COMMAND...]``.

Without a command it is a shell. ``--probe`` runs the probe as the site file says, with more arguments if given.
In the environment of the command: LAB_PROBE (that command line), LAB_PUBLIC_CA, and all that the probe would have.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
from types import FrameType

from tests.lab import netns, probe, scenario
from tests.lab.cloud import Cloud
from tests.lab.site import Site


def main(arguments: list[str]) -> int:
    """Do what the command line says; return the command's own exit status."""
    ours, command = _split(arguments)
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__.splitlines()[0])
    parser.add_argument("site", choices=scenario.names(), metavar="SITE", help=", ".join(scenario.names()))
    parser.add_argument("--delay-ms", type=float, default=0.0, help="round trip added between site and cloud")
    parser.add_argument("--probe", nargs=argparse.REMAINDER, help="run the probe, with these arguments added")
    options = parser.parse_args(ours)
    if reason := netns.why_not():
        print(reason, file=sys.stderr)  # noqa: T201 - a command line's own message
        return 2
    signal.signal(signal.SIGTERM, _leave)
    try:
        return _run(options, command)
    except netns.LabError as exc:
        print(exc, file=sys.stderr)  # noqa: T201 - a command line's own message
        return 2


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:cut], arguments[cut + 1 :]


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(128 + number)


def _run(options: argparse.Namespace, command: list[str]) -> int:
    netns.remove_stale()
    with (
        Cloud() as cloud,
        Site(cloud, scenario.load(options.site), delay_ms=options.delay_ms) as site,
    ):
        line = probe.command(site, *(options.probe or []))
        inside = line if options.probe is not None else command or [os.environ.get("SHELL", "/bin/sh")]
        return _inside(site, inside, shlex.join(line))


def _inside(site: Site, command: list[str], line: str) -> int:
    known = {"LAB_PROBE": line, "LAB_PUBLIC_CA": str(site.cloud.pki.ca("public"))}
    environment = {**probe.environment(site), **known}
    with subprocess.Popen(site.enter(*command), env=environment) as process:  # noqa: S603 - the caller's own command
        try:
            return _end_of(process)
        finally:
            process.terminate()


def _end_of(process: subprocess.Popen[bytes]) -> int:
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the command got it too, and decides


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
