"""What the web servers of the demo cloud answer: the REST host, the resource hosts, the neutral control host."""

from __future__ import annotations

from collections.abc import Mapping

from rainbow_probe.demo.accounts import Accounts, answered, refusal
from rainbow_probe.demo.pages import Answer, Asked, Page, html

WEBSOCKET_PATH = "/websocket"
SCRIPT = "/client.js"
SCRIPT_SIZE = 200_000  # bytes

_REST: Mapping[str, Mapping[str, str]] = {
    "/api/rainbow/ping": {"status": "OK"},
    "/api/rainbow/authentication/v1.0/about": {
        "version": "1.0.0",
        "description": "Rainbow Authentication Portal (demo)",
    },
}


def rest(accounts: Accounts) -> Answer:
    """Answer as the REST host: JSON for the calls that need no account, and for those of *accounts*."""

    def answer(asked: Asked) -> Page:
        if asked.path == WEBSOCKET_PATH:
            return upgrade_required(asked)
        if asked.path in _REST:
            return answered(_REST[asked.path])
        return accounts.answer(asked) or refusal(404, 404000, "no such call")

    return answer


def upgrade_required(_asked: Asked) -> Page:
    """Answer a request that should have been a WebSocket handshake (RFC 9110, section 15.5.22)."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    return Page(status=426, content_type="text/plain", body=b"WebSocket handshake expected\n", headers=headers)


def resource(asked: Asked) -> Page:
    """Answer as a resource host: a page, and the large script that belongs to it."""
    if asked.path == SCRIPT:
        return Page(content_type="text/javascript", body=b"/*".ljust(SCRIPT_SIZE - 2) + b"*/")
    return Page(body=html("Rainbow demo", f'A resource server.<script src="{SCRIPT}"></script>'))


def control(asked: Asked) -> Page:
    """Answer as the neutral host that systems ask to see whether there is a portal."""
    return Page(status=204 if asked.path == "/generate_204" else 404)


def portal(_asked: Asked) -> Page:
    """Answer as a captive portal, whatever was asked: log in first."""
    body = html("Welcome", '<a href="http://portal.example/login">Log in to use this network</a>')
    return Page(status=302, body=body, headers={"Location": "http://portal.example/login"})
