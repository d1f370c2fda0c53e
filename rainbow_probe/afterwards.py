"""What follows a run: it is kept, its changes are confirmed, and it is mailed to whom it concerns."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rainbow_probe.history.limits import Retention, wanted
from rainbow_probe.model import Report
from rainbow_probe.options import UsageError, number
from rainbow_probe.sitefile import read_site_file

if TYPE_CHECKING:
    from rainbow_probe.history.keeping import Again, Occasion
    from rainbow_probe.history.store import Store
    from rainbow_probe.mail.posting import Posted
    from rainbow_probe.mail.settings import MailSettings
    from rainbow_probe.report.past import Past

MOST_KEPT = 1_000_000  # runs of a site, or days; beyond that a number is a typing error


@dataclass(frozen=True, slots=True, kw_only=True)
class Afterwards:
    """What was asked for, checked before the run."""

    series: str
    """The site whose runs this one is comparable with."""
    retention: Retention | None
    """None if the run is not to be kept."""
    mail: MailSettings | None = None
    strict: bool = False
    watched: bool = False
    """Whether somebody may be alarmed by what a watch says of changes."""

    @classmethod
    def checked(cls, arguments: argparse.Namespace) -> Afterwards:
        """Read the arguments and the site file; raises ``UsageError``."""
        path = getattr(arguments, "site", None)
        site: Mapping[str, Any] = read_site_file(path) if path else {}
        retention, mail = _retention(arguments), _mail(arguments, site)
        if mail and mail.on == "change" and retention is None:
            raise UsageError("--mail-on change: there is nothing to compare with, as runs are not kept (--no-store)")
        return cls(series=_series(arguments, site), retention=retention, mail=mail, strict=arguments.strict,
            watched=getattr(arguments, "watched", False))  # fmt: skip

    def past(self, report: Report) -> Sequence[Past]:
        """Return what the runs before *report* found that is drawn beside it; nothing where none can be read."""
        if self.retention is None:
            return ()
        from rainbow_probe.data_folder import DataFolderError, data_folder
        from rainbow_probe.history.remembered import remembered
        from rainbow_probe.history.store import HistoryError, open_store

        try:
            with open_store(data_folder()) as store:
                return remembered(store, self.series, report.guide_id)
        except (HistoryError, DataFolderError):
            return ()  # it is told when this run is to be kept

    def follow(self, report: Report) -> None:
        """Keep and mail *report* as it is."""
        self.tell(self.keep(report))

    def keep(self, report: Report, again: Again | None = None) -> Occasion | None:
        """Keep *report*, and return how it is to be told; None if neither is wanted: then as it is.

        Rows that changed are tried *again* before anybody may be alarmed by it.
        """
        if self.retention is None and self.mail is None:
            return None
        from rainbow_probe.data_folder import DataFolderError, data_folder
        from rainbow_probe.history.keeping import Occasion
        from rainbow_probe.history.store import HistoryError, open_store

        if self.retention is not None:
            try:
                with open_store(data_folder()) as store:
                    return self._kept(store, report, self.retention, again)
            except (HistoryError, DataFolderError) as exc:
                _say(f"this run is not kept: {exc}")
        return Occasion(site=self.series, report=report)

    def _kept(self, store: Store, report: Report, retention: Retention, again: Again | None) -> Occasion:
        from rainbow_probe.history.keeping import take_down
        from rainbow_probe.history.remembered import remembered

        if self.mail is None:  # without an alarm there is nothing to confirm, and nobody is sent a drawing
            return take_down(store, report, self.series, retention, again if self.watched else None)
        past = remembered(store, self.series, report.guide_id)
        return replace(take_down(store, report, self.series, retention, again), past=past)

    def tell(self, occasion: Occasion | None) -> bool:
        """Mail this *occasion*; False, and messages, if somebody who should have a mail has not got it."""
        if occasion is None or self.mail is None or occasion.report.interrupted:
            return True
        from rainbow_probe.data_folder import DataFolderError, data_folder
        from rainbow_probe.history.store import HistoryError, open_store
        from rainbow_probe.mail.posting import post, post_at_once

        try:
            with open_store(data_folder()) as store:
                return _told(post(store, self.mail, self.series, occasion if self._is_due(occasion) else None))
        except (HistoryError, DataFolderError):
            return _told(post_at_once(self.mail, occasion))  # where nothing can be written down: at once, or not at all

    def _is_due(self, occasion: Occasion) -> bool:
        """Tell whether somebody is to be written to on this *occasion*."""
        from rainbow_probe.history.confirm import ALARMING
        from rainbow_probe.judge import exit_status
        from rainbow_probe.mail.settings import When

        if self.mail is None or self.mail.on is When.ALWAYS:
            return True
        if self.mail.on is When.FAILURE:
            return exit_status(occasion.report, strict=self.strict) == 1
        return occasion.before is None or any(row.change in ALARMING for row in occasion.comparison.rows)


def _retention(arguments: argparse.Namespace) -> Retention | None:
    """Return how much is to be kept; None if nothing is."""
    runs = number(arguments.keep_runs, MOST_KEPT, "--keep-runs", least=1)
    days = number(arguments.keep_days, MOST_KEPT, "--keep-days", least=1)
    return Retention(runs=runs, days=days) if wanted(no_store=arguments.no_store) else None


def _series(arguments: argparse.Namespace, site: Mapping[str, Any]) -> str:
    """Name the site: as its file does, or else after this machine; runs of the demo stand by themselves."""
    if arguments.command == "demo":
        return "demo"
    if path := getattr(arguments, "site", None):
        return str(site.get("name") or Path(path).stem)
    return socket.gethostname() or "this machine"


def _mail(arguments: argparse.Namespace, site: Mapping[str, Any]) -> MailSettings | None:
    """Return how to mail; only who asked for mail pays for reading how."""
    to: list[str] = getattr(arguments, "mail_to", [])
    if not to and not site.get("mail.to"):
        return None
    from rainbow_probe.mail.settings import mail_settings
    from rainbow_probe.outputs import chosen

    spoken = chosen(arguments.lang)
    return mail_settings(to, getattr(arguments, "mail_on", None), site, os.environ, spoken)


def _told(posted: Posted) -> bool:
    for trouble in posted.troubles:
        _say(trouble)
    return not posted.troubles


def _say(message: str) -> None:
    print(f"rainbow-probe: {message}", file=sys.stderr)  # noqa: T201 - the warning
