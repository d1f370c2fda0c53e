"""The command that is to run by the clock, checked so that it works alone and holds no secret."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rainbow_probe.options import UsageError
from rainbow_probe.sitefile import Reference, read_site_file

if TYPE_CHECKING:
    import argparse

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
UNSET = "where a scheduler starts it, no variable is set and nobody can be asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is run."""

    name: str
    """Of the schedule; one machine may have several."""
    program: tuple[str, ...]
    """What starts the probe: absolute paths."""
    run: tuple[str, ...]
    """``run`` and its arguments, as they were given."""
    folder: Path
    """Where relative paths among them begin."""
    site: str = ""
    """The site file among them."""

    @property
    def words(self) -> tuple[str, ...]:
        """The whole command."""
        return (*self.program, *self.run, "--lock", self.name)


def task(name: str, rest: Sequence[str], parsed: argparse.Namespace, folder: Path, *, variables: bool) -> Task:
    """Return the task that runs with the arguments *rest*, which are also *parsed*; raises ``UsageError``.

    With *variables* the scheduler has a place of its own for secrets, out of which it sets variables.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"--name: {name!a} is not possible; allowed are a-z, 0-9 and hyphens, up to 40")
    if odd := [word for word in rest if not word.isprintable()]:
        raise UsageError(f"schedule: {odd[0]!a} has a character that no scheduler can be told")
    if parsed.proxy and urlsplit(str(parsed.proxy)).password:
        raise UsageError("--proxy: the password in its URL would stand in the scheduler's files; use --proxy-user")
    if not variables:
        _check_secrets(parsed, read_site_file(parsed.site) if parsed.site else {})
    return Task(name=name, program=program(), run=("run", *rest), folder=folder, site=parsed.site or "")


def program() -> tuple[str, ...]:
    """Return what starts this probe from anywhere."""
    beside = Path(sys.executable).with_name("rainbow-probe.exe" if sys.platform == "win32" else "rainbow-probe")
    if beside.exists():
        return (str(beside),)
    return (sys.executable, "-P", "-m", "rainbow_probe")  # -P: nothing is imported from the folder it starts in


def _check_secrets(parsed: argparse.Namespace, site: Mapping[str, Any]) -> None:
    for user, kept, option in (
        (parsed.turn_user or site.get("turn_user"), parsed.turn_password_file or _kept(site, "turn"), "TURN"),
        (parsed.proxy_user or site.get("proxy_user"), parsed.proxy_password_file or _kept(site, "proxy"), "proxy"),
        (parsed.account or site.get("account.login"), _account(parsed, site), "account's"),
        (site.get("mail.user"), site.get("mail.password"), "mail"),
    ):
        if user and not kept:
            raise UsageError(f"schedule: the {option} password: {UNSET}; keep it in a file")
    if asked := [key for key, value in site.items() if isinstance(value, Reference) and value.env]:
        raise UsageError(f'schedule: {asked[0]} in the site file: {UNSET}; write {{ file = "PATH" }} there')


def _account(parsed: argparse.Namespace, site: Mapping[str, Any]) -> bool:
    """Tell whether all that an account needs is kept: the password, the application, and its secret."""
    return all((
        parsed.account_password_file or site.get("account.password"),
        parsed.app_id or site.get("account.app_id"),
        parsed.app_secret_file or site.get("account.app_secret"),
    ))


def _kept(site: Mapping[str, Any], what: str) -> object:
    return site.get(f"{what}_password") or site.get(f"{what}_password_file")
