"""The site's HTTP proxy: squid, configured from the site file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.lab import logins, servers
from tests.lab.names import PROXY, RESOLVER, UNPLUGGED
from tests.lab.netns import Namespace, run
from tests.lab.pki import Pki
from tests.lab.scenario import HttpProxy
from tests.lab.servers import Server

RESOLVERS = {"": RESOLVER.v4, "denies": "127.0.0.1", "silent": UNPLUGGED.v4}
LIBRARY = Path("/usr/lib/squid")
CONFIG = """\
visible_hostname proxy.site.test
{kind}_port {port}{bumping}
pid_filename none
cache deny all
cache_mem 0 MB
access_log stdio:{folder}/squid-access.log
cache_log {folder}/squid-cache.log
coredump_dir {folder}
pinger_enable off
netdb_filename none
shutdown_lifetime 0 seconds
dns_nameservers {resolver}
hosts_file none
connect_timeout 3 seconds
forward_timeout 3 seconds
include {folder}/first.conf
{extra}
acl to_tunnel method CONNECT
acl tunnel_ports port {connect_ports}
http_access deny to_tunnel !tunnel_ports
{options}
http_access {permission}
"""
BUMP = """\
sslcrtd_program {library}/security_file_certgen -s {folder}/forged -M 4MB
sslcrtd_children 2 startup=1
tls_outgoing_options cafile={cafile}
acl hello at_step SslBump1
ssl_bump peek hello
{splice}
ssl_bump bump all
"""
BUMPING = " ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=4MB tls-cert={ca}"


def start(
    namespace: Namespace,
    folder: Path,
    settings: HttpProxy,
    pki: Pki,
    *,
    intercept: int = 0,
    web: int = 0,
    first: str = "",
    keytab: Path | None = None,
) -> Server:
    """Start squid; it also takes connections redirected to the ports *intercept* (TLS) and *web* (HTTP).

    The lines *first* stand before all that the site's file says. With *keytab* it can read Kerberos tickets.
    """
    folder.mkdir()
    (folder / "first.conf").write_text(first, encoding="utf-8")
    bumps = settings.bump or bool(intercept)
    extra = _bump(folder, pki, settings.splice) if bumps else ""
    if settings.login:
        extra += logins.configure(folder, settings.schemes, keytab)
    bumping = BUMPING.format(ca=pki.signing("corporate")) if bumps else ""
    own = f" tls-cert={pki.certificate(PROXY)} tls-key={pki.key(PROXY)}" if settings.tls else ""
    if intercept:
        extra += f"https_port {intercept} intercept{bumping}\n"
    if web:
        extra += f"http_port {web} intercept\n"
    path = folder / "squid.conf"
    path.write_text(
        CONFIG.format(
            kind="https" if settings.tls else "http",
            port=settings.port,
            bumping=bumping or own,
            folder=folder,
            resolver=RESOLVERS[settings.resolver],
            extra=extra,
            connect_ports=" ".join(map(str, settings.connect_ports)),
            options="\n".join(settings.options),
            permission="allow known_user" if settings.login else "allow all",
        ),
        encoding="utf-8",
    )
    _hand_over(folder)
    ports = [f"tcp/{port}" for port in (settings.port, intercept, web) if port]
    return servers.start(namespace, "squid", ["squid", "-N", "-f", str(path)], folder=folder, ports=ports)


def _bump(folder: Path, pki: Pki, spared: Sequence[str]) -> str:
    run(str(LIBRARY / "security_file_certgen"), "-c", "-s", str(folder / "forged"), "-M", "4MB")
    splice = f"acl spared ssl::server_name {' '.join(spared)}\nssl_bump splice spared" if spared else ""
    return BUMP.format(library=LIBRARY, folder=folder, splice=splice, cafile=pki.ca("public", "operator"))


def _hand_over(folder: Path) -> None:
    """Give *folder* to the user that squid becomes."""
    for here, _, files in os.walk(folder):
        for name in (here, *(str(Path(here, file)) for file in files)):
            shutil.chown(name, "proxy", "proxy")
