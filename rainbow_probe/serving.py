"""The command serve: the local page, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web

from rainbow_probe.afterwards import Afterwards
from rainbow_probe.data_folder import DataFolderError, data_folder
from rainbow_probe.demo import FAULTS
from rainbow_probe.demonstration import at_the_demo
from rainbow_probe.history.compare import compare
from rainbow_probe.history.flaky import LOOKED_AT
from rainbow_probe.history.store import HistoryError, newest, open_store
from rainbow_probe.history.telling import details, headline
from rainbow_probe.language import ENGLISH, Language
from rainbow_probe.model import Report
from rainbow_probe.options import UsageError
from rainbow_probe.readiness import Assessment
from rainbow_probe.report.from_json import loads
from rainbow_probe.serve.desk import Desk, Kept, Prepare, Ready
from rainbow_probe.serve.guard import HOST, Guard
from rainbow_probe.serve.page import Choices, Page

GOING = 1.0  # seconds that open connections have at the end
MOST_PORT = 65535


def serve(port: int, clients: dict[str, str], prepare: Prepare, language: Language = ENGLISH) -> int:
    """Serve the page, in *language*, on loopback until Ctrl-C or SIGTERM; a run that goes on then is stopped."""
    if not 0 <= port <= MOST_PORT:
        raise UsageError(f"--port {port}: allowed are 0 (any that is free) to {MOST_PORT}")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(port, Choices(clients=clients, faults=FAULTS), prepare, language))
    return 0


def preparing(
    grammar: argparse.ArgumentParser,
    prepared: Callable[[argparse.Namespace], Assessment],
    language: Language = ENGLISH,
) -> Prepare:
    """Return what makes a run of the words of a command line, as the command itself would."""

    @asynccontextmanager
    async def prepare(words: Sequence[str]) -> AsyncGenerator[Ready]:
        try:
            arguments = grammar.parse_args(words)
        except SystemExit:
            raise UsageError("these settings are not understood") from None
        keep = partial(kept, arguments, language=language)
        if arguments.command == "demo":
            async with at_the_demo(arguments) as assessment:
                yield Ready(assessment=assessment, keep=keep)
        else:
            yield Ready(assessment=await asyncio.to_thread(prepared, arguments), keep=keep)

    return prepare


def kept(arguments: argparse.Namespace, report: Report, *, language: Language = ENGLISH) -> Kept:
    """Keep and mail *report* as the command does, and say how it compares with the last run of its site."""
    afterwards = Afterwards.checked(arguments)
    before, past = _last(afterwards.series), afterwards.past(report)
    afterwards.follow(report)
    return Kept(compared=_compared(before, report, language), past=past)


def _compared(before: Report | None, report: Report, language: Language) -> str:
    if report.interrupted:
        return language.say("It was stopped, so there is nothing to compare.")
    if before is None or before.guide_id != report.guide_id:
        return language.say("There is no run before this one.")
    found = compare(before, report)
    return "\n".join([headline(found, language), *details(found, {}, language)])


def _last(series: str) -> Report | None:
    try:
        with open_store(data_folder()) as store:
            run = newest(store.runs(series, last=LOOKED_AT))
            return loads(store.report(run.id)) if run else None
    except (HistoryError, DataFolderError):
        return None


async def _serve(port: int, choices: Choices, prepare: Prepare, language: Language) -> None:
    guard, over = Guard(), asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # Windows ends processes without asking
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    async with asyncio.TaskGroup() as group:
        desk = Desk(prepare=prepare, group=group, language=language)
        runner = web.AppRunner(
            Page(desk, guard, choices).application(), access_log=None, shutdown_timeout=GOING, handler_cancellation=True
        )
        await runner.setup()
        try:
            await _listen(runner, port, guard)
            await over.wait()
        finally:
            desk.stop()
            await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int, guard: Guard) -> None:
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as exc:
        raise UsageError(f"--port {port}: {exc.strerror or exc}; 0 takes any that is free") from exc
    guard.port = int(runner.addresses[0][1])
    sys.stdout.write(f"{guard.address}\n")
    sys.stdout.flush()
    sys.stderr.write("Open this address in a browser on this machine; it is good for once. Ctrl-C ends the page.\n")
