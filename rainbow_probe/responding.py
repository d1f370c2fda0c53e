"""The responder command: what is served is said, and when it ends; Ctrl-C and SIGTERM end it at once."""

from __future__ import annotations

import argparse
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import FrameType

from rainbow_probe.catalogue.values import HIGHEST_PORT, port_range
from rainbow_probe.lan import MOST_RATE, peer_token
from rainbow_probe.model import PortRange
from rainbow_probe.net.many import Bound, intervals, listed
from rainbow_probe.options import UsageError
from rainbow_probe.responder.redirect import NAME, merged, rules
from rainbow_probe.responder.serve import Responder, Wanted

UNITS = {"s": 1, "m": 60, "h": 3600}
LONGEST = 24 * 3600  # seconds; a responder that nobody needs any more must not stay open
_FOR = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smh]?)")


def respond(arguments: argparse.Namespace) -> int:
    """Serve until the time is over or somebody stops it; the exit status is 0, or 2 when no port can be had."""
    wanted = Wanted(
        udp=port_ranges(arguments.udp, "--udp"),
        tcp=port_ranges(arguments.tcp, "--tcp"),
        address=arguments.bind or "",
        token=peer_token(arguments.token_file, "--token-file"),
        rate=_rate(arguments.rate),
        few_sockets=_few(few=arguments.few_sockets),
    )
    seconds = duration(arguments.time)
    try:
        with Responder(wanted) as responder:
            if not (responder.udp.sockets or responder.tcp.sockets or responder.few.sockets):
                raise UsageError("not one of the ports can be had: " + "; ".join(_missing(responder)))
            over = _until(seconds)
            _announce(responder, wanted, seconds)
            responder.serve(over)
            _tell_the_end(responder)
    except (OSError, OverflowError) as exc:
        raise UsageError(f"--bind {arguments.bind}: {exc.strerror if isinstance(exc, OSError) else exc}") from exc
    return 0


def port_ranges(text: str, where: str) -> tuple[PortRange, ...]:
    """Read ``5060,20000-29999``, or nothing; raises ``UsageError``."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return tuple(port_range(part if "-" in part else f"{part}-{part}") for part in parts)
    except ValueError:
        wanted = f"ports and ranges within 1 to {HIGHEST_PORT}, as in 5060,20000-29999"
        raise UsageError(f"{where} {text!r}: wanted are {wanted}") from None


def duration(text: str) -> float:
    """Read ``30m``, ``90s``, ``2h`` or seconds; raises ``UsageError``."""
    found = _FOR.fullmatch(text.strip().lower())
    seconds = float(found[1]) * UNITS[found[2] or "s"] if found else 0.0
    if not 0 < seconds <= LONGEST:
        raise UsageError(f"--for {text!r}: wanted is a time up to 24h, as in 90s, 30m or 2h")
    return seconds


def _rate(rate: int) -> int:
    if not 1 <= rate <= MOST_RATE:
        raise UsageError(f"--rate {rate}: allowed are 1 to {MOST_RATE} questions a second")
    return rate


def _few(*, few: bool) -> bool:
    if few and not sys.platform.startswith("linux"):
        raise UsageError("--few-sockets: only Linux's packet filter is known to send ranges to one socket and back")
    return few


def _until(seconds: float) -> Callable[[], bool]:
    """Return what tells that it is time to stop: the time is over, or a signal came."""
    end = time.monotonic() + seconds
    asked: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        asked.append(number)

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, stop)
    return lambda: bool(asked) or time.monotonic() >= end


def _announce(responder: Responder, wanted: Wanted, seconds: float) -> None:
    off = (datetime.now().astimezone() + timedelta(seconds=seconds)).strftime("%H:%M:%S")
    udp, tcp = intervals(responder.udp.sockets), intervals(responder.tcp.sockets)
    who = "who knows the token" if wanted.token else "anybody"
    at = f" at {wanted.address}" if wanted.address else ""
    _say(f"answers STUN{at} for {who}, up to {wanted.rate} questions a second from one address, until {off}")
    _say(f"UDP {listed(udp) or 'none'} ({_count(udp)} ports); TCP {listed(tcp) or 'none'}")
    for line in _missing(responder):
        _say(line)
    if redirected := responder.few.redirected:
        _tell_the_rules(redirected, wanted)
        responder.changed = _tell_the_change
    _say(f"at the other place: rainbow-probe run --peer {_own_name(wanted)}")
    _say("ready; Ctrl-C ends it")


def _tell_the_rules(redirected: Mapping[int, PortRange], wanted: Wanted) -> None:
    there = listed(merged([*redirected.values()]))
    sockets = "1 socket" if len(redirected) == 1 else f"{len(redirected)} sockets"
    _say(f"UDP {there}: not served yet, with {sockets} as soon as root gives this machine's packet filter these rules:")
    _say(f"\nnft -f - <<'END'\n{rules(redirected, wanted.address)}\nEND\n")
    _say(f"and takes it back afterwards: nft delete table inet {NAME}")


def _tell_the_change(before: tuple[PortRange, ...], now: tuple[PortRange, ...]) -> None:
    if now:
        _say(f"served now: UDP {listed(now)} ({_count(now)} ports)")
    else:
        _say(f"no longer served: UDP {listed(before)}: the rules are gone, or the table of connections is nearly full")


def _missing(responder: Responder) -> list[str]:
    bounds = (("UDP", responder.udp), ("UDP", Bound(busy=responder.few.missing)), ("TCP", responder.tcp))
    return [line for over, bound in bounds for line in _why(over, bound)]


def _why(over: str, bound: Bound) -> list[str]:
    rest = listed(intervals(bound.beyond)).replace(", ", ",")
    again = f"--udp {rest} --tcp ''" if over == "UDP" else f"--udp '' --tcp {rest}"
    told = {
        "in use by another program": bound.busy,
        "this user may not open ports below 1024": bound.denied,
        f"more than this system lets one process have open (see 'ulimit -n'); start a second one with {again}":
            bound.beyond,
    }  # fmt: skip
    return [f"not served: {over} {listed(intervals(ports))}: {why}" for why, ports in told.items() if ports]


def _count(ranges: tuple[PortRange, ...]) -> int:
    return sum(one.last - one.first + 1 for one in ranges)


def _own_name(wanted: Wanted) -> str:
    return wanted.address or socket.gethostname()


def _tell_the_end(responder: Responder) -> None:
    count, who = responder.count, responder.quota.asked
    _say(f"answered {count.answered} questions of {len(who)} {'address' if len(who) == 1 else 'addresses'}")
    if count.held_back:
        _say(f"left {count.held_back} unanswered that came faster than --rate allows")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what the command is for
