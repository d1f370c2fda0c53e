"""Logging in at a proxy, once for the whole run: a wrong password is tried one time only, whatever starts at once.

Clients send no credentials before they are asked. So the first flow goes ahead alone: it hears which schemes the proxy
offers and answers with the strongest it can. Only when the outcome is known do the others follow, and what can be
sent unasked (Basic, Digest) they send at once, as a browser does once it knows the proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rainbow_probe.evidence import StepError
from rainbow_probe.model import Cause, Endpoint, PeerError, Proxy, Scalar
from rainbow_probe.net.accounts import Account, Login
from rainbow_probe.net.mechanism import Mechanism, RefusedError, UnableError
from rainbow_probe.net.mechanisms import candidates
from rainbow_probe.protocols import digest
from rainbow_probe.protocols.challenges import Challenge
from rainbow_probe.protocols.connect import Tunnel

PATIENCE = 1.0
"""Seconds that the others wait for the first answer of a proxy; then they ask too, without credentials."""
LONGER = 3  # times its limit that a step waits besides for what a proxy says to a password: directories are slow
MOST_CONNECTIONS = 4  # of one flow: asked for a password, waited for its turn, met a proxy that closes after each 407
ASKS = "the SOCKS proxy asks for a password"
JUST_NOW = "another check is just logging in"
MOST_OFFERED = 16  # schemes that are told
_PASSWORDS = frozenset({"basic", "digest", "ntlm"})
_LOG_ONS = frozenset({"negotiate", "ntlm"})
"""Schemes past which somebody who is logged on to the domain gets without being asked."""
NO_PASSWORD = 4  # version of SOCKS: it knows users only
NO_SECOND = "no second attempt is made, as it could lock the account"


class Logins:
    """The log-ins of one run."""

    def __init__(self, before: Logins | None = None) -> None:
        """Know which accounts were refused *before*, in an earlier part of the run, and nothing else."""
        known = before.accounts if before else {}
        self.accounts: dict[tuple[str, str] | None, Account] = {key: account.again() for key, account in known.items()}
        self._logins: dict[Proxy, Login] = {}

    def visit(self, proxy: Proxy) -> Visit:
        """Begin one flow's way through *proxy*."""
        if proxy not in self._logins:
            given = None if proxy.socks == NO_PASSWORD else proxy.credentials
            key = (given.user, given.password) if given else None
            self._logins[proxy] = Login(self.accounts.setdefault(key, Account(given)), proxy.endpoint.host)
        return Visit(self._logins[proxy])


class Visit:
    """One flow at a proxy: its connections, one after the other, and its turn to log in."""

    def __init__(self, login: Login) -> None:
        """Nothing was sent yet."""
        self.again = False
        """Whether another connection may get through where the last one could not."""
        self.broken_off = ""
        """The scheme whose exchange the proxy broke off, by closing its connection."""
        self._login = login
        self._account = login.account
        self._connections = 0
        self._queued = self._scout = self._leads = False
        self._mechanism: Mechanism | None = None
        self._challenge: Challenge | None = None
        self._next = ""
        self._sent = ""
        self._stale = False
        self._soiled = False
        self._title = self._host = ""
        self._by_socks = False

    async def __aenter__(self) -> Self:
        """Begin; what the flow holds is let go of at the end."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw from how it ended what the others may do, and let them."""
        if self._leads and self.at_stake and not self._login.settled:
            self._login.untold(error.failure.cause if isinstance(error, StepError) else None, self._host)
        self._yield_turn()
        if self._scout:
            self._login.heard.set()

    def facts(self) -> dict[str, Scalar]:
        """Return what is known of logging in, as evidence: the schemes that the proxy offers, and what was used."""
        told = {"offered": ", ".join(self._login.offered), "login": self._title, "broken_off": self.broken_off}
        return {key: value for key, value in told.items() if value}

    async def waited(self) -> bool:
        """Hold back before a connection until nobody is just trying the same password; return whether that was so."""
        self._connections += 1
        self.again = False
        if self._queued:
            await self._take_turn()
            return True
        first = self._connections == 1 and self._account.credentials is not None and not self._login.settled
        return first and await self._followed()

    async def opening(self, authority: Endpoint) -> str:
        """Return what to send unasked to a connection's first request; mostly nothing."""
        if not self._next and self._login.settled and self._login.used and not self._account.stopped:
            self._challenge, self._mechanism = self._login.used
            self._next = await self._mechanism.answer(self._challenge, authority)
        self._sent, self._next = self._next, ""
        return self._sending()

    def answered(self) -> None:
        """Take note of an answer that is no 407: the proxy accepts what was sent, be it nothing."""
        login, mechanism = self._login, self._mechanism
        if self._sent:
            login.settled = login.accepted = True
            if mechanism and self._challenge and not mechanism.bound:
                login.used = self._challenge, mechanism
        self._yield_turn()
        login.heard.set()

    async def answer(self, said: Tunnel, authority: Endpoint) -> str:
        """Return what to send after this 407. Raises ``PeerError`` if nothing can or may be."""
        # In the middle of an exchange a proxy names that scheme only.
        self._login.offered = tuple(dict.fromkeys((*self._login.offered, *said.offered)))[:MOST_OFFERED]
        self._host = authority.host
        try:
            self._sent = await self._response(said, authority)
        finally:
            self._login.heard.set()
        if self._soiled or not said.lasts:
            self.reconnect(said)
        return self._sending()

    async def password(self, authority: Endpoint) -> None:
        """Take the turn to send a SOCKS proxy the password it asks for. Raises ``PeerError`` if that may not be now."""
        self._host = authority.host
        self._login.heard.set()
        if self._account.stopped:
            raise PeerError(self._account.cause, f"{ASKS}; not tried: {self._account.stopped}; {NO_SECOND}")
        if not self._login.accepted and not await self._turn_free():
            self._queued = self.again = self._connections < MOST_CONNECTIONS
            raise PeerError(Cause.PROXY_AUTH, f"{ASKS}; {JUST_NOW}")
        self._by_socks, self._sent = True, "a password"

    def refused(self) -> None:
        """Take note that a SOCKS proxy does not accept the password, so that nobody sends it again."""
        self._login.settled = True
        self._account.stopped = "the proxy did not accept the credentials (SOCKS)"

    @property
    def at_stake(self) -> bool:
        """Whether a password was sent now that nobody has judged yet."""
        proves = self._by_socks or (self._mechanism is not None and self._mechanism.proves)
        return bool(self._sent) and proves and not self._login.accepted

    def _sending(self) -> str:
        """Take note of what is sent now."""
        self._title = self._mechanism.title if self._mechanism and self._sent else self._title
        return self._sent

    def reconnect(self, said: Tunnel) -> None:
        """Go on over a new connection, as clients do; an exchange that belongs to the old one is broken. Raises."""
        if self._mechanism and self._mechanism.bound and self._challenge and self._challenge.token:
            self.broken_off = scheme = self._mechanism.scheme
            self._account.stopped = f"{scheme} needs one connection, and the proxy closes it in the middle of that"
            raise PeerError(Cause.PROXY_AUTH, f"{_asked(said)}; {self._account.stopped}")
        self.again, self._next = self._connections < MOST_CONNECTIONS, self._sent
        self._soiled = False
        raise PeerError(Cause.PROXY_AUTH, f"{_asked(said)}; another connection is needed for the answer")

    async def _response(self, said: Tunnel, authority: Endpoint) -> str:
        if middle := self._middle(said.challenges):
            with contextlib.suppress(UnableError):  # no more to say: then this is a refusal like any other
                return await self._step(middle, authority)
        self._judge(said)
        if self._account.stopped:
            raise PeerError(self._account.cause, f"{_asked(said)}; not tried: {self._account.stopped}; {NO_SECOND}")
        if self._account.credentials and not self._login.settled and not await self._turn_free():
            self._queued = self.again = self._connections < MOST_CONNECTIONS
            raise PeerError(Cause.PROXY_AUTH, f"{_asked(said)}; {JUST_NOW}")
        return await self._choose(said, authority)

    def _middle(self, offered: Sequence[Challenge]) -> Challenge | None:
        """Return the next message of the exchange that is going on, if the proxy goes on with it."""
        mechanism = self._mechanism if self._sent else None
        if mechanism is None or not mechanism.bound:
            return None
        return next((one for one in offered if one.name == mechanism.scheme.lower() and one.token), None)

    def _judge(self, said: Tunnel) -> None:
        """Draw from a 407 to our answer what it says of it."""
        if not self._sent or self._mechanism is None:
            return
        fresh = next((one for one in said.challenges if one.name == "digest" and digest.stale(one)), None)
        if self._mechanism.scheme == "Digest" and fresh and not self._stale:
            self._stale = True
            return
        mechanism = self._mechanism
        if mechanism.proves and self._login.accepted:
            told = f"{mechanism.scheme} was sent, and the proxy accepts the same credentials for other targets"
            raise PeerError(Cause.PROXY_DENIED, f"{_asked(said)}; {told}")
        if mechanism.proves:
            raise self._stop(said, mechanism)
        self._soiled = mechanism.bound  # squid takes no other scheme on that connection
        self._login.spent.add(mechanism.title)
        self._login.unable[mechanism.title] = f"the proxy does not accept {mechanism.title}"
        if mechanism.own or mechanism.scheme != "Negotiate":
            self._login.tried.add(mechanism.scheme.lower())

    def _stop(self, said: Tunnel, mechanism: Mechanism) -> PeerError:
        """Let nobody send these credentials again."""
        self._login.settled = True
        self._account.stopped = f"the proxy did not accept the credentials ({mechanism.scheme})"
        return PeerError(Cause.PROXY_AUTH, f"{_asked(said)}; {self._account.stopped}")

    async def _choose(self, said: Tunnel, authority: Endpoint) -> str:
        for challenge, mechanism in candidates(said.challenges, self._account.credentials, self._login.host):
            if mechanism.title in self._login.spent:
                continue
            self._mechanism = mechanism
            try:
                return await self._step(challenge, authority)
            except UnableError as exc:
                self._login.unable[mechanism.title] = str(exc)
            except RefusedError as exc:
                raise self._stop(said, mechanism) from exc
        raise self._nothing_left(said)

    def _nothing_left(self, said: Tunnel) -> PeerError:
        """Tell a proxy that nobody gets past without a password from one past which others may well get."""
        offered = {one.name: one.scheme for one in said.challenges}
        needs = frozenset[str]() if self._account.credentials else _PASSWORDS
        others = set(offered) - self._login.tried - (needs - _LOG_ONS)
        why = [
            *self._login.unable.values(),
            *(f"{offered[name]} needs a user and a password" for name in offered if name in needs),
            *(f"{offered[name]} is not known here" for name in offered if name not in _PASSWORDS | _LOG_ONS),
        ]
        cause = Cause.PROXY_AUTH_UNTRIED if others else Cause.PROXY_AUTH
        return PeerError(cause, "; ".join([_asked(said), *why]))

    async def _step(self, challenge: Challenge, authority: Endpoint) -> str:
        assert self._mechanism is not None
        self._challenge = challenge
        return await self._mechanism.answer(challenge, authority)

    async def _followed(self) -> bool:
        """Let the first go ahead, and wait as long as it is being answered; return False if this is the first."""
        login = self._login
        if not login.scouted:
            login.scouted = self._scout = True
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await login.heard.wait()
        if login.heard.is_set() and not login.settled:
            async with self._account.turn:
                pass
        return True

    async def _turn_free(self) -> bool:
        """Take the turn if nobody has it."""
        if not self._leads and not self._account.turn.locked():
            await self._take_turn()
        return self._leads

    async def _take_turn(self) -> None:
        self._queued = False
        await self._account.turn.acquire()
        if self._host in self._login.mute and not self._login.settled:  # the target may be the reason: others first
            self._account.turn.release()
            await self._account.turn.acquire()
        self._leads = True
        if self._login.settled:
            self._yield_turn()

    def _yield_turn(self) -> None:
        if self._leads:
            self._leads = False
            self._account.turn.release()


def _asked(said: Tunnel) -> str:
    offers = ", ".join(said.offered) or "no scheme"
    return f"{said.status} {said.reason}".rstrip() + f", offers {offers}"
