"""Who may speak with the page: whoever was given its address, from its own address, and nobody's script elsewhere."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web

HOST = "127.0.0.1"
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """The token of the address, good for once, and the cookie that it is changed for."""

    def __init__(self) -> None:
        """Make both anew: a page of yesterday opens nothing today."""
        self.token = secrets.token_urlsafe(24)
        self._session = secrets.token_urlsafe(24)
        self._spent = False
        self.port = 0
        """Known when the server listens."""

    @property
    def address(self) -> str:
        """The address to open, with the token."""
        return f"http://{HOST}:{self.port}/?token={self.token}"

    @property
    def _cookie(self) -> str:
        return f"rainbow-probe-{self.port}"  # cookies do not know ports: two pages at once need two names

    @property
    def _hosts(self) -> frozenset[str]:
        return frozenset({f"{HOST}:{self.port}", f"localhost:{self.port}"})

    @web.middleware
    async def checked(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request that may be; every other is refused before anybody looks at it."""
        self._refuse_strangers(request)
        if request.path == "/" and "token" in request.query:
            return self._let_in(request)
        if not hmac.compare_digest(request.cookies.get(self._cookie, "").encode(), self._session.encode()):
            raise web.HTTPForbidden(text="Open the address that the command printed; it is good for once.\n")
        response = await handler(request)
        if not response.prepared:
            response.headers.update({key: text for key, text in HEADERS.items() if key not in response.headers})
        return response

    def _refuse_strangers(self, request: web.Request) -> None:
        """Refuse names that only lead here (DNS rebinding), and what pages of other origins ask for."""
        if request.headers.get("Host", "") not in self._hosts:
            raise web.HTTPMisdirectedRequest(text="This is not the page's own address.\n")
        origin = request.headers.get("Origin")
        foreign = origin is not None and origin.removeprefix("http://") not in self._hosts
        if foreign or (origin is None and request.method in CHANGING):
            raise web.HTTPForbidden(text="Asked by a page of another origin.\n")
        if (
            request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}
            and "token" not in request.query
        ):
            raise web.HTTPForbidden(text="Asked from another site.\n")

    def _let_in(self, request: web.Request) -> web.StreamResponse:
        """Change the token for a cookie, once, and take it out of the address."""
        right = hmac.compare_digest(request.query["token"].encode(), self.token.encode())
        if self._spent or not right:
            raise web.HTTPForbidden(text="This address was used already, or is not whole; start the command again.\n")
        self._spent = True
        answer = web.HTTPSeeOther("/", headers=HEADERS)
        answer.set_cookie(self._cookie, self._session, httponly=True, samesite="Strict", path="/")
        return answer
