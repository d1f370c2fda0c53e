"""The shape of an authentication scheme as a connection to a proxy uses it, and how it says that it cannot."""

from __future__ import annotations

from typing import Protocol

from rainbow_probe.model import Endpoint
from rainbow_probe.protocols.challenges import Challenge


class UnableError(Exception):
    """This scheme cannot be used here; the message says why. Nothing was proven or disproven by that."""


class RefusedError(Exception):
    """The user and the password given were refused, by whom the scheme asks for a ticket."""


class Mechanism(Protocol):
    """One way to answer, for one connection at a time."""

    scheme: str
    title: str
    """What it is that is sent, for whoever reads of it; unlike that of any other way."""
    bound: bool
    """Whether the exchange belongs to one connection, from its first message to its last."""
    own: bool
    """Whether it speaks for whoever runs this, without any password given."""
    proves: bool
    """Whether the last answer let the proxy judge a password: one more wrong one may lock the account."""

    async def answer(self, challenge: Challenge, authority: Endpoint) -> str:
        """Return the value of Proxy-Authorization for *challenge*; raises ``UnableError`` and ``RefusedError``."""
        ...
