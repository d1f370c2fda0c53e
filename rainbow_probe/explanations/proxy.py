"""Failures between this machine, its HTTP proxy, and what the proxy is asked for."""

from __future__ import annotations

from rainbow_probe.explanations.shapes import stage, why
from rainbow_probe.terms import Cause, Phase

PROXY = stage(
    Phase.PROXY,
    "From this machine to its proxy (HTTP, or SOCKS), and the CONNECT to the target.",
    {
        Cause.PROXY_UNREACHABLE: why(
            "The proxy's name does not resolve, or its port cannot be connected to; the detail says which.",
            "A wrong proxy setting, or the proxy is down.",
            "Correct the setting (the report says where it was found), or start the proxy.",
        ),
        Cause.PROXY_AUTH: why(
            "The proxy answers 407 (or SOCKS refuses the login): it wants credentials, or other ones. The schemes it "
            "offers are in `offered`, and what was sent in `scheme`. Wrong ones are sent once, by one check; the "
            "others say so.",
            "No user and password, or wrong ones; a ticket that is not for this proxy; a proxy that closes the "
            "connection in the middle of NTLM or Negotiate.",
            "Give the user and the password, or exempt the service's names from authentication.",
        ),
        Cause.PROXY_AUTH_UNTRIED: why(
            "The proxy answers 407 and offers a scheme that could not be tried from here, such as Negotiate without a "
            "ticket. Somebody who is logged on to the domain may get through: the check is inconclusive.",
            "The probe runs outside the domain, or as another user than the clients do.",
            "Run it as a user with a ticket (`kinit`, `klist`), or give a user and a password.",
        ),
        Cause.PROXY_DENIED: why(
            "The proxy refuses the target (403 and the like).",
            "CONNECT is allowed to port 443 only; the host is not on the list of allowed ones; a category filter.",
            "Permit CONNECT to that name and port: `rainbow-probe rules` writes it.",
        ),
        Cause.PROXY_RESOLVE_FAILED: why(
            "The proxy says that it cannot resolve the name.",
            "The proxy's own DNS does not know names of the Internet.",
            "Have the resolver that the proxy uses forward the names of the service.",
        ),
        Cause.PROXY_TARGET_FAILED: why(
            "The proxy was willing and could not reach the target (502, 503, 504); SOCKS may not know its name.",
            "The firewall lets the proxy out on port 443 only; the target is down.",
            "Open that port, outbound, for the proxy's own address.",
        ),
        Cause.PROXY_HTTP10: why(
            "The proxy answers CONNECT with HTTP/1.0.",
            "An old or simple proxy. Browsers do not mind; the WebRTC gateway needs HTTP/1.1.",
            "Switch the proxy to HTTP/1.1, or give the gateway another one.",
        ),
        Cause.PROXY_CAPACITY: why(
            "The proxy holds fewer tunnels open at once than the numbers given need, and opens one again when the "
            "others are gone.",
            "A limit on connections, in all or of one client; too few file handles or source ports there.",
            "Raise the proxy's limits, or exempt the gateway's media from it (UDP/3478 direct).",
        ),
        Cause.PAC_BROKEN: why(
            "The PAC file is there and says nothing that can be used: it is no JavaScript, fails, or does not end.",
            "A slip in its last change; a web page in its place. Browsers go on without a word as if there were none.",
            "Correct the file; the detail names the line.",
        ),
        Cause.NOT_HTTP: why(
            "What answers on the proxy's port is not HTTP.",
            "The port belongs to something else, for example a SOCKS proxy or a TLS one (`https://`).",
            "Correct the proxy's port, or its scheme.",
        ),
        Cause.NOT_SOCKS: why(
            "What answers on the SOCKS proxy's port is not SOCKS of the version that was asked for.",
            "The port belongs to something else, for example an HTTP proxy; versions 4 and 5 are mixed up.",
            "Correct the proxy's port, or its scheme (`socks5://`, `socks4://`, `http://`).",
        ),
        Cause.TIMEOUT: why(
            "The proxy took the connection and never answered the CONNECT.",
            "The proxy waits for a target that its firewall drops; an overloaded proxy.",
            "Open the port, outbound, for the proxy; look at its load.",
        ),
        Cause.RESET: why(
            "The proxy cut the connection.",
            "An access list that cuts instead of answering.",
            "Look for the CONNECT in the proxy's log, and permit it.",
        ),
        Cause.CLOSED: why(
            "The proxy closed the connection without an answer.",
            "As `reset`; or a proxy that wants TLS.",
            "Look for the CONNECT in the proxy's log; try it with `https://` in the setting.",
        ),
        Cause.UNREACHABLE: why(
            "The way to the proxy broke before its answer.",
            "An unsteady link.",
            "Run again; then look at the network between here and the proxy.",
        ),
        Cause.TLS_ALERT: why(
            "The TLS to an `https://` proxy broke before its answer.",
            "The proxy wants a client's certificate.",
            "Exempt this machine from it: the probe has none to show.",
        ),
    },
)
