"""The schemes with which we can answer a proxy, the strongest first; each knows what it gives away."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Protocol

from rainbow_probe.model import Credentials, Endpoint
from rainbow_probe.protocols import digest
from rainbow_probe.protocols.challenges import Challenge
from rainbow_probe.protocols.secrets import basic

CNONCE_SIZE = 16  # bytes, random


class UnableError(Exception):
    """This scheme cannot be used here; the message says why, and what would help."""


class Mechanism(Protocol):
    """One way to answer, for one connection at a time."""

    scheme: str
    bound: bool
    """Whether the exchange belongs to one connection, from its first message to its last."""
    proves: bool
    """Whether the last answer let the proxy judge a password: one more wrong one may lock the account."""

    async def answer(self, challenge: Challenge, authority: Endpoint) -> str:
        """Return the value of Proxy-Authorization for *challenge*; raises ``UnableError``."""
        ...


class Basic:
    """User and password as they are (RFC 7617)."""

    scheme = "Basic"
    bound = False
    proves = True

    def __init__(self, credentials: Credentials) -> None:
        """Answer with *credentials*."""
        self._token = basic(credentials)

    async def answer(self, challenge: Challenge, authority: Endpoint) -> str:
        """Return the same for every challenge."""
        del challenge, authority
        return f"{self.scheme} {self._token}"


class Digest:
    """A proof of the password (RFC 7616); it counts how often each nonce was used."""

    scheme = "Digest"
    bound = False
    proves = True

    def __init__(self, credentials: Credentials) -> None:
        """Answer with *credentials*."""
        self._credentials = credentials
        self._nonce, self._count = "", 0

    async def answer(self, challenge: Challenge, authority: Endpoint) -> str:
        """Answer the nonce of *challenge*."""
        if not digest.usable(challenge):
            raise UnableError(f"Digest with {_told(challenge)} is not known here")
        nonce = challenge.parameters["nonce"]
        self._count = self._count + 1 if nonce == self._nonce else 1
        self._nonce = nonce
        cnonce = secrets.token_hex(CNONCE_SIZE)
        asked = digest.Asked(method="CONNECT", target=str(authority), cnonce=cnonce, count=self._count)
        return digest.answer(challenge, self._credentials, asked)


def _told(challenge: Challenge) -> str:
    given = challenge.parameters
    told = [f"{key}={given[key]}" for key in ("algorithm", "qop") if key in given]
    return " ".join(told).encode("ascii", "replace").decode() or "no nonce"


def candidates(offered: Sequence[Challenge], credentials: Credentials | None) -> Iterator[tuple[Challenge, Mechanism]]:
    """Yield what could answer one of the schemes *offered*, in the order in which browsers choose."""
    if credentials is None:
        return
    usable = [one for one in offered if one.name == "digest"]
    usable.sort(key=digest.usable, reverse=True)
    for challenge in usable[:1]:
        yield challenge, Digest(credentials)
    for challenge in [one for one in offered if one.name == "basic"][:1]:
        yield challenge, Basic(credentials)
