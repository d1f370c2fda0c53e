"""The command schedule: print, install or remove what has the machine's own scheduler start runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rainbow_probe.options import UsageError
from rainbow_probe.schedule.entries import Scheduler, entry, usual
from rainbow_probe.schedule.installing import install, remove
from rainbow_probe.schedule.shapes import Entry
from rainbow_probe.schedule.task import task
from rainbow_probe.schedule.timing import timing

LINGER = "It runs while you are logged in; for always: loginctl enable-linger"


def schedule(arguments: argparse.Namespace, run: argparse.Namespace, rest: list[str]) -> int:
    """Do what was asked for with a run of the arguments *rest*, which are also parsed as *run*."""
    scheduler = _scheduler(arguments.scheduler)
    wanted = _entry(arguments, scheduler, run, rest)
    if arguments.action == "print":
        sys.stdout.write(_printed(wanted))
        return 0
    if scheduler is Scheduler.KUBERNETES:
        raise UsageError(
            f"schedule {arguments.action}: for kubernetes print it, and give it to kubectl apply or delete -f"
        )
    if arguments.action == "remove":
        there = remove(wanted, arguments.name)
        _say(f"removed from {scheduler}" if there else f"nothing of the name {arguments.name} was there in {scheduler}")
        return 0
    install(wanted, arguments.name)
    _say(f"installed in {scheduler}; to look at it: {wanted.look}")
    if scheduler is Scheduler.SYSTEMD:
        _say(LINGER)
    return 0


def _scheduler(name: str | None) -> Scheduler:
    if name is None:
        return usual()
    if name not in list(Scheduler):
        raise UsageError(f"--for: {name!a} is unknown; allowed are {', '.join(Scheduler)}")
    return Scheduler(name)


def _entry(arguments: argparse.Namespace, scheduler: Scheduler, run: argparse.Namespace, rest: list[str]) -> Entry:
    """Return the entry; to remove one its name is enough, whatever it does and when."""
    every = "1h" if arguments.action == "remove" else arguments.every
    when = timing(every, None if arguments.action == "remove" else arguments.at, arguments.jitter)
    secrets = scheduler is Scheduler.KUBERNETES
    return entry(scheduler, task(arguments.name, rest, run, Path.cwd(), variables=secrets), when, arguments.image)


def _printed(wanted: Entry) -> str:
    """Return the files one after the other, each under its path; a single one alone, to be redirected."""
    if len(wanted.files) == 1:
        return wanted.files[0].text
    return "\n".join(f"# {file.path}\n{file.text}" for file in wanted.files)


def _say(text: str) -> None:
    print(text)  # noqa: T201 - the answer
