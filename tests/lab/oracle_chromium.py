"""What a web client experiences at a site: headless Chromium with the site's proxy and certificates."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.lab import browser, probe
from tests.lab.browser import Browser, Message
from tests.lab.names import DOMAIN, REST, TURN, TURN_PASSWORD, TURN_USER, WEB
from tests.lab.site import Site

PAGE = Path(__file__).parent / "oracle_page.js"
LIMIT = 12.0  # seconds; nothing until then is silence. Chromium itself waits up to 40 s for a relay that is silent.
Answers = dict[str, dict[str, str]]
PAC = "pac"
"""The way that a PAC file says, for each destination its own."""

PAGES = {
    f"{REST.name}:443/tls": f"https://{REST.name}/api/rainbow/ping",
    **{f"{host.name}:443/tls": f"https://{host.name}/" for host in WEB},
}
SOCKETS = {f"{REST.name}:443/tls": f"wss://{REST.name}/websocket"}
URIS = {
    "3478/udp": "turn:{}:3478?transport=udp",
    "443/tls": "turns:{}:443?transport=tcp",
    "80/tcp": "turn:{}:80?transport=tcp",
}
RELAYS = {f"{host.name}:{door}": uri.format(host.name) for host in TURN for door, uri in URIS.items()}
RANGES = {f"{host.name}:49152/udp": host.name for host in TURN}
ASKED = {
    "fetch": PAGES, "websocket": SOCKETS, "turn": RELAYS, "range": RANGES,
    "limit_ms": LIMIT * 1000, "domain": DOMAIN, "user": TURN_USER,
}  # fmt: skip


def ask(site: Site, proxy: str) -> Answers:
    """Return what Chromium finds at *site* through *proxy*, past every proxy if that is empty, or by a PAC file."""
    by_pac = proxy.startswith(("pac:", "wpad"))
    way = PAC if by_pac else "proxy" if proxy else "direct"
    home = Path(tempfile.mkdtemp(prefix="home-", dir=site.folder))
    url = urlsplit(proxy)
    plain = urlunsplit(url._replace(netloc=url.netloc.rpartition("@")[2]))
    flags = [_by_pac(proxy) if by_pac else f"--proxy-server={plain}" if proxy else "--no-proxy-server"]
    trusted = [site.cloud.pki.ca(name) for name in site.scenario.probe.trusts]
    with browser.opened(site.enter(), home, trusted=trusted, flags=flags, environment=site.kerberos) as page:
        statuses = Statuses(page, user=url.username or "", password=url.password or "")
        page.heard = statuses.hear
        page.do("Network.enable")
        if url.username:
            page.do("Fetch.enable", handleAuthRequests=True)
        # The password is known to WebSocket and WebRTC once a fetch has needed it, and so is which proxies are gone.
        more = {"one_by_one": bool(url.username) or by_pac, "password": password_of(site)}
        found = page.call(PAGE.read_text(encoding="utf-8"), ASKED | more)
    found["fetch"] = {target: statuses.of(url) for target, url in PAGES.items()}
    return {f"chromium-{what} {way}": told for what, told in found.items()}


def _by_pac(given: str) -> str:
    url = given.removeprefix("pac:")
    return f"--proxy-pac-url={url}" if url != given else "--proxy-auto-detect"


def password_of(site: Site) -> str:
    """Return the password for the relays that is used at *site*; the right one where the probe has none."""
    return probe.environment(site).get("RAINBOW_PROBE_TURN_PASSWORD", TURN_PASSWORD)


class Statuses:
    """The status of each URL that a page fetched, or Chromium's own error, from the DevTools' events."""

    def __init__(self, page: Browser, *, user: str, password: str) -> None:
        """Know nothing yet; log in at the proxy as *user*."""
        self._page = page
        self._login = {"response": "ProvideCredentials", "username": user, "password": password}
        self._urls: dict[str, str] = {}
        self._found: dict[str, str] = {}

    def hear(self, method: str, told: Message) -> None:
        """Take one event."""
        if method == "Network.requestWillBeSent":
            self._urls.setdefault(told["requestId"], told["request"]["url"])
        elif method == "Network.responseReceived":
            self._found.setdefault(told["requestId"], str(told["response"]["status"]))
        elif method == "Network.loadingFailed":
            self._found.setdefault(told["requestId"], told["errorText"].removeprefix("net::"))
        elif method == "Fetch.requestPaused":
            self._page.say("Fetch.continueRequest", requestId=told["requestId"])
        elif method == "Fetch.authRequired":
            self._page.say("Fetch.continueWithAuth", requestId=told["requestId"], authChallengeResponse=self._login)

    def of(self, url: str) -> str:
        """Return the status or error of *url*."""
        number = next((number for number, one in self._urls.items() if one == url), "")
        return self._found.get(number, "silence").replace("ERR_ABORTED", "silence")
