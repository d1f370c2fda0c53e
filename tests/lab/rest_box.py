"""The accounts of the lab's REST API, which Debian has no package for; nginx stands before it.

A program of its own: ``python -m tests.lab.rest_box PORT``. Written without a line of the probe, so that both cannot
be wrong together.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from tests.lab.names import (
    ACCOUNT,
    ACCOUNT_PASSWORD,
    APP_ID,
    APP_SECRET,
    DOMAIN,
    TURN,
    TURN_PASSWORD,
    TURN_USER,
    XMPP_PASSWORD,
    XMPP_USER,
)

API = "/api/rainbow"
WRONG, LOCKED, NO_APP, NO_TOKEN, NO_CLIENT = 401500, 401501, 401600, 401210, 400000
MOST_WRONG = 5
Answer = tuple[int, dict[str, object]]


class Rest(BaseHTTPRequestHandler):
    """Log-in, list of TURN servers, log-out; each answer is final, and no connection outlives it."""

    tokens: ClassVar[set[str]] = set()
    wrong: ClassVar[int] = 0

    def do_GET(self) -> None:
        """Answer a question."""
        asked = urlsplit(self.path)
        answers: dict[str, Callable[[], Answer]] = {
            f"{API}/authentication/v1.0/login": self._login,
            f"{API}/authentication/v1.0/logout": self._logout,
            f"{API}/geolocation/v1.0/settings/iceservers": lambda: self._ice(parse_qs(asked.query)),
        }
        status, content = answers[asked.path]() if asked.path in answers else refusal(404, 404000)
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _login(self) -> Answer:
        if not self.headers.get("x-rainbow-client") or self.headers.get("Accept") != "application/json":
            return refusal(400, NO_CLIENT)
        user, password = self._basic("Authorization")
        proof = hashlib.sha256((APP_SECRET + password).encode()).hexdigest()
        if self._basic("x-rainbow-app-auth") != (APP_ID, proof):
            return refusal(401, NO_APP)
        if Rest.wrong >= MOST_WRONG:
            return refusal(401, LOCKED)
        if (user, password) != (ACCOUNT, ACCOUNT_PASSWORD):
            Rest.wrong += 1
            return refusal(401, WRONG)
        token = f"eyJ{secrets.token_urlsafe(90)}.{secrets.token_urlsafe(40)}"
        Rest.tokens.add(token)
        xmpp = {"jid_im": f"{XMPP_USER}@{DOMAIN}", "jid_password": XMPP_PASSWORD}
        return 200, {"token": token, "loggedInUser": {"loginEmail": user, **xmpp}}

    def _ice(self, query: dict[str, list[str]]) -> Answer:
        if self._bearer() not in Rest.tokens:
            return refusal(401, NO_TOKEN)
        most = int(query.get("nbServers", ["1"])[0])
        urls = [f"turn:{host.name}:3478?transport=udp" for host in TURN[:most]]
        return 200, {
            "ttl": 3600,
            "data": [{"urls": u, "username": TURN_USER, "credential": TURN_PASSWORD} for u in urls],
        }

    def _logout(self) -> Answer:
        if self._bearer() not in Rest.tokens:
            return refusal(401, NO_TOKEN)
        Rest.tokens.discard(self._bearer())
        return 200, {"status": "logged out"}

    def _basic(self, name: str) -> tuple[str, str]:
        scheme, _, token = self.headers.get(name, "").partition(" ")
        user, _, password = base64.b64decode(token if scheme == "Basic" else "").decode().partition(":")
        return user, password

    def _bearer(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")


def refusal(status: int, code: int) -> Answer:
    """Return an error in the service's form."""
    told = {"errorCode": status, "errorMsg": "Unauthorized", "errorDetails": "no", "errorDetailsCode": code}
    return status, dict[str, object](told)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Rest).serve_forever()
