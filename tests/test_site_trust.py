"""Whose certificates this machine trusts, and where that is written."""

from __future__ import annotations

import os
import ssl
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.net.trust import Trust
from rainbow_probe.site import machine_roots
from rainbow_probe.site.trust import parse_security, trust_stores
from tests.site_samples import printing, sample


def test_keychains() -> None:
    """Each certificate once; what is torn or no base64 is passed over."""
    found = parse_security(sample("security-find-certificate.txt"))
    assert len(found) == 2
    assert len({ssl.PEM_cert_to_DER_cert(pem.decode()) for pem in found}) == 2


def test_what_is_found_can_be_trusted() -> None:
    """It is in the form in which the probe's own trust takes it."""
    roots = parse_security(sample("security-find-certificate.txt").replace("\n", "\r\n"))
    more = Trust(machine_roots=roots).strict.get_ca_certs()
    assert len(more) == len(Trust().strict.get_ca_certs()) + 2


@given(st.text())
def test_garbage_is_no_certificate(text: str) -> None:
    """Whatever the tool prints."""
    assert parse_security(text) == []


def test_keychains_are_macos_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There the tool is asked, elsewhere there is nothing to ask; a missing tool is no error."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine_roots("darwin") == [] or sys.platform == "darwin"
    printing(tmp_path, "security", "security-find-certificate.txt")
    assert len(machine_roots("darwin")) >= 2 or sys.platform == "darwin"
    assert machine_roots("linux") == machine_roots("win32") == []


def test_the_environments_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are named by their variables, with the number of their roots."""
    roots = tmp_path / "roots.pem"
    roots.write_bytes(b"".join(parse_security(sample("security-find-certificate.txt"))))
    for name in ("0a1b2c3d.0", "0a1b2c3d.1", "README"):
        (tmp_path / name).touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert trust_stores("linux") == (f"SSL_CERT_FILE={roots} (2 roots)", f"SSL_CERT_DIR={tmp_path} (2 roots)")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("path", ["/nowhere", "/dev/zero", "/\x07"])
def test_a_store_that_cannot_be_read_is_told(monkeypatch: pytest.MonkeyPatch, variable: str, path: str) -> None:
    """It may be the reason why nothing is trusted."""
    monkeypatch.setenv(variable, path)
    shown = path.replace("\x07", "\\x07")
    assert f"{variable}={shown} (cannot be read)" in trust_stores("linux")


def test_several_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of folders is one store."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0a1b2c3d.0").touch()
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join(str(tmp_path / name) for name in ("a", "b")))
    assert trust_stores("linux")[-1].endswith("(2 roots)")


def test_defaults_are_named_where_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without variables, what OpenSSL was built with, if it is there."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    assert all(store.endswith(" roots)") and "=" not in store for store in trust_stores("linux"))
    assert "macOS keychains System and login" in trust_stores("darwin")
