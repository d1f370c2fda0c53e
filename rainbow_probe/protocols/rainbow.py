"""Signing in at Rainbow's REST API, and the list of TURN servers it gives: what to send, and what comes back."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import cast

from rainbow_probe import __version__
from rainbow_probe.model import Account, Cause, Credentials, PeerError
from rainbow_probe.protocols.excerpt import excerpt
from rainbow_probe.protocols.http import Exchange
from rainbow_probe.protocols.secrets import basic

LOGIN = "/api/rainbow/authentication/v1.0/login"
LOGOUT = "/api/rainbow/authentication/v1.0/logout"
ICE_SERVERS = "/api/rainbow/geolocation/v1.0/settings/iceservers?nbServers=2"
ICE_SERVERS_BEFORE = "/api/rainbow/enduser/v1.0/settings/iceservers"
"""The older path with the same content."""
ANSWER_SIZE = 512 * 1024  # bytes; an account's own record comes with the log-in
MOST_URIS = 32  # of one list; nobody may choose how much we send
WORDS = 200  # characters of what the service says
NOT_FOUND = 404
_CODES: Mapping[int, tuple[Cause, str]] = MappingProxyType({
    401500: (Cause.ACCOUNT_WRONG, "wrong login or password"),
    401501: (Cause.ACCOUNT_LOCKED, "the account is locked after too many wrong passwords"),
    401520: (Cause.ACCOUNT_INACTIVE, "the user is not active"),
    401521: (Cause.ACCOUNT_INACTIVE, "the company is not active"),
})
"""``errorDetailsCode``, as the SDKs of the operator know it."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,8192}")  # what a Bearer field can carry, RFC 6750 section 2.1
_REFUSALS = frozenset({401, 403, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """What a log-in gives; it lives in memory only, and shows nowhere."""

    token: str = field(repr=False)
    xmpp: Credentials | None = field(default=None, repr=False)
    """The account's XMPP address and the password for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IceServer:
    """One entry of the list: a URI of RFC 7065, as yet unread, and its credentials."""

    uri: str
    credentials: Credentials | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IceServers:
    """The list, and for how many seconds it holds (0: it does not say)."""

    servers: tuple[IceServer, ...]
    ttl: int = 0


def signing_in(account: Account) -> dict[str, str]:
    """Return the header fields of a log-in."""
    app, user = account.app, account.user
    digest = hashlib.sha256(f"{app.password}{user.password}".encode()).hexdigest()
    proof = base64.b64encode(f"{app.user}:{digest}".encode()).decode("ascii")
    return {
        "Authorization": f"Basic {basic(user)}",
        "x-rainbow-app-auth": f"Basic {proof}",
        **_CLIENT,
    }


def bearing(signed_in: SignedIn) -> dict[str, str]:
    """Return the header fields of what is asked once signed in."""
    return {"Authorization": f"Bearer {signed_in.token}", **_CLIENT}


_CLIENT: Mapping[str, str] = MappingProxyType({
    "Accept": "application/json",
    "x-rainbow-client": "sdk_node",
    "x-rainbow-client-version": __version__,
})


def read_login(answer: Exchange) -> SignedIn:
    """Read the answer to a log-in. Raises ``PeerError`` with what the service says of the account, or what is odd."""
    told = _accepted(answer, "the log-in")
    token, user = told.get("token"), _table(told.get("loggedInUser"))
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise PeerError(Cause.UNEXPECTED_REPLY, "the log-in is answered 200 without a token")
    jid, password = user.get("jid_im"), user.get("jid_password")
    known = isinstance(jid, str) and isinstance(password, str) and jid and password
    return SignedIn(token=token, xmpp=Credentials(user=str(jid), password=str(password)) if known else None)


def read_ice_servers(answer: Exchange) -> IceServers:
    """Read the list of TURN servers. Raises ``PeerError`` as ``read_login`` does; a list without any is odd, too."""
    told = _accepted(answer, "the list of TURN servers")
    entries, ttl = told.get("data"), told.get("ttl")
    if not isinstance(entries, list):
        raise PeerError(Cause.UNEXPECTED_REPLY, "the list of TURN servers has no data")
    servers = tuple(server for entry in cast("list[object]", entries) for server in _servers(_table(entry)))
    if not servers:
        raise PeerError(Cause.UNEXPECTED_REPLY, "the service lists no TURN server")
    seconds = ttl if isinstance(ttl, int) and not isinstance(ttl, bool) and ttl > 0 else 0
    return IceServers(servers=servers[:MOST_URIS], ttl=seconds)


def read_logout(answer: Exchange) -> int:
    """Return the status. Raises ``PeerError`` for an error."""
    _accepted(answer, "signing out")
    return answer.status or 0


def says_error(answer: Exchange) -> bool:
    """Tell whether *answer* is an error of the service itself, in its own form: no box on the way would make it."""
    return "errorCode" in _json(answer)


def _servers(entry: Mapping[str, object]) -> list[IceServer]:
    urls, user, secret = entry.get("urls"), entry.get("username"), entry.get("credential")
    listed = cast("list[object]", urls) if isinstance(urls, list) else [urls]
    given = isinstance(user, str) and isinstance(secret, str)
    credentials = Credentials(user=str(user), password=str(secret)) if given else None
    uris = (uri for uri in listed if isinstance(uri, str) and uri.lower().startswith(("turn:", "turns:")))
    return [IceServer(uri=uri, credentials=credentials) for uri in uris]


def _accepted(answer: Exchange, what: str) -> Mapping[str, object]:
    """Return the JSON of a 200. Raises ``PeerError`` for anything else."""
    status, told = answer.status or 0, _json(answer)
    if status == 200 and told and not answer.truncated:
        return told
    shown = f"{what} is answered {status} {answer.reason}".rstrip()
    if status >= 500:
        raise PeerError(Cause.SERVER_ERROR, f"{shown}: {_words(told)}")
    if status in _REFUSALS and "errorCode" in told:
        raise _refused(told, shown)
    if answer.truncated:
        raise PeerError(Cause.UNEXPECTED_REPLY, f"{shown}, with more than {ANSWER_SIZE} bytes")
    where = answer.headers.get("location", "")
    aside = f", to {excerpt(where)}; it was not followed" if where else f": {_words(told)}"
    raise PeerError(Cause.UNEXPECTED_REPLY, f"{shown}{aside}")


def _refused(told: Mapping[str, object], shown: str) -> PeerError:
    code = told.get("errorDetailsCode")
    number = int(code) if isinstance(code, int | str) and re.fullmatch(r"\d{1,9}", str(code)) else 0
    cause, means = _CODES.get(number, (Cause.ACCOUNT_REFUSED, f"the service refuses it ({number or 'no code'})"))
    return PeerError(cause, f"{shown}: {means}: {_words(told)}")


def _words(told: Mapping[str, object]) -> str:
    said = (told.get(key) for key in ("errorMsg", "errorDetails"))
    return excerpt(": ".join(word for word in said if isinstance(word, str)), WORDS) or "no words of the service"


def _json(answer: Exchange) -> Mapping[str, object]:
    try:
        return _table(json.loads(answer.body))
    except (ValueError, RecursionError):
        return {}


def _table(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
