"""To whom a report is mailed, by which server, and when: the command line over the site file, checked at the door."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from rainbow_probe.language import ENGLISH, Language
from rainbow_probe.options import UsageError
from rainbow_probe.sitefile import Reference, looked_up

PASSWORD = "RAINBOW_PROBE_MAIL_PASSWORD"  # noqa: S105 - the variable's name
MOST = 50  # recipients; more are a mailing list, which has an address of its own
# RFC 5321, section 4.1.2, without quotes and letters beyond ASCII: what stands in no address can break no header.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_HOST = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::(\d{1,5}))?|([A-Za-z0-9.-]{1,253})(?::(\d{1,5}))?")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Security(StrEnum):
    """How the connection to the server is kept from others' eyes."""

    STARTTLS = "starttls"
    """RFC 3207; a server that does not offer it gets nothing."""
    TLS = "tls"
    """From the first byte on, RFC 8314."""
    NONE = "none"
    """In the clear: without a log-in only."""


class When(StrEnum):
    """After which runs a mail is sent."""

    ALWAYS = "always"
    CHANGE = "change"
    FAILURE = "failure"


E = TypeVar("E", bound=StrEnum)
_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """One way to send mail, ready to be used."""

    host: str
    port: int
    security: Security
    sender: str
    to: tuple[str, ...]
    on: When
    user: str = ""
    password: str = field(default="", repr=False)
    ca_files: tuple[str, ...] = ()
    """Certificates to trust for this server beside what the machine trusts."""
    language: Language = ENGLISH
    """What it is written in."""

    @property
    def server(self) -> str:
        """The server for messages: ``smtp.example.org:587``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def mail_settings(
    to: Iterable[str],
    on: str | None,
    site: Mapping[str, Any],
    environ: Mapping[str, str],
    spoken: Language = ENGLISH,
) -> MailSettings | None:
    """Return how to mail; None if nobody is to be written to. Raises ``UsageError``.

    *to* and *on* are the command line's and stand above the keys ``mail.*`` of the *site* file.
    """
    asked = _addresses(to, "--mail-to")
    recipients = asked or _addresses(site.get("mail.to", ()), "[mail] to")
    if not recipients:
        return None
    if "mail.server" not in site:
        raise UsageError('--mail-to: by which server? Give a site file that has a table [mail] with server = "HOST"')
    security = _member(Security, site.get("mail.security", Security.STARTTLS), "[mail] security")
    host, port = _server(str(site["mail.server"]), security)
    user, password = _login(site, environ, security, host)
    return MailSettings(
        host=host,
        port=port,
        security=security,
        sender=_sender(site),
        to=recipients,
        on=_member(When, on or site.get("mail.on", When.ALWAYS), "--mail-on" if on else "[mail] on"),
        user=user,
        password=password,
        ca_files=tuple(site.get("mail.ca_files", ())),
        language=spoken,
    )


def _addresses(texts: Iterable[str], where: str) -> tuple[str, ...]:
    found = [one.strip() for text in texts for one in text.split(",") if one.strip()]
    for one in found:
        _address(one, where)
    if len(found) > MOST:
        raise UsageError(f"{where}: {len(found)} recipients are too many; allowed are {MOST}")
    return tuple(dict.fromkeys(found))


def _address(text: str, where: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise UsageError(f"{where}: {text!a} is no mail address; wanted is NAME@DOMAIN, several with commas")
    return text


def _sender(site: Mapping[str, Any]) -> str:
    """Return who sends: as the site file says, or this machine."""
    if "mail.from" in site:
        return _address(str(site["mail.from"]), "[mail] from")
    name = re.sub(r"[^A-Za-z0-9.-]", "", socket.getfqdn()).strip(".-")
    return f"rainbow-probe@{name or 'localhost'}"


def _server(text: str, security: Security) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    port = int(found[2] or found[4] or _PORTS[security]) if found else 0
    if not found or not 0 < port < 65536:
        raise UsageError(f"[mail] server: {text!a} is not HOST or HOST:PORT (an IPv6 address stands in brackets)")
    return found[1] or found[3], port


def _login(site: Mapping[str, Any], environ: Mapping[str, str], security: Security, host: str) -> tuple[str, str]:
    """Return user and password, or neither; a password is never sent in the clear to another machine."""
    user, kept = str(site.get("mail.user", "")), site.get("mail.password")
    password = looked_up(kept, environ) if isinstance(kept, Reference) else environ.get(PASSWORD)
    if user and not password:
        where = f" ({kept} has none)" if isinstance(kept, Reference) else ""
        raise UsageError(f"[mail] user without a password{where}: set {PASSWORD}, or password in the table")
    if isinstance(kept, Reference) and not user:
        raise UsageError("[mail] password without user: give both, or neither")
    if user and security is Security.NONE and host not in _LOCAL:
        raise UsageError('[mail] security = "none" would send the password in the clear; wanted is "starttls" or "tls"')
    return (user, password or "") if user else ("", "")


def _member(enum: type[E], value: object, where: str) -> E:
    if value not in list(enum):
        raise UsageError(f"{where}: {value!a} is unknown; allowed are {', '.join(enum)}")
    return enum(str(value))
