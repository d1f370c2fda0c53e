"""Findings on a site from which next to nothing gets out."""

from __future__ import annotations

from rainbow_probe.explanations.shapes import Why, why

OFFLINE: dict[str, Why] = {
    "offline": why(
        "No peer beyond this machine sent a byte, not even a resolver.",
        "No link, no address, or a network that lets nothing out before a log-in.",
        "Connect this machine, and see that any web site opens; then run again.",
    ),
    "only-dns": why(
        "Resolvers answer, and nothing else does.",
        "A firewall that lets only the resolver pass; a proxy that this machine was not told of.",
        "Name the proxy with `--proxy`, or open the guide's ports: `rainbow-probe rules --all`.",
    ),
    "captive-portal": why(
        "A neutral web host is answered by a log-in page, and nothing of the service gets through.",
        "A guest network.",
        "Open a browser, log in, and run again.",
    ),
    "http-filtered": why(
        "Plain HTTP to a neutral host is answered by somebody else, while the service can be reached.",
        "A transparent proxy or web filter on TCP/80.",
        "Nothing, unless TURN over TCP/80 fails too: then exempt the TURN servers from it.",
    ),
}
