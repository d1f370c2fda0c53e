"""Configurations of the cloud's servers: nginx, prosody, coturn, dnsmasq and the push hosts."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from tests.lab import ejabberd, servers
from tests.lab.names import (
    AGENT,
    APNS,
    APNS_PORTS,
    CDN,
    DOMAIN,
    EJABBERD,
    EXPIRED,
    FCM,
    FCM_PORTS,
    HOSTS,
    MUTE,
    PORTAL_CHECK,
    RELAY_PORTS,
    RESOLVER,
    REST,
    SECOND,
    TURN,
    TURN_PASSWORD,
    TURN_USER,
    WEB,
    WRONG_NAME,
    XMPP_PASSWORD,
    XMPP_USER,
    Host,
)
from tests.lab.netns import Namespace
from tests.lab.pki import Pki
from tests.lab.servers import Server

REPOSITORY = Path(__file__).parents[2]
PROGRAM = {"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
"""The environment of the lab's own programs."""
XMPP_PORT = 5280
REST_PORT = 5285

NGINX = """\
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log warn;
events {{ worker_connections 2000; }}
http {{
  access_log {folder}/nginx-access.log;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxied; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_timeout 75s; default_type text/html;
  map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
  # prosody upgrades whoever sends a key, even when a proxy took the Upgrade away; others do not.
  map $http_upgrade $websocket_key {{ default $http_sec_websocket_key; "" ""; }}
{servers}
  server {{ listen {check4}:80; listen [{check6}]:80; return 204; }}
}}
"""
TLS_SERVER = """\
  server {{
    listen {v4}:443 ssl; listen [{v6}]:443 ssl; server_name {name};
    ssl_certificate {certificate}; ssl_certificate_key {key};
    {locations}
  }}"""
PAGE = 'location / { return 200 "<html><title>Rainbow lab</title></html>"; }'
SCRIPT_SIZE = 200_000  # bytes
SCRIPT = """\
location = / {{ return 200 "<html><title>Rainbow lab</title><script src=/client.js></script></html>"; }}
    location = /client.js {{ alias {script}; }}"""
"""The page of the CDN, and what belongs to it: fetched again and again to see how much comes in."""
SIGNALLING = f"""\
location = /api/rainbow/ping {{ default_type application/json; return 200 '{{"status":"OK"}}'; }}
    location = /api/rainbow/authentication/v1.0/about {{
      default_type application/json;
      return 200 '{{"version":"1.134.2","description":"Rainbow authentication portal (lab)"}}';
    }}
    location ~ ^/api/rainbow/(authentication/v1.0/log(in|out)|geolocation/) {{
      proxy_pass http://127.0.0.1:{REST_PORT}; proxy_set_header Host $host;
    }}
    location /api/ {{
      default_type application/json;
      return 401 '{{"errorCode":401,"errorMsg":"Unauthorized","errorDetails":"No token","errorDetailsCode":401000}}';
    }}
    location = /websocket {{
      proxy_pass http://127.0.0.1:{XMPP_PORT}; proxy_http_version 1.1; proxy_read_timeout 300s;
      proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade; proxy_set_header Sec-WebSocket-Key $websocket_key;
    }}
    {PAGE}"""
PROSODY = """\
run_as_root = true
daemonize = false
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/prosody"
certificates = "{folder}/prosody"
log = {{ info = "*console" }}
modules_enabled = {{ "roster", "saslauth", "disco", "ping", "websocket", "http" }}
modules_disabled = {{ "s2s", "s2s_auth_certs", "tls", "offline" }}
authentication = "internal_hashed"
storage = {{ accounts = "internal" }}
default_storage = "memory"
c2s_ports = {{ }}
c2s_direct_tls_ports = {{ }}
https_ports = {{ }}
http_ports = {{ {port} }}
http_interfaces = {{ "127.0.0.1" }}
http_paths = {{ websocket = "/websocket" }}
http_default_host = "{domain}"
trusted_proxies = {{ "127.0.0.1" }}
consider_websocket_secure = true
c2s_timeout = 300
VirtualHost "{domain}"
"""
DNSMASQ = """\
port=53
no-hosts
no-resolv
log-facility=-
bind-interfaces
listen-address={v4}
listen-address={v6}
local=/#/
host-record=ipv4only.arpa,192.0.0.170
host-record=ipv4only.arpa,192.0.0.171
{records}
"""


def start_all(namespace: Namespace, folder: Path, pki: Pki) -> Iterator[Server]:
    """Start every server of the cloud; the caller waits for them."""
    yield _nginx(namespace, folder, pki)
    yield _prosody(namespace, folder)
    yield _rest(namespace, folder)
    for host in TURN:
        yield _coturn(namespace, folder, pki, host)
    yield _dnsmasq(namespace, folder)
    yield _push(namespace, folder, pki)


def _nginx(namespace: Namespace, folder: Path, pki: Pki) -> Server:
    pages = [_tls_server(pki, host, SIGNALLING) for host in (REST, SECOND, EXPIRED, WRONG_NAME, AGENT)]
    pages.append(_tls_server(pki, EJABBERD, SIGNALLING.replace(str(XMPP_PORT), str(ejabberd.PORT))))
    script = folder / "client.js"
    script.write_bytes(b"/*".ljust(SCRIPT_SIZE - 2) + b"*/")
    pages += [_tls_server(pki, host, PAGE) for host in (*WEB, PORTAL_CHECK) if host is not CDN]
    pages.append(_tls_server(pki, CDN, SCRIPT.format(script=script)))
    path = folder / "nginx.conf"
    path.write_text(
        NGINX.format(folder=folder, servers="\n".join(pages), check4=PORTAL_CHECK.v4, check6=PORTAL_CHECK.v6),
        encoding="utf-8",
    )
    ports = (f"tcp/{REST.v4}:443", f"tcp/{PORTAL_CHECK.v4}:80")
    return servers.start(namespace, "nginx", ["nginx", "-c", str(path)], folder=folder, ports=ports)


def _tls_server(pki: Pki, host: Host, locations: str) -> str:
    return TLS_SERVER.format(
        v4=host.v4,
        v6=host.v6,
        name=host.name,
        certificate=pki.certificate(host.name),
        key=pki.key(host.name),
        locations=locations,
    )


def _prosody(namespace: Namespace, folder: Path) -> Server:
    accounts = folder / "prosody" / quote(DOMAIN, safe="").replace(".", "%2e") / "accounts"
    accounts.mkdir(parents=True)
    (accounts / f"{XMPP_USER}.dat").write_text(f'return {{ ["password"] = "{XMPP_PASSWORD}"; }};\n', encoding="ascii")
    path = folder / "prosody.cfg.lua"
    path.write_text(PROSODY.format(folder=folder, port=XMPP_PORT, domain=DOMAIN), encoding="utf-8")
    return servers.start(
        namespace, "prosody", ["prosody", "-F", "--config", str(path)], folder=folder, ports=(f"tcp/{XMPP_PORT}",)
    )


def _rest(namespace: Namespace, folder: Path) -> Server:
    command = [sys.executable, "-m", "tests.lab.rest_box", str(REST_PORT)]
    ports = (f"tcp/{REST_PORT}",)
    return servers.start(namespace, "rest", command, folder=folder, ports=ports, environment=PROGRAM)


def _coturn(namespace: Namespace, folder: Path, pki: Pki, host: Host) -> Server:
    database = folder / f"{host.name}.db"
    if Path("/var/lib/turn/turndb").exists():
        shutil.copy("/var/lib/turn/turndb", database)
    first, last = RELAY_PORTS
    options = {
        "listening-port": 3478,
        "tls-listening-port": 443,
        "realm": DOMAIN,
        "user": f"{TURN_USER}:{TURN_PASSWORD}",
        "cert": pki.certificate(host.name),
        "pkey": pki.key(host.name),
        "min-port": first,
        "max-port": last,
        "userdb": database,
        "pidfile": folder / f"{host.name}.pid",
        "relay-threads": 1,
        "log-file": "stdout",
    }
    command = ["turnserver", "-n", "--lt-cred-mech", "--no-cli", "--no-multicast-peers", "--simple-log"]
    command += [f"--{key}={value}" for key, value in options.items()]
    for address, shown in ((host.v4, host.v4), (host.v6, f"[{host.v6}]")):
        command += [f"--listening-ip={address}", f"--relay-ip={address}", f"--aux-server={shown}:80"]
    ports = tuple(f"{port[:3]}/{host.v4}:{port[4:]}" for port in ("udp/3478", "tcp/3478", "tcp/443", "tcp/80"))
    return servers.start(namespace, host.name, command, folder=folder, ports=ports)


def records(*, v6: bool) -> list[str]:
    """Return dnsmasq's lines for every name of the cloud."""
    return [f"host-record={host.name},{host.v4}" + (f",{host.v6}" if v6 else "") for host in HOSTS]


def _dnsmasq(namespace: Namespace, folder: Path) -> Server:
    path = folder / "dnsmasq.conf"
    lines = "\n".join(records(v6=True))
    path.write_text(DNSMASQ.format(v4=RESOLVER.v4, v6=RESOLVER.v6, records=lines), encoding="ascii")
    command = ["dnsmasq", "--keep-in-foreground", "--user=root", "--pid-file=", f"--conf-file={path}"]
    return servers.start(namespace, "dnsmasq", command, folder=folder, ports=("udp/53", "tcp/53"))


def _push(namespace: Namespace, folder: Path, pki: Pki) -> Server:
    specs = [_push_listener(pki, host, host.name, port, []) for host in FCM for port in (*FCM_PORTS, 443)]
    couriers = [(host, port) for host in APNS for port in APNS_PORTS]
    specs += [_push_listener(pki, host, APNS[0].name, port, ["apns-security-v3"]) for host, port in couriers]
    specs += [{"kind": "mute", "addresses": [MUTE.v4, MUTE.v6], "port": port} for port in (80, 443)]
    return boxes(namespace, "push", folder, specs)


def _push_listener(pki: Pki, host: Host, shown: str, port: int, alpn: list[str]) -> dict[str, object]:
    return {
        "kind": "push",
        "addresses": [host.v4, host.v6],
        "port": port,
        "certificate": str(pki.certificate(shown)),
        "key": str(pki.key(shown)),
        "alpn": alpn,
    }


def boxes(namespace: Namespace, name: str, folder: Path, specs: Sequence[Mapping[str, object]]) -> Server:
    """Start ``tests.lab.boxes`` with the listeners *specs*."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(specs), encoding="utf-8")
    command = [sys.executable, "-m", "tests.lab.boxes", str(path)]
    ports = sorted({f"tcp/{spec['port']}" for spec in specs})
    return servers.start(namespace, name, command, folder=folder, ports=ports, environment=PROGRAM)
