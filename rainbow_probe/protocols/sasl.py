"""SCRAM over XMPP, client side (RFC 5802, RFC 7677, RFC 6120 section 6): each end proves that it knows the password.

Nothing that the server says is quoted: it may repeat what it was sent, and a proof can be guessed at offline.
"""

from __future__ import annotations

import base64
import importlib
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from rainbow_probe.model import Cause, Credentials, PeerError
from rainbow_probe.protocols import xml
from rainbow_probe.protocols.xml import Element
from rainbow_probe.protocols.xmpp import FRAMING, SASL, STREAMS

MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-1")
"""Those that are spoken, the stronger first; without channel binding, which would tie them to one kind of TLS."""
FEWEST, MOST = 4096, 500_000
"""Iterations: fewer would help whoever guesses (RFC 5802 section 5.1), more would only cost us time."""
_ITERATIONS = re.compile(r"(?:^|,)i=(\d{1,12})(?:,|$)")
_CONDITIONS: Mapping[str, tuple[Cause, str]] = MappingProxyType({
    "not-authorized": (
        Cause.ACCOUNT_REFUSED,
        "the XMPP server does not accept the address and the password that the log-in gave for it",
    ),
    "account-disabled": (Cause.ACCOUNT_INACTIVE, "the XMPP server says that the account is disabled"),
    "credentials-expired": (Cause.ACCOUNT_REFUSED, "the XMPP server says that the password has expired"),
    "temporary-auth-failure": (Cause.SERVER_ERROR, "the XMPP server cannot check passwords at the moment"),
})
"""RFC 6120 section 6.5; whatever else is a refusal, too."""


class _Client(Protocol):
    """What is used of ``scramp.ScramClient``."""

    def get_client_first(self) -> str: ...
    def set_server_first(self, message: str) -> None: ...
    def get_client_final(self) -> str: ...
    def set_server_final(self, message: str) -> None: ...


def chosen(offered: Collection[str]) -> str:
    """Return the strongest mechanism that both ends have; empty if there is none."""
    return next((one for one in MECHANISMS if one in offered), "")


class Scram:
    """One sign-in: send ``auth``, then ``feed`` what comes and send what it returns, until ``done``."""

    def __init__(self, mechanism: str, credentials: Credentials) -> None:
        """Sign in as the local part of the XMPP address. Raises ``PeerError`` for what SASLprep does not allow."""
        scramp: Any = importlib.import_module("scramp")  # without types, and needed for this alone
        self.mechanism = mechanism
        self.done = False
        self._error: type[Exception] = scramp.ScramException
        self._proven = False
        self._answered = False
        try:
            self._client: _Client = scramp.ScramClient(
                [mechanism], credentials.user.partition("@")[0], credentials.password
            )
        except self._error:
            strange = "the XMPP address or password that the log-in gave has characters that it may not have"
            raise PeerError(Cause.CANNOT_TELL, strange) from None

    def auth(self) -> str:
        """Return the first frame."""
        first = _encoded(self._client.get_client_first())
        return f'<auth xmlns="{SASL}" mechanism="{self.mechanism}">{first}</auth>'

    def feed(self, frame: str) -> str:
        """Return the frame to send next, or nothing; the one with the proof takes time. Raises ``PeerError``."""
        element = _element(frame)
        match element.namespace, element.name:
            case (namespace, "challenge") if namespace == SASL and not self._answered:
                return self._respond(_decoded(element))
            case (namespace, "challenge") if namespace == SASL and not self._proven:
                self._verify(_decoded(element))
                return f'<response xmlns="{SASL}"/>'
            case (namespace, "success") if namespace == SASL:
                self._succeed(element)
                return ""
            case (namespace, "failure") if namespace == SASL:
                raise _refused(element)
            case _:
                raise _strange(element)

    def _respond(self, challenge: str) -> str:
        rounds = int(found[1]) if (found := _ITERATIONS.search(challenge)) else 0
        if rounds and not FEWEST <= rounds <= MOST:
            raise PeerError(Cause.CANNOT_TELL, f"the server asks for {rounds} rounds; {FEWEST} to {MOST} are answered")
        try:
            self._client.set_server_first(challenge)
            final = self._client.get_client_final()
        except self._error:
            raise PeerError(Cause.UNEXPECTED_REPLY, f"the server's challenge is none of {self.mechanism}") from None
        self._answered = True
        return f'<response xmlns="{SASL}">{_encoded(final)}</response>'

    def _verify(self, final: str) -> None:
        try:
            self._client.set_server_final(final)
        except self._error:
            wrong = "what answers could not prove that it knows the account's XMPP password"
            raise PeerError(Cause.BAD_INTEGRITY, wrong) from None
        self._proven = True

    def _succeed(self, element: Element) -> None:
        if not self._answered:
            raise PeerError(Cause.BAD_INTEGRITY, "what answers lets in whoever asks: it did not look at the password")
        if not self._proven:
            self._verify(_decoded(element))
        self.done = True


def _element(frame: str) -> Element:
    try:
        return xml.parse(frame)
    except xml.HostileError:
        raise PeerError(Cause.NOT_XMPP, "what came while signing in is no XML that may be read") from None


def _encoded(message: str) -> str:
    return base64.b64encode(message.encode()).decode("ascii")


def _decoded(element: Element) -> str:
    try:
        return base64.b64decode(element.text, validate=True).decode("utf-8")
    except ValueError:
        raise PeerError(Cause.NOT_XMPP, f"<{element.name}> while signing in is not in base64") from None


def _refused(failure: Element) -> PeerError:
    stated = next((child.name for child in failure.find(SASL) if child.name in _CONDITIONS), "")
    cause, words = _CONDITIONS.get(stated, (Cause.ACCOUNT_REFUSED, "the XMPP server refuses to let the account in"))
    return PeerError(cause, f"{words} ({stated or 'for another reason'})")


def _strange(element: Element) -> PeerError:
    over = (element.namespace, element.name) in {(FRAMING, "close"), (STREAMS, "error")}
    words = (
        "the server ended the stream while signing in" if over else "what came while signing in does not belong there"
    )
    return PeerError(Cause.STREAM_ERROR if over else Cause.NOT_XMPP, words)
