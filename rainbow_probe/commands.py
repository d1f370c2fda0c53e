"""What each command does."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rainbow_probe.accounts import kept, read_account, read_kept
from rainbow_probe.amounts import cap_of, load_of, talk_of
from rainbow_probe.catalogue import Guide
from rainbow_probe.lan import MOST_RATE, given, peer_token
from rainbow_probe.model import Credentials, Report
from rainbow_probe.options import (
    MOST_TUNNELS,
    Options,
    UsageError,
    duration,
    endpoint,
    map_entry,
    merged,
    number,
    seconds,
    turn_server,
)
from rainbow_probe.session import perform, read_guide
from rainbow_probe.sitefile import Reference, read_site_file

if TYPE_CHECKING:
    from rainbow_probe.history.confirm import SecondTry
    from rainbow_probe.readiness import Assessment

PASSWORD = "RAINBOW_PROBE_TURN_PASSWORD"  # noqa: S105 - the variable's name
BUSY = 3  # it cannot be told what the network is like
PROXY_USER, PROXY_PASSWORD = "RAINBOW_PROBE_PROXY_USER", "RAINBOW_PROBE_PROXY_PASSWORD"


def run(arguments: argparse.Namespace) -> int:
    """Test this machine's network, if no other run that a scheduler started is at it."""
    from rainbow_probe.data_folder import BusyError
    from rainbow_probe.schedule.turn import own_turn

    try:
        with own_turn(arguments.lock, arguments.jitter):
            return run_now(arguments)
    except BusyError:
        print("rainbow-probe: another run is at work: nothing done", file=sys.stderr)  # noqa: T201 - the answer
        return BUSY


def run_now(arguments: argparse.Namespace) -> int:
    """Test this machine's network."""
    from rainbow_probe.readiness import assess

    assessment = prepared(arguments)

    def again(seen: Report, rows: tuple[str, ...], events: Any) -> SecondTry:  # noqa: ANN401 - as in perform: the runner is not loaded yet
        from rainbow_probe.second_look import second_look

        return second_look(assessment, seen, rows, events)

    return perform(arguments, assessment.guide, lambda events: assess(assessment, events), again)


def prepared(arguments: argparse.Namespace) -> Assessment:
    """Return the run that *arguments* ask for; raises ``UsageError`` and its like."""
    from rainbow_probe.readiness import Assessment
    from rainbow_probe.site import read_site

    options = read_options(arguments)
    guide = read_guide(options.guide, options.clients)
    options = replace(options, rows=_rows(arguments, guide, options))
    site = read_site(proxy=options.proxy, environ=with_proxy_user(arguments, os.environ), resolvers=options.resolvers)
    site = replace(site, name=options.name, labels=options.labels)
    return Assessment(options=options, guide=guide, site=site)


def serve(arguments: argparse.Namespace) -> int:
    """Serve the local page."""
    from rainbow_probe.outputs import chosen
    from rainbow_probe.serving import preparing, serve

    guide, spoken = read_guide(Options().guide, ()), chosen(arguments.lang)
    prepare = preparing(arguments.grammar(), prepared, spoken)
    return serve(arguments.port, {**guide.clients, **guide.groups}, prepare, spoken)


def _rows(arguments: argparse.Namespace, guide: Guide, options: Options) -> tuple[str, ...]:
    """Return the rows asked for; none means all."""
    if not arguments.only and arguments.failed_in is None:
        return ()
    from rainbow_probe.report.from_json import read
    from rainbow_probe.selection import chosen

    report = None if arguments.failed_in is None else read(arguments.failed_in)
    clients = options.clients
    return chosen(guide, only=arguments.only, failed_in=arguments.failed_in or "", report=report, clients=clients)


def demo(arguments: argparse.Namespace) -> int:
    """Test the embedded demo cloud."""
    from rainbow_probe.demo import FAULTS
    from rainbow_probe.demonstration import demonstrate

    if unknown := [name for name in arguments.fault if name not in FAULTS]:
        known = "\n".join(f"  {name:18} {text}" for name, text in FAULTS.items())
        if unknown == ["list"]:
            print(known)  # noqa: T201 - the answer
            return 0
        raise UsageError(f"--fault {unknown[0]}: no such fault; known are\n{known}")
    return demonstrate(arguments)


def list_rows(arguments: argparse.Namespace) -> int:
    """List the rows of the guide."""
    from rainbow_probe.explain.listing import listing
    from rainbow_probe.outputs import chosen

    guide = read_guide(arguments.guide or Options().guide, tuple(arguments.client))
    for line in listing(guide, arguments.client, chosen(arguments.lang)):
        print(line)  # noqa: T201 - the answer
    return 0


def explain(arguments: argparse.Namespace) -> int:
    """Explain a row of the guide, a cause or a finding."""
    from rainbow_probe.explain import explain, overview
    from rainbow_probe.outputs import chosen

    guide, spoken = read_guide(arguments.guide or Options().guide, ()), chosen(arguments.lang)
    print(explain(arguments.word, guide, spoken) if arguments.word else overview(guide, spoken))  # noqa: T201 - the answer
    return 0


def rules(arguments: argparse.Namespace) -> int:
    """Write the rules that a failed site needs."""
    from rainbow_probe.ruling import rule

    print(rule(arguments), end="")  # noqa: T201 - the answer
    return 0


def schedule(arguments: argparse.Namespace) -> int:
    """Have this machine's own scheduler start runs."""
    from rainbow_probe.arguments import parser
    from rainbow_probe.scheduling import schedule

    return schedule(arguments, parser().parse_args(["run", *arguments.rest]), arguments.rest)


def watch(arguments: argparse.Namespace) -> int:
    """Run again and again in the foreground."""
    from rainbow_probe.arguments import parser
    from rainbow_probe.watching import watch

    once = parser().parse_args(["run", "--quiet", *arguments.rest], argparse.Namespace(watched=True))
    read_options(once)
    return watch(arguments.every, lambda: run(once))


def _lazily(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    """Return the command *name* of a *module*, which is imported only when it is called."""

    def command(arguments: argparse.Namespace) -> int:
        status: int = getattr(import_module(f"rainbow_probe.{module}"), name)(arguments)
        return status

    return command


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "run": run,
    "demo": demo,
    "list": list_rows,
    "schedule": schedule,
    "watch": watch,
    "history": _lazily("looking_back", "history"),
    "show": _lazily("looking_back", "show"),
    "diff": _lazily("looking_back", "diff"),
    "mail": _lazily("mailing", "mail"),
    "report": _lazily("retelling", "retell"),
    "rules": rules,
    "responder": _lazily("responding", "respond"),
    "explain": explain,
    "site": _lazily("sitefile.telling", "tell"),
    "bundle": _lazily("bundling", "bundle"),
    "serve": serve,
}


def read_options(arguments: argparse.Namespace) -> Options:
    """Put the command line over the site file, over the defaults."""
    site: Mapping[str, Any] = read_site_file(arguments.site) if arguments.site else {}
    default = Options()
    return Options(
        name=site.get("name", default.name),
        labels=site.get("labels", default.labels),
        clients=tuple(arguments.client or site.get("clients", ())),
        guide=arguments.guide or site.get("guide", default.guide),
        proxy=arguments.proxy or site.get("proxy", default.proxy),
        turn=merged(tuple(turn_server(uri) for uri in arguments.turn or site.get("turn", ()))),
        credentials=_credentials(arguments, site),
        account=read_account(arguments, site, os.environ),
        account_xmpp=arguments.account_xmpp or site.get("account.xmpp", default.account_xmpp),
        ca_files=(*arguments.ca_file, *site.get("ca_files", ())),
        public_ca=(*arguments.public_ca, *site.get("public_ca", ())),
        maps=dict(map_entry(text) for text in (*site.get("map", ()), *arguments.map)),
        resolvers=tuple(_resolver(text) for text in arguments.resolver or site.get("resolvers", ())),
        timeout=seconds(_given(arguments.timeout, site.get("timeout"), default.timeout), "--timeout"),
        deadline=seconds(_given(arguments.deadline, site.get("deadline"), default.deadline), "--deadline"),
        quick=arguments.quick,
        full=arguments.full,
        push_idle=duration(arguments.push_idle, "--push-idle") if arguments.push_idle else 0.0,
        idle_scale=seconds(arguments.idle_scale, "--idle-scale"),
        quality_seconds=talk_of(arguments),
        bandwidth_cap=cap_of(arguments.bandwidth_cap),
        discover=arguments.discover,
        proxy_capacity=number(arguments.proxy_capacity, MOST_TUNNELS, "--proxy-capacity"),
        load=load_of(arguments, site),
        hosts=given(vars(arguments), site),
        peer_token=peer_token(arguments.peer_token_file, site=site),
        sweep_rate=number(arguments.sweep_rate, MOST_RATE, "--sweep-rate"),
    )


def _given(*values: float | None) -> float:
    """Return the first value that was given; 0 is one, and will be refused."""
    return next(value for value in values if value is not None)


def _resolver(text: str) -> str:
    from rainbow_probe.net.names import is_address

    host = text if is_address(text) else endpoint(text, "--resolver").host
    if not is_address(host):
        raise UsageError(f"--resolver {text!r}: wanted is ADDRESS or ADDRESS:PORT ([ADDRESS]:PORT for IPv6)")
    return text


def _credentials(arguments: argparse.Namespace, site: Mapping[str, Any]) -> Credentials | None:
    user = arguments.turn_user or site.get("turn_user")
    file, reference = kept(arguments.turn_password_file, site, "turn_password")
    if user is None:
        if file or reference:
            raise UsageError("a TURN password without a user: give --turn-user NAME, or turn_user in the site file")
        return None
    return Credentials(user=user, password=_password(file, reference))


def with_proxy_user(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return *environ* with the proxy's user and password as the command line and the site file have them.

    What is asked for there stands above the environment, and below a user in the proxy's own URL.
    """
    site: Mapping[str, Any] = read_site_file(arguments.site) if arguments.site else {}
    user = arguments.proxy_user or site.get("proxy_user")
    file, reference = kept(arguments.proxy_password_file, site, "proxy_password")
    if not user and not file and not reference:
        return environ
    if not (user or environ.get(PROXY_USER)):
        raise UsageError("a proxy password without a user: give --proxy-user NAME, or proxy_user in the site file")
    found = read_kept(file, reference, "--proxy-password-file", environ) or environ.get(PROXY_PASSWORD) or _asked_for()
    return {**environ, PROXY_USER: user or environ[PROXY_USER], PROXY_PASSWORD: found}


def _asked_for() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Proxy password: ")
    raise UsageError(f"--proxy-user without a password: set {PROXY_PASSWORD}, or give --proxy-password-file FILE")


def _password(file: str | None, reference: Reference | None) -> str:
    if found := read_kept(file, reference, "--turn-password-file", os.environ) or os.environ.get(PASSWORD):
        return found
    if sys.stdin.isatty():
        return getpass.getpass("TURN password: ")
    raise UsageError(f"--turn-user without a password: set {PASSWORD}, or give --turn-password-file FILE")
