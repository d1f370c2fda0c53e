"""Failures of HTTP, of its upgrade to WebSocket, and of XMPP in that."""

from __future__ import annotations

from rainbow_probe.explanations.shapes import stage, why
from rainbow_probe.terms import Cause, Phase

UNSTEADY = why("The way broke before the answer.", "An unsteady link.", "Run again; then look at the link.")
BROKEN_TLS = why(
    "The TLS broke after its handshake.",
    "A server that wants a client's certificate; a box that damages what it carries.",
    "Exempt the host from inspection; if there is none, compare from another network.",
)

CUT_BY_SIZE = why(
    "The connection was cut twice after about the same number of bytes; with `--full`, by a control.",
    "A proxy that limits how much one tunnel may carry.",
    "Let tunnels to this host carry as much as calls need: gigabytes.",
)

HTTP = stage(
    Phase.HTTP,
    "A request and its answer, on plain or protected HTTP.",
    {
        Cause.CUT_AFTER_BYTES: CUT_BY_SIZE,
        Cause.CAPTIVE_PORTAL: why(
            "A request to a neutral host was answered by somebody else, with a login page or a redirect.",
            "A guest network.",
            "Open a browser, log in, and run again.",
        ),
        Cause.BLOCK_PAGE: why(
            "The answer is a page of a filter, not of the service: HTML where JSON is due, or a redirect to a "
            "foreign host.",
            "A web filter or TLS inspection with a category block.",
            "Put the host on the filter's list of allowed sites.",
        ),
        Cause.NOT_HTTP: why(
            "The answer is not HTTP.",
            "A protocol filter; something else listens there.",
            "Find by the first bytes who answers.",
        ),
        Cause.SERVER_ERROR: why(
            "The service answered 5xx, or says itself that it is not well.",
            "The service; or a gateway in front of it.",
            "Run again later; if it stays, tell the provider.",
        ),
        Cause.UNEXPECTED_REPLY: why(
            "HTTP, but not the answer this address gives.",
            "A reverse proxy, a filter without a recognisable page, or a change of the service.",
            "Read what answered (`body`, `server`, `via`), and compare from another network.",
        ),
        Cause.TIMEOUT: why(
            "The request was sent and nothing came back.",
            "A box that holds what it cannot inspect.",
            "Exempt the host from inspection.",
        ),
        Cause.RESET: why(
            "The connection was cut after the request.",
            "A content filter.",
            "Exempt the host from the filter.",
        ),
        Cause.CLOSED: why(
            "The connection was closed without an answer.",
            "A content filter; a server that went away.",
            "Run again; then exempt the host from the filter.",
        ),
        Cause.UNREACHABLE: UNSTEADY,
        Cause.TLS_ALERT: BROKEN_TLS,
    },
)

WEBSOCKET = stage(
    Phase.WEBSOCKET,
    "The HTTP Upgrade to WebSocket, with subprotocol `xmpp`.",
    {
        Cause.UPGRADE_REFUSED: why(
            "An HTTP answer other than 101, or a 101 that does not fit what was asked.",
            "A proxy that decrypts TLS and strips the `Upgrade` header (squid does by default).",
            "Let the Upgrade pass (squid: `http_upgrade_request_protocols websocket allow all`), or exempt the host.",
        ),
        Cause.SUBPROTOCOL_MISSING: why(
            "101, but not for subprotocol `xmpp`.",
            "A box that answers in place of the server.",
            "Exempt the host from the box that answers.",
        ),
        Cause.CAPTIVE_PORTAL: why(
            "The Upgrade was answered by a redirect to a foreign host.",
            "A guest network, or a filter with a page of its own.",
            "Open a browser, log in, and run again; else put the host on the list of allowed sites.",
        ),
        Cause.NOT_HTTP: why(
            "The answer is not HTTP.",
            "A protocol filter.",
            "Exempt the host from the filter.",
        ),
        Cause.SERVER_ERROR: why(
            "The service answered 5xx.",
            "The service.",
            "Run again later; if it stays, tell the provider.",
        ),
        Cause.UNEXPECTED_REPLY: why(
            "101, and then something that is not WebSocket.",
            "A box that does not understand WebSocket.",
            "Exempt the host from that box.",
        ),
        Cause.TIMEOUT: why(
            "No answer to the Upgrade.",
            "An inspection that waits for the end of a request that has none.",
            "Exempt the host from inspection.",
        ),
        Cause.RESET: why(
            "The connection was cut at the Upgrade.",
            "A filter against WebSocket.",
            "Exempt the host from the filter.",
        ),
        Cause.CLOSED: why(
            "The connection was closed at the Upgrade.",
            "As `reset`.",
            "Exempt the host from the filter.",
        ),
        Cause.UNREACHABLE: UNSTEADY,
        Cause.TLS_ALERT: BROKEN_TLS,
    },
)

XMPP = stage(
    Phase.XMPP,
    "The XMPP stream in the WebSocket (RFC 7395), and whether it stays open while idle.",
    {
        Cause.WRONG_DOMAIN: why(
            "The server opens a stream for another domain.",
            "The site file or `--map` leads to another server.",
            "Correct them.",
        ),
        Cause.STREAM_ERROR: why(
            "The server ends the stream with an error; the detail has its condition.",
            "The service: unknown host, policy, overload.",
            "Run again later; if it stays, tell the provider.",
        ),
        Cause.NOT_XMPP: why(
            "What came is not XMPP's framing, or is XML that must not be read (DTD, entities).",
            "Another WebSocket service; a box that rewrites.",
            "Exempt the host from the box; check `--map` and where the name leads.",
        ),
        Cause.UNEXPECTED_REPLY: why(
            "What came breaks the rules of WebSocket.",
            "A box that does not understand WebSocket.",
            "Exempt the host from that box.",
        ),
        Cause.CUT_AFTER_IDLE: why(
            "The link was silent and then was dead; with `--full`: dead sooner than clients send anything (60 s), "
            "while one with traffic lived on.",
            "A proxy or firewall that cuts idle connections sooner than the clients' keep-alive.",
            "Let idle connections to this host live for two minutes or more.",
        ),
        Cause.WENT_SILENT: why(
            "The stream opened and answered, and then fell silent; another link with traffic on it did so, too.",
            "A box that lets the first packets or bytes of a connection pass, and then none.",
            "Exempt this host from application control and quotas; compare with another network.",
        ),
        Cause.CUT_AFTER_TIME: why(
            "The link was cut after a time although there was traffic on it, and not by the server's own word.",
            "A proxy that limits how long a tunnel may live.",
            "Let connections to this host live for as long as they are used.",
        ),
        Cause.TIMEOUT: why(
            "No answer to the opening of the stream, or to a ping.",
            "A box that lets the Upgrade through and not what follows.",
            "Exempt the host from inspection.",
        ),
        Cause.RESET: why(
            "The connection was cut.",
            "A box that accepts only HTTP.",
            "Exempt the host from inspection.",
        ),
        Cause.CLOSED: why(
            "The peer closed.",
            "As `reset`; or the server does not like unauthenticated streams.",
            "Run again; then exempt the host from inspection.",
        ),
        Cause.UNREACHABLE: UNSTEADY,
        Cause.TLS_ALERT: BROKEN_TLS,
    },
)
