"""Whose certificates this machine trusts, and where that is written."""

from __future__ import annotations

import errno
import os
import re
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

from rainbow_probe.evidence import printable
from rainbow_probe.site.tools import output_of

KEYCHAINS = ("/Library/Keychains/System.keychain", "Library/Keychains/login.keychain-db")
"""What the site's administrator and its user added; the second is below the home folder."""
_BEGIN = b"-----BEGIN CERTIFICATE-----"
_PEM = re.compile("-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----")
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")  # how OpenSSL finds a certificate in a folder
_LARGEST = 1 << 24  # bytes; a larger file is no list of roots


def trust_stores(platform: str = sys.platform) -> tuple[str, ...]:
    """Describe the stores that ``ssl`` uses in this process, with their number of roots where that is cheap to know."""
    paths = ssl.get_default_verify_paths()
    file = _described(paths.openssl_cafile_env, paths.openssl_cafile, _in_file)
    folder = _described(paths.openssl_capath_env, paths.openssl_capath, _in_folders)
    return (*_of_system(platform), *file, *folder)


def _described(variable: str, default: str, count: Callable[[str], int]) -> tuple[str, ...]:
    """Describe what *variable* or *default* names; the latter only where there is something."""
    given = os.environ.get(variable, "")
    try:
        what = f"{count(given or default)} roots"
    except (OSError, ValueError):
        if not given:
            return ()
        what = "cannot be read"
    return (printable(f"{variable}={given} ({what})" if given else f"{default} ({what})"),)


def _in_file(path: str) -> int:
    file = Path(path)
    if not file.is_file() or file.stat().st_size > _LARGEST:
        raise OSError(errno.EINVAL, "not a list of certificates")
    return file.read_bytes().count(_BEGIN)


def _in_folders(paths: str) -> int:
    return sum(bool(_HASHED.fullmatch(file.name)) for path in paths.split(os.pathsep) for file in Path(path).iterdir())


def _of_system(platform: str) -> tuple[str, ...]:
    if platform == "darwin":
        return ("macOS keychains System and login",)
    if platform == "win32" and sys.platform == "win32":
        return (f"Windows ROOT ({len(ssl.enum_certificates('ROOT'))} roots)",)
    return ()


def machine_roots(platform: str = sys.platform) -> list[bytes]:
    """Return the certificates (PEM) of macOS's System and login keychains, which Python does not read by itself.

    Elsewhere the list is empty: ``ssl`` reads those stores. The keychains' trust settings are not read:
    a certificate that the user distrusts there is still returned.
    """
    if platform != "darwin":
        return []
    chains = [str(Path.home() / chain) for chain in KEYCHAINS]  # an absolute path stays as it is
    return parse_security(output_of("security", "find-certificate", "-a", "-p", *chains, environ=os.environ))


def parse_security(output: str) -> list[bytes]:
    """Return the certificates in the output of ``security find-certificate -p``, each once."""
    found = _PEM.findall(output.replace("\r\n", "\n"))
    return [f"{pem}\n".encode() for pem in dict.fromkeys(found)]
