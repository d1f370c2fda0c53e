"""HTTP/1.1 exchanges, client side (RFC 9110, RFC 9112), on h11: bytes in, bytes and a bounded answer out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import h11

from rainbow_probe import __version__
from rainbow_probe.model import Cause, PeerError
from rainbow_probe.protocols.excerpt import excerpt

USER_AGENT = f"rainbow-probe/{__version__}"
HEAD_SIZE = 32 * 1024  # bytes of a status line and its header fields
BODY_SIZE = 64 * 1024  # bytes of a body that are kept; nothing that is judged is longer
MOST_INTERIM = 16  # 1xx answers before the one that counts; servers send one or two, RFC 9110 section 15.2
STATUS_LINE = b"HTTP/"  # how every answer begins, RFC 9112 section 4


class Client:
    """One connection to *host*, for one exchange after the other."""

    def __init__(self, host: str, body_size: int = BODY_SIZE, *, whole: bool = False) -> None:
        """Name *host* in every request, with its port where that is not the usual one; keep *body_size* bytes.

        What is longer ends the exchange, unless it is to be read as a *whole*, its rest let go.
        """
        self._host = host
        self._body_size, self._whole = body_size, whole
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_SIZE)

    @property
    def reusable(self) -> bool:
        """Whether another exchange can follow on this connection."""
        return self._http.states in ({h11.CLIENT: h11.IDLE, h11.SERVER: h11.IDLE}, _BOTH_DONE)

    def exchange(self, method: str, target: str, headers: Mapping[str, str] | None = None) -> Exchange:
        """Begin the next exchange. Raises ``EOFError`` if the last answer ended the connection."""
        if not self.reusable:
            raise EOFError("the connection ends with the last answer")
        if self._http.states == _BOTH_DONE:
            self._http.start_next_cycle()
        connection, size, whole = self._http, self._body_size, self._whole
        return Exchange(method, target, self._host, headers, connection=connection, body_size=size, whole=whole)


class Exchange:
    """One request and its answer. Send ``request()``, then ``feed`` what comes until ``done``."""

    def __init__(
        self,
        method: str,
        target: str,
        host: str,
        headers: Mapping[str, str] | None = None,
        *,
        connection: h11.Connection | None = None,
        body_size: int = BODY_SIZE,
        whole: bool = False,
    ) -> None:
        """Ask *host* for *target*; *headers* come after our own; *whole* as for a ``Client``."""
        self.status: int | None = None
        self.reason = ""
        self.http_version = ""
        self.headers: dict[str, str] = {}
        self.truncated = False
        self.done = False
        self.length = 0
        fields = {"Host": host, "User-Agent": USER_AGENT, "Accept": "*/*"} | dict(headers or {})
        self._asked = h11.Request(method=method, target=target, headers=list(fields.items()))
        self._http = connection or h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_SIZE)
        self._head = Head()
        self._body = bytearray()
        self._body_size, self._whole = body_size, whole

    @property
    def body(self) -> bytes:
        """What has come of the body, up to its bound; not unpacked, whatever its encoding."""
        return bytes(self._body)

    def request(self) -> bytes:
        """Return the request to send; to be called once."""
        return (self._http.send(self._asked) or b"") + (self._http.send(h11.EndOfMessage()) or b"")

    def feed(self, data: bytes) -> None:
        """Take bytes from the server; an empty *data* is the end of the stream.

        Raises ``EOFError`` if the stream ends too early, ``PeerError`` if it is not HTTP.
        """
        if self.status is None:
            self._head.take(data)
        for event in events(self._http, data):
            self._take(event)
            if self.done:
                return

    def _take(self, event: h11.Event) -> None:
        if isinstance(event, h11.Response):
            self.status, self.reason = event.status_code, excerpt(event.reason)
            self.http_version = event.http_version.decode("ascii")
            self.headers = joined(event)
        elif isinstance(event, h11.Data):
            self._keep(event.data)
        elif isinstance(event, h11.InformationalResponse):
            self._head.promise()
        elif isinstance(event, h11.EndOfMessage):
            self.done = True

    def _keep(self, data: bytes | bytearray | memoryview) -> None:
        self.length += len(data)
        self.truncated = self.length > self._body_size
        self._body += data[: self._body_size - len(self._body)]
        self.done = self.truncated and not self._whole


class Head:
    """Watches the first bytes of an answer, so that nobody waits for the end of something that is not HTTP."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._first = b""
        self._promises = 0

    def take(self, data: bytes) -> None:
        """Take bytes before the status is known. Raises as ``Exchange.feed`` does."""
        self._first += data[: HEAD_SIZE - len(self._first)]
        if not STATUS_LINE.startswith(self._first[: len(STATUS_LINE)]):
            raise PeerError(Cause.NOT_HTTP, f"answered '{excerpt(self._first)}'")
        if not data:
            raise EOFError(f"closed within '{excerpt(self._first)}'" if self._first else "closed before an answer")

    def promise(self) -> None:
        """Count an interim answer. Raises ``PeerError`` when they go on and on."""
        self._promises += 1
        if self._promises > MOST_INTERIM:
            raise PeerError(Cause.NOT_HTTP, f"more than {MOST_INTERIM} interim answers: '{excerpt(self._first)}'")


def events(http: h11.Connection, data: bytes) -> Iterator[h11.Event]:
    """Give *data* to *http* and yield what it makes of it; what comes before something broken comes out.

    Raises as ``Exchange.feed`` does.
    """
    http.receive_data(data)
    while isinstance(event := _next(http, data), h11.Event):
        yield event
        if isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            break


def _next(http: h11.Connection, data: bytes) -> object:
    try:
        return http.next_event()
    except h11.RemoteProtocolError as exc:
        if not data:
            raise EOFError("closed within its answer") from exc
        raise PeerError(Cause.NOT_HTTP, f"broken HTTP, {exc}: '{excerpt(data)}'") from exc


def joined(response: h11.Response) -> dict[str, str]:
    """Return the header fields by lower-case name; repeated ones are joined with commas (RFC 9110 section 5.3)."""
    fields: dict[str, str] = {}
    for name, value in response.headers:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    return fields


_BOTH_DONE = {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}
