"""Certificates that are out of date: what time do their own servers say it is?"""

from __future__ import annotations

from collections.abc import Iterable

from rainbow_probe.followups.ask import ask, few, stopped
from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import Cause, Flow, Phase

OUT_OF_DATE = frozenset({Cause.TLS_EXPIRED, Cause.TLS_NOT_YET_VALID})


def dates(sofar: Sofar) -> Iterable[Flow]:
    """Ask web servers for a page, whatever certificate they show: its Date tells whose time is wrong."""
    for result in few(stopped(sofar, frozenset({Phase.TLS}), OUT_OF_DATE, "https")):
        yield ask(result.flow, "tls+http", "date")
