"""The command line: arguments to a run, and a run to an exit status. Heavy imports wait for their command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from rainbow_probe import __version__
from rainbow_probe.arguments import parser

WRONG_USE, INTERRUPTED, BROKEN_PIPE = 2, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; see ``--help``."""
    status = _main(_parsed(sys.argv[1:] if argv is None else argv))
    # CPython remembers a Ctrl-C that met exec of a text (every dataclass and namedtuple is made by one), though it was
    # caught, and would end the process by SIGINT; the next text that goes through makes it forget. SIGTERM, too, ends
    # the run of a watch by a Ctrl-C, and the watch by 0.
    exec("")  # noqa: S102 - no text at all
    return status


def _main(arguments: argparse.Namespace) -> int:
    try:
        return _command(arguments)
    except KeyboardInterrupt:
        return _say("interrupted", INTERRUPTED, arguments)
    except BrokenPipeError:
        with suppress(OSError):  # whoever read our output went away: nothing more to say
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except ValueError as exc:
        if arguments.debug or not _is_ours(exc):
            return _fault(exc, arguments)
        return _say(str(exc), WRONG_USE, arguments)
    except Exception as exc:  # noqa: BLE001 - no traceback ever reaches a user who did not ask for it
        return _fault(exc, arguments)


def _parted(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part the arguments of ``schedule`` and ``watch`` from those of their runs, which stand after ``--``."""
    words = list(argv)
    if words[:1] not in (["schedule"], ["watch"]) or "--" not in words:
        return words, []
    place = words.index("--")
    return words[:place], words[place + 1 :]


def _command(arguments: argparse.Namespace) -> int:
    if arguments.version:
        print(f"rainbow-probe {__version__}")  # noqa: T201 - the answer
        return 0
    if arguments.command is None:
        parser().print_help()
        return 0
    from rainbow_probe import commands

    return commands.COMMANDS[arguments.command](arguments)


def _is_ours(exc: ValueError) -> bool:
    from rainbow_probe.catalogue import CatalogueError
    from rainbow_probe.net.trust import TrustError
    from rainbow_probe.options import UsageError
    from rainbow_probe.site import SiteError

    return isinstance(exc, UsageError | CatalogueError | TrustError | SiteError)


def _fault(exc: Exception, arguments: argparse.Namespace) -> int:
    if arguments.debug:
        raise exc
    return _say(
        f"a fault of the probe itself ({type(exc).__name__}); run it again with --debug and report it",
        WRONG_USE,
        arguments,
    )


def _parsed(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line; to a monitoring server wrong use is UNKNOWN, where status 2 would be a fault."""
    own, rest = _parted(argv)
    try:
        return parser().parse_args(own, argparse.Namespace(rest=rest))
    except SystemExit as exc:
        if exc.code == WRONG_USE and "nagios" in " ".join(argv):
            exc.code = _say(
                "the command line is wrong; see standard error", WRONG_USE, argparse.Namespace(format="nagios")
            )
        raise


def _say(message: str, status: int, arguments: argparse.Namespace) -> int:
    if getattr(arguments, "format", "") == "nagios":
        from rainbow_probe.report.as_nagios import UNKNOWN, complaint

        print(complaint(message))  # noqa: T201 - the answer
        return UNKNOWN
    print(f"rainbow-probe: {message}", file=sys.stderr)  # noqa: T201 - the error
    return status
