"""Our own secrets, taken out of what a peer says: error pages like to repeat the request."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from html import escape
from urllib.parse import quote

from rainbow_probe.model import Credentials

SHORTEST_SECRET = 4  # characters; hiding a shorter password would garble the evidence and name it by its holes
HIDDEN = "***"
_ENOUGH = 16  # first characters of a token that are its own; the rest of it may be cut off
_REST = r"[\w.~+/=%-]*"  # of a token in base64, in a URL or not
_PROOF = re.compile(r'\b(?:response|username)="([^"]+)"')  # of Digest: what is made of the password, and of the user


class Secrets:
    """What must not come back: a user and a password, and every answer that was made of them."""

    def __init__(self, credentials: Credentials | None = None) -> None:
        """Know *credentials*, if there are any, in the spellings in which they may come back."""
        self._patterns: dict[str, None] = {}
        if credentials is not None:
            self._learn(basic(credentials))
            self._patterns |= dict.fromkeys(_spellings(credentials.password))
            # A user's name may be a plain word, or part of one.
            self._patterns |= {rf"(?<!\w){one}(?!\w)": None for one in _spellings(credentials.user)}

    def learn(self, authorization: str) -> None:
        """Know the value of a Proxy-Authorization field too: its token, or what Digest proves."""
        scheme, _, rest = authorization.partition(" ")
        for token in _PROOF.findall(rest) if scheme == "Digest" else [rest]:
            self._learn(token)

    def hidden(self, text: str) -> str:
        """Return *text* without secrets."""
        return re.sub("|".join(self._patterns), HIDDEN, text) if self._patterns else text

    def _learn(self, token: str) -> None:
        bare = token.rstrip("=")
        for start in (bare[:_ENOUGH], quote(bare[:_ENOUGH], safe="")):
            if len(start) >= SHORTEST_SECRET:
                self._patterns[re.escape(start) + _REST] = None


def basic(credentials: Credentials) -> str:
    """Return the token of the Basic scheme (RFC 7617), in UTF-8."""
    return base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode("ascii")


def _spellings(text: str) -> Iterator[str]:
    """Yield patterns for the ways in which *text* may come back."""
    for secret in (text, quote(text, safe=""), escape(text)):
        if len(secret) >= SHORTEST_SECRET:
            yield re.escape(secret)
