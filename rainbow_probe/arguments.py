"""The command line's grammar; its help is what teaches the product."""

from __future__ import annotations

import argparse

from rainbow_probe import lan_arguments as lan
from rainbow_probe import later_arguments as later

EPILOG = """\
examples:
  rainbow-probe run                               will Rainbow work from this machine's network?
  rainbow-probe run --client desktop --json -     one client kind, as JSON
  rainbow-probe run --turn turn:turn.example.org --turn-user me
                                                  with TURN credentials; the password comes from
                                                  RAINBOW_PROBE_TURN_PASSWORD, a file, or a prompt
  rainbow-probe run --proxy http://proxy:3128     through this proxy (user and password: --proxy-user, or
                                                  RAINBOW_PROBE_PROXY_USER, and RAINBOW_PROBE_PROXY_PASSWORD)
  rainbow-probe rules site.json --format nftables the rules that what failed there needs
  rainbow-probe demo --fault udp-blocked          see it work, and fail, against a cloud on loopback

exit status:
  0 no mandatory or recommended row failed (degraded is 0; with --strict it is 1)   1 one did
  2 wrong use or configuration   3 nothing failed, but the answer could not be told   4 a mail was not sent
  130 interrupted
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="rainbow-probe",
        description="Will the Rainbow HDS cloud work from here, and if not, who must change what?",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="store_true", help="print the version and exit")
    top.set_defaults(debug=False)
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    for name, what, description, fill in (
        ("run", "test this machine's network", RUN, _run),
        ("demo", "test an embedded demo cloud on loopback, with faults to choose from", DEMO, _demo),
        ("list", "list the rows of the guide and what tests them", LIST, _list),
        ("schedule", "have this machine's own scheduler start runs", later.SCHEDULE, later.schedule),
        ("watch", "run again and again in the foreground", later.WATCH, later.watch),
        ("history", "list the runs that are kept, with what changed", later.HISTORY, later.history),
        ("show", "show a run that is kept", later.SHOW, later.show),
        ("diff", "say what changed from one run to another", later.DIFF, later.diff),
        ("mail", "try the mail settings of a site, or send what waits", later.MAIL, later.mail),
        ("report", "write a report that was stored as JSON in other formats", REPORT, _report),
        ("rules", "write the rules that a failed site needs, for its firewall or proxy", RULES, _rules),
        ("responder", "be the other end of a sweep of ports", lan.RESPONDER, lan.responder),
        ("explain", "explain a row of the guide, a cause or a finding", EXPLAIN, _explain),
        ("bundle", "pack a run into one file for support, redacted if asked", later.BUNDLE, later.bundle),
        ("site", "print a site file to begin with, or check one", SITE, _site),
        ("serve", "a page on this machine: choose, start, watch and read by clicks", SERVE, _serve),
    ):
        plain = argparse.RawDescriptionHelpFormatter
        fill(commands.add_parser(name, help=what, description=description, epilog=EPILOG, formatter_class=plain))
    return top


RUN = "Try every flow of the guide that can be tried from here, judge row by row, and say what to change."
DEMO = "The same job as run, against a Rainbow-like cloud that lives on loopback as long as the command does."
LIST = "Every row of the guide: its id, its section, how bad it is when it fails, what it is, and what tests it."

RULES = """\
The least set of rules that the failed rows of a report need, and nothing that works already; or all that the guide
asks for. Everything is outbound: no inbound rule is ever needed."""
REPORT = """\
A run that is kept, or a report that 'run --json FILE' wrote, by this version or an older one, shown again or written
in other formats. The exit status is 0 when it could be read and written, whatever it says; with --format nagios it is
the plugin's. Only of a run that is kept does the page (or the PDF) show what earlier runs of the site found."""
FORMATS = "text, csv, exemptions, rpz, nftables, iptables, ip6tables, squid, fortinet, paloalto, cisco-asa, windows"
EXPLAIN = "What a row, a cause or a finding is, how it is tested, what it usually comes from, and what to do."

SITE = """\
A site file holds the settings of a site (TOML): servers, proxy, numbers of users, where passwords are kept. Without
--example: whether FILE is right, and what it says; of a password only where it is kept, and whether one is there."""


def _run(command: argparse.ArgumentParser) -> None:
    _which_rows(command)
    add = command.add_argument
    add("--guide", metavar="ID|DIR", help="a guide that ships with the probe, or a folder of your own (hds-ed21)")
    add("--site", metavar="FILE.toml", help="a file with the settings of a site; the command line wins over it")
    _proxy(command)
    add("--resolver", action="append", default=[], metavar="ADDRESS[:PORT]",
        help="ask this DNS server, not the system's")  # fmt: skip
    add("--turn", action="append", default=[], metavar="URI",
        help="a TURN server, turn:HOST or turn:HOST:PORT?transport=udp")  # fmt: skip
    add("--turn-user", metavar="NAME", help="the TURN user; the password is never an argument")
    add("--turn-password-file", metavar="FILE", help="a file whose first line is the TURN password")
    _account(command)
    add("--ca-file", action="append", default=[], metavar="PEM", help="certificates to trust beside this machine's own")
    add("--public-ca", action="append", default=[], metavar="PEM",
        help="roots that count as publicly known, for private test clouds")  # fmt: skip
    add("--map", action="append", default=[], metavar="HOST:PORT=ADDRESS:PORT",
        help="connect there instead when going direct; with an empty ADDRESS only the port changes")  # fmt: skip
    lan.hosts(command)
    _how_long(command)
    _how_much(command)
    later.mailing(command)
    later.turn(command)
    _outputs(command)
    later.keeping(command)


def _account(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("a Rainbow account, which signs in once a run (five wrong passwords lock it)")
    group.add_argument("--account", metavar="LOGIN", help="sign in, and test the TURN servers that the service lists; "
        "the password comes from RAINBOW_PROBE_ACCOUNT_PASSWORD, a file, or a prompt")  # fmt: skip
    group.add_argument("--account-password-file", metavar="FILE", help="a file whose first line is that password")
    group.add_argument("--app-id", metavar="ID", help="the id of your application at Rainbow (RAINBOW_PROBE_APP_ID)")
    group.add_argument("--app-secret-file", metavar="FILE",
        help="a file whose first line is its secret (or RAINBOW_PROBE_APP_SECRET)")  # fmt: skip
    group.add_argument("--account-xmpp", action="store_true", help="sign in at XMPP too, as clients do; once a run")


def _which_rows(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "--client",
        action="append",
        default=[],
        metavar="NAME",
        help="only this client kind or group of rows (repeatable)",
    )
    add("--only", action="append", default=[], metavar="ROW",
        help="only this row, or those that match a pattern as '*/wss' (repeatable); 'list' names them")  # fmt: skip
    add("--failed-in", metavar="REPORT.json",
        help="only the rows that failed, were degraded or inconclusive in this report")  # fmt: skip


def _proxy(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "--proxy",
        metavar="auto|none|wpad|pac:URL|URL",
        help="the proxy (http, https, socks5, socks4), or the PAC file that names it (auto: environment, then system)",
    )
    add(
        "--proxy-user",
        metavar="NAME",
        help="the user for a proxy whose URL names none: NAME, DOMAIN\\NAME or NAME@REALM",
    )
    add("--proxy-password-file", metavar="FILE",
        help="a file whose first line is that user's password (or RAINBOW_PROBE_PROXY_PASSWORD)")  # fmt: skip


def _how_long(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="how long a check waits in silence, once its name is resolved (8)",
    )
    add(
        "--deadline",
        type=float,
        metavar="SECONDS",
        help="for the whole run; what is unfinished then is inconclusive (300)",
    )
    length = command.add_mutually_exclusive_group()
    length.add_argument(
        "--quick", action="store_true", help="leave out what takes time by nature: idle links, quality of voice"
    )
    length.add_argument(
        "--full", action="store_true", help="also find how long idle links live and what tunnels carry (110 s more)"
    )
    add("--push-idle", metavar="TIME", help="then hold idle links to Android's push service for so long, as 30m; "
        "Ctrl-C ends it with what is known")  # fmt: skip
    add("--idle-scale", type=float, default=1.0, metavar="FACTOR", help=argparse.SUPPRESS)  # tests shorten the waits
    add("--quality-seconds", type=float, metavar="SECONDS", help=argparse.SUPPRESS)  # tests have less time
    add("--discover", action="store_true",
        help="if no TURN server is known, ask each published address once (looks like a sweep to an IDS)")  # fmt: skip


def _how_much(command: argparse.ArgumentParser) -> None:
    """Add what says how much of line and proxy this site needs, and asks how much it has."""
    group = command.add_argument_group(
        "how much there is at the same time: bandwidth, and ports of the proxy (guide 6, 8.2)"
    )
    group.add_argument("--proxy-capacity", type=int, default=0, metavar="N",
        help="open up to N tunnels through the proxy at once, to the first refusal (2000 at most)")  # fmt: skip
    for name, what in (
        ("users", "clients signed in through the proxy"),
        ("calls", "calls of theirs at the same time"),
        ("video", "of these with video"),
        ("sharing", "of these with screen sharing"),
        ("gateway-calls", "calls of WebRTC gateways at the same time"),
    ):
        group.add_argument(f"--{name}", type=int, default=0, metavar="N", help=f"{what}, at the busiest time")
    for name, what in (
        ("subscribers", "PBX subscribers of an agent"),
        ("calls-per-second", "PBX calls a second of an agent, in the busy hour"),
    ):
        group.add_argument(f"--{name}", type=float, action="append", default=[], metavar="N",
            help=f"{what} (again for each further agent)")  # fmt: skip
    group.add_argument("--bandwidth-cap", type=float, metavar="MBIT/S",
        help="load the way of calls with as much at most, each way, if the site needs it (3)")  # fmt: skip


def _demo(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--fault", action="append", default=[], metavar="NAME", help="break this; 'list' names them all"
    )
    command.add_argument(
        "--client", action="append", default=[], metavar="NAME", help="only this client kind or group of rows"
    )
    command.add_argument("--timeout", type=float, metavar="SECONDS", help="how long a check waits in silence (8)")
    command.add_argument("--quality-seconds", type=float, metavar="SECONDS", help=argparse.SUPPRESS)
    _outputs(command)
    later.keeping(command)


def _list(command: argparse.ArgumentParser) -> None:
    command.add_argument("--guide", metavar="ID|DIR", help="a guide that ships with the probe, or a folder (hds-ed21)")
    command.add_argument("--client", action="append", default=[], metavar="NAME", help="only this client kind or group")
    command.add_argument("--lang", metavar="en|fr", help="the language (your locale's, or English)")
    command.add_argument("--debug", action="store_true", help="show tracebacks")


def _report(command: argparse.ArgumentParser) -> None:
    which = "the number of a run that is kept, 'last', or a file that 'run --json FILE' wrote"
    command.add_argument("report", metavar="RUN", help=which)
    guides = "a guide that ships with the probe, or a folder (the report's); for --rules"
    command.add_argument("--guide", metavar="ID|DIR", help=guides)
    _outputs(command)


def _rules(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("report", nargs="?", metavar="REPORT.json", help="what 'run --json FILE' wrote")
    add("--all", action="store_true", help="all that the guide asks for; a report adds addresses and TURN servers")
    add("--degraded", action="store_true", help="also what rows need that work only by a fallback")
    add("--client", action="append", default=[], metavar="NAME", help="only for this client kind or group of rows")
    add("--format", default="text", metavar="FORMAT", help=f"one of {FORMATS} (text)")
    add("--by", choices=["name", "address", "range"], help="how to write destinations; range: the guide's networks")
    add("--source", metavar="NETWORK", help="the clients' network (any)")
    add("--chain", metavar="CHAIN", help="jump from there: FAMILY TABLE CHAIN for nftables, CHAIN for iptables")
    add("--guide", metavar="ID|DIR", help="a guide that ships with the probe, or a folder (the report's, hds-ed21)")
    add("--debug", action="store_true", help="show tracebacks")


def _explain(command: argparse.ArgumentParser) -> None:
    command.add_argument("word", nargs="?", metavar="ROW|CAUSE|FINDING", help="as in a report, or PHASE/CAUSE as in "
        "connect/timeout; without it, everything that can be asked")  # fmt: skip
    command.add_argument("--guide", metavar="ID|DIR", help="a guide that ships with the probe, or a folder (hds-ed21)")
    command.add_argument("--lang", metavar="en|fr", help="the language (your locale's, or English)")
    command.add_argument("--debug", action="store_true", help="show tracebacks")


SERVE = """\
A page for whoever prefers a window: choose clients, site file and proxy (or the demo and its faults), start, watch the
checks, read the report, and see what changed since the last run. It listens on this machine's loopback only, for who
was given the address that it prints; that address is good for once. Ctrl-C ends it."""


def _serve(command: argparse.ArgumentParser) -> None:
    command.add_argument("--port", type=int, default=0, metavar="PORT", help="the port to listen on (any that is free)")
    command.add_argument("--lang", metavar="en|fr", help="the language of the page (your locale's, or English)")
    command.add_argument("--debug", action="store_true", help="show tracebacks")
    command.set_defaults(grammar=parser)


def _site(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", nargs="?", metavar="FILE.toml", help="the site file to check")
    command.add_argument("--example", action="store_true", help="print one with every key, explained")
    command.add_argument("--debug", action="store_true", help="show tracebacks")


def _outputs(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--json", metavar="FILE|-", help="write the report as JSON; - is standard output, instead of the screen report")
    add("--html", metavar="FILE", help="write the report as one HTML page")
    add("--markdown", metavar="FILE|-", help="write the report as Markdown, for a ticket")
    add("--junit", metavar="FILE", help="write the rows as JUnit test cases")
    add("--csv", metavar="FILE", help="write the rows as a table")
    add("--prometheus", metavar="FILE", help="write metrics for the node exporter's textfile collector")
    add("--pdf", metavar="FILE", help="write the report for paper (needs the extra 'pdf')")
    add("--otlp", metavar="URL", help="send a trace and metrics to an OpenTelemetry collector (needs the extra 'otlp')")
    add("--rules", metavar="FILE", help="write the rules that the failed rows need")
    add("--rules-format", default="text", metavar="FORMAT", help=f"one of {FORMATS} (text)")
    add("--format", choices=["text", "nagios"], default="text",
        help="what the screen shows; nagios: a plugin's line, and its statuses 0 to 3")  # fmt: skip
    add("--lang", metavar="en|fr", help="the language of reports for people (your locale's, or English)")
    add("--strict", action="store_true", help="a degraded row makes the exit status 1")
    add("--quiet", action="store_true", help="no progress and no report on the screen")
    add("--no-color", action="store_true", help="no colours (NO_COLOR in the environment does the same)")
    add("--debug", action="store_true", help="show tracebacks of faults of the probe itself")
