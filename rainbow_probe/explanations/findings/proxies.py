"""Findings on the site's proxy."""

from __future__ import annotations

from rainbow_probe.explanations.shapes import Why, why

PROXIES: dict[str, Why] = {
    "pac-broken": why(
        "The PAC file cannot be used, or fails for some addresses: browsers go direct without a word, or hang.",
        "A slip in its last change, or a web page in its place.",
        "Correct the file; the detail names the line.",
    ),
    "pac-unreachable": why(
        "The PAC file that the settings name cannot be fetched: browsers wait for it, and then go direct.",
        "A setting that was left behind, or its server is down.",
        "Correct the setting, or the server.",
    ),
    "proxy-entry-dead": why(
        "A proxy of the PAC file's list cannot be reached, and clients go on to the next entry: each loses time on it.",
        "One of several proxies is down.",
        "Start it, or take it out of the list.",
    ),
    "bypass-blocked": why(
        "What a PAC file or the exceptions send past the proxy gets no answer there, and does by the proxy.",
        "A PAC file that forgets `wss://` or a port, or an exception from before the firewall was closed.",
        "Let it go by the proxy, or open the way past it.",
    ),
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
        "No or wrong user and password; no Kerberos ticket where the clients have one; a proxy that closes the "
        "connection in the middle of NTLM or Negotiate.",
        "Give `--proxy-user` and `RAINBOW_PROBE_PROXY_PASSWORD`, get a ticket, or exempt the service's names.",
    ),
    "proxy-denied": why(
        "The proxy refuses every CONNECT.",
        "This machine, or its user, is not allowed to use the proxy.",
        "Permit CONNECT from this network: `rainbow-probe rules --format squid`.",
    ),
    "proxy-denies-PORT": why(
        "The proxy refuses CONNECT to this port, to whichever host, and opens tunnels to others.",
        "CONNECT is allowed to port 443 only, as most proxies do by default.",
        "Permit CONNECT to the TURN servers on that port: `rainbow-probe rules --format squid`.",
    ),
    "proxy-denies-name": why(
        "The proxy refuses these names, and opens tunnels to others.",
        "A category filter, or a list of allowed hosts.",
        "Put the names on the list: `rainbow-probe rules --format squid`.",
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
    "proxy-no-way-out": why(
        "The proxy says that it cannot reach these targets, and a neutral host is as far from it.",
        "Its network, its parent proxy or the firewall behind it is down.",
        "Look at the proxy's own way to the Internet.",
    ),
    "proxy-cannot-reach-PORT": why(
        "The proxy reaches nobody on this port, not even a neutral host, and reaches others on other ports.",
        "The firewall behind the proxy lets it out on few ports only.",
        "Open the port, outbound, for the proxy's own address.",
    ),
    "proxy-target-closed": why(
        "The proxy cannot reach these targets, and they answer this machine directly.",
        "The firewall behind the proxy, or its list of parents, closes the way to them.",
        "Open the way to them for the proxy's own address.",
    ),
    "target-down": why(
        "Neither the proxy nor this machine reaches these targets, and both reach others.",
        "The target is down, or refuses this site's addresses.",
        "Run from another network too; if it fails there, tell the provider.",
    ),
    "proxy-target-failed": why(
        "The proxy says that it cannot reach these targets (502, 503, 504); whose fault it is, is not proven.",
        "The firewall behind the proxy closes the way to them; the target is down.",
        "Open the way to them for the proxy's own address.",
    ),
    "proxy-block-page": why(
        "The proxy says 200 to CONNECT and then speaks itself in the tunnel, in place of the target.",
        "A filter that shows its page so, without opening TLS.",
        "Put the hosts of the service on the list of what it lets through.",
    ),
    "box-cannot-reach": why(
        "A box that decrypts TLS answers with an error page that bears its own name.",
        "The way from that box to the Internet is closed, or it does not trust the server's certificate.",
        "Look at its log; or exempt the hosts from decryption.",
    ),
    "proxy-http10": why(
        "The proxy answers CONNECT in HTTP/1.0.",
        "An old or simple proxy; browsers do not mind.",
        "Switch it to HTTP/1.1 where a WebRTC gateway uses it.",
    ),
    "proxy-capacity": why(
        "The proxy holds fewer tunnels at once than the site's numbers need; a neutral host is refused then, too.",
        "A limit on connections, for all or for one client; this machine met the latter before the former.",
        "Raise the limits, or send media past the proxy (UDP/3478 direct).",
    ),
    "proxy-byte-cut": why(
        "The proxy cuts a tunnel after so many bytes, twice in a row; past it as much passes, or cannot be tried.",
        "A limit on how much one tunnel may carry: calls through the proxy break when they have carried that.",
        "Lift the limit for the TURN servers, or send media past the proxy (UDP/3478 direct).",
    ),
    "proxy-no-upgrade": why(
        "The upgrade to WebSocket is refused, HTTPS to the same host by the same way works.",
        "A box that decrypts TLS and takes the `Upgrade` header out; squid does so by default.",
        "Let the Upgrade pass (squid: `http_upgrade_request_protocols websocket allow all`), or exempt the host.",
    ),
}
