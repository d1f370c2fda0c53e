"""How the site's proxy knows its users: squid's own helpers for each scheme, and a Kerberos realm of the site's own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from tests.lab import servers
from tests.lab.names import PROXY, PROXY_PASSWORD, PROXY_USER, SITE_GATEWAY
from tests.lab.netns import SYSTEM_PATH, Namespace, run
from tests.lab.servers import Server

LIBRARY = Path("/usr/lib/squid")
REALM = "Lab proxy"
KERBEROS = "SITE.TEST"
SCHEMES = {
    "negotiate": """\
auth_param negotiate program {library}/negotiate_kerberos_auth -k {folder}/proxy.keytab -s GSS_C_NO_NAME -t none
auth_param negotiate children 2 startup=1
auth_param negotiate keep_alive on
""",
    "digest": """\
auth_param digest program {library}/digest_file_auth -c {folder}/digests
auth_param digest children 1 startup=1
auth_param digest realm {realm}
""",
    "basic": """\
auth_param basic program {library}/basic_ncsa_auth {folder}/users
auth_param basic children 1 startup=1
auth_param basic realm {realm}
""",
}
LOGINS = """\
acl known_user proxy_auth REQUIRED
logformat login %>Hs %{Proxy-Authorization}>h
access_log stdio:{folder}/logins.log login
"""
PROOFS = ("407 Basic", "407 Digest")
"""How lines of the log begin for a password, or a proof of one, that was not accepted."""
KRB5 = """\
[libdefaults]
default_realm = {realm}
dns_lookup_realm = false
dns_lookup_kdc = false
dns_canonicalize_hostname = false
rdns = false
default_ccache_name = FILE:{folder}/tickets
[realms]
{realm} = {{
  kdc = {kdc}:88
}}
[domain_realm]
{proxy} = {realm}
"""
KDC = """\
[kdcdefaults]
kdc_listen = {kdc}:88
kdc_tcp_listen = {kdc}:88
[realms]
{realm} = {{
  database_name = {folder}/principals
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
  supported_enctypes = aes128-cts-hmac-sha1-96:normal
}}
"""


def configure(folder: Path, schemes: Sequence[str], keytab: Path | None) -> str:
    """Write the files of squid's helpers into *folder*, and return the lines of squid.conf."""
    salted = run("openssl", "passwd", "-apr1", "-stdin", given=PROXY_PASSWORD).strip()
    (folder / "users").write_text(f"{PROXY_USER}:{salted}\n", encoding="ascii")
    secret = hashlib.md5(f"{PROXY_USER}:{REALM}:{PROXY_PASSWORD}".encode()).hexdigest()  # noqa: S324 - Digest is so
    (folder / "digests").write_text(f"{PROXY_USER}:{REALM}:{secret}\n", encoding="ascii")
    if keytab:
        (folder / "proxy.keytab").write_bytes(keytab.read_bytes())
    known = {"library": LIBRARY, "folder": folder, "realm": REALM}
    return "".join(SCHEMES[name].format(**known) for name in schemes) + LOGINS.replace("{folder}", str(folder))


def refused(folder: Path) -> int:
    """Return how many proofs of a password squid answered with 407."""
    log = folder / "logins.log"
    lines = log.read_text(encoding="ascii", errors="replace").splitlines() if log.exists() else []
    return sum(line.startswith(PROOFS) for line in lines)


class Realm:
    """A Kerberos realm below *folder*: its server runs at the site's gateway, and Alice may have a ticket."""

    def __init__(self, folder: Path) -> None:
        """Make the realm, with Alice and the proxy in it."""
        folder.mkdir()
        self._folder = folder
        known = {"realm": KERBEROS, "folder": folder, "kdc": SITE_GATEWAY, "proxy": PROXY}
        (folder / "krb5.conf").write_text(KRB5.format(**known), encoding="ascii")
        (folder / "kdc.conf").write_text(KDC.format(**known), encoding="ascii")
        self.keytab = folder / "proxy.keytab"
        run("env", *self._settings(), "kdb5_util", "-r", KERBEROS, "-P", "lab", "create", "-s")
        self._admin(f"addprinc -pw {PROXY_PASSWORD} {PROXY_USER}")
        self._admin(f"addprinc -randkey HTTP/{PROXY}")
        self._admin(f"ktadd -k {self.keytab} HTTP/{PROXY}")

    @property
    def environment(self) -> dict[str, str]:
        """What a machine that belongs to the realm has in its environment."""
        return {"KRB5_CONFIG": str(self._folder / "krb5.conf")}

    def start(self, border: Namespace) -> Server:
        """Start the realm's server."""
        command = ["env", *self._settings(), "krb5kdc", "-n", "-r", KERBEROS]
        return servers.start(border, "krb5kdc", command, folder=self._folder, ports=["tcp/88", "udp/88"])

    def log_on(self, lan: Namespace) -> None:
        """Give whoever works at the site a ticket."""
        lan.run("env", *self._settings(), "kinit", PROXY_USER, given=f"{PROXY_PASSWORD}\n")

    def _admin(self, query: str) -> None:
        run("env", *self._settings(), "kadmin.local", "-r", KERBEROS, "-q", query)

    def _settings(self) -> list[str]:
        profile = f"KRB5_KDC_PROFILE={self._folder / 'kdc.conf'}"
        return [*(f"{key}={value}" for key, value in self.environment.items()), profile, f"PATH={SYSTEM_PATH}"]


def environment() -> dict[str, str]:
    """Return what keeps this machine's own Kerberos out of a site that has none."""
    return {"KRB5_CONFIG": os.devnull, "KRB5CCNAME": "FILE:/nonexistent"}
