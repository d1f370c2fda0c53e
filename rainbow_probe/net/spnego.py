"""NTLM and Negotiate: exchanges of messages that log a connection in, not a request (RFC 4559, MS-NTHT)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Protocol

from rainbow_probe.evidence import printable
from rainbow_probe.model import Cause, Credentials, Endpoint, PeerError
from rainbow_probe.net.aside import aside
from rainbow_probe.net.mechanism import RefusedError, UnableError
from rainbow_probe.protocols.challenges import Challenge
from rainbow_probe.protocols.secrets import Secrets

PATIENCE = 2.0
"""Seconds a library may take for one message: it may have to ask a Kerberos server. Less than a step has."""
SERVICE = "HTTP"
WINDOWS, LINUX = sys.platform == "win32", sys.platform == "linux"
DETAIL_SIZE = 200
UNREACHED = frozenset({-1765328228, -1765328230, -1765328164})
"""KRB5_KDC_UNREACH, KRB5_REALM_UNKNOWN, KRB5_REALM_CANT_RESOLVE of krb5.h."""
MOST_MESSAGES = {"NTLM": 2, "Negotiate": 6}
"""Of ours in one exchange; Negotiate may add a leg or two to what it holds (RFC 4178 section 5)."""


class _Exchange(Protocol):
    """What a library has of one exchange."""

    def step(self, token: bytes, /) -> bytes | None:
        """Return the next message after the peer's *token*, which is empty at the start."""
        ...


class Bound:
    """One scheme whose exchange belongs to one connection."""

    bound = True

    def __init__(
        self, scheme: str, title: str, begin: Callable[[], _Exchange], credentials: Credentials | None = None
    ) -> None:
        """Answer with what *begin* makes; *credentials*: what is proven in the end, if they were given."""
        self.scheme = scheme
        self.title = title
        self.own = credentials is None
        self._secrets = Secrets(credentials)
        self.proves = False
        self._begin = begin
        self._exchange: _Exchange | None = None
        self._left = MOST_MESSAGES[scheme]

    async def answer(self, challenge: Challenge, authority: Endpoint) -> str:
        """Return the next message of the exchange. Raises ``UnableError``, ``RefusedError`` and ``PeerError``."""
        del authority
        token = self._message(challenge)
        self._left -= 1
        if self._left < 0:
            raise UnableError(f"{self.title}: the proxy does not come to an end")
        await aside(self._load)  # libraries may load slowly: that is no server's silence
        try:
            async with asyncio.timeout(PATIENCE if self.scheme == "Negotiate" else None):
                message = await aside(lambda: self._step(token))
        except TimeoutError:
            raise UnableError(f"{self.title}: no answer from the log-in server in {PATIENCE:g} s") from None
        self.proves = not self.own and bool(token)
        return f"{self.scheme} {base64.b64encode(message).decode('ascii')}"

    def _load(self) -> None:
        if WINDOWS or not (LINUX and self.own):
            importlib.import_module("spnego")

    def _message(self, challenge: Challenge) -> bytes:
        try:
            return base64.b64decode(challenge.token, validate=True)
        except binascii.Error:
            raise PeerError(Cause.PROXY_AUTH, f"the proxy's {self.scheme} message cannot be read") from None

    def _step(self, token: bytes) -> bytes:
        try:
            self._exchange = self._exchange or self._begin()
            message = self._exchange.step(token)
        except Exception as exc:
            raise self._explained(exc, first=not token) from exc
        if not message:
            raise UnableError(f"{self.title}: there is nothing more to say, and the proxy asks on")
        return message

    def _explained(self, exc: Exception, *, first: bool) -> Exception:
        """Say what an exception of the libraries means; they raise what they please on bytes that are no message."""
        if not first:
            return PeerError(Cause.PROXY_AUTH, f"the proxy's {self.scheme} message cannot be read")
        text = printable(self._secrets.hidden(str(getattr(exc, "base_error", None) or exc)), DETAIL_SIZE)
        told = f"{self.title}: {text or type(exc).__name__}"
        if self.own or isinstance(exc, UnableError) or _unreached(exc) or _unreached(exc.__cause__):
            return UnableError(told)
        return RefusedError(told)  # whoever was asked for a ticket has judged the password: not a second time


def _unreached(exc: BaseException | None) -> bool:
    """Return whether no Kerberos server was there to judge a password; errors of ``krb5`` have its codes."""
    return getattr(exc, "err_code", None) in UNREACHED


def by_ticket(host: str) -> Bound:
    """Return Negotiate in the name of whoever runs this: by Kerberos ticket, on Windows by the log-on."""
    if WINDOWS:
        return Bound("Negotiate", "this user's log-on", lambda: _library(host, "negotiate"))
    if LINUX or not _installed():
        return Bound("Negotiate", "this user's Kerberos ticket", lambda: _system(host))
    return Bound("Negotiate", "this user's Kerberos ticket", lambda: _library(host, "kerberos"))


def by_password(scheme: str, host: str, credentials: Credentials) -> Bound:
    """Return NTLM, or Negotiate (which holds NTLM where there is no Kerberos), with the user and password given."""
    protocol = "kerberos" if scheme == "Negotiate" and _installed() and not WINDOWS else scheme.lower()
    title = f"{scheme} with the password given"
    return Bound(scheme, title, lambda: _library(host, protocol, credentials), credentials)


def by_log_on(host: str) -> Bound:
    """Return NTLM in the name of whoever runs this; Windows only."""
    return Bound("NTLM", "this user's log-on", lambda: _library(host, "ntlm"))


def _system(host: str) -> _Exchange:
    from rainbow_probe.net.gssapi import Context

    return Context(f"{SERVICE}@{host}")


def _installed() -> bool:
    """Return whether the Kerberos extra is installed (``rainbow-probe[kerberos]``)."""
    return all(importlib.util.find_spec(name) for name in ("gssapi", "krb5"))


def _library(host: str, protocol: str, credentials: Credentials | None = None) -> _Exchange:
    import spnego

    user, password = (credentials.user, credentials.password) if credentials else (None, None)
    return spnego.client(user, password, hostname=host, service=SERVICE, protocol=protocol)
