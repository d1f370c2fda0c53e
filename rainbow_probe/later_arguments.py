"""The grammar of what has to do with more than one run: what is kept of it, and how to look at it."""

from __future__ import annotations

import argparse

from rainbow_probe.history.limits import LONGEST, MOST_RUNS

HISTORY = """\
The runs that are kept on this machine, newest first, with what changed from one to the next, and the rows that come
and go. Runs are kept in this user's data folder; RAINBOW_PROBE_DATA=FOLDER names another one, and --no-store (or
RAINBOW_PROBE_STORE=no) keeps nothing."""
SHOW = "The report of a run that is kept, as the run showed it."
DIFF = """\
What broke, what healed, what cannot be told any more and what merely moved, from one run to another. OLD and NEW are
numbers of kept runs ('rainbow-probe history' has them), 'last', or files that 'run --json FILE' wrote. Without them:
the newest run, and the one before it at the same site.
The exit status is 1 if a mandatory or recommended row got worse, 3 if that cannot be told of one, and otherwise 0."""

SCHEDULE = """\
Has this machine's own scheduler start 'rainbow-probe run' by the clock: a systemd timer, cron, launchd, the Task
Scheduler of Windows, or a Kubernetes CronJob. What stands after -- are the arguments of the run, as in
  rainbow-probe schedule install --every 1h -- --site clinic.toml --mail-on change
'print' shows what would be written, 'remove' takes it away again. Passwords must be kept in files: none is written."""

BUNDLE = """\
One zip for support: the report as JSON and as a page, what was done step by step, versions, and the environment. With
--redact, names of people, hosts and companies inside (names), or addresses too (addresses), are replaced by words that
stand for the same thing in every bundle you make; what a firewall must let through, the service's own names and
addresses, stays. The key that makes the words stays in this user's data folder."""


def bundle(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``bundle``."""
    add = command.add_argument
    add("run", metavar="RUN", help="the number of a run that is kept, 'last', or a file that 'run --json FILE' wrote")
    add("--redact", choices=["names", "addresses"], help="what is replaced by pseudonyms (nothing)")
    add("--output", metavar="FILE.zip", help="where to (rainbow-probe-TIME.zip here)")
    add("--debug", action="store_true", help="show tracebacks")


WATCH = """\
Runs in the foreground, one after the other by the clock, for containers and wherever there is no scheduler. What
stands after -- are the arguments of 'run', as in
  rainbow-probe watch --every 5m -- --site clinic.toml --mail-on change
A line a run is printed. Each reads its settings anew; SIGHUP starts one at once, SIGTERM ends the watch cleanly."""


def watch(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``watch``."""
    command.add_argument("--every", required=True, metavar="INTERVAL", help="10s to 7d, as in 5m")
    command.add_argument("--debug", action="store_true", help="show tracebacks")


def history(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``history``."""
    add = command.add_argument
    add("--last", type=int, default=20, metavar="N", help="how many runs (20; -1 for all)")
    add("--json", action="store_true", help="as JSON, for a script")
    add("--name", metavar="SITE", help="only of this site: the name in its site file, or this machine's")
    _language(command)
    add("--debug", action="store_true", help="show tracebacks")


def show(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``show``."""
    add = command.add_argument
    add("run", nargs="?", metavar="RUN", help="its number, or 'last' (last)")
    add("--json", action="store_true", help="as JSON, as it was written")
    add("--no-color", action="store_true", help="no colours (NO_COLOR in the environment does the same)")
    _language(command)
    add("--debug", action="store_true", help="show tracebacks")


def diff(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``diff``."""
    add = command.add_argument
    add("old", nargs="?", metavar="OLD", help="the number of a run, 'last', or a JSON report (the run before NEW)")
    add("new", nargs="?", metavar="NEW", help="the same (the newest run)")
    add("--json", action="store_true", help="as JSON, for a script; the exit status is the same")
    _language(command)
    add("--debug", action="store_true", help="show tracebacks")


def _language(command: argparse.ArgumentParser) -> None:
    command.add_argument("--lang", metavar="en|fr", help="the language (your locale's, or English)")


MAIL = """\
'test' sends a short mail by the server in the table [mail] of the site file, so that you see it arrive before you rely
on it. 'send' sends what waits because a server was down or put it off, without a run. The exit status is 4 if somebody
has not got it."""


def mail(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``mail``."""
    add = command.add_argument
    add("action", choices=["test", "send"], help="what to do")
    add("--site", required=True, metavar="FILE.toml", help="the site file with the table [mail]")
    add("--mail-to", action="append", default=[], metavar="A,B", help="to these (those in the site file)")
    _language(command)
    add("--debug", action="store_true", help="show tracebacks")


def keeping(command: argparse.ArgumentParser) -> None:
    """Add what says how runs are kept."""
    add = command.add_argument
    add("--no-store", action="store_true", help="do not keep this run (RAINBOW_PROBE_STORE=no does the same)")
    add("--keep-runs", type=int, default=MOST_RUNS, metavar="N", help=f"keep so many runs of a site ({MOST_RUNS})")
    add("--keep-days", type=int, default=LONGEST, metavar="N", help=f"keep them so many days ({LONGEST})")


def mailing(command: argparse.ArgumentParser) -> None:
    """Add what says who gets a mail."""
    add = command.add_argument
    add("--mail-to", action="append", default=[], metavar="A,B",
        help="mail the report to these; the server stands in the site file, table [mail]")  # fmt: skip
    add("--mail-on", metavar="always|change|failure", help="after which runs: each, those that see a change (tried a "
        "second time to be sure), or those that fail (always)")  # fmt: skip


def schedule(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedule``."""
    add = command.add_argument
    add("action", choices=["install", "print", "remove"], help="what to do")
    add("--every", metavar="INTERVAL", help="5m, 10m, 15m, 20m, 30m, 1h, 2h, 3h, 4h, 6h, 8h, 12h or 1d")
    add("--at", metavar="HH:MM", help="at these times of the day, with commas")
    add("--jitter", type=int, metavar="SECONDS", help="how much later a machine may be, each by its own share, so that "
        "a fleet does not start at once (a tenth of the interval, at most 300)")  # fmt: skip
    add("--for", dest="scheduler", metavar="SCHEDULER", help="systemd (this user's), systemd-system, cron, launchd, "
        "windows or kubernetes (what this machine has)")  # fmt: skip
    add("--name", default="site", metavar="NAME", help="tells several schedules of one machine apart (site)")
    add("--image", default="rainbow-probe:latest", metavar="IMAGE", help="the container image, for kubernetes")
    add("--debug", action="store_true", help="show tracebacks")


def turn(command: argparse.ArgumentParser) -> None:
    """Add what a scheduler says."""
    add = command.add_argument
    add("--lock", metavar="NAME", help="do nothing, with status 3, if another run with this lock is still at work")
    add(
        "--jitter",
        type=int,
        default=0,
        metavar="SECONDS",
        help="wait first: this machine's own share of so many seconds",
    )
