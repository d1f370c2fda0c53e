"""The server's side of SCRAM in XMPP's frames (RFC 6120 section 6), for the one account of the demo."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from rainbow_probe.model import Credentials

SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN")
ROUNDS = 4096


class SignIn:
    """One client's attempt to sign in; ``done`` when it has."""

    def __init__(self, known: Credentials | None = None) -> None:
        """Let *known* in, by its whole XMPP address; None: nobody."""
        self.done = False
        self._known = known
        self._server: Any = None
        self._error: type[Exception] = ValueError

    def feed(self, name: str, attributes: Mapping[str, str], text: str) -> Iterator[str]:
        """Yield the answers to ``auth`` or ``response``, the element's *name*, with its *text*."""
        try:
            said = base64.b64decode(text, validate=True).decode("utf-8")
            yield self._begin(attributes.get("mechanism", ""), said) if name == "auth" else self._end(said)
        except (ValueError, KeyError, self._error):
            self._server = None
            yield f'<failure xmlns="{SASL}"><not-authorized/></failure>'

    def _begin(self, mechanism: str, first: str) -> str:
        if mechanism not in MECHANISMS[:2] or self._known is None:
            raise ValueError("not offered to anybody here")
        scramp: Any = importlib.import_module("scramp")
        self._error = scramp.ScramException
        user, password = self._known.user.partition("@")[0], self._known.password
        kind = scramp.ScramMechanism(mechanism)
        kept = {user: kind.make_auth_info(password, iteration_count=ROUNDS)}
        self._server = kind.make_server(kept.__getitem__)
        self._server.set_client_first(first)
        return f'<challenge xmlns="{SASL}">{_encoded(self._server.get_server_first())}</challenge>'

    def _end(self, final: str) -> str:
        if self._server is None:
            raise ValueError("an answer to nothing")
        self._server.set_client_final(final)
        self.done = True
        return f'<success xmlns="{SASL}">{_encoded(self._server.get_server_final())}</success>'


def _encoded(message: str) -> str:
    return base64.b64encode(message.encode()).decode("ascii")
