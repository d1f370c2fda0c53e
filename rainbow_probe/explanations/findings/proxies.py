"""Findings on the site's proxy."""

from __future__ import annotations

from rainbow_probe.explanations.shapes import Why, why

PROXIES: dict[str, Why] = {
    "proxy-unreachable": why(
        "No check reached the proxy: no connection came about, or its name does not resolve.",
        "A wrong setting, or a proxy that is down.",
        "Correct the setting (the report says where it was found), or start the proxy.",
    ),
    "proxy-silent": why(
        "The proxy takes connections and never answers CONNECT.",
        "An overloaded proxy, or something else on its port that waits for other words.",
        "Look at the proxy's log and load; check the port.",
    ),
    "proxy-not-http": why(
        "What listens at the proxy's address answers, and not in HTTP (or SOCKS).",
        "A SOCKS proxy, a TLS one (`https://`), or another service on that port.",
        "Correct the proxy's port, or its scheme.",
    ),
    "proxy-passes-nothing": why(
        "The proxy says 200 to CONNECT, and no target is heard through any tunnel.",
        "The firewall behind the proxy lets nothing out; a proxy that says 200 before it connects.",
        "Let the proxy out to the service's names and ports.",
    ),
    "proxy-address-dead": why(
        "Some addresses of the proxy do not work, while others do.",
        "One of several proxies is down.",
        "Start it, or take its address out of DNS.",
    ),
    "proxy-auth": why(
        "The proxy answers 407; the schemes it offers are named.",
        "No or wrong user and password, or a scheme that the client does not speak.",
        "Give `RAINBOW_PROBE_PROXY_USER` and `RAINBOW_PROBE_PROXY_PASSWORD`, or exempt the service's names.",
    ),
    "proxy-denied": why(
        "The proxy refuses every CONNECT.",
        "This machine, or its user, is not allowed to use the proxy.",
        "Permit CONNECT from this network: `rainbow-probe rules`.",
    ),
    "proxy-denies-PORT": why(
        "The proxy refuses CONNECT to this port, to whichever host, and opens tunnels to others.",
        "CONNECT is allowed to port 443 only, as most proxies do by default.",
        "Permit CONNECT to the TURN servers on that port: `rainbow-probe rules`.",
    ),
    "proxy-denies-name": why(
        "The proxy refuses these names, and opens tunnels to others.",
        "A category filter, or a list of allowed hosts.",
        "Put the names on the list: `rainbow-probe rules`.",
    ),
    "proxy-denies-addresses": why(
        "The proxy refuses CONNECT by address, and opens tunnels to the same hosts by name.",
        "A rule against addresses in place of names.",
        "Allow it for the addresses of the TURN servers, or update the WebRTC gateway to 1.75 or later.",
    ),
    "proxy-dns": why(
        "The proxy says that it cannot resolve these names.",
        "The proxy's own resolver does not know names of the Internet.",
        "Have the resolver that the proxy uses forward the names of the service.",
    ),
    "proxy-target-failed": why(
        "The proxy says that it cannot reach these targets (502, 503, 504).",
        "The firewall lets the proxy out on few ports only; the target is down.",
        "Open the port, outbound, for the proxy's own address.",
    ),
    "proxy-http10": why(
        "The proxy answers CONNECT in HTTP/1.0.",
        "An old or simple proxy; browsers do not mind.",
        "Switch it to HTTP/1.1 where a WebRTC gateway uses it.",
    ),
    "proxy-no-upgrade": why(
        "The upgrade to WebSocket is refused, HTTPS to the same host by the same way works.",
        "A box that decrypts TLS and takes the `Upgrade` header out; squid does so by default.",
        "Let the Upgrade pass (squid: `http_upgrade_request_protocols websocket allow all`), or exempt the host.",
    ),
}
