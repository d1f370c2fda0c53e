"""The commands that look at runs of the past: history, show, diff."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rainbow_probe.data_folder import DataFolderError, data_folder
from rainbow_probe.history.as_json import diff_json, history_json
from rainbow_probe.history.compare import Comparison, Steps, compare, steps
from rainbow_probe.history.flaky import LOOKED_AT
from rainbow_probe.history.keeping import flaky_rows
from rainbow_probe.history.remembered import remembered
from rainbow_probe.history.store import HistoryError, Run, Store, newest, open_store
from rainbow_probe.history.telling import comings_and_goings, details, headline, in_short, listing, title
from rainbow_probe.language import later
from rainbow_probe.model import Report
from rainbow_probe.options import UsageError
from rainbow_probe.outputs import chosen
from rainbow_probe.report.from_json import loads, read, read_text
from rainbow_probe.report.past import Past

BETTER_OR_SAME, WORSE, UNCLEAR = 0, 1, 3
LAST = "last"
_DIGITS = 18  # of the number of a run; SQLite has no room for more
NOTHING = later("no run is kept yet: 'rainbow-probe run' keeps what it finds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A report that was named on the command line."""

    name: str
    """``run 12``, or the file."""
    report: Report
    flaky: dict[str, int] = field(default_factory=dict[str, int])
    """Rows of its site that come and go; known only of runs that are kept."""


def history(arguments: argparse.Namespace) -> int:
    """List the runs that are kept, newest first, with what changed from one to the next."""
    spoken = chosen(arguments.lang)
    with _opened() as store:
        runs = store.runs(arguments.name, last=arguments.last)
        series = dict.fromkeys(run.series for run in runs)
        flaky = {name: flaky_rows(store, name) for name in series}
        changes = {run.id: _change(store, run) for run in runs}
    if arguments.json:
        _write(history_json(runs, changes, flaky))
        return 0
    told = {number: in_short(found, spoken) for number, found in changes.items() if found}
    _say(listing(runs, told, spoken) if runs else [spoken.say(NOTHING)])
    for rows in flaky.values():
        _say(comings_and_goings(rows, LOOKED_AT, spoken))
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Show the report of a run again, as the run showed it, or write it as JSON."""
    from rainbow_probe.report.terminal import open_console, render

    spoken = chosen(arguments.lang)
    with _opened() as store:
        run = _run(store, arguments.run)
        text = store.report(run.id)
    if arguments.json:
        sys.stdout.write(text)
    else:
        render(loads(text, f"run {run.id}"), open_console(sys.stdout, no_color=arguments.no_color), spoken)
    return 0


def diff(arguments: argparse.Namespace) -> int:
    """Say what changed from one run to another; the status is 1 if it got worse, 3 if that cannot be told."""
    spoken = chosen(arguments.lang)
    old, new = _pair(arguments.old, arguments.new)
    if old.report.guide_id != new.report.guide_id:
        raise UsageError(
            f"diff: {old.name} was made by the guide {old.report.guide_id!a}, {new.name} by "
            f"{new.report.guide_id!a}: their rows are not the same"
        )
    found = compare(old.report, new.report)
    if arguments.json:
        _write(diff_json((old.name, old.report), (new.name, new.report), found, new.flaky))
        return status(found)
    one, other = (title(each.name, each.report, spoken) for each in (old, new))
    _say([spoken.say("From {old} to {new}", old=one, new=other), headline(found, spoken)])
    _say(details(found, new.flaky, spoken))
    return status(found)


def stored(word: str) -> tuple[str, str]:
    """Return what *word* names, a run that is kept or a file: a name for it, and its text as it was written."""
    if not _is_kept(word):
        return word, read_text(word)
    with _opened() as store:
        run = _run(store, word)
        return f"run {run.id}", store.report(run.id)


def past_of_kept(word: str) -> tuple[Past, ...]:
    """Return what the runs before the one that *word* names found; nothing for a file: nobody knows its site."""
    if not _is_kept(word):
        return ()
    with _opened() as store:
        run = _run(store, word)
        return remembered(store, run.series, run.guide, before=run.id)


def status(comparison: Comparison) -> int:
    """Return the exit status that a comparison means."""
    if comparison.worse:
        return WORSE
    return UNCLEAR if comparison.unclear else BETTER_OR_SAME


def _pair(old: str | None, new: str | None) -> tuple[Named, Named]:
    """Return what the words on the command line name; without them the newest run, and the one before it."""
    if old and new and not _is_kept(old) and not _is_kept(new):
        return _file(old), _file(new)
    with _opened() as store:
        later = _run(store, new) if new is None or _is_kept(new) else None
        if old is None and later is None:
            raise UsageError(f"diff: with what is {new} to be compared? Give OLD and NEW")
        newer = _file(new or "") if later is None else _kept(store, later)
        if old is None and later is not None:
            return _kept(store, _before(store, later)), newer
        return _kept(store, _run(store, old)) if _is_kept(old or "") else _file(old or ""), newer


def _is_kept(word: str) -> bool:
    """Tell whether *word* names a run that is kept, rather than a file."""
    return word == LAST or word.isdecimal()


def _file(path: str) -> Named:
    return Named(name=path, report=read(path))


def _kept(store: Store, run: Run) -> Named:
    report = loads(store.report(run.id), f"run {run.id}")
    return Named(name=f"run {run.id}", report=report, flaky=flaky_rows(store, run.series))


def _run(store: Store, word: str | None) -> Run:
    """Return the run of that number, or the newest one."""
    if word is None or word == LAST:
        if not (runs := store.runs(last=1)):
            raise UsageError(NOTHING)
        return runs[0]
    found = store.run(int(word[:_DIGITS])) if word.isdecimal() else None
    if found is None:
        raise UsageError(f"run {word!a}: there is none; 'rainbow-probe history' has them")
    return found


def _before(store: Store, run: Run) -> Run:
    """Return the run of the same site before *run*."""
    if (found := _whole_before(store, run)) is None:
        raise UsageError(f"run {run.id} is the first one of {run.series!a}: there is nothing to compare it with")
    return found


def _whole_before(store: Store, run: Run) -> Run | None:
    return newest(store.runs(run.series, last=LOOKED_AT, before=run.id))


def _change(store: Store, run: Run) -> Steps | None:
    """Return what changed with a run, but what a second try did not confirm; None for the first and a stopped one."""
    earlier = None if run.interrupted else _whole_before(store, run)
    return steps(store.settled(earlier.id), store.settled(run.id)) if earlier else None


def newest_line() -> str:
    """Return the verdict of the newest run and what changed with it, for one line; nothing where none is kept."""
    try:
        with _opened() as store:
            run = next(iter(store.runs(last=1)), None)
            changed = _change(store, run) if run else None
    except UsageError:
        return ""
    return f": {next(listing([run], {run.id: in_short(changed)} if changed else {})).strip()}" if run else ""


@contextmanager
def _opened() -> Generator[Store]:
    """Open this user's runs; whatever is wrong with them is told as wrong use is."""
    try:
        with open_store(data_folder()) as store:
            yield store
    except (HistoryError, DataFolderError) as exc:
        raise UsageError(str(exc)) from exc


def _write(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def _say(lines: Iterable[str]) -> None:
    """Write *lines* as standard output can show them."""
    encoding = sys.stdout.encoding or "ascii"
    for line in lines:
        sys.stdout.write(f"{line}\n".encode(encoding, "backslashreplace").decode(encoding))
