"""What the web servers of the demo cloud answer: the REST host, the resource hosts, the neutral control host."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rainbow_probe.demo.pages import JSON, Asked, Page, html

WEBSOCKET_PATH = "/websocket"

_REST: Mapping[str, Mapping[str, str]] = {
    "/api/rainbow/ping": {"status": "OK"},
    "/api/rainbow/authentication/v1.0/about": {
        "version": "1.0.0",
        "description": "Rainbow Authentication Portal (demo)",
    },
}


def rest(asked: Asked) -> Page:
    """Answer as the REST host: JSON for the two calls that need no account, JSON errors for the rest."""
    if asked.path == WEBSOCKET_PATH:
        return upgrade_required(asked)
    if asked.path in _REST:
        return _json(200, _REST[asked.path])
    return _json(404, {"errorCode": 404, "errorMsg": "Not Found", "errorDetails": "no such call"})


def upgrade_required(_asked: Asked) -> Page:
    """Answer a request that should have been a WebSocket handshake (RFC 9110, section 15.5.22)."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    return Page(status=426, content_type="text/plain", body=b"WebSocket handshake expected\n", headers=headers)


def resource(_asked: Asked) -> Page:
    """Answer as a resource host: a page."""
    return Page(body=html("Rainbow demo", "A resource server."))


def control(asked: Asked) -> Page:
    """Answer as the neutral host that systems ask to see whether there is a portal."""
    return Page(status=204 if asked.path == "/generate_204" else 404)


def portal(_asked: Asked) -> Page:
    """Answer as a captive portal, whatever was asked: log in first."""
    body = html("Welcome", '<a href="http://portal.example/login">Log in to use this network</a>')
    return Page(status=302, body=body, headers={"Location": "http://portal.example/login"})


def _json(status: int, content: Mapping[str, str | int]) -> Page:
    return Page(status=status, content_type=JSON, body=json.dumps(content).encode())
