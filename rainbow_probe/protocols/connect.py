"""HTTP CONNECT, client side (RFC 9110 section 9.3.6): open a tunnel through a proxy, or say why there is none."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from html import escape
from urllib.parse import quote

import h11

from rainbow_probe.model import Cause, Credentials, PeerError, Scalar
from rainbow_probe.protocols.excerpt import excerpt
from rainbow_probe.protocols.http import HEAD_SIZE, USER_AGENT, Head, events, joined

REFUSAL_SIZE = 2048  # bytes of a refusal's body that are kept
SHORTEST_SECRET = 4  # characters; hiding a shorter password would garble the evidence and name it by its holes

_BY_STATUS = {
    407: Cause.PROXY_AUTH,
    500: Cause.PROXY_TARGET_FAILED,  # tinyproxy says so where others say 502
    502: Cause.PROXY_TARGET_FAILED,
    503: Cause.PROXY_TARGET_FAILED,
    504: Cause.PROXY_TARGET_FAILED,
}
# The machine-readable reasons of squid's X-Squid-Error and of Proxy-Status (RFC 9209 section 2.3).
_BY_REASON = {
    "ERR_DNS_FAIL": Cause.PROXY_RESOLVE_FAILED,
    "ERR_ACCESS_DENIED": Cause.PROXY_DENIED,
    "ERR_CONNECT_FAIL": Cause.PROXY_TARGET_FAILED,
    "ERR_CANNOT_FORWARD": Cause.PROXY_TARGET_FAILED,
    "dns_error": Cause.PROXY_RESOLVE_FAILED,
    "dns_timeout": Cause.PROXY_RESOLVE_FAILED,
    "destination_ip_prohibited": Cause.PROXY_DENIED,
    "http_request_denied": Cause.PROXY_DENIED,
    "destination_unavailable": Cause.PROXY_TARGET_FAILED,
    "destination_ip_unroutable": Cause.PROXY_TARGET_FAILED,
    "connection_refused": Cause.PROXY_TARGET_FAILED,
    "connection_terminated": Cause.PROXY_TARGET_FAILED,
    "connection_timeout": Cause.PROXY_TARGET_FAILED,
}
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?')
_PROXY_ERROR = re.compile(r";\s*error=([a-z_]+)")
_SCHEME = re.compile(r"\s*([\w!#$%&'*+.^`|~-]++)(?!\s*=)", re.ASCII)  # a word before "=" is a parameter
_LITERAL = re.compile(r"\[.*\]:\d+|[\d.]+:\d+")  # an authority with an address
_TELLING = ("location", "x-squid-error", "proxy-status")  # header fields that say more of a refusal


class Tunnel:
    """One CONNECT. Send ``request()``, then ``feed`` what comes until ``open``; ``leftover`` is the tunnel's own."""

    def __init__(self, authority: str, credentials: Credentials | None = None) -> None:
        """Ask for a tunnel to *authority* (``host:port``), with Basic *credentials* if there are any."""
        self.authority = authority
        self.status: int | None = None
        self.reason = ""
        self.http_version = ""
        self.headers: dict[str, str] = {}
        self.offered: tuple[str, ...] = ()
        self.leftover = b""
        self.open = False
        self._body = b""
        self._credentials = credentials
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_SIZE)
        self._head = Head()

    @property
    def body(self) -> str:
        """What has come of a refusal's body, fit to show and without our secrets."""
        return excerpt(self._hidden(self._body.decode("utf-8", "backslashreplace")), REFUSAL_SIZE)

    def request(self) -> bytes:
        """Return the request to send; to be called once."""
        fields = {"Host": self.authority, "User-Agent": USER_AGENT}
        if self._credentials is not None:
            fields["Proxy-Authorization"] = f"Basic {_basic(self._credentials)}"
        asked = h11.Request(method="CONNECT", target=self.authority, headers=list(fields.items()))
        return (self._http.send(asked) or b"") + (self._http.send(h11.EndOfMessage()) or b"")

    def feed(self, data: bytes) -> None:
        """Take bytes from the proxy; an empty *data* is the end of the stream.

        Raises ``PeerError`` if there is no tunnel, at once: what has come of the refusal's body by then is kept.
        Raises ``EOFError`` if the proxy says nothing whole.
        """
        self._head.take(data)
        for event in events(self._http, data):
            if isinstance(event, h11.Response):
                self._read(event)
            elif isinstance(event, h11.InformationalResponse):
                self._head.promise()
            elif isinstance(event, h11.Data):
                self._body = (self._body + event.data)[: 2 * REFUSAL_SIZE]
        if self.status is not None and not self.open:
            raise PeerError(self._cause(), self._detail())

    def _read(self, response: h11.Response) -> None:
        self.status = response.status_code
        self.reason = excerpt(self._hidden(response.reason.decode("latin-1")))
        self.http_version = response.http_version.decode("ascii")
        self.headers = {name: self._hidden(value) for name, value in joined(response).items()}
        self.offered = schemes(self.headers.get("proxy-authenticate", ""))
        self.open = 200 <= response.status_code < 300
        if self.open:
            self.leftover = bytes(self._http.trailing_data[0])

    def _cause(self) -> Cause:
        status = self.status or 0
        stated = [_BY_REASON[word] for word in self._stated_reasons() if word in _BY_REASON]
        if status == 407:
            return Cause.PROXY_AUTH
        if self._found_no_address():
            return Cause.PROXY_RESOLVE_FAILED
        return stated[0] if stated else _BY_STATUS.get(status, Cause.PROXY_DENIED)

    def _found_no_address(self) -> bool:
        """Whether squid 5 could not resolve the name: then it says 500 where older ones name the DNS.

        It says the same where it may only go through other caches, but then it does so for every target.
        """
        named = not _LITERAL.fullmatch(self.authority)
        return named and self.status == 500 and "ERR_CANNOT_FORWARD" in self._stated_reasons()

    def _stated_reasons(self) -> list[str]:
        squid = self.headers.get("x-squid-error", "").split()[:1]
        return squid + _PROXY_ERROR.findall(self.headers.get("proxy-status", ""))

    def _detail(self) -> str:
        said = f"{self.status} {self.reason}".rstrip()
        if self.status == 407:
            offers = ", ".join(self.offered) or "no scheme"
            return f"{said}, offers {offers}; credentials were {'' if self._credentials else 'not '}sent"
        notes = [f"{name}: {excerpt(self.headers[name])}" for name in _TELLING if name in self.headers]
        return ", ".join([said, *notes])

    def _hidden(self, text: str) -> str:
        """Take our own secrets out of what the proxy says: error pages like to repeat the request."""
        if self._credentials is None:
            return text
        for secret in _spellings(self._credentials):
            text = text.replace(secret, "***")
        return text

    def facts(self) -> dict[str, Scalar]:
        """Return what is known so far, as evidence."""
        known: dict[str, Scalar] = {
            "authority": self.authority,
            "status": self.status,
            "reason": self.reason,
            "http_version": self.http_version,
            "server": self.headers.get("server"),
            "via": self.headers.get("via"),
            "proxy_agent": self.headers.get("proxy-agent"),
            "offered": ", ".join(self.offered),
            "body": self.body,
        }
        return {key: value for key, value in known.items() if value not in (None, "")}


def schemes(field: str) -> tuple[str, ...]:
    """Return the authentication schemes in a Proxy-Authenticate field, each once (RFC 9110 section 11.6.1)."""
    found: dict[str, None] = {}
    for part in _QUOTED.sub("", field).split(","):
        scheme = _SCHEME.match(part)
        if scheme:
            found[scheme[1]] = None
    return tuple(found)


def _spellings(credentials: Credentials) -> Iterator[str]:
    """Yield the ways in which our secrets may come back."""
    password = credentials.password
    for secret in (_basic(credentials).rstrip("="), password, quote(password, safe=""), escape(password)):
        if len(secret) >= SHORTEST_SECRET:
            yield secret


def _basic(credentials: Credentials) -> str:
    """Return the token of the Basic scheme (RFC 7617)."""
    return base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode("ascii")
