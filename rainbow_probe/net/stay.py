"""An account's one visit to the service in a run: whoever signs in leaves here what the others need."""

from __future__ import annotations

import asyncio

from rainbow_probe.model import Account, Credentials, Verdict
from rainbow_probe.options import TurnServer


class Stay:
    """At most one log-in a run: five wrong passwords lock an account for an hour."""

    def __init__(self, account: Account | None = None, *, xmpp: bool = False) -> None:
        """Sign in with *account*, at XMPP too if *xmpp*; None: nobody is to."""
        self.account = account
        self.with_xmpp = xmpp
        self.used = False
        self.over = asyncio.Event()
        """Set when nothing more will come of it, whatever came."""
        self.servers: tuple[TurnServer, ...] = ()
        """The TURN servers that the service listed, with their credentials."""
        self.xmpp: Credentials | None = None
        self.verdict: Verdict | None = None
        """What came of it: a second look at some rows within the run does not sign in again."""
        self.xmpp_used = False
        self.xmpp_verdict: Verdict | None = None

    @property
    def wanted(self) -> frozenset[str]:
        """The kinds of checks that the account is for."""
        kinds = ["account", "xmpp-account"] if self.with_xmpp else ["account"]
        return frozenset(kinds if self.account else ())

    def take(self) -> Account:
        """Return the account, for the one attempt of the run. Raises ``RuntimeError`` for a second."""
        if self.used or self.account is None:
            raise RuntimeError("there is one log-in a run")
        self.used = True
        return self.account

    def take_xmpp(self) -> Credentials:
        """Return the XMPP address and password, for the one attempt of the run; ``RuntimeError`` for a second."""
        if self.xmpp_used or self.xmpp is None:
            raise RuntimeError("there is one sign-in at XMPP a run")
        self.xmpp_used = True
        return self.xmpp
