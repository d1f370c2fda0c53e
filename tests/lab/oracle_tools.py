"""The oracle's smaller programs: dig, curl, openssl and coturn's own client, each asked at the site."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.lab import clock
from tests.lab.names import AGENT, APNS, FCM, FCM_PORTS, MAIL, REST, TURN, TURN_USER, WEB, Host
from tests.lab.netns import SYSTEM_PATH
from tests.lab.oracle_chromium import password_of
from tests.lab.site import Site

LIMIT = 12.0  # seconds; nothing until then is silence
LATE, NONE = "silence", "nothing"
Answers = dict[str, str]
Asking = Callable[[], str]

SIGNALLING = (REST, AGENT)
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: xmpp",
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")  # fmt: skip
RELAY_WAYS = {"3478/udp": [], "443/tls": ["-t", "-S", "-p", "443"], "80/tcp": ["-t", "-p", "80"]}


def ask(site: Site, proxy: str) -> dict[str, Answers]:
    """Return the answers of each program; *proxy* is the URL of the proxy that the site's machine uses, or empty."""
    asked = {
        "dig": _dig(site),
        "curl direct": _curl(site, ""),
        "openssl direct": _openssl(site, ""),
        "turnutils_uclient direct": _uclient(site),
    }
    if proxy:
        asked["curl proxy"] = _curl(
            site, proxy.replace("socks5:", "socks5h:")
        )  # names are the proxy's, as Chromium has it
    settings = site.scenario.http_proxy
    if proxy.startswith("http:") and settings and settings.schemes == ("basic",):  # openssl knows no others
        asked["openssl proxy"] = _openssl(site, proxy)
    with ThreadPoolExecutor(max_workers=24) as pool:
        waiting = {tool: {key: pool.submit(one) for key, one in found} for tool, found in asked.items()}
        return {tool: {key: one.result() for key, one in found.items()} for tool, found in waiting.items()}


def _dig(site: Site) -> Iterator[tuple[str, Asking]]:
    """Give what the system's resolver is told: the addresses, or the code of the answer."""
    for host in (REST, *WEB, AGENT, *MAIL, *TURN):
        yield host.name, partial(_addresses, site, host.name)


def _addresses(site: Site, name: str) -> str:
    told = [run(site, "dig", "+tries=2", "+time=2", kind, name)[1] for kind in ("A", "AAAA")]
    found = [address for text in told for address in re.findall(r"\sIN\s(?:A|AAAA)\s(\S+)", text)]
    status = re.search(r"status: (\w+)", told[0])
    return " ".join(sorted(found)) or (status[1] if status else LATE)


def _curl(site: Site, proxy: str) -> Iterator[tuple[str, Asking]]:
    """Give the status of each page, and of the upgrade to WebSocket; curl's own number where there is none."""
    trusted = ("public", "operator", *site.scenario.probe.trusts)
    own = ["--proxy-cacert", str(site.cloud.pki.ca("corporate")), *(["--proxy-user", ":"] if site.realm else [])]
    through = ["--proxy", proxy, "--proxy-anyauth", *(own if "@" not in proxy else own[:2])]
    way = [*(through if proxy else ["--noproxy", "*"]), "--suppress-connect-headers"]
    command = ["curl", "-s", "-i", "-N", "--http1.1", "--cacert", str(site.cloud.pki.ca(*dict.fromkeys(trusted))), *way]
    for host in (REST, *WEB):
        path = "/api/rainbow/ping" if host is REST else "/"
        yield _key(host, "443/tls"), partial(_status, site, *command, f"https://{host.name}{path}")
    for host in SIGNALLING:
        upgrade = [f"-H{line}" for line in UPGRADE]
        url = f"https://{host.name}/websocket"
        # The link stays open when all is well: what came in the first seconds is enough.
        yield f"upgrade:{host.name}", partial(_status, site, *command, "-m", "6", *upgrade, url)


def _status(site: Site, *command: str) -> str:
    code, told = run(site, *command)
    status = re.match(r"HTTP/\S+ (\d+)", told)
    return status[1] if status else LATE if code in {None, 28} else f"error {code}"  # 28: time-out, curl(1)


def _openssl(site: Site, proxy: str) -> Iterator[tuple[str, Asking]]:
    """Give whose certificate each TLS host shows, and what openssl thinks of it with what this machine trusts."""
    hosts = [(host, port) for host in FCM[:3] for port in FCM_PORTS] if not proxy else []
    hosts += [(host, 443) for host in APNS[:2]] if not proxy else []
    hosts += [(host, 443) for host in (REST, AGENT, *TURN)]
    for host, port in hosts:
        yield _key(host, f"{port}/tls"), partial(_issuer, site, host.name, port, proxy)


def _issuer(site: Site, name: str, port: int, proxy: str) -> str:
    """Ask over IPv4 first: openssl itself waits for one address longer than anybody would."""
    told = _shown(site, name, "-4", *_through(proxy), "-connect", f"{name}:{port}")
    return told if ": " in told or proxy else _shown(site, name, "-6", "-connect", f"{name}:{port}").replace(NONE, told)


def _shown(site: Site, name: str, *way: str) -> str:
    trusted = str(site.cloud.pki.ca(*site.scenario.probe.trusts))
    asked = ["-servername", name, "-verify_hostname", name, "-CAfile", trusted, "-alpn", "apns-security-v3,http/1.1"]
    code, told = run(site, "openssl", "s_client", *way, *asked)
    issuer = re.search(r"^issuer=.*?\bO = \"?([^,\"\n]+)", told, re.MULTILINE)
    verdict = re.search(r"Verify return code: \d+ \((.*)\)", told)
    return f"{issuer[1]}: {verdict[1]}" if issuer and verdict else LATE if code is None else NONE


def _through(proxy: str) -> list[str]:
    login, _, place = proxy.removeprefix("http://").rpartition("@")
    user, _, password = login.partition(":")
    named = ["-proxy_user", user, "-proxy_pass", f"pass:{password}"] if login else []
    return ["-proxy", place, *named] if proxy else []


def _uclient(site: Site) -> Iterator[tuple[str, Asking]]:
    """Tell whether packets come back through the relay. This client does not verify certificates."""
    login = ["-u", TURN_USER, "-w", password_of(site)]
    for host in TURN:
        for door, way in RELAY_WAYS.items():
            command = ["turnutils_uclient", *way, "-y", "-c", "-n", "1", *login, host.name]
            yield _key(host, door), partial(_relayed, site, *command)


def _relayed(site: Site, *command: str) -> str:
    return "relayed" if "tot_recv_msgs=2" in run(site, *command)[1] else NONE


def _key(host: Host, door: str) -> str:
    return f"{host.name}:{door}"


def run(site: Site, *command: str) -> tuple[int | None, str]:
    """Run a command at the site for at most ``LIMIT``; return its exit status, None if it was late, and its output."""
    wrong = clock.environment_of(command[0], site.scenario.probe.clock)
    environment: Mapping[str, str] = {"PATH": SYSTEM_PATH, "HOME": str(site.folder), **wrong, **site.kerberos}
    with subprocess.Popen(  # noqa: S603 - fixed commands of ours
        site.enter(*command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", env=environment,
    ) as process:  # fmt: skip
        try:
            told = process.communicate("Q\n", timeout=LIMIT)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            return None, process.communicate()[0]
    return process.returncode, told
