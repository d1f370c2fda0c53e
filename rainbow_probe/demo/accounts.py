"""The accounts of the demo cloud: log-in, token and the list of TURN servers, with every header field checked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping, Sequence

from rainbow_probe.demo.pages import JSON, Asked, Page
from rainbow_probe.demo.services import APEX
from rainbow_probe.model import Account, Credentials

MOST_WRONG = 5  # wrong passwords until the account is locked
LOGIN = "/api/rainbow/authentication/v1.0/login"
LOGOUT = "/api/rainbow/authentication/v1.0/logout"
ICE_SERVERS = "/api/rainbow/geolocation/v1.0/settings/iceservers"
TTL = 3600  # seconds


class Accounts:
    """One account, and who is signed in."""

    def __init__(self, known: Account, turn: Credentials, hosts: Sequence[str]) -> None:
        """Let *known* in; TURN servers are *hosts*, for whoever has *turn*."""
        self._known = known
        self._turn = turn
        self._hosts = hosts
        self._wrong = 0
        self._tokens: set[str] = set()
        self.xmpp = Credentials(user=f"{secrets.token_hex(16)}@{APEX}", password=secrets.token_urlsafe(18))
        """The account's address and password for XMPP."""
        self._answers: Mapping[str, Callable[[Asked], Page]] = {
            LOGIN: self._login,
            ICE_SERVERS: self._ice_servers,
            LOGOUT: self._logout,
        }

    def answer(self, asked: Asked) -> Page | None:
        """Return the answer to what concerns accounts; None for anything else."""
        found = self._answers.get(asked.path)
        return found(asked) if found else None

    def _login(self, asked: Asked) -> Page:
        user, password = basic(asked.headers.get("authorization", ""))
        app, proof = basic(asked.headers.get("x-rainbow-app-auth", ""))
        if not asked.headers.get("x-rainbow-client"):
            return refusal(400, 400000, "x-rainbow-client is missing")
        wanted = hashlib.sha256(f"{self._known.app.password}{password}".encode()).hexdigest()
        if not (_same(app, self._known.app.user) and _same(proof, wanted)):
            return refusal(401, 401600, "Unknown application, or its proof does not fit")
        if self._wrong >= MOST_WRONG:
            return refusal(401, 401501, f"User {user} is locked for an hour")
        if not (_same(user, self._known.user.user) and _same(password, self._known.user.password)):
            self._wrong += 1
            return refusal(401, 401500, f"Unknown login or wrong password for login {user}")
        self._wrong = 0
        return self._signed_in(user)

    def _signed_in(self, user: str) -> Page:
        token = ".".join(secrets.token_urlsafe(length) for length in (27, 120, 32))
        self._tokens.add(token)
        of_the_user = {"loginEmail": user, "jid_im": self.xmpp.user, "jid_password": self.xmpp.password}
        return answered({"token": token, "loggedInUser": of_the_user})

    def _ice_servers(self, asked: Asked) -> Page:
        if self._token(asked) is None:
            return refusal(401, 401210, "The token is missing, wrong or over")
        login = {"username": self._turn.user, "credential": self._turn.password}
        doors = ("turn:{}:3478?transport=udp", "turns:{}:443?transport=tcp", "turn:{}:80?transport=tcp")
        entries = [{"urls": door.format(host), **login, "dc": "demo"} for host in self._hosts for door in doors]
        return answered({"ttl": TTL, "data": entries})

    def _logout(self, asked: Asked) -> Page:
        token = self._token(asked)
        if token is None:
            return refusal(401, 401210, "The token is missing, wrong or over")
        self._tokens.discard(token)
        return answered({"status": f"User {self._known.user.user} has been logged out"})

    def _token(self, asked: Asked) -> str | None:
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        return token if scheme == "Bearer" and token in self._tokens else None


def basic(field: str) -> tuple[str, str]:
    """Return what a field of the Basic scheme says (RFC 7617); empty words if it is none."""
    scheme, _, token = field.partition(" ")
    try:
        user, _, password = base64.b64decode(token, validate=True).decode("utf-8").partition(":")
    except ValueError:
        return "", ""
    return (user, password) if scheme == "Basic" else ("", "")


def answered(content: Mapping[str, object], status: int = 200) -> Page:
    """Return *content* as JSON."""
    return Page(status=status, content_type=JSON, body=json.dumps(content).encode())


def refusal(status: int, code: int, words: str) -> Page:
    """Return an error in the service's own form."""
    return answered(
        {"errorCode": status, "errorMsg": "Refused", "errorDetails": words, "errorDetailsCode": code}, status
    )


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
