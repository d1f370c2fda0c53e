"""What is really there at a site, seen with tools that share nothing with the probe: plain sockets, dig, openssl, curl.

A site file asks in one line and says the answer: ``"udp turn-sbg1.openrainbow.health 3478" = "silence"``.
"""

from __future__ import annotations

import base64
import os
import re
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tests.lab import clock, truth_nat, truth_office, truth_range
from tests.lab.names import BY_NAME, PROXY, REST
from tests.lab.netns import SYSTEM_PATH, inside
from tests.lab.site import Site

PATIENCE = 1.0
DAY = 86400  # seconds
SENT = 300  # datagrams to see a loss of a few per cent without fail
Asking = Callable[..., str]


def observe(site: Site, questions: Mapping[str, str]) -> dict[str, str]:
    """Return the answers seen at *site* to *questions*, all asked at once."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        return dict(zip(questions, pool.map(lambda question: ask(site, question), questions), strict=True))


def ask(site: Site, question: str) -> str:
    """Return the answer seen at *site* to one question: a kind and its arguments."""
    kind, *arguments = question.split()
    return KINDS[kind](site, *arguments)


def _udp(site: Site, name: str, port: str) -> str:
    """Answer, silence or refused: three STUN Binding requests."""

    def talk() -> str:
        with socket.socket(*_family(name, socket.SOCK_DGRAM)) as udp:
            udp.settimeout(PATIENCE / 3)
            udp.connect((_address(name), int(port)))
            return _first_of(3, lambda: udp.send(binding()), lambda: udp.recv(2048))

    return inside(site.lan, talk)


def _udp_sized(site: Site, name: str, port: str, size: str) -> str:
    """Answer or silence: Binding requests that make IP packets of *size* bytes and may not be cut up."""

    def talk() -> str:
        room = int(size) - 28 - 20 - 4
        padded = struct.pack("!HHI", 1, room + 4, 0x2112A442) + os.urandom(12) + struct.pack("!HH", 0xC0FE, room)
        with socket.socket(*_family(name, socket.SOCK_DGRAM)) as udp:
            udp.settimeout(PATIENCE / 3)
            udp.setsockopt(socket.IPPROTO_IP, 10, 3)  # IP_MTU_DISCOVER, IP_PMTUDISC_PROBE
            udp.connect((_address(name), int(port)))
            return _first_of(3, lambda: udp.send(padded + bytes(room)), lambda: udp.recv(2048))

    return inside(site.lan, talk)


def _udp_share(site: Site, name: str, port: str) -> str:
    """All, some or none of many STUN Binding requests are answered."""

    def talk() -> str:
        with socket.socket(*_family(name, socket.SOCK_DGRAM)) as udp:
            udp.settimeout(PATIENCE / 20)
            udp.connect((_address(name), int(port)))
            told = [_first_of(1, lambda: udp.send(binding()), lambda: udp.recv(2048)) for _ in range(SENT)]
        answered = told.count("answer")
        return "all" if answered == SENT else "some" if answered else "none"

    return inside(site.lan, talk)


def _both_ways(site: Site, name: str, port: str) -> str:
    """Return whether UDP gets to a port where somebody listens, and whether answers come back."""
    return truth_range.both_ways(site, _address(name), int(port))


def _udp_binding(site: Site, name: str, port: str, seconds: str) -> str:
    """Return whether what a port sends gets in so many seconds after the site has sent to it for a while."""
    return truth_range.kept(site, _address(name), int(port), float(seconds))


def _tcp(site: Site, name: str, port: str) -> str:
    """Open, silence, refused or unreachable."""

    def talk() -> str:
        try:
            _connect(name, port).close()
        except OSError as exc:
            return _named(exc)
        return "open"

    return inside(site.lan, talk)


def _stun_tcp(site: Site, name: str, port: str) -> str:
    """Stun, silence, closed, or the first line of whatever else comes back on a STUN Binding request."""

    def talk() -> str:
        try:
            with _connect(name, port) as tcp:
                tcp.sendall(binding())
                return _told(tcp.recv(2048))
        except OSError as exc:
            return _named(exc)

    return inside(site.lan, talk)


def _connect_through(site: Site, name: str, port: str) -> str:
    """Return the status of CONNECT through the site's proxy, then what STUN gets: ``200 stun``, ``403``."""
    return _tunnel(site, f"{name}:{port}", "")


def _carries(site: Site, name: str, port: str) -> str:
    """Whole or cut: half a megabyte of STUN through a tunnel of the site's proxy."""
    proxy = site.scenario.http_proxy

    def talk() -> str:
        carried = 0
        with suppress(OSError), socket.create_connection((PROXY, proxy.port if proxy else 0), PATIENCE) as tcp:
            tcp.sendall(f"CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n".encode())
            while carried < 500_000 and (data := tcp.recv(65536)):
                tcp.sendall(binding() * 50)
                carried += 50 * len(binding()) + len(data)
        return "whole" if carried >= 500_000 else "cut" if carried > 1000 else "nothing"

    return inside(site.lan, talk)


def _connect_as(site: Site, user: str, password: str, name: str, port: str) -> str:
    """Do as ``connect`` does, with a user and a password."""
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    return _tunnel(site, f"{name}:{port}", f"Proxy-Authorization: Basic {basic}\r\n")


def _tunnel(site: Site, target: str, header: str) -> str:
    proxy = site.scenario.http_proxy

    def talk() -> str:
        try:
            with socket.create_connection((PROXY, proxy.port if proxy else 0), PATIENCE) as tcp:
                tcp.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{header}\r\n".encode())
                answer = tcp.recv(4096)
                status = answer.split(b" ")[1].decode() if answer.startswith(b"HTTP/") else "closed"
                if status != "200":
                    return status
                tcp.sendall(binding())
                return f"{status} {_told(tcp.recv(2048))}"
        except OSError as exc:
            return _named(exc)

    return inside(site.lan, talk)


def _page(site: Site, url: str) -> str:
    """Return the first word of what curl gets from *url* in the site itself, without any proxy."""
    told = _run(site, "curl", "-s", "-m", "1", "--noproxy", "*", url)
    return (told.split() or ["silence"])[0]


def _socks(site: Site, name: str, port: str) -> str:
    """Return what curl makes of TLS to *name* through the site's proxy by SOCKS 5: its exit status, 0 for an answer."""
    proxy = site.scenario.http_proxy
    way = ["--proxy", f"socks5h://{PROXY}:{proxy.port}"] if proxy else []
    url = f"https://{name}:{port}/"
    trusted = str(site.cloud.pki.ca("public"))
    told = _run(site, "curl", "-s", "-m", "1.5", "-o", "/dev/null", "-w", "%{exitcode}", *way, "--cacert", trusted, url)
    return told.strip()


def _tls(site: Site, name: str, port: str) -> str:
    """Return who issued the certificate, and what openssl thinks of it."""
    return _certificate(site, name, "-connect", f"{_address(name)}:{port}")


def _tls_through(site: Site, name: str, port: str) -> str:
    """Do as ``tls`` does, through the proxy."""
    proxy = site.scenario.http_proxy
    way = ["-proxy", f"{PROXY}:{proxy.port}"] if proxy else []
    return _certificate(site, name, *way, "-connect", f"{name}:{port}")


def _certificate(site: Site, name: str, *way: str) -> str:
    trusted = str(site.cloud.pki.ca(*site.scenario.probe.trusts))
    told = _run(site, "openssl", "s_client", *way, "-servername", name, "-verify_hostname", name, "-CAfile", trusted)
    issuer = re.search(r"^issuer=.*?\bO = \"?([^,\"\n]+)", told, re.MULTILINE)
    verdict = re.search(r"Verify return code: \d+ \((.*)\)", told)
    return f"{issuer[1]}: {verdict[1]}" if issuer and verdict else told if told == "silence" else "refused"


def _dns(site: Site, name: str) -> str:
    """Return the addresses the site's resolver gives, or the code it answers with, or silence."""
    told = _run(site, "dig", "+tries=1", "+time=1", name)
    status = re.search(r"status: (\w+)", told)
    addresses = re.findall(r"\sIN\sA\s([\d.]+)", told)
    return " ".join(addresses) or (status[1] if status else "silence")


def _dns_at(site: Site, resolver: str, way: str, kind: str, name: str) -> str:
    """Return what one resolver answers over udp or tcp: ``NOERROR``, a code with its extended error, or silence."""
    plus = ["+tcp"] if way == "tcp" else ["+notcp", "+ignore"]
    told = _run(site, "dig", "+tries=1", "+time=1", *plus, f"@{resolver}", name, kind)
    status, extended = re.search(r"status: (\w+)", told), re.search(r"; EDE: (\d+)", told)
    return " ".join(found[1] for found in (status, extended) if found) or "silence"


def _resolves(site: Site, name: str) -> str:
    """Return the IPv4 addresses that the system gives to programs, or none."""
    told = _run(site, "getent", "ahostsv4", name)
    return " ".join(dict.fromkeys(re.findall(r"^([\d.]+)\s", told, re.MULTILINE))) or "none"


def _clock(site: Site) -> str:
    """Return how many days the clock of the machine is ahead of the true time."""
    return str(round((int(_run(site, "date", "+%s") or 0) - time.time()) / DAY))


def _http(site: Site, url: str) -> str:
    """Return the status of a direct request."""
    host = re.sub(r"^https?://|/.*", "", url)
    trusted = str(site.cloud.pki.ca(*site.scenario.probe.trusts, "operator"))
    resolve = ["--connect-to", f"{host}::{_address(host)}:"]
    told = _run(site, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", trusted, *resolve, url)
    return told.strip() or "silence"


def _upgrade(site: Site, way: str) -> str:
    """Return the status of the WebSocket upgrade, direct or through the proxy."""
    trusted = str(site.cloud.pki.ca("public", "corporate"))
    header = "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: xmpp"
    headers = [f"-H{line}" for line in (*header, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")]
    proxy = site.scenario.http_proxy
    through = ["--proxy", f"http://{PROXY}:{proxy.port}"] if way == "proxy" and proxy else ["--noproxy", "*"]
    told = _run(
        site, "curl", "-s", "-i", "-N", "-m", "1", "--http1.1", "--suppress-connect-headers", "--cacert", trusted,
        *headers, *through, "https://openrainbow.health/websocket",
    )  # fmt: skip
    status = re.search(r"^HTTP/\S+ (\d+)", told)
    return status[1] if status else "silence"


def _nat(site: Site) -> str:
    """Return how the site's NAT maps ports, and what it lets in."""
    return truth_nat.kind(site, binding())


def _exit(site: Site, protocol: str, name: str, port: str) -> str:
    """Return by which of the site's outside addresses a server sees it come."""
    return truth_nat.exit_of(site, binding(), protocol, _address(name), int(port))


def _login(site: Site, scheme: str, user: str, password: str) -> str:
    """Return what the proxy says to CONNECT with one *scheme*, by curl; user ``:`` is who has the ticket."""
    proxy = site.scenario.http_proxy
    who = ["--proxy-user", ":" if user == ":" else f"{user}:{password}"] if user != "none" else []
    told = _run(
        site, "env", *(f"{key}={value}" for key, value in site.kerberos.items()),
        "curl", "-s", "-o", "/dev/null", "-w", "%{http_connect}", "-k", f"--proxy-{scheme}{'auth' * (scheme == 'any')}",
        "--proxy-insecure", *who, "--proxy", proxy.url if proxy else "", f"https://{REST.name}/",
    )  # fmt: skip
    return told.strip()


KINDS: Mapping[str, Asking] = {
    "udp": _udp,
    "udp-share": _udp_share,
    "udp-both-ways": _both_ways,
    "udp-binding": _udp_binding,
    "udp-sized": _udp_sized,
    "tcp": _tcp,
    "stun-tcp": _stun_tcp,
    "connect": _connect_through,
    "carries": _carries,
    "connect-as": _connect_as,
    "page": _page,
    "login": _login,
    "socks": _socks,
    "tls": _tls,
    "tls-through": _tls_through,
    "dns": _dns,
    "dns-at": _dns_at,
    "resolves": _resolves,
    "clock": _clock,
    "http": _http,
    "upgrade": _upgrade,
    "nat": _nat,
    "sip": truth_office.sip,
    "sip-arrives": truth_office.sip_arrives,
    "ntp-days": truth_office.ntp_days,
    "comes-back": truth_office.comes_back,
    "exit": _exit,
}


def binding() -> bytes:
    """Return a STUN Binding request, RFC 8489 section 5, made by hand."""
    return struct.pack("!HHI", 1, 0, 0x2112A442) + os.urandom(12)


def _address(name: str) -> str:
    """Return the address of *name*: IPv6 when it is written ``name/v6``."""
    plain, _, family = name.partition("/")
    if plain not in BY_NAME:
        return plain
    host = BY_NAME[plain]
    return host.v6 if family == "v6" else host.v4


def _family(name: str, kind: socket.SocketKind) -> tuple[socket.AddressFamily, socket.SocketKind]:
    return (socket.AF_INET6 if name.endswith("/v6") else socket.AF_INET), kind


def _connect(name: str, port: str) -> socket.socket:
    return socket.create_connection((_address(name), int(port)), PATIENCE)


def _first_of(tries: int, send: Callable[[], object], receive: Callable[[], object]) -> str:
    for _ in range(tries):
        try:
            send()
            receive()
        except TimeoutError:
            continue
        except OSError as exc:
            return _named(exc)
        return "answer"
    return "silence"


def _named(exc: OSError) -> str:
    if isinstance(exc, TimeoutError):
        return "silence"
    known: dict[type[OSError], str] = {ConnectionRefusedError: "refused", ConnectionResetError: "closed"}
    return known.get(type(exc), "unreachable")


def _told(data: bytes) -> str:
    if data[:2] == b"\x01\x01":
        return "stun"
    return data.split(b"\r\n")[0].decode("latin-1") or "closed"


def _run(site: Site, *command: str) -> str:
    """Run a command at the site, at most ``PATIENCE``; return what it prints, or silence."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed commands of ours
            site.enter(*command),
            input="Q\n",
            text=True,
            errors="replace",
            capture_output=True,
            check=False,
            timeout=PATIENCE + 1,
            env={
                "PATH": SYSTEM_PATH,
                "HOME": str(site.folder),
                **clock.environment_of(command[0], site.scenario.probe.clock),
            },
        )
    except subprocess.TimeoutExpired:
        return "silence"
    return done.stdout
