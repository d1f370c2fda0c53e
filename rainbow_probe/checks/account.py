"""Sign in with an account, once a run, and fetch the list of TURN servers as both clients of a call do (guide, 9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rainbow_probe.checks.https import decrypted_by, strange
from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Endpoint, Flow, Outcome, PeerError, Verdict
from rainbow_probe.net.paths import Hop, first_address, passed
from rainbow_probe.net.route import Route
from rainbow_probe.net.signing_in import Talk, granted, secrets_given, secrets_of, talk
from rainbow_probe.net.stay import Stay
from rainbow_probe.protocols.http import Exchange
from rainbow_probe.protocols.rainbow import (
    ICE_SERVERS,
    ICE_SERVERS_BEFORE,
    LOGIN,
    LOGOUT,
    NOT_FOUND,
    IceServers,
    SignedIn,
    bearing,
    read_ice_servers,
    read_login,
    read_logout,
    says_error,
    signing_in,
)

WANTED = (
    "needs a Rainbow account and the id and secret of an application: --account LOGIN, or [account] in the site file"
)
CUT = "the one log-in of this run was cut short"
T = TypeVar("T")
Of = Callable[[Exchange], T]


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Sign in over the first address that is reached; whatever comes of it, there is no second attempt in a run."""
    stay = route.stay

    async def attempt(hop: Hop) -> Verdict:
        async with talk(hop, flow, route, rec) as talking:
            await talking.connected()  # what cannot be reached costs no attempt
            return await _visit(talking, stay, flow.target, decrypted_by(rec, hop))

    try:
        if stay.account is None:
            return Verdict(outcome=Outcome.SKIPPED, reason=WANTED)
        if not stay.used:
            stay.verdict = await first_address(flow, route, rec, attempt, until=lambda: stay.used)
        return stay.verdict or Verdict(outcome=Outcome.SKIPPED, reason=CUT)
    finally:
        stay.over.set()


async def _visit(talking: Talk, stay: Stay, asked: Endpoint, by: str) -> Verdict:
    account = stay.take()
    headers = signing_in(account)
    talking.keep(secrets_of(account, headers))
    signed_in = await talking.ask(LOGIN, headers, _unless_strange(read_login, asked, by))
    talking.keep(secrets_given(signed_in))
    stay.xmpp = signed_in.xmpp
    try:
        listed = await _listed(talking, signed_in, asked, by)
        stay.servers = granted(listed)
    finally:
        out = await _signed_out(talking, signed_in)
    return passed(f"signed in; {_told(listed, stay)}; {out}" + (f"; TLS is decrypted on the way by {by}" if by else ""))


async def _listed(talking: Talk, signed_in: SignedIn, asked: Endpoint, by: str) -> IceServers:
    """Return the list of TURN servers, from its older path where the newer one does not exist."""
    read = _unless_strange(read_ice_servers, asked, by)

    def read_if_there(answer: Exchange) -> IceServers | None:
        return None if answer.status == NOT_FOUND else read(answer)

    listed = await talking.ask(ICE_SERVERS, bearing(signed_in), read_if_there)
    return await talking.ask(ICE_SERVERS_BEFORE, bearing(signed_in), read) if listed is None else listed


async def _signed_out(talking: Talk, signed_in: SignedIn) -> str:
    """Give the token back; that this does not work is told, and is no failure."""
    try:
        await talking.ask(LOGOUT, bearing(signed_in), read_logout)
    except StepError as exc:
        return f"signing out did not work ({exc.failure.cause})"
    return "signed out"


def _unless_strange(read: Of[T], asked: Endpoint, by: str) -> Of[T]:
    """Return *read* for answers of the service; of a box that decrypts on the way it raises what that one says."""

    def read_ours(answer: Exchange) -> T:
        foreign = None if says_error(answer) else strange(answer, asked, by, known=True)
        if foreign:
            raise PeerError(foreign.cause, foreign.detail)
        return read(answer)

    return read_ours


def _told(listed: IceServers, stay: Stay) -> str:
    hosts = ", ".join(server.host for server in stay.servers) or "none that can be read"
    return f"TURN servers: {hosts}" + (f" (for {listed.ttl} s)" if listed.ttl else "")
