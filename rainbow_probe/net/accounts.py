"""What a run knows of an account and of the proxy where it is used: shared by all flows, so that one asks for all."""

from __future__ import annotations

import asyncio

from rainbow_probe.model import OUR_OWN, Cause, Credentials
from rainbow_probe.net.mechanism import Mechanism
from rainbow_probe.protocols.challenges import Challenge

MOST_BROKEN = 2  # times that a proxy may hang up on a password, or be silent, before nobody sends it any more


class Account:
    """One user's password, at whatever proxy: one log-in at a time until it is known to be right."""

    def __init__(self, credentials: Credentials | None) -> None:
        """Nothing is known of *credentials* yet."""
        self.credentials = credentials
        self.turn = asyncio.Lock()
        self.stopped = ""
        """Why they are not sent any more; empty while they may be."""
        self.cause = Cause.PROXY_AUTH
        """What flows end with that may not send them."""

    def again(self) -> Account:
        """Return the account for a second look within the run: what was refused is not sent then either."""
        account = Account(self.credentials)
        account.stopped, account.cause = self.stopped, self.cause
        return account


class Login:
    """What a run knows of one proxy."""

    def __init__(self, account: Account, host: str) -> None:
        """Nothing was asked yet of the proxy *host*."""
        self.account = account
        self.host = host
        self.offered: tuple[str, ...] = ()
        self.scouted = False
        self.heard = asyncio.Event()
        self.settled = False
        """Whether the proxy has judged the password."""
        self.accepted = False
        self.used: tuple[Challenge, Mechanism] | None = None
        """What the proxy accepted and may be sent unasked."""
        self.broken = 0
        """How often a password was sent and not answered."""
        self.mute: set[str] = set()
        """The targets for which it was silent then."""
        self.spent: set[str] = set()
        """Ways to answer that the proxy did not go on with, though no password was proven."""
        self.tried: set[str] = set()
        """Schemes of which that says something, in lower case."""
        self.unable: dict[str, str] = {}
        """Why a way to answer cannot be taken."""

    def untold(self, cause: Cause | None, host: str) -> None:
        """Judge a password that was sent and not answered: not refused, but who leaves it so twice gets it no more.

        *cause* is how the flow to *host* ended; None if it was stopped.
        """
        account = self.account
        if cause is not None and cause in OUR_OWN:
            account.stopped, account.cause = "this machine missed the answer to the credentials", cause
            return
        self.broken += 1
        if cause is Cause.TIMEOUT:
            self.mute.add(host)
        if self.broken >= MOST_BROKEN and cause in {Cause.TIMEOUT, None}:
            account.stopped = "the proxy does not answer the credentials, for whichever target"
            account.cause = Cause.PROXY_AUTH_UNTRIED
        elif self.broken >= MOST_BROKEN:
            account.stopped = "the proxy hangs up on the credentials"
