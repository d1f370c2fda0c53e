"""XMPP over WebSocket (RFC 7395): open a stream and read what the server offers; no login."""

from __future__ import annotations

from html import escape

from rainbow_probe.model import Cause, PeerError, Scalar
from rainbow_probe.protocols import xml
from rainbow_probe.protocols.excerpt import excerpt
from rainbow_probe.protocols.xml import Element

SUBPROTOCOL = "xmpp"  # RFC 7395 section 3.1
FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"  # RFC 7395 section 3.3.2
STREAMS = "http://etherx.jabber.org/streams"  # RFC 6120 section 4.8.1
STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"  # RFC 6120 section 4.9.2
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"  # RFC 6120 section 6.3.3
NOT_SERVED = frozenset({"host-unknown", "host-gone"})  # RFC 6120 sections 4.9.3.5 and 4.9.3.6
MOST_MECHANISMS = 32
NAME_SIZE = 64  # characters of a mechanism's or feature's name


def open_frame(domain: str) -> str:
    """Return the frame that opens a stream to *domain* (RFC 7395 section 3.4)."""
    return f'<open xmlns="{FRAMING}" to="{escape(domain)}" version="1.0"/>'


def close_frame() -> str:
    """Return the frame that ends a stream (RFC 7395 section 3.6)."""
    return f'<close xmlns="{FRAMING}"/>'


def parse(frame: str) -> Element:
    """Read one frame. Raises ``PeerError`` with NOT_XMPP if it is not one harmless XML element."""
    try:
        return xml.parse(frame)
    except xml.HostileError as exc:
        raise PeerError(Cause.NOT_XMPP, f"{exc}: '{excerpt(frame)}'") from exc


class Opening:
    """The start of a stream. Send ``open_frame``, then ``feed`` text frames until ``done``."""

    def __init__(self, domain: str) -> None:
        """Expect the server of *domain*."""
        self.mechanisms: tuple[str, ...] = ()
        self.features: tuple[str, ...] = ()
        self.server: str | None = None
        self.opened = False
        self.done = False
        self._domain = domain

    def feed(self, frame: str) -> None:
        """Take one text frame. Raises ``PeerError``: NOT_XMPP, WRONG_DOMAIN or STREAM_ERROR."""
        if not frame.strip():
            return  # a keep-alive of older servers
        element = parse(frame)
        match element.namespace, element.name:
            case (namespace, "close") if namespace == FRAMING:
                raise PeerError(Cause.STREAM_ERROR, f"the server closed the stream{_elsewhere(element)}")
            case (namespace, "error") if namespace == STREAMS:
                raise _stream_error(element)
            case (namespace, "open") if namespace == FRAMING and not self.opened:
                self._open(element)
            case (namespace, "features") if namespace == STREAMS and self.opened:
                self._offer(element)
            case _:
                self._other(element)

    def _open(self, element: Element) -> None:
        self.opened = True
        self.server = excerpt(element.attributes.get("from", ""))
        if self.server and self.server.casefold() != self._domain.casefold():
            raise PeerError(Cause.WRONG_DOMAIN, f"the server answers for {self.server!r}, not for {self._domain!r}")

    def _offer(self, element: Element) -> None:
        names = (child for offer in element.find(SASL) for child in offer.children if child.name == "mechanism")
        self.mechanisms = tuple(excerpt(child.text, NAME_SIZE) for child in names)[:MOST_MECHANISMS]
        self.features = tuple(excerpt(child.name, NAME_SIZE) for child in element.children)[:MOST_MECHANISMS]
        self.done = True

    def _other(self, element: Element) -> None:
        """Skip what an open stream may carry besides; before that, it is no stream."""
        if not self.opened or element.name == "open":
            raise PeerError(Cause.NOT_XMPP, f"<{excerpt(element.name, NAME_SIZE)}> in '{excerpt(element.namespace)}'")

    def facts(self) -> dict[str, Scalar]:
        """Return what is known so far, as evidence."""
        known: dict[str, Scalar] = {"domain": self.server, "mechanisms": ", ".join(self.mechanisms) or None}
        return {key: value for key, value in known.items() if value is not None}


def _stream_error(error: Element) -> PeerError:
    """Name the condition of a stream error (RFC 6120 section 4.9.3) and what is said beside it."""
    stated = [child.name for child in error.find(STREAM_ERRORS) if child.name != "text"]
    words = [child.text for child in error.find(STREAM_ERRORS) if child.text]
    condition = stated[0] if stated else "an error without a condition"
    cause = Cause.WRONG_DOMAIN if condition in NOT_SERVED else Cause.STREAM_ERROR
    return PeerError(cause, excerpt(": ".join([condition, *words])))


def _elsewhere(close: Element) -> str:
    """Say where else the server sends us (RFC 7395 section 3.6.1)."""
    uri = close.attributes.get("see-other-uri")
    return f", use '{excerpt(uri)}'" if uri else ""
