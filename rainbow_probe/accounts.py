"""Which passwords a run has, and which Rainbow account signs in: wherever they are kept."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Mapping
from typing import Any

from rainbow_probe.model import Account, Credentials
from rainbow_probe.options import UsageError, read_secret
from rainbow_probe.sitefile import Reference, resolved

PASSWORD = "RAINBOW_PROBE_ACCOUNT_PASSWORD"  # noqa: S105 - the variable's name
APP_ID, APP_SECRET = "RAINBOW_PROBE_APP_ID", "RAINBOW_PROBE_APP_SECRET"
MOST = 512  # characters of a login, a password, an id or a secret


def read_account(arguments: argparse.Namespace, site: Mapping[str, Any], environ: Mapping[str, str]) -> Account | None:
    """Return the account to sign in with; None where nobody is named. Raises ``UsageError`` for what is missing."""
    login = arguments.account or site.get("account.login")
    if not login:
        given = arguments.account_password_file or arguments.app_id or arguments.app_secret_file
        if given or arguments.account_xmpp:
            raise UsageError("an account's password, application or XMPP without a login: give --account LOGIN")
        return None
    app_id = arguments.app_id or site.get("account.app_id") or environ.get(APP_ID)
    if not app_id:
        raise UsageError(f"--account without an application: give --app-id ID, or set {APP_ID}")
    secret = _secret(
        arguments.app_secret_file, "--app-secret-file", site.get("account.app_secret"), environ, APP_SECRET
    )
    if not secret:
        raise UsageError(
            f"--account without the application's secret: set {APP_SECRET}, or give --app-secret-file FILE"
        )
    file, kept = arguments.account_password_file, site.get("account.password")
    password = _secret(file, "--account-password-file", kept, environ, PASSWORD) or _asked_for()
    return _checked(
        Account(user=Credentials(user=login, password=password), app=Credentials(user=app_id, password=secret))
    )


def _secret(
    file: str | None, option: str, kept: Reference | None, environ: Mapping[str, str], variable: str
) -> str | None:
    if file:
        return read_secret(file, option)
    return resolved(kept, environ) if kept else environ.get(variable)


def _asked_for() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password of the Rainbow account: ")
    raise UsageError(f"--account without a password: set {PASSWORD}, or give --account-password-file FILE")


def _checked(account: Account) -> Account:
    """Refuse what a log-in cannot carry, before an attempt is spent on it; never quoting it."""
    if ":" in account.user.user or ":" in account.app.user:
        raise UsageError("--account, --app-id: a login or an id cannot have a colon")
    parts = (account.user.user, account.user.password, account.app.user, account.app.password)
    if any(len(part) > MOST or not part.isprintable() for part in parts):
        raise UsageError(f"--account: login, password, id and secret are printable, {MOST} characters at most each")
    return account


def kept(given: str | None, site: Mapping[str, Any], key: str) -> tuple[str | None, Reference | None]:
    """Return the file that holds a password, as given or by the site file, or else the site file's reference."""
    file = given or site.get(f"{key}_file")
    return file, None if file else site.get(key)


def read_kept(file: str | None, kept: Reference | None, where: str, environ: Mapping[str, str]) -> str | None:
    """Return the password that is kept in *file* or by reference; None where neither is given."""
    if file:
        return read_secret(file, where)
    return resolved(kept, environ) if kept else None
