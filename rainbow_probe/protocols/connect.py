"""HTTP CONNECT, client side (RFC 9110 section 9.3.6): open a tunnel through a proxy, or say why there is none."""

from __future__ import annotations

import re

import h11

from rainbow_probe.model import Cause, Credentials, PeerError, Scalar
from rainbow_probe.protocols.challenges import Challenge, challenges
from rainbow_probe.protocols.excerpt import excerpt
from rainbow_probe.protocols.http import HEAD_SIZE, USER_AGENT, Head, events, joined
from rainbow_probe.protocols.secrets import Secrets

REFUSAL_SIZE = 2048  # characters of a refusal's body that are shown
DRAIN_SIZE = 64 * 1024  # bytes of a body that are worth reading to keep the connection, and that are kept

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
_PROXY_ERROR = re.compile(r";\s*error=([a-z_]+)")
_LITERAL = re.compile(r"\[.*\]:\d+|[\d.]+:\d+")  # an authority with an address
_TELLING = ("location", "x-squid-error", "proxy-status")  # header fields that say more of a refusal
_EVIDENCE = ("server", "via", "proxy-agent", "proxy-connection", "x-cache", "x-squid-error", "proxy-status")
"""Header fields that name the proxy, what stands behind it, and why it answers so."""
_LASTS = frozenset({"keep-alive", "close"})


class Tunnel:
    """One CONNECT. Send ``request()``, then ``feed`` what comes until ``open``; ``leftover`` is the tunnel's own."""

    def __init__(self, authority: str, credentials: Credentials | None = None, authorization: str = "") -> None:
        """Ask for a tunnel to *authority* (``host:port``), with *authorization* as Proxy-Authorization if given.

        *credentials* are only known here to be kept out of the evidence.
        """
        self.authority = authority
        self.status: int | None = None
        self.reason = ""
        self.http_version = ""
        self.headers: dict[str, str] = {}
        self.challenges: tuple[Challenge, ...] = ()
        self.leftover = b""
        self.open = False
        self.ended = False
        self._body = b""
        self._authorization = authorization
        self._secrets = Secrets(credentials)
        self._secrets.learn(authorization)
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_SIZE)
        self._head = Head()

    @property
    def body(self) -> str:
        """What has come of a refusal's body, fit to show and without our secrets."""
        return excerpt(self._secrets.hidden(self._body.decode("utf-8", "backslashreplace")), REFUSAL_SIZE)

    @property
    def offered(self) -> tuple[str, ...]:
        """The schemes that the proxy offers, each once."""
        return tuple(dict.fromkeys(challenge.scheme for challenge in self.challenges))

    @property
    def lasts(self) -> bool:
        """Whether the connection can take another request after this refusal, once it has ``ended``.

        HTTP/1.1 says so by saying nothing (RFC 9112 section 9.3), HTTP/1.0 by a field that proxies have in two names.
        """
        said = f"{self.headers.get('connection', '')},{self.headers.get('proxy-connection', '')}".lower()
        words = {word.strip() for word in said.split(",")} & _LASTS
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        return framed and (words == {"keep-alive"} or (self.http_version == "1.1" and not words))

    def request(self) -> bytes:
        """Return the request to send; to be called once."""
        # Browsers and curl say Proxy-Connection; proxies of HTTP/1.0 go by it.
        fields = {"Host": self.authority, "User-Agent": USER_AGENT, "Proxy-Connection": "keep-alive"}
        if self._authorization:
            fields["Proxy-Authorization"] = self._authorization
        headers = [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in fields.items()]
        asked = h11.Request(method="CONNECT", target=self.authority, headers=headers)
        return (self._http.send(asked) or b"") + (self._http.send(h11.EndOfMessage()) or b"")

    def feed(self, data: bytes) -> None:
        """Take bytes from the proxy; an empty *data* is the end of the stream.

        Raises ``PeerError`` if there is no tunnel, at once: what has come of the refusal's body by then is kept.
        Raises ``EOFError`` if the proxy says nothing whole.
        """
        self._head.take(data)
        try:
            self._take(data)
        except PeerError:
            if self.status is None:  # else a broken page of a refusal is a refusal all the same
                raise
        if self.status is not None and not self.open:
            raise PeerError(self._cause(), self._detail())

    def drain(self, data: bytes) -> bool:
        """Take more of a refusal's body; return whether it has come to its end. Raises as ``feed`` does."""
        if not self.ended and (not data or len(self._body) >= DRAIN_SIZE):
            raise EOFError("closed within its answer" if not data else "the page of the refusal does not end")
        self._take(data)
        return self.ended

    def _take(self, data: bytes) -> None:
        for event in events(self._http, data):
            if isinstance(event, h11.Response):
                self._read(event)
            elif isinstance(event, h11.InformationalResponse):
                self._head.promise()
            elif isinstance(event, h11.Data):
                self._body = (self._body + event.data)[:DRAIN_SIZE]
            elif isinstance(event, h11.EndOfMessage):
                self.ended = True

    def _read(self, response: h11.Response) -> None:
        self.status = response.status_code
        self.reason = excerpt(self._secrets.hidden(response.reason.decode("latin-1")))
        self.http_version = response.http_version.decode("ascii")
        fields = joined(response)
        # What a proxy says of itself in UTF-8, or in anything else, goes back to it as it came.
        asked = fields.get("proxy-authenticate", "").encode("latin-1").decode("utf-8", "surrogateescape")
        self.challenges = challenges(asked)
        self.headers = {name: self._secrets.hidden(value) for name, value in fields.items()}
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
            sent = f"{self.scheme} was" if self._authorization else "no credentials were"
            return f"{said}, offers {self._offers()}; {sent} sent"
        notes = [f"{name}: {excerpt(self.headers[name])}" for name in _TELLING if name in self.headers]
        return ", ".join([said, *notes])

    @property
    def scheme(self) -> str:
        """The scheme of what we sent; empty if that was nothing."""
        return self._authorization.partition(" ")[0]

    def _offers(self) -> str:
        return excerpt(", ".join(self.offered)) or "no scheme"

    def facts(self) -> dict[str, Scalar]:
        """Return what is known so far, as evidence."""
        known: dict[str, Scalar] = {
            "authority": self.authority,
            "status": self.status,
            "reason": self.reason,
            "http_version": self.http_version,
            **{name.replace("-", "_"): self.headers.get(name) for name in _EVIDENCE},
            "offered": ", ".join(self.offered),
            "scheme": self.scheme,
            "body": self.body,
        }
        return {key: value for key, value in known.items() if value not in (None, "")}
