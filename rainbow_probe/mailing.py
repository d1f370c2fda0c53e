"""The command mail: try the mail settings of a site, and send what waits."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rainbow_probe.data_folder import DataFolderError, data_folder
from rainbow_probe.history.store import HistoryError, open_store
from rainbow_probe.language import Language, later
from rainbow_probe.mail.message import trial
from rainbow_probe.mail.posting import Posted, post, send_at_once
from rainbow_probe.mail.settings import MailSettings, mail_settings
from rainbow_probe.options import UsageError
from rainbow_probe.outputs import chosen
from rainbow_probe.sitefile import read_site_file

UNTOLD = 4


def mail(arguments: argparse.Namespace) -> int:
    """Send a test mail, or what waits; the status is 4 if somebody has not got it."""
    site, spoken = read_site_file(arguments.site), chosen(arguments.lang)
    settings = mail_settings(arguments.mail_to, None, site, os.environ, spoken)
    if settings is None:
        raise UsageError("mail: to whom? Give --mail-to A,B, or to = [...] in the table [mail] of the site file")
    series = str(site.get("name") or Path(arguments.site).stem)
    posted = _test(settings, series) if arguments.action == "test" else _waiting(settings, series)
    for trouble in posted.troubles:
        print(f"rainbow-probe: {trouble}", file=sys.stderr)  # noqa: T201 - the warning
    if posted.troubles:
        return UNTOLD
    print(_told(arguments.action, settings, spoken))  # noqa: T201 - the answer
    return 0


def _test(settings: MailSettings, series: str) -> Posted:
    return send_at_once(settings, trial(series, settings).as_bytes())


def _waiting(settings: MailSettings, series: str) -> Posted:
    try:
        with open_store(data_folder()) as store:
            return post(store, settings, series, None)
    except (HistoryError, DataFolderError) as exc:
        raise UsageError(str(exc)) from exc


def _told(action: str, settings: MailSettings, spoken: Language) -> str:
    if action == "test":
        who = ", ".join(settings.to)
        told = later("{server} took the test mail for {who}; now look whether it is there.")
        return spoken.say(told, server=settings.server, who=who)
    return spoken.say("No mail waits any more.")
